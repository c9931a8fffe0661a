"""What the editors of the session form have in common: what they post, and what can be asked of them."""

from __future__ import annotations

from typing import Any, Protocol

from textual.message import Message

from inspector.analysis.form.form_field import FormField


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
