"""The editors of the session form, one per kind of field. Each shows a value, and says what it was changed to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.widget import Widget

from inspector.analysis.form.fields import FormField, Kind
from inspector.tui.form.choices import (
    ChoiceEditor,
    JsonEditor,
    SwitchEditor,
    TogglesEditor,
)
from inspector.tui.form.typed import LineEditor, ListEditor, NumberEditor, TextEditor

EDITORS: Mapping[Kind, Callable[[FormField], Widget]] = {
    Kind.CHOICE: ChoiceEditor,
    Kind.SWITCH: SwitchEditor,
    Kind.NUMBER: NumberEditor,
    Kind.LINE: LineEditor,
    Kind.TEXT: TextEditor,
    Kind.JSON: JsonEditor,
    Kind.LIST: ListEditor,
}
"""Kind of a field to what makes its editor, a ``FieldEditor``."""


def editor_for(field: FormField) -> Widget:
    """Return a new editor for a field."""
    if field.kind is Kind.LIST and not field.is_open and field.choices:
        return TogglesEditor(field)
    return EDITORS[field.kind](field)
