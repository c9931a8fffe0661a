"""FormPage: the interface of the form's screen for its dialogs and presets."""

from __future__ import annotations

from typing import Any, Protocol

from textual.app import App
from textual.notifications import SeverityLevel

from inspector.analysis.form.form_field import FormField


class FormPage(Protocol):
    """A screen with the session form."""

    @property
    def app(self) -> App[object]:
        """Return the app, which shows dialogs."""
        ...

    def key(self, binding_id: str) -> str:
        """Return the key name of a binding."""
        ...

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Show a notification."""
        ...

    def show(self) -> None:
        """Repaint everything from the draft."""
        ...

    def edit(self, field: FormField, value: Any) -> None:
        """Change the value of a field."""
        ...
