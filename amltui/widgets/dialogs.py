"""Questions and bad news, over the pane they are about: keys first, outside text never markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Button, Input, Static

from amltui.domain.errors import AmltuiError
from amltui.domain.text import clean, clean_line

from .clipboard import copy
from .detail import DetailPanel, Item, Paragraph, Section
from .resource_table import ResourceTable
from .table_model import Cell, Column, TableRow


class Dialog(ModalScreen[ScreenResultType]):
    """A box in the middle of the screen that takes the keys until it is answered."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > #box {
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 0 1;
            border: round $primary;
            border-title-color: $foreground;
            border-title-style: bold;
            background: $surface;
        }
        & > #box.-bad { border: round $error; }
        DetailPanel, DetailPanel:focus {
            height: auto;
            max-height: 75vh;
            padding: 0;
            border: none;
            border-bottom: blank;  /* the blank line says where one is in a long text */
            background: $surface;
        }
        #keys { color: $text-muted; }
        #buttons { height: 1; align-horizontal: right; }
        Button { margin: 0 0 0 2; min-width: 12; }
    }
    """

    def box(self, title: str, bad: bool = False) -> Vertical:
        """The frame with its title, to be composed into."""
        box = Vertical(id="box", classes="-bad" if bad else "")
        box.border_title = Content(clean_line(title))
        return box

    def reading(self, text: str) -> DetailPanel:
        """The text above the answers; up and down scroll it while an answer has the focus."""
        panel = DetailPanel([Section("", (Paragraph(text),))])
        panel.can_focus = False
        return panel

    def action_read(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one(DetailPanel).action_scroll_by(lines)


def _keys(text: str) -> Static:
    return Static(Content(text), id="keys")


class ErrorDialog(Dialog[None]):
    """What happened, why and what to do next; the raw text of the SDK behind a key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="error.close"),
        Binding("d", "toggle_detail", "Detail", id="error.detail"),
        Binding("y", "copy", "Copy", id="error.copy", tooltip="Copy all of it to the clipboard"),
    ]

    def __init__(self, error: AmltuiError) -> None:
        super().__init__()
        self._error = error
        self._unfolded = False

    def compose(self) -> ComposeResult:
        """The panel to read and the keys that work here."""
        with self.box(self._error.title, bad=True):
            yield DetailPanel(self._sections())
            detail = "d detail · " if self._error.detail else ""
            yield _keys(f"{detail}y copy · j k scroll · esc close")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(DetailPanel).focus()

    def _sections(self) -> list[Section]:
        error = self._error
        items: list[Item] = [Paragraph(error.message)] if error.message else []
        if error.hint:
            items += [Paragraph("")] if items else []
            items.append(Paragraph(error.hint, "strong"))
        sections = [Section("", tuple(items))]
        if error.detail and self._unfolded:
            sections.append(Section("Detail", (Paragraph(error.detail, "muted"),)))
        return sections

    def action_toggle_detail(self) -> None:
        """Show or hide the raw text."""
        self._unfolded = not self._unfolded
        self.query_one(DetailPanel).set_sections(self._sections())

    def action_copy(self) -> None:
        """Copy the error, detail included, to send it to someone who can help."""
        error = self._error
        parts = (error.title, error.message, error.hint, error.detail)
        self.notify(copy(self.app, "\n\n".join(filter(None, parts))), markup=False)


