"""The editors of the session form, by kind of field."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.widget import Widget

from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.tui.form.choices import (
    ChoiceEditor,
    JsonEditor,
    SwitchEditor,
    TogglesEditor,
)
from inspector.tui.form.typed import LineEditor, ListEditor, NumberEditor, TextEditor

EDITORS: Mapping[FieldKind, Callable[[FormField], Widget]] = {
    FieldKind.CHOICE: ChoiceEditor,
    FieldKind.SWITCH: SwitchEditor,
    FieldKind.NUMBER: NumberEditor,
    FieldKind.LINE: LineEditor,
    FieldKind.TEXT: TextEditor,
    FieldKind.JSON: JsonEditor,
    FieldKind.LIST: ListEditor,
}
"""Factory of the editor, which is a ``FieldEditor``, by kind of field."""


def editor_for(field: FormField) -> Widget:
    """Return a new editor for a field."""
    if field.kind is FieldKind.LIST and not field.is_open and field.choices:
        return TogglesEditor(field)
    return EDITORS[field.kind](field)
