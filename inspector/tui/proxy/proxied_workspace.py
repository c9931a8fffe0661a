"""A session of an app in a workspace. What is sent from here is injected; closing the view leaves the app alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.binding import Binding

from inspector.analysis.sanitize import sanitized
from inspector.core.event import Direction, Origin
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.proxied_session import ProxiedSession
from inspector.engine.record import Connection
from inspector.errors import InspectorError
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint, hint
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Readings
from inspector.tui.form.form_control import FormControl
from inspector.tui.proxy.paused_frames import ask_breakpoint
from inspector.tui.sending.action_line import SESSION_BUTTONS, Button
from inspector.tui.sending.sending_part import Sending
from inspector.tui.session.hints import connection_hint, error_hint
from inspector.tui.session.readings import LogLevels, recorded_readings
from inspector.tui.session.session_header import (
    now_us_of,
    recording_stem_of,
    rules_part,
    session_header,
)
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part, SessionModel
from inspector.tui.workspace.workspace import Workspace

PROXIED_BUTTONS = (
    Button("send", "inject"),
    *(b for b in SESSION_BUTTONS if b.action not in ("send", "reconnect")),
)


def proxied_workspace(
    session: ProxiedSession, glyphs: Glyphs, switch: Callable[[int], None]
) -> Workspace:
    """Return the screen of a session of an app.

    Args:
        session: which.
        glyphs: characters that the terminal can show.
        switch: shows the session that stands so many places further in the list.
    """
    sending = Sending(session, PROXIED_BUTTONS)
    parts = (sending, FormControl(sending.submit_form), BreakpointControls(session, switch))
    return Workspace(ProxiedModel(session, glyphs), parts, glyphs)


class ProxiedModel(SessionModel):
    """A session between an app and the API, as of now."""

    title = "Session of an app"

    def __init__(self, session: ProxiedSession, glyphs: Glyphs) -> None:
        self._session = session
        self._glyphs = glyphs
        self._levels = LogLevels(session.log)

    @property
    def log(self) -> EventLog:
        """Return the events."""
        return self._session.log

    @property
    def state(self) -> SessionState:
        """Return the state as of now."""
        return self._session.state

    def now_us(self) -> int:
        """Return the session's time: that of its last event once it has ended."""
        return now_us_of(self._session)

    def recording_stem(self) -> str:
        """Return the recording's name, or a word where nothing is recorded."""
        return recording_stem_of(self._session)

    def header(self, ticks: int) -> Sequence[HeaderPart]:
        """Return connection, model, errors, source, time, count, recording and tokens."""
        rules = self._session.rules
        parts = session_header(self._session, self._glyphs, self.now_us(), ticks)
        return (*parts, rules_part(rules.rules, rules.hits, rules.is_spent))

    @property
    def is_troubled(self) -> bool:
        """Tell whether there were errors, or nothing is recorded."""
        return bool(self.state.problems.errors or self._session.recording.failure)

    def readings(self, key: Key) -> Readings:  # noqa: ARG002 - nothing here is done by keys
        """Return the levels of what went by."""
        session = self._session
        levels = self._levels.read(len(session.log) - 1, session.now_ns, self.state)
        return recorded_readings(
            levels, self.state, session.now_ns, session.source.url, idle="as it passes"
        )

    def empty_conversation(self, key: Key) -> str:  # noqa: ARG002 - the app speaks, not the user
        """Return why the conversation is empty."""
        return "Nothing has been said yet between the app and the API."

    def hint(self, key: Key, place: str) -> Hint:
        """Return what is true and what to do next."""
        session = self._session
        paused = session.breakpoints.paused
        if paused:
            to = "API" if paused[0].direction is Direction.CLIENT else "app"
            what = f"{len(paused)} held: {sanitized(paused[0].event.type) or 'a frame'} to the {to}"
            resumes = f"{key('proxied.resume')} resumes all"
            return hint(what, f"{key('proxied.held')} shows them", resumes)
        if session.connection is Connection.CONNECTING:
            return hint(f"the app waits for {session.source.url}")
        ended = connection_hint(session, key, again=False)
        if ended is not None:
            return ended
        error = error_hint(self.state, key, place)
        armed = session.breakpoints.armed
        arms = key("proxied.breakpoint")
        if armed:
            return hint(
                f"holds {', '.join(map(str, armed))}", f"{arms} holds others or none", error
            )
        around = f"{key('proxied.previous')} {key('proxied.next')} other sessions"
        return hint(
            f"{arms} holds frames back",
            error,
            f"{key('session.send')} injects to the API",
            f"{key('proxied.inject')} to the app",
            around if place != "detail" else "",
        )


class BreakpointControls(Part):
    """Pauses frames, injects some, and goes to other sessions."""

    BINDINGS = [
        Binding("S", "breakpoint", "hold", id="proxied.breakpoint"),
        Binding("H", "held", "held", id="proxied.held"),
        Binding("R", "resume", "resume all", show=False, id="proxied.resume"),
        Binding("I", "inject", "to the app", show=False, id="proxied.inject"),
        Binding(
            "left_square_bracket",
            "switch(-1)",
            "previous session",
            show=False,
            id="proxied.previous",
        ),
        Binding("right_square_bracket", "switch(1)", "next session", show=False, id="proxied.next"),
        Binding("ctrl+r", "reconnect", "reconnect", show=False, id="session.reconnect"),
        Binding("ctrl+x", "disconnect", "disconnect", show=False, id="session.disconnect"),
    ]

    def __init__(self, session: ProxiedSession, switch: Callable[[int], None]) -> None:
        super().__init__()
        self._session = session
        self._switch = switch

    def commands(self) -> Commands:
        """Return the commands of a proxied session."""
        return {
            "break": self._arm,
            "resume": lambda _: self.action_resume(),
            "reconnect": lambda _: self.action_reconnect(),
            "disconnect": lambda _: self.action_disconnect(),
        }

    def action_reconnect(self) -> None:
        """Say that this is not ours to do."""
        self.workspace.say("the app connects, not the inspector: start it again", "warning")

    def action_disconnect(self) -> None:
        """Close both sides."""
        self._session.close()

    def action_switch(self, step: int) -> None:
        """Go to another session of the list."""
        self._switch(step)

    def action_breakpoint(self) -> None:
        """Ask what to hold."""
        ask_breakpoint(self.workspace, self._session.breakpoints)

    def action_held(self) -> None:
        """Show what is held."""
        from inspector.tui.proxy.paused_frames import PausedFramesScreen

        self.app.push_screen(PausedFramesScreen(self._session, self.workspace.glyphs))

    def action_resume(self) -> None:
        """Let everything go on that is held."""
        self._session.breakpoints.resume()

    def action_inject(self) -> None:
        """Ask for an event, and send it to the app as if it came from the API."""
        from inspector.tui.common.dialog import Field, FormDialog

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self._inject(answers["event"])

        field = Field("event", "event", '{"type":"error","error":{"message":""}}', "JSON")
        note = "Goes out exactly as it stands, and is marked as injected."
        self.app.push_screen(FormDialog("Send an event to the app", (field,), note), answered)

    def _inject(self, payload: dict[str, Any] | str) -> None:
        try:
            self._session.submit(payload, Origin.HAND, to="app")
        except InspectorError as error:
            self.workspace.say(f"not sent: {error.message}", "error")

    def _arm(self, expression: str) -> None:
        if expression:
            self._session.breakpoints.arm(expression)
        else:
            self._session.breakpoints.disarm()