class ConfirmDialog(Dialog[bool]):
    """A yes or no question; "no" has the focus, so that Enter alone does no harm."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "cancel", "Cancel", id="confirm.cancel"),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
        Binding("down,j", "read(1)", show=False),
        Binding("up,k", "read(-1)", show=False),
    ]

    def __init__(self, title: str, body: str, yes: str = "Yes", *, bad: bool = False) -> None:
        super().__init__()
        self._title, self._body, self._yes, self._bad = title, body, yes, bad

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with self.box(self._title, self._bad):
            yield self.reading(self._body)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(
                    Content(clean_line(self._yes)),
                    id="yes",
                    variant="error" if self._bad else "primary",
                    compact=True,
                )

    def on_mount(self) -> None:
        """Start on the harmless answer."""
        self.query_one("#cancel").focus()

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_cancel(self) -> None:
        """Answer no."""
        self.dismiss(False)


class TypeNameDialog(Dialog[bool]):
    """Deletes only what was typed by name: nobody does that to the wrong service by accident."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="type-name.cancel"),
        Binding("down", "read(1)", show=False),
        Binding("up", "read(-1)", show=False),
    ]

    def __init__(self, name: str, consequence: str, verb: str = "Delete") -> None:
        super().__init__()
        self._wanted, self._consequence, self._verb = name, consequence, verb

    def compose(self) -> ComposeResult:
        """What will happen, the field, and a button that sleeps until the name is right."""
        with self.box(f"{self._verb} {self._wanted}?", bad=True):
            yield self.reading(self._consequence)
            yield Input(placeholder=f"type {clean_line(self._wanted)}", compact=True)
            yield Static()
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(
                    Content(clean_line(self._verb)),
                    id="yes",
                    variant="error",
                    compact=True,
                    disabled=True,
                )

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _compare(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._wanted

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        if event.value == self._wanted:
            self.dismiss(True)
        else:
            self.notify(
                "That is not the name; nothing is deleted.", severity="warning", markup=False
            )

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_cancel(self) -> None:
        """Answer no."""
        self.dismiss(False)


class Choice(NamedTuple):
    """One thing to choose; `note` says more about it and is searched too."""

    key: str
    label: str
    note: str = ""


class ListDialog(Dialog[ScreenResultType]):
    """A list, narrowed by typing; what becomes of the chosen row the subclass says."""

    FIELD: ClassVar[type[Input]] = Input
    KEYS: ClassVar[str] = "↑ ↓ move · enter choose · esc cancel"
    DEFAULT_CSS = """
    ListDialog {
        #box { height: 100%; max-height: 20; }
        ResourceTable, ResourceTable:focus {
            border: none;
            border-bottom: blank;
            background: $surface;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]

    def __init__(self, title: str, options: Sequence[Choice], label: str = "NAME") -> None:
        super().__init__()
        self._title = title
        self._options = options
        self._label = label

    def compose(self) -> ComposeResult:
        """The field that filters and the list."""
        most = 44 if any(option.note for option in self._options) else 70
        columns = (
            Column("label", self._label, min_width=12, max_width=most),
            Column("note", "", min_width=8),
        )
        with self.box(self._title):
            yield self.FIELD(placeholder="type to filter", compact=True)
            # "-active": the list shows its cursor although the field has the focus.
            yield ResourceTable(columns, empty="There is nothing to choose.", classes="-active")
            yield _keys(self.KEYS)

    def on_mount(self) -> None:
        """Fill the list and start in the field."""
        self.fill()
        self.query_one(Input).focus()

    def fill(self) -> None:
        """Show the options as they are now."""
        self.query_one(ResourceTable).set_rows([self.row(option) for option in self._options])

    def row(self, option: Choice) -> TableRow:
        """An option as a row of the list."""
        return TableRow(option.key, (Cell(option.label), Cell(option.note, "muted")))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self.query_one(ResourceTable).filter(event.value)

    @on(Input.Submitted)
    def _submit(self) -> None:
        self.query_one(ResourceTable).action_select()

    def action_move(self, rows: int) -> None:
        """Move the list's cursor while the field keeps the focus."""
        self.query_one(ResourceTable).action_move(rows)

    def action_page(self, pages: int) -> None:
        """Move the list's cursor by pages."""
        self.query_one(ResourceTable).action_page(pages)


class ChoiceDialog(ListDialog[str | None]):
    """A list to choose one from; returns the key of the choice or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="choice.cancel"),
    ]

    @on(ResourceTable.RowSelected)
    def _choose(self, event: ResourceTable.RowSelected) -> None:
        self.dismiss(event.key)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class DeviceCodeDialog(Dialog[bool]):
    """Where to sign in and the code to type there; returns False if the person gives up.

    Whoever waits for the sign-in dismisses it with True. The URL stands alone on its line, so that
    a terminal makes it a link; nothing is opened from here, because the browser is elsewhere.
    """

    DEFAULT_CSS = """
    DeviceCodeDialog {
        Static { width: 100%; height: auto; }
        #url { text-style: bold; margin: 1 0; }
        #code { text-style: bold reverse; width: auto; padding: 0 3; }
        #code-line { height: 1; margin: 1 0 0 0; align-horizontal: center; }
        #status { margin: 1 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", id="device-code.cancel"),
        Binding("y", "copy_code", "Copy code", id="device-code.copy-code"),
        Binding("u", "copy_url", "Copy URL", id="device-code.copy-url"),
    ]

    def __init__(self, url: str, code: str, status: str = "Waiting for the sign-in …") -> None:
        super().__init__()
        self._url, self._code, self._status = url, code, status

    def compose(self) -> ComposeResult:
        """The URL, the code and what is being waited for."""
        with self.box("Sign in to Azure"):
            yield Static(Content("Open this page in a browser, on any machine:"))
            yield Static(Content(clean_line(self._url)), id="url")
            yield Static(Content("and enter this code:"))
            with Horizontal(id="code-line"):
                yield Static(Content(clean_line(self._code)), id="code")
            yield Static(Content(clean(self._status)), id="status")
            yield _keys("y copy code · u copy URL · esc cancel")

    def show_status(self, text: str, copied: str = "") -> None:
        """Say how the waiting goes; a toast would cover the code on a small screen."""
        self._status = text
        if self.is_mounted:
            lines = filter(None, (clean(text), copied))
            self.query_one("#status", Static).update(Content("\n".join(lines)))

    def action_copy_code(self) -> None:
        """Copy the code."""
        self.show_status(self._status, copy(self.app, self._code))

    def action_copy_url(self) -> None:
        """Copy the page's address."""
        self.show_status(self._status, copy(self.app, self._url))

    def action_cancel(self) -> None:
        """Give up signing in."""
        self.dismiss(False)
