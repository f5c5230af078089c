"""Keys act on a text in the order in which they were typed."""

from __future__ import annotations

from textual.app import App, ReturnType
from textual.binding import BindingsMap
from textual.widgets import Input, TextArea

# What edits; what a field inherits only scrolls, which is for those round it.
_OWN = {kind: BindingsMap(kind.BINDINGS).key_to_bindings for kind in (Input, TextArea)}
_SUBMIT = "submit"


class KeysInOrder(App[ReturnType]):
    """Textual hands a letter to the field at once, but backspace or an arrow, which have a binding,
    only once they have bubbled up from there to the app: of keys that come in one go, as on a slow
    line, the letters would overtake them. Here the keys that edit go the letters' way; enter ends
    the editing, and keeps its place among the keys of the dialogs round the field.
    """

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Run the binding of a key; `priority` is before the focused widget gets the key."""
        if await super()._check_bindings(key, priority):
            return True
        field = self.focused
        if not priority or not isinstance(field, (Input, TextArea)):
            return False
        own = _OWN[Input if isinstance(field, Input) else TextArea].get(key)
        if not own or own[0].action == _SUBMIT:
            return False
        field.call_later(self.run_action, own[0].action, field)
        return True
