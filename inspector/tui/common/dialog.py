"""FormDialog: a modal dialog with a few labelled text fields. Manual actions that need arguments ask for them with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from inspector.tui.common.keycaps import keycap

DIALOG_STYLES = Path(__file__).with_name("dialog.tcss")
"""Style sheet shared by all modal dialogs."""

UPDATES_HZ = 15
"""How often a dialog with an ``update`` is refreshed; the rate of the workspace's tick."""


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled text field."""

    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    suggestions: tuple[str, ...] = ()
    """Values that the suggestion keys step through."""


class DialogUpdate(NamedTuple):
    """New contents for an open dialog."""

    note: str
    """Text for the note above the fields."""
    values: Mapping[str, str] = {}
    """Values by field name; a field that the user has edited keeps its text."""


class FormDialog(ModalScreen[dict[str, str] | None]):
    """Modal dialog; dismissed with the values by field name, or None when cancelled."""

    CSS_PATH = DIALOG_STYLES

    BINDINGS = [
        Binding("escape", "cancel", "cancel", id="dialog.cancel"),
        Binding("f5", "accept", "OK", id="dialog.accept"),
        Binding("ctrl+n", "suggest(1)", "next suggestion", id="dialog.next"),
        Binding("ctrl+p", "suggest(-1)", "previous suggestion", show=False, id="dialog.previous"),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        note: str = "",
        update: Callable[[Mapping[str, str]], DialogUpdate] | None = None,
    ) -> None:
        """Prepare a dialog.

        Args:
            title: names the action.
            fields: the fields, in order.
            note: text shown above the fields.
            update: returns the current contents, given the values so far; called about 15 times a second. None for a
                dialog that does not change.
        """
        super().__init__()
        self._update = update
        self._written_values = {field.name: field.value for field in fields}
        """The last value that the dialog itself wrote into each field; a different text is the user's."""
        self._heading = title
        self._fields = tuple(fields)
        self._note = note

    def compose(self) -> ComposeResult:
        """Lay out title, note, fields and key hints."""
        with Vertical(id="dialog"):
            yield Static(self._heading, classes="title", markup=False)
            if self._note:
                yield Static(self._note, id="note", classes="note", markup=False)
            for field in self._fields:
                with Horizontal(classes="row"):
                    yield Label(field.label, markup=False)
                    yield Input(
                        field.value,
                        placeholder=field.placeholder,
                        id=f"field-{field.name}",
                        compact=True,
                    )
            key = partial(keycap, self.app, (FormDialog,))
            keys = f"enter OK · {key('dialog.cancel')} cancel · tab next field"
            if any(field.suggestions for field in self._fields):
                keys += f" · {key('dialog.next')} next suggestion"
            yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Focus the first field and start the updates."""
        if self._fields:
            self.query_one(f"#field-{self._fields[0].name}", Input).focus()
        if self._update is not None:
            self.set_interval(1 / UPDATES_HZ, self._apply_update)

    def on_input_submitted(self) -> None:
        """Accept the dialog when enter is pressed in any field."""
        self.action_accept()

    def action_accept(self) -> None:
        """Dismiss with the values as of this moment."""
        # The last tick may be 66 ms old, and what is truncated must match what was heard.
        self._apply_update()
        self.dismiss(self._values())

    def action_cancel(self) -> None:
        """Dismiss without values."""
        self.dismiss(None)

    def action_suggest(self, step: int) -> None:
        """Put the next suggestion into the focused field."""
        for field in self._fields:
            entry = self.query_one(f"#field-{field.name}", Input)
            if entry.has_focus and field.suggestions:
                # A text that is none of the suggestions counts as before the first, or after the
                # last.
                values = list(field.suggestions)
                at = (
                    values.index(entry.value)
                    if entry.value in values
                    else -step
                    if step < 0
                    else -1
                )
                entry.value = values[(at + step) % len(values)]
                entry.cursor_position = len(entry.value)

    def _values(self) -> dict[str, str]:
        return {field.name: self._entry(field.name).value for field in self._fields}

    def _entry(self, name: str) -> Input:
        return self.query_one(f"#field-{name}", Input)

    def _apply_update(self) -> None:
        """Refresh the note, and the fields that the user has not edited."""
        if self._update is None:
            return
        update = self._update(self._values())
        for note in self.query("#note").results(Static):
            note.update(update.note)
        for name, value in update.values.items():
            entry = self._entry(name)
            if entry.value == self._written_values[name] != value:
                self._written_values[name] = entry.value = value
