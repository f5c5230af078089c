"""Copy to the clipboard of the terminal that the person sits at, also over SSH and inside tmux."""

from __future__ import annotations

import base64
import os
from typing import Any

from textual.app import App

LIMIT = 74_994
"""Encoded bytes that every terminal with OSC 52 takes; longer ones are cut or dropped in silence.

The same figure as k9s uses: xterm takes 100,000 bytes with its own framing."""


def copy(app: App[Any], text: str, otherwise: str = "Save it to a file instead.") -> str:
    """Send the text to the terminal's clipboard; returns the sentence to tell the person.

    It never says that the text is in the clipboard, because no terminal answers that. `otherwise`
    is said when the text is too long: name the key that saves it where there is one.
    """
    if not text:
        return "There is nothing to copy."
    data = text.encode("utf-8", "replace")
    encoded = base64.b64encode(data).decode("ascii")
    if len(encoded) > LIMIT:
        return (
            f"Too long for a terminal's clipboard: {len(encoded):,} of {LIMIT:,} bytes. {otherwise}"
        )
    app.copy_to_clipboard(data.decode())
    if not os.environ.get("TMUX"):
        return f"Sent to the terminal's clipboard: {_amount(text)}."
    # tmux takes the plain form with `set-clipboard on` and passes the wrapped one through with
    # `allow-passthrough on`; we cannot ask which, and both set the same text.
    if app._driver is not None:
        app._driver.write(f"\x1bPtmux;\x1b\x1b]52;c;{encoded}\x07\x1b\\")
    return f"Sent to tmux's and the terminal's clipboard: {_amount(text)}."


def _amount(text: str) -> str:
    lines = text.count("\n") + 1
    return f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
