"""Editors that show a value in words and are changed by single keys: choices, switches, toggles, JSON."""

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
    """What the editors have in common that show a value in words and are changed by single keys."""

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
        """Allow changes, or not."""
        self.is_locked = is_locked
        self.set_class(is_locked, "locked")

    def render(self) -> Text:
        """Draw the value in words."""
        return Text(self.words(), no_wrap=True, overflow="ellipsis")

    @abstractmethod
    def words(self) -> str:
        """Return what is shown."""

    def change(self, value: Any) -> None:
        """Show a value that the user chose, and say so."""
        if not self.is_locked:
            self.show(value)
            self.post_message(FieldEdited(self.field, value))

    def on_click(self) -> None:
        """Do what enter does."""
        self.action_open()

    def action_open(self) -> None:
        """Open what there is more to see of."""
        if not self.is_locked:
            self.post_message(DialogRequested(self.field))


class ChoiceEditor(OneLine):
    """One of several values."""

    BINDINGS = [
        Binding("left", "cycle(-1)", "previous value", show=False, id="form.previous_value"),
        Binding("right,space", "cycle(1)", "next value", show=False, id="form.next_value"),
        Binding("enter", "open", "all values", show=False, id="form.values"),
    ]

    def words(self) -> str:
        """Return the value, with a sign that there are others."""
        return f"{shown(self.value)} {'' if self.is_locked else '▾'}"

    def offers(self) -> Sequence[Any]:
        """Return the values to go through."""
        return self.field.offers()

    def action_cycle(self, step: int) -> None:
        """Take the next value."""
        values = self.offers()
        if not values:
            self.action_open()
            return
        here = next((at for at, value in enumerate(values) if is_same(value, self.value)), None)
        self.change(values[(here + step) % len(values) if here is not None else min(step - 1, 0)])


class SwitchEditor(ChoiceEditor):
    """Yes or no."""

    def offers(self) -> Sequence[Any]:
        """Return yes and no."""
        return (True, False)

    def action_open(self) -> None:
        """Change to the other one."""
        self.action_cycle(1)


class TogglesEditor(OneLine):
    """Any of several values."""

    BINDINGS = [
        Binding("left", "move(-1)", "previous", show=False, id="form.previous_toggle"),
        Binding("right", "move(1)", "next", show=False, id="form.next_toggle"),
        Binding("space,enter", "flip", "on or off", show=False, id="form.toggle"),
    ]

    def __init__(self, field: FormField) -> None:
        super().__init__(field)
        self._at = 0

    def words(self) -> str:
        """Return every choice with its state; the one that space changes is marked while focused."""
        parts = []
        for at, choice in enumerate(self.field.choices):
            box = "[x]" if self._has(choice) else "[ ]"
            is_here = self.has_focus and at == self._at and len(self.field.choices) > 1
            parts.append(f"{'›' if is_here else ''}{box} {shown(choice)}")
        return "  ".join(parts)

    def on_focus(self) -> None:
        """Mark the choice that space changes."""
        self.refresh()

    def action_move(self, step: int) -> None:
        """Go to another choice."""
        self._at = (self._at + step) % len(self.field.choices)
        self.refresh()

    def action_flip(self) -> None:
        """Take the choice in, or leave it out."""
        choice = self.field.choices[self._at]
        kept = [value for value in self.field.choices if self._has(value) != (value == choice)]
        self.change(kept or (None if self.field.is_nullable else []))

    def action_open(self) -> None:
        """Change the choice that is marked."""
        self.action_flip()

    def _has(self, choice: object) -> bool:
        return isinstance(self.value, list) and choice in self.value


class JsonEditor(OneLine):
    """A summary of a JSON value, edited in a dialog."""

    BINDINGS = [Binding("enter,space", "open", "edit", show=False, id="form.edit_json")]

    def words(self) -> str:
        """Return what the value holds."""
        return f"{shown(self.value, self.field)}   ⏎ {'shows' if self.is_locked else 'edits'}"

    def action_open(self) -> None:
        """Open the value; of a locked field, to be read."""
        self.post_message(DialogRequested(self.field))
