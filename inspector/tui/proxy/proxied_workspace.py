"""The workspace of a proxied session. Events sent from it are injected; closing it does not affect the app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from inspector.analysis.sanitize import sanitized
from inspector.core.event import Direction, Origin
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.proxied_session import ProxiedSession
from inspector.engine.record import Connection
from inspector.engine.session_bench import SessionBench, SessionVadLab
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_findings import SessionFindings
from inspector.engine.session_latency import SessionLatency
from inspector.engine.session_verdict import SessionVerdict
from inspector.errors import InspectorError
from inspector.muted_rules import MutedRules
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
    folder_of,
    now_us_of,
    recording_stem_of,
    rules_part,
    session_header,
)
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part, SessionModel
from inspector.tui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from inspector.analysis.verdict import VerdictPart

PROXIED_BUTTONS = (
    Button("send", "inject"),
    *(b for b in SESSION_BUTTONS if b.action not in ("send", "reconnect")),
)


def proxied_workspace(
    session: ProxiedSession, glyphs: Glyphs, switch: Callable[[int], None]
) -> Workspace:
    """Return the screen of a proxied session.

    Args:
        session: the session between an app and the API.
        glyphs: characters that the terminal can show.
        switch: shows the session a number of places further in the list.
    """
    sending = Sending(session, PROXIED_BUTTONS)
    parts = (sending, FormControl(sending.submit_form), BreakpointControls(session, switch))
    return Workspace(ProxiedModel(session, glyphs), parts, glyphs)


class ProxiedModel(SessionModel):
    """A session between an app and the API, as shown by a workspace."""

    title = "Proxied session"

    def __init__(self, session: ProxiedSession, glyphs: Glyphs) -> None:
        self._session = session
        self._glyphs = glyphs
        self.cost = SessionCost(session.header)
        self.latency = SessionLatency(session.log)
        self.findings = SessionFindings(MutedRules(folder_of(session)))
        self.bench = SessionBench(session.log)
        self.vad_lab = SessionVadLab(session.log)
        self._verdict = SessionVerdict(self.cost)
        self._levels = LogLevels(session.log)

    @property
    def log(self) -> EventLog:
        """Return the session's events."""
        return self._session.log

    @property
    def state(self) -> SessionState:
        """Return the current state."""
        return self._session.state

    def now_us(self) -> int:
        """Return the session time; after the end, that of the last event."""
        return now_us_of(self._session)

    def recording_stem(self) -> str:
        """Return the recording's name without its suffix, or a substitute if nothing is recorded."""
        return recording_stem_of(self._session)

    def header(self, ticks: int) -> Sequence[HeaderPart]:
        """Return the parts of a live session's header, and the proxy's rules."""
        rules = self._session.rules
        parts = session_header(
            self._session, self._glyphs, self.now_us(), ticks, self.cost, self.findings
        )
        return (*parts, rules_part(rules.rules, rules.hits, rules.is_exhausted))

    @property
    def verdict(self) -> Sequence[VerdictPart]:
        """Return the verdict as of now."""
        return self._verdict.parts

    def advance(self) -> None:
        """Follow the session."""
        super().advance()
        is_over = self._session.has_ended
        self.findings.update(self._session.state, self._session.now_ns, is_over=is_over)
        self._verdict.update(self.state, self.findings.findings, is_over=is_over)

    @property
    def is_troubled(self) -> bool:
        """Return whether there were errors, or the session is not being recorded."""
        return bool(self.faults or self._session.recording.failure)

    def readings(self, key: Key) -> Readings:  # noqa: ARG002 - a proxied session has no sound keys
        """Return the levels of the audio in the latest frames."""
        session = self._session
        levels = self._levels.read(len(session.log) - 1, session.now_ns, self.state)
        return recorded_readings(
            levels, self.state, session.now_ns, session.source.url, idle="passing through"
        )

    def empty_conversation(self, key: Key) -> str:  # noqa: ARG002 - the app sends the messages
        """Return the text for an empty conversation."""
        return "The app and the API have not exchanged any items yet."

    def hint(self, key: Key, place: str) -> Hint:
        """Return the condition of the session and the next steps."""
        session = self._session
        paused = session.breakpoints.paused
        if paused:
            to = "API" if paused[0].direction is Direction.CLIENT else "app"
            what = f"{len(paused)} held: {sanitized(paused[0].event.type) or 'a frame'} to the {to}"
            resume = f"{key('proxied.resume')} resume all"
            return hint(what, f"{key('proxied.held')} held frames", resume)
        if session.connection is Connection.CONNECTING:
            return hint(f"the app is connecting to {session.source.url} …")
        ended = connection_hint(session, key, again=False)
        if ended is not None:
            return ended
        error = error_hint(self.state, key, place)
        armed = session.breakpoints.armed
        set_breakpoint = key("proxied.breakpoint")
        if armed:
            return hint(
                f"breakpoint: {', '.join(map(str, armed))}", f"{set_breakpoint} change", error
            )
        around = f"{key('proxied.previous')} {key('proxied.next')} other sessions"
        return hint(
            f"{set_breakpoint} set a breakpoint",
            error,
            f"{key('session.send')} inject to the API",
            f"{key('proxied.inject')} inject to the app",
            around if place != "detail" else "",
        )


