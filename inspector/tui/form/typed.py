"""Editors with a text input: numbers, lines, lists and multi-line texts."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from textual.actions import SkipAction
from textual.binding import Binding
from textual.widgets import Input, TextArea

from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.values import ABSENT, is_same
from inspector.tui.form.editing import FieldEdited, FieldUnreadable
from inspector.tui.form.texts import (
    UnreadableText,
    is_harmless,
    line_text,
    list_text,
    number_text,
    read_line,
    read_list,
    read_number,
    stepped,
)
from inspector.tui.terminal.text_box import TextBox

TEXT_LINES = 5
"""Height of a text area; longer texts scroll."""


class TypedEditor(Input):
    """Base of the editors with a one-line input."""

    def __init__(self, field: FormField) -> None:
        super().__init__(compact=True, placeholder="–", classes="editor")
        self.field = field
        self._last: Any = ABSENT

    @abstractmethod
    def text_of(self, value: Any) -> str:
        """Return the text for a value."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value of a text."""

    def show(self, value: Any) -> None:
        """Show a value, unless the text already means the same."""
        self._last = value
        try:
            is_there = is_same(self.read(self.value), value)
        except UnreadableText:
            is_there = False
        if not is_there:
            # Showing a value is not an edit.
            with self.prevent(Input.Changed):
                self.value = self.text_of(value)

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow or forbid changes."""
        self.disabled = is_locked

    def on_input_changed(self, event: Input.Changed) -> None:
        """Post the value of the text, or that it has none."""
        event.stop()
        try:
            value = self.read(event.value)
        except UnreadableText as error:
            self.post_message(FieldUnreadable(self.field, str(error)))
            return
        self._last = value
        self.post_message(FieldEdited(self.field, value))


class NumberEditor(TypedEditor):
    """Edits a number, or a word in its place such as ``inf``."""

    BINDINGS = [
        Binding("shift+up,ctrl+up", "step(1)", "more", show=False, id="form.more"),
        Binding("shift+down,ctrl+down", "step(-1)", "less", show=False, id="form.less"),
    ]

    def text_of(self, value: Any) -> str:
        """Return the text for a number."""
        return number_text(value)

    def read(self, text: str) -> Any:
        """Return the number; an empty text is an error if the field had a value."""
        value = read_number(text, self.field)
        if value is ABSENT and self._last is not ABSENT:
            raise UnreadableText(
                f"{self.field.label} is empty; revert the field to restore the current value"
            )
        return value

    def action_step(self, steps: int) -> None:
        """Change the number by steps."""
        try:
            value = self.read(self.value)
        except UnreadableText:
            value = ABSENT
        self.value = self.text_of(stepped(value, self.field, steps))
        self.cursor_position = len(self.value)


class LineEditor(TypedEditor):
    """Edits a line of text."""

    def __init__(self, field: FormField) -> None:
        super().__init__(field)
        self._is_quoted = False

    def show(self, value: Any) -> None:
        """Show a text; as quoted JSON if the terminal could act on it."""
        if not is_same(value, self._last):
            self._is_quoted = isinstance(value, str) and not is_harmless(value, lines=1)
        super().show(value)

    def text_of(self, value: Any) -> str:
        """Return the string on one line."""
        return line_text(value, lines=1)

    def read(self, text: str) -> Any:
        """Return the string; None for an empty one in a sub-field or a field that can be null."""
        # A sub-field belongs to an object that is always sent as a whole; an empty string would set it.
        if not text and (self.field.when is not None or self.field.is_nullable):
            return None
        return read_line(text, is_quoted=self._is_quoted)


class ListEditor(TypedEditor):
    """Edits a list of strings, separated by commas."""

    def text_of(self, value: Any) -> str:
        """Return the strings with commas."""
        return list_text(value)

    def read(self, text: str) -> Any:
        """Return the strings; an empty text is an empty list only if the field had a list."""
        found = read_list(text)
        return found if found or isinstance(self._last, list) else self._last


class TextEditor(TextBox):
    """Edits several lines of text."""

    DEFAULT_CSS = f"""
    TextEditor {{ height: {TEXT_LINES}; }}
    """

    def __init__(self, field: FormField) -> None:
        super().__init__(compact=True, soft_wrap=True, classes="editor")
        self.field = field
        self._is_quoted = False
        self._shown: Any = ABSENT

    def show(self, value: Any) -> None:
        """Show a text; as quoted JSON if the terminal could act on it."""
        if is_same(value, self._shown):
            return
        self._shown = value
        self._is_quoted = isinstance(value, str) and not is_harmless(value)
        # Showing a value is not an edit.
        with self.prevent(TextArea.Changed):
            self.load_text(line_text(value))

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow or forbid changes."""
        self.read_only = is_locked

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Post the value of the text, or that it has none."""
        event.stop()
        try:
            value = read_line(self.text, is_quoted=self._is_quoted)
        except UnreadableText as error:
            self.post_message(FieldUnreadable(self.field, str(error)))
            return
        # Textual posts a change for the initial empty text too.
        if value != self._shown and (value or self._shown is not ABSENT):
            self._shown = value
            self.post_message(FieldEdited(self.field, value))

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up; from the first line to the field above."""
        if self.cursor_at_first_line and not select:
            raise SkipAction  # so that the form's own binding gets the key
        super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down; from the last line to the field below."""
        if self.cursor_at_last_line and not select:
            raise SkipAction
        super().action_cursor_down(select)
