"""The editors of the session form, one per kind of field. Each shows a value, and says what it was changed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rich.text import Text
from textual.actions import SkipAction
from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from inspector.analysis.form.fields import FormField, Kind
from inspector.analysis.form.values import ABSENT, is_same
from inspector.tui.widgets.form_texts import (
    UnreadableText,
    is_harmless,
    line_text,
    list_text,
    number_text,
    read_line,
    read_list,
    read_number,
    shown,
    stepped,
)

TEXT_LINES = 5
"""Height of a text area in the form; longer texts scroll."""


class FieldEdited(Message):
    """The user wants another value."""

    def __init__(self, field: FormField, value: Any) -> None:
        super().__init__()
        self.field, self.value = field, value


class FieldUnreadable(Message):
    """What the user has typed is no value."""

    def __init__(self, field: FormField, why: str) -> None:
        super().__init__()
        self.field, self.why = field, why


class DialogRequested(Message):
    """The user wants to edit a field in a dialog: a list of choices, or JSON."""

    def __init__(self, field: FormField) -> None:
        super().__init__()
        self.field = field


class FieldEditor(Protocol):
    """What every editor can do."""

    def show(self, value: Any) -> None:
        """Show a value that the user has not typed."""
        ...

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow changes, or not; the value stays readable."""
        ...


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

    def words(self) -> str:
        """Return what is shown."""
        raise NotImplementedError

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
        return f"{shown(self.value, self.field)}   {'' if self.is_locked else '⏎ edits'}".rstrip()


class TypedEditor(Input):
    """What the editors have in common that a text is typed into."""

    def __init__(self, field: FormField) -> None:
        super().__init__(compact=True, placeholder="–", classes="editor")
        self.field = field
        self._last: Any = ABSENT

    def text_of(self, value: Any) -> str:
        """Write a value."""
        raise NotImplementedError

    def read(self, text: str) -> Any:
        """Return the value of a text."""
        raise NotImplementedError

    def show(self, value: Any) -> None:
        """Show a value, unless the text already says it."""
        self._last = value
        try:
            is_there = is_same(self.read(self.value), value)
        except UnreadableText:
            is_there = False
        if not is_there:
            with self.prevent(Input.Changed):
                self.value = self.text_of(value)

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow changes, or not."""
        self.disabled = is_locked

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what the text means now."""
        event.stop()
        try:
            value = self.read(event.value)
        except UnreadableText as error:
            self.post_message(FieldUnreadable(self.field, str(error)))
            return
        self._last = value
        self.post_message(FieldEdited(self.field, value))


class NumberEditor(TypedEditor):
    """A number, or a word in place of one."""

    BINDINGS = [
        Binding("shift+up,ctrl+up", "step(1)", "more", show=False, id="form.more"),
        Binding("shift+down,ctrl+down", "step(-1)", "less", show=False, id="form.less"),
    ]

    def text_of(self, value: Any) -> str:
        """Write a number."""
        return number_text(value)

    def read(self, text: str) -> Any:
        """Return a number; an empty text is none only where there was none."""
        value = read_number(text, self.field)
        if value is ABSENT and self._last is not ABSENT:
            raise UnreadableText(
                f"{self.field.label} is empty: ctrl+z brings back what is in force"
            )
        return value

    def action_step(self, steps: int) -> None:
        """Go some steps up or down."""
        try:
            value = self.read(self.value)
        except UnreadableText:
            value = ABSENT
        self.value = self.text_of(stepped(value, self.field, steps))
        self.cursor_position = len(self.value)


class LineEditor(TypedEditor):
    """A line of text."""

    def __init__(self, field: FormField) -> None:
        super().__init__(field)
        self._is_quoted = False

    def show(self, value: Any) -> None:
        """Show a text, in quotes where the terminal could act on it."""
        if not is_same(value, self._last):
            self._is_quoted = isinstance(value, str) and not is_harmless(value, lines=1)
        super().show(value)

    def text_of(self, value: Any) -> str:
        """Write a string on one line."""
        return line_text(value, lines=1)

    def read(self, text: str) -> Any:
        """Return a string; an empty one is none where the member belongs to an object that is sent whole."""
        if not text and (self.field.when is not None or self.field.is_nullable):
            return None
        return read_line(text, is_quoted=self._is_quoted)


class ListEditor(TypedEditor):
    """Strings with commas between them."""

    def text_of(self, value: Any) -> str:
        """Write the strings."""
        return list_text(value)

    def read(self, text: str) -> Any:
        """Return the strings; none is an empty list only where there was one before."""
        found = read_list(text)
        return found if found or isinstance(self._last, list) else self._last


class TextEditor(TextArea):
    """Several lines of text."""

    DEFAULT_CSS = f"""
    TextEditor {{ height: {TEXT_LINES}; }}
    """

    def __init__(self, field: FormField) -> None:
        super().__init__(compact=True, soft_wrap=True, classes="editor")
        self.field = field
        self._is_quoted = False
        self._shown: Any = ABSENT

    def show(self, value: Any) -> None:
        """Show a text, in quotes where the terminal could act on it."""
        if is_same(value, self._shown):
            return
        self._shown = value
        self._is_quoted = isinstance(value, str) and not is_harmless(value)
        with self.prevent(TextArea.Changed):
            self.load_text(line_text(value))

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow changes, or not."""
        self.read_only = is_locked

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say what the text is now."""
        event.stop()
        try:
            value = read_line(self.text, is_quoted=self._is_quoted)
        except UnreadableText as error:
            self.post_message(FieldUnreadable(self.field, str(error)))
            return
        if value != self._shown and (value or self._shown is not ABSENT):
            self._shown = value
            self.post_message(FieldEdited(self.field, value))

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up; from the first line to the field above."""
        if self.cursor_at_first_line and not select:
            raise SkipAction
        super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down; from the last line to the field below."""
        if self.cursor_at_last_line and not select:
            raise SkipAction
        super().action_cursor_down(select)


_EDITORS: dict[Kind, type[Any]] = {
    Kind.CHOICE: ChoiceEditor,
    Kind.SWITCH: SwitchEditor,
    Kind.NUMBER: NumberEditor,
    Kind.LINE: LineEditor,
    Kind.TEXT: TextEditor,
    Kind.JSON: JsonEditor,
    Kind.LIST: ListEditor,
}


def editor_for(field: FormField) -> Widget:
    """Return a new editor for a field."""
    if field.kind is Kind.LIST and not field.is_open and field.choices:
        return TogglesEditor(field)
    made: Widget = _EDITORS[field.kind](field)
    return made
