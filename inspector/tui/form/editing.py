"""The interface between the session form and its editors: the messages that editors post, and their methods."""

from __future__ import annotations

from typing import Any, Protocol

from textual.message import Message

from inspector.analysis.form.form_field import FormField


class FieldEdited(Message):
    """The user has changed a value."""

    def __init__(self, field: FormField, value: Any) -> None:
        super().__init__()
        self.field, self.value = field, value


class FieldUnreadable(Message):
    """The user has typed a text that is not a valid value."""

    def __init__(self, field: FormField, why: str) -> None:
        super().__init__()
        self.field, self.why = field, why


class DialogRequested(Message):
    """A field should be edited in a dialog: a list of choices, or JSON."""

    def __init__(self, field: FormField) -> None:
        super().__init__()
        self.field = field


class FieldEditor(Protocol):
    """The methods of every editor."""

    def show(self, value: Any) -> None:
        """Show a value without posting it."""
        ...

    def set_locked(self, *, is_locked: bool) -> None:
        """Allow or forbid changes; the value stays visible."""
        ...
