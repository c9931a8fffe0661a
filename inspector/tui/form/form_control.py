"""FormControl: opens the session of a workspace as a form."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from inspector.tui.form.model import FormSession
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part

SubmitUpdate = Callable[[str], str | None]
"""Sends an event; returns its id, or None where it was not taken."""


class FormControl(Part):
    """The key of the form; its edits stay while the workspace does."""

    BINDINGS = [Binding("u", "form", "session form", show=False, id="session.form")]

    def __init__(self, submit: SubmitUpdate | None = None) -> None:
        """Offer the form.

        Args:
            submit: sends what was edited; without it the form is read only.
        """
        super().__init__()
        self._submit = submit
        self._form: FormSession | None = None

    def commands(self) -> Commands:
        """Return the command of the form, which takes what to do first (``diff``, ``load FILE`` …)."""
        return {"form": self.action_form}

    def action_form(self, command: str = "") -> None:
        """Open the session as a form."""
        from inspector.tui.form.form_screen import SessionFormScreen

        workspace = self.workspace
        if self._form is None:
            self._form = FormSession(
                lambda: workspace.state, workspace.event_log, self._covered, self._submit
            )
        self.app.push_screen(
            SessionFormScreen(self._form, workspace.glyphs, command),
            lambda row: workspace.show_row(row) if row is not None else None,
        )

    def _covered(self) -> int:
        covered = self.workspace.model.covered_rows
        return len(self.workspace.event_log) if covered is None else covered