class BreakpointControls(Part):
    """Breakpoints, injection into the app, and switching between sessions."""

    BINDINGS = [
        Binding("S", "breakpoint", "breakpoint", id="proxied.breakpoint"),
        Binding("H", "held", "held frames", id="proxied.held"),
        Binding("R", "resume", "resume all", show=False, id="proxied.resume"),
        Binding("I", "inject", "inject to the app", show=False, id="proxied.inject"),
        Binding(
            "left_square_bracket",
            "switch(-1)",
            "previous session",
            show=False,
            id="proxied.previous",
        ),
        Binding("right_square_bracket", "switch(1)", "next session", show=False, id="proxied.next"),
        # Bound although the proxy cannot reconnect: the key then explains why, where a dead key would not.
        Binding("ctrl+r", "reconnect", "reconnect", show=False, id="session.reconnect"),
        Binding("ctrl+x", "disconnect", "disconnect", show=False, id="session.disconnect"),
    ]

    def __init__(self, session: ProxiedSession, switch: Callable[[int], None]) -> None:
        super().__init__()
        self._session = session
        self._switch = switch

    def commands(self) -> Commands:
        """Return the commands for breakpoints and the connection."""
        return {
            "break": self._arm,
            "resume": lambda _: self.action_resume(),
            "reconnect": lambda _: self.action_reconnect(),
            "disconnect": lambda _: self.action_disconnect(),
        }

    def action_reconnect(self) -> None:
        """Explain that only the app can reconnect."""
        self.workspace.say("only the app can reconnect: restart it", "warning")

    def action_disconnect(self) -> None:
        """Close the connections to the app and to the API."""
        self._session.close()

    def action_switch(self, step: int) -> None:
        """Show another session of the list."""
        self._switch(step)

    def action_breakpoint(self) -> None:
        """Ask for a breakpoint."""
        ask_breakpoint(self.workspace, self._session.breakpoints)

    def action_held(self) -> None:
        """Show the held frames."""
        from inspector.tui.proxy.paused_frames import PausedFramesScreen

        self.app.push_screen(PausedFramesScreen(self._session, self.workspace.glyphs))

    def action_resume(self) -> None:
        """Forward all held frames and remove the breakpoints."""
        self._session.breakpoints.resume()

    def action_inject(self) -> None:
        """Ask for an event, and send it to the app as if it came from the API."""
        from inspector.tui.common.dialog import Field, FormDialog

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self._inject(answers["event"])

        field = Field("event", "event", '{"type":"error","error":{"message":""}}', "JSON")
        note = "Sent exactly as written, and marked as injected."
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
