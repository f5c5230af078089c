"""The screen as text, and its comparison with a file that a person can read in a diff."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from textual._context import visible_screen_stack
from textual.app import App

FOLDER = Path(__file__).parent / "golden"
UPDATE = "AMLTUI_UPDATE_GOLDEN"
# Read before any test: fixtures clear AMLTUI_* so that nobody's settings reach a test.
UPDATING = os.environ.get(UPDATE) == "1"


def screen_text(app: App[Any]) -> str:
    """What stands on the screen, one line per row, without the blanks at the ends of lines."""
    visible_screen_stack.set(app._background_screens)
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def compare(name: str, text: str) -> None:
    """Fail unless the text is that of `tests/golden/NAME.txt`.

    With AMLTUI_UPDATE_GOLDEN=1 the file is written instead; look at the diff before it lands.
    """
    path = FOLDER / f"{name}.txt"
    if UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert path.exists(), f"no golden file {path.name}: run once with {UPDATE}=1 and review it"
    assert text == path.read_text(encoding="utf-8"), f"the screen differs from {path.name}"
