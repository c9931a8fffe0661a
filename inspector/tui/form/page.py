"""FormPage: the session form's screen, as those see it that it is made of."""

from __future__ import annotations

from typing import Any, Protocol

from textual.app import App
from textual.notifications import SeverityLevel

from inspector.analysis.form.form_field import FormField


class FormPage(Protocol):
    """What shows the form."""

    @property
    def app(self) -> App[object]:
        """Return where dialogs are shown."""
        ...

    def key(self, binding_id: str) -> str:
        """Return the key of a binding in words."""
        ...

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Tell the user something, once."""
        ...

    def show(self) -> None:
        """Repaint everything from the draft."""
        ...

    def edit(self, field: FormField, value: Any) -> None:
        """Change a field."""
        ...
