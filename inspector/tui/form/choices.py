"""Editors operated by single keys, which show their value as text: choices, switches, toggles, JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.binding import Binding
from textual.widget import Widget

from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.values import ABSENT, is_same
from inspector.tui.form.editing import DialogRequested, FieldEdited
from inspector.tui.form.texts import shown


class OneLine(Widget, can_focus=True):
    """Base of the editors that show a value as one line of text."""

    DEFAULT_CSS = """
    OneLine { height: 1; }
    """

    def __init__(self, field: FormField) -> None:
        super().__init__(classes="editor")
        self.field = field
        self.value: Any = ABSENT
        self.is_locked = False

    def show(self, value: Any) -> None:
        """Show a value."""
        self.value = value
        self.refresh()

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow or forbid changes."""
        self.is_locked = is_locked
        self.set_class(is_locked, "locked")

    def render(self) -> Text:
        """Return the value as a line of text."""
        return Text(self.words(), no_wrap=True, overflow="ellipsis")

    @abstractmethod
    def words(self) -> str:
        """Return the text to show."""

    def change(self, value: Any) -> None:
        """Show a value chosen by the user, and post it."""
        if not self.is_locked:
            self.show(value)
            self.post_message(FieldEdited(self.field, value))

    def on_click(self) -> None:
        """Do the same as enter."""
        self.action_open()

    def action_open(self) -> None:
        """Open a dialog for the value."""
        if not self.is_locked:
            self.post_message(DialogRequested(self.field))


class ChoiceEditor(OneLine):
    """Edits one of several values."""

    BINDINGS = [
        Binding("left", "cycle(-1)", "previous value", show=False, id="form.previous_value"),
        Binding("right,space", "cycle(1)", "next value", show=False, id="form.next_value"),
        Binding("enter", "open", "all values", show=False, id="form.values"),
    ]

    def words(self) -> str:
        """Return the value, with an arrow if it can be changed."""
        return f"{shown(self.value)} {'' if self.is_locked else '▾'}"

    def offers(self) -> Sequence[Any]:
        """Return the values to step through."""
        return self.field.offers()

    def action_cycle(self, step: int) -> None:
        """Select the next value."""
        values = self.offers()
        if not values:
            self.action_open()
            return
        here = next((at for at, value in enumerate(values) if is_same(value, self.value)), None)
        self.change(values[(here + step) % len(values) if here is not None else min(step - 1, 0)])


class SwitchEditor(ChoiceEditor):
    """Edits true or false."""

    def offers(self) -> Sequence[Any]:
        """Return both values."""
        return (True, False)

    def action_open(self) -> None:
        """Switch to the other value."""
        self.action_cycle(1)


class TogglesEditor(OneLine):
    """Edits a list that holds any of several values."""

    BINDINGS = [
        Binding("left", "move(-1)", "previous", show=False, id="form.previous_toggle"),
        Binding("right", "move(1)", "next", show=False, id="form.next_toggle"),
        Binding("space,enter", "flip", "on or off", show=False, id="form.toggle"),
    ]

    def __init__(self, field: FormField) -> None:
        super().__init__(field)
        self._at = 0

    def words(self) -> str:
        """Return every value with a check box; the current one has a mark while the editor is focused."""
        parts = []
        for at, choice in enumerate(self.field.choices):
            box = "[x]" if self._has(choice) else "[ ]"
            is_here = self.has_focus and at == self._at and len(self.field.choices) > 1
            parts.append(f"{'›' if is_here else ''}{box} {shown(choice)}")
        return "  ".join(parts)

    def on_focus(self) -> None:
        """Draw the mark of the current value."""
        self.refresh()

    def action_move(self, step: int) -> None:
        """Go to another value."""
        self._at = (self._at + step) % len(self.field.choices)
        self.refresh()

    def action_flip(self) -> None:
        """Toggle the current value."""
        choice = self.field.choices[self._at]
        kept = [value for value in self.field.choices if self._has(value) != (value == choice)]
        # The API takes null, not an empty list, where the field can be null.
        self.change(kept or (None if self.field.is_nullable else []))

    def action_open(self) -> None:
        """Toggle the current value."""
        self.action_flip()

    def _has(self, choice: object) -> bool:
        return isinstance(self.value, list) and choice in self.value


class JsonEditor(OneLine):
    """Shows a summary of a JSON value, which is edited in a dialog."""

    BINDINGS = [Binding("enter,space", "open", "edit", show=False, id="form.edit_json")]

    def words(self) -> str:
        """Return the summary, and what enter does."""
        return f"{shown(self.value, self.field)}   enter {'view' if self.is_locked else 'edit'}"

    def action_open(self) -> None:
        """Open the dialog, which is read-only for a locked field."""
        self.post_message(DialogRequested(self.field))
