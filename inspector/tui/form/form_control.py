"""FormControl: the part of a workspace that opens the session form."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from inspector.tui.form.model import FormSession
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part

SubmitUpdate = Callable[[str], str | None]
"""Function that submits an event; returns its id, or None if it could not be submitted."""


class FormControl(Part):
    """The key that opens the form. Unsent edits are kept while the workspace exists."""

    BINDINGS = [Binding("u", "form", "session form", show=False, id="session.form")]

    def __init__(self, submit: SubmitUpdate | None = None) -> None:
        """Create the part.

        Args:
            submit: sends an edited session; None makes the form read-only.
        """
        super().__init__()
        self._submit = submit
        self._form: FormSession | None = None

    def commands(self) -> Commands:
        """Return the command ``form``, whose argument is an action of the form (``diff``, ``load FILE`` …)."""
        return {"form": self.action_form}

    def action_form(self, command: str = "") -> None:
        """Open the session form."""
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
