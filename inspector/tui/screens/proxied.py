"""ProxiedScreen: a session of somebody else's app. What is sent from here is injected; closing the view leaves the app alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.binding import Binding

from inspector.analysis.inert import inert
from inspector.core.event import Direction, Origin
from inspector.engine.host import Host
from inspector.engine.proxied import ProxiedSession
from inspector.engine.record import Connection
from inspector.errors import InspectorError
from inspector.tui.action_line import SESSION_BUTTONS, Button
from inspector.tui.glyphs import Glyphs
from inspector.tui.header import HeaderPart
from inspector.tui.hint import Hint, hint
from inspector.tui.readings import LogLevels, Readings, recorded_readings
from inspector.tui.screens.held import ask_breakpoint
from inspector.tui.screens.session import SessionScreen
from inspector.tui.screens.sound import SoundScreen
from inspector.tui.session_header import rules_part
from inspector.tui.session_hints import connection_hint, error_hint

_NOT_HERE = frozenset(
    {"fault", *(binding.action for binding in SoundScreen.BINDINGS if isinstance(binding, Binding))}
)


class ProxiedScreen(SessionScreen):
    """A session between an app and the API."""

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
    ]

    BUTTONS = (
        Button("send", "inject"),
        *(b for b in SESSION_BUTTONS if b.action not in ("send", "reconnect")),
    )

    def __init__(
        self,
        host: Host,
        session: ProxiedSession,
        glyphs: Glyphs,
        switch: Callable[[int], None],
    ) -> None:
        """Show a session.

        Args:
            host: of the screen.
            session: which.
            glyphs: what the terminal can show.
            switch: shows the session that stands so many places further in the list.
        """
        super().__init__(host, session, glyphs)
        self._switch = switch
        self.title = "Session of an app"
        self._session = session
        self._levels = LogLevels(session.log)

    def readings(self) -> Readings:
        """Return the levels of what went by."""
        session = self._session
        levels = self._levels.read(len(session.log) - 1, session.now_ns, self.state)
        return recorded_readings(
            levels, self.state, session.now_ns, session.source.url, idle="as it passes"
        )

    def header_parts(self) -> tuple[HeaderPart, ...]:
        """Return the rules that are armed."""
        rules = self._session.rules
        return (rules_part(rules.rules, rules.hits, rules.is_spent),)

    def empty_conversation(self) -> str:
        """Return why the conversation is empty."""
        return "Nothing has been said yet between the app and the API."

    def connect(self) -> None:
        """Say that this is not ours to do."""
        self.say("the app connects, not the inspector: start it again", "warning")

    async def end(self) -> None:
        """Close both sides."""
        self._session.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer nothing that only a session of our own has: a microphone, a speaker, a simulator that does wrong on demand."""
        return action not in _NOT_HERE and super().check_action(action, parameters)

    async def _leave(self) -> None:
        self.app.pop_screen()

    def hint(self) -> Hint:
        """Return what is true, and what to do next."""
        session, key = self._session, self.key
        held = session.breakpoints.held
        if held:
            to = "API" if held[0].direction is Direction.CLIENT else "app"
            what = f"{len(held)} held: {inert(held[0].event.type) or 'a frame'} to the {to}"
            resumes = f"{key('proxied.resume')} resumes all"
            return hint(what, f"{key('proxied.held')} shows them", resumes)
        if session.connection is Connection.CONNECTING:
            return hint(f"the app waits for {session.source.url}")
        ended = connection_hint(session, key, again=False)
        if ended is not None:
            return ended
        error = error_hint(self.state, key, self.place)
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
            around if self.place != "detail" else "",
        )

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return the commands of a proxied session."""
        own = {"break": self._arm, "resume": lambda _: self.action_resume()}
        inherited = super().commands()
        not_here = {"fault", *self.sound_commands()}
        return {**{name: do for name, do in inherited.items() if name not in not_here}, **own}

    def action_switch(self, step: int) -> None:
        """Go to another session of the list."""
        self._switch(step)

    def action_breakpoint(self) -> None:
        """Ask what to hold."""
        ask_breakpoint(self, self._session.breakpoints)

    def action_held(self) -> None:
        """Show what is held."""
        from inspector.tui.screens.held import HeldScreen

        self.app.push_screen(HeldScreen(self._session, self.glyphs))

    def action_resume(self) -> None:
        """Let everything go on that is held."""
        self._session.breakpoints.resume()

    def action_inject(self) -> None:
        """Ask for an event, and send it to the app as if it came from the API."""
        from inspector.tui.screens.dialog import Field, FormDialog

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
            self.say(f"not sent: {error.message}", "error")

    def _arm(self, expression: str) -> None:
        if expression:
            self._session.breakpoints.arm(expression)
        else:
            self._session.breakpoints.disarm()
