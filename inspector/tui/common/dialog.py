"""FormDialog: a few labelled fields, then go. Every manual action that needs an answer asks through it."""

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
"""The style sheet of every modal page."""

RUNNING_HZ = 15
"""How often what changes by itself is brought up to now: as often as the screen below."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question."""

    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    suggestions: tuple[str, ...] = ()
    """Values that ctrl+n and ctrl+p go through."""


class Running(NamedTuple):
    """What changes in a dialog by itself while it is open."""

    note: str
    """What there is to know now."""
    values: Mapping[str, str] = {}
    """Values by field as of now; a field that the user has changed keeps what was written."""


class FormDialog(ModalScreen[dict[str, str] | None]):
    """Asks; returns the answers by name, or None where the user went back."""

    CSS_PATH = DIALOG_STYLES

    BINDINGS = [
        Binding("escape", "cancel", "back", id="dialog.cancel"),
        Binding("f5", "accept", "go", id="dialog.accept"),
        Binding("ctrl+n", "suggest(1)", "next value", id="dialog.next"),
        Binding("ctrl+p", "suggest(-1)", "previous value", show=False, id="dialog.previous"),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        note: str = "",
        running: Callable[[Mapping[str, str]], Running] | None = None,
    ) -> None:
        """Prepare a dialog.

        Args:
            title: what will be done.
            fields: what is asked.
            note: what there is to know first.
            running: returns what is true by now, given the answers so far; None where nothing changes by itself.
        """
        super().__init__()
        self._as_of_now = running
        self._run_values = {field.name: field.value for field in fields}
        """What was put into the fields last, other than by the user."""
        self._heading = title
        self._fields = tuple(fields)
        self._note = note

    def compose(self) -> ComposeResult:
        """Lay out title, note, fields and keys."""
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
            keys = f"enter go · {key('dialog.cancel')} back · tab next field"
            if any(field.suggestions for field in self._fields):
                keys += f" · {key('dialog.next')} other values"
            yield Static(keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Start in the first field."""
        if self._fields:
            self.query_one(f"#field-{self._fields[0].name}", Input).focus()
        if self._as_of_now is not None:
            self.set_interval(1 / RUNNING_HZ, self._run_on)

    def on_input_submitted(self) -> None:
        """Enter anywhere is go."""
        self.action_accept()

    def action_accept(self) -> None:
        """Return the answers, as of this moment."""
        self._run_on()
        self.dismiss(self._answers())

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_suggest(self, step: int) -> None:
        """Put the next suggested value into the field with the cursor."""
        for field in self._fields:
            entry = self.query_one(f"#field-{field.name}", Input)
            if entry.has_focus and field.suggestions:
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

    def _answers(self) -> dict[str, str]:
        return {field.name: self._entry(field.name).value for field in self._fields}

    def _entry(self, name: str) -> Input:
        return self.query_one(f"#field-{name}", Input)

    def _run_on(self) -> None:
        """Bring what changes by itself up to now."""
        if self._as_of_now is None:
            return
        running = self._as_of_now(self._answers())
        for note in self.query("#note").results(Static):
            note.update(running.note)
        for name, value in running.values.items():
            entry = self._entry(name)
            if entry.value == self._run_values[name] != value:
                self._run_values[name] = entry.value = value
