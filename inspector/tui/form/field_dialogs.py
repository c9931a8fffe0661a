"""FieldDialogs: opens the dialogs of the session form, for a choice, a JSON value, and the event to send."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from inspector.analysis.form.edit_checks import judge
from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.sanitize import sanitized
from inspector.tui.form.dialogs import ChoiceDialog, JsonDialog
from inspector.tui.form.model import FormSession
from inspector.tui.form.page import FormPage
from inspector.tui.form.texts import json_text
from inspector.tui.sending.send_editor import DraftVerdict


class FieldDialogs:
    """The dialogs of one form."""

    def __init__(self, page: FormPage, session: FormSession) -> None:
        self._page = page
        self._session = session

    def open(self, field: FormField) -> None:
        """Open the dialog for a field's value."""
        value = field.read(self._session.draft.target)
        if field.kind is FieldKind.JSON:
            self._edit_json(field, value)
            return

        def chosen(answer: tuple[Any] | None) -> None:
            if answer is not None:
                self._page.edit(field, answer[0])

        title = f"{sanitized(field.label)}   {field.note}"
        dialog = ChoiceDialog(title, field.offers(), value, is_open=field.is_open)
        self._page.app.push_screen(dialog, chosen)

    def preview(self, event: Mapping[str, Any], title: str) -> None:
        """Show an event in an editor, and send it when accepted."""

        def accepted(answer: str | None) -> None:
            if answer is not None and not self._session.send(answer):
                self._page.say("not valid JSON: sent as is", "warning")

        text = self._session.event_text(event)
        title = f"{title}: {event['type']}"
        self._page.app.push_screen(JsonDialog(title, text, "send", self._judge(None)), accepted)

    def _edit_json(self, field: FormField, value: Any) -> None:
        is_json = value is None or isinstance(value, bool | int | float | str | list | dict)
        text = json_text(value if is_json else None)
        lock = self._session.locks().get(field.path)
        is_locked = lock is not None and not lock.is_passing
        verb = "" if self._session.is_read_only or is_locked else "apply"

        def edited(answer: str | None) -> None:
            if answer is None:
                return
            try:
                self._page.edit(field, json.loads(answer))
            except (ValueError, RecursionError) as error:
                self._session.draft.cannot_read(
                    field, f"{field.label} must be valid JSON ({error})"
                )
                self._page.show()

        dialog = JsonDialog(sanitized(field.label), text, verb, self._judge(field))
        self._page.app.push_screen(dialog, edited)

    def _judge(self, field: FormField | None) -> Callable[[str], DraftVerdict]:
        shape = self._session.draft.shape

        def verdict(text: str) -> DraftVerdict:
            problem = judge(shape, field, text)
            return DraftVerdict(problem, "warning") if problem else DraftVerdict("valid", "good")

        return verdict
