"""FormControl: the part of a workspace that opens the session form."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.binding import Binding

from inspector.tui.form.model import SERVER_VAD, FormSession
from inspector.tui.views.messages import DetectionProposed
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part

SubmitUpdate = Callable[[str], str | None]
"""Function that submits an event; returns its id, or None if it could not be submitted."""


TURN_DETECTION = "audio.input.turn_detection"


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
        self.app.push_screen(
            SessionFormScreen(self._session(), workspace.glyphs, command),
            lambda row: workspace.show_row(row) if row is not None else None,
        )

    @on(DetectionProposed)
    def _detection_proposed(self, message: DetectionProposed) -> None:
        """Open the form with settings as edits; where nothing can be sent, copy the update instead."""
        if self._submit is None:
            from inspector.analysis.lint.phrases import session_update

            detection: dict[str, object] = {"type": SERVER_VAD, **message.settings}
            settings = {f"{TURN_DETECTION}.{name}": value for name, value in detection.items()}
            update = session_update(self.workspace.state, settings)
            self.workspace.copy_text(update, "session.update")
        elif self._session().propose_detection(message.settings):
            self.action_form()
        else:
            self.workspace.say("this session has no settings of server_vad", "warning")

    def _session(self) -> FormSession:
        """Return the session behind the form, which keeps its edits."""
        if self._form is None:
            workspace = self.workspace
            self._form = FormSession(
                lambda: workspace.state, workspace.event_log, self._covered, self._submit
            )
        return self._form

    def _covered(self) -> int:
        covered = self.workspace.model.covered_rows
        return len(self.workspace.event_log) if covered is None else covered
