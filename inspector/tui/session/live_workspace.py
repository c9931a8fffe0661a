"""The workspace of a live session: this program is the client, with manual actions, microphone and speaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding

from inspector.analysis.totals import Losses
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.record import Connection
from inspector.engine.session_bench import SessionBench, SessionVadLab
from inspector.engine.session_cost import SessionCost
from inspector.engine.session_findings import SessionFindings
from inspector.engine.session_latency import SessionLatency
from inspector.engine.session_verdict import SessionVerdict
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import InspectorError
from inspector.muted_rules import MutedRules
from inspector.tui.common.dialog import Field, FormDialog
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart
from inspector.tui.common.hint import Hint
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Readings
from inspector.tui.form.form_control import FormControl
from inspector.tui.sending.action_line import SESSION_BUTTONS
from inspector.tui.sending.sending_part import Sending
from inspector.tui.session.hints import session_hint
from inspector.tui.session.readings import live_readings
from inspector.tui.session.session_header import (
    folder_of,
    now_us_of,
    recording_stem_of,
    session_header,
)
from inspector.tui.session.sound_controls import SoundControls
from inspector.tui.views.view import Commands
from inspector.tui.workspace.part import Part, SessionModel
from inspector.tui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from inspector.analysis.verdict import VerdictPart
    from inspector.engine.live_engine import Engine


def session_workspace(
    host: TaskSupervisor,
    engine: Engine,
    glyphs: Glyphs,
    left: Callable[[Engine], None] | None = None,
) -> Workspace:
    """Return the screen of a live session; it connects when mounted.

    Args:
        host: runs the session.
        engine: the session.
        glyphs: the characters that the terminal can display.
        left: called when the user has left the session and its connection is closed.
    """
    sending = Sending(engine, SESSION_BUTTONS)
    parts = (
        sending,
        FormControl(sending.submit_form),
        SoundControls(engine),
        ConnectionControls(host, engine),
    )
    return Workspace(LiveModel(host, engine, glyphs, left), parts, glyphs)


class LiveModel(SessionModel):
    """A live session as shown by a workspace."""

    title = "Session"

    def __init__(
        self,
        host: TaskSupervisor,
        engine: Engine,
        glyphs: Glyphs,
        left: Callable[[Engine], None] | None = None,
    ) -> None:
        self._host = host
        self._engine = engine
        self._glyphs = glyphs
        self._left = left
        self.cost = SessionCost(engine.header)
        self.latency = SessionLatency(engine.log)
        self.findings = SessionFindings(MutedRules(folder_of(engine)))
        self.bench = SessionBench(engine.log)
        self.vad_lab = SessionVadLab(engine.log)
        self._verdict = SessionVerdict(self.cost)

    @property
    def log(self) -> EventLog:
        """Return the session's events."""
        return self._engine.log

    @property
    def state(self) -> SessionState:
        """Return the current state."""
        return self._engine.state

    def now_us(self) -> int:
        """Return the session time; after the end, that of the last event."""
        return now_us_of(self._engine)

    def recording_stem(self) -> str:
        """Return the recording's name without its suffix, or a substitute if nothing is recorded."""
        return recording_stem_of(self._engine)

    def header(self, ticks: int) -> Sequence[HeaderPart]:
        """Return connection, model, errors, source, time, count, recording and tokens."""
        return session_header(
            self._engine, self._glyphs, self.now_us(), ticks, self.cost, self.findings
        )

    @property
    def verdict(self) -> Sequence[VerdictPart]:
        """Return the verdict as of now."""
        return self._verdict.parts

    def advance(self) -> None:
        """Follow the session."""
        super().advance()
        is_over = self._engine.connection in (Connection.CLOSED, Connection.REFUSED)
        self.findings.update(self._engine.state, self._engine.now_ns, is_over=is_over)
        self._verdict.update(self.state, self.findings.findings, is_over=is_over)

    @property
    def is_troubled(self) -> bool:
        """Return whether there were errors, or the session is not being recorded."""
        return bool(self.faults or self._engine.recording.failure)

    def hint(self, key: Key, place: str) -> Hint:
        """Return the condition of the session and the next steps."""
        return session_hint(self._engine, self._engine.sound, key, place)

    def readings(self, key: Key) -> Readings:
        """Return the current levels."""
        engine = self._engine
        return live_readings(engine.sound, self.state, engine.now_ns, key, self.losses)

    def empty_conversation(self, key: Key) -> str:
        """Return the text for an empty conversation."""
        if self.state.session.kind == "translation":
            return f"Speech appears here beside its translation. {key('sound.talk')} push to talk"
        send, create = key("session.send"), key("session.create")
        return f"{send} write a message · {create} ask for a response"

    @property
    def losses(self) -> Losses:
        """Return counts of audio that was not sent or played, by name."""
        return self._engine.losses

    def in_progress(self) -> str:
        """Return that an answer is being played."""
        engine = self._engine
        is_playing = engine.state.output_audio.playing(engine.now_ns) is not None
        return "an answer is playing" if is_playing else ""

    async def close(self) -> None:
        """Close the connection and wait until that is recorded."""
        await self._host.stop(self._engine)
        if self._left is not None:
            self._left(self._engine)


class ConnectionControls(Part):
    """What only a live session has: connecting, disconnecting, and fault injection in the simulator."""

    BINDINGS = [
        Binding("ctrl+r", "reconnect", "reconnect", show=False, id="session.reconnect"),
        Binding("ctrl+x", "disconnect", "disconnect", show=False, id="session.disconnect"),
        Binding("exclamation_mark", "fault", "inject a fault", show=False, id="session.fault"),
    ]

    def __init__(self, host: TaskSupervisor, engine: Engine) -> None:
        super().__init__()
        self._host = host
        self._engine = engine

    def on_mount(self) -> None:
        """Connect when the screen opens."""
        if self._engine.connection is Connection.IDLE:
            self._host.start(self._engine)

    def commands(self) -> Commands:
        """Return the commands for the connection."""
        return {
            "reconnect": lambda _: self.action_reconnect(),
            "disconnect": lambda _: self.action_disconnect(),
            "fault": self._raise_fault,
        }

    def action_reconnect(self) -> None:
        """Connect again after the connection has ended, into the same recording."""
        if self._engine.can_send:
            key = self.workspace.key("session.disconnect")
            self.workspace.say(f"already connected; press {key} to disconnect first", "warning")
        else:
            self._host.start(self._engine)

    def action_disconnect(self) -> None:
        """Close the connection and keep the screen."""
        self.run_worker(self._host.stop(self._engine), exclusive=True)

    def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the simulator's faults."""
        return {"fault": list(self._engine.faults)}

    def action_fault(self) -> None:
        """Ask which fault to inject into the simulator."""
        faults = self._engine.faults
        if not faults:
            self.workspace.say("Fault injection is only available with the simulator", "warning")
            return
        field = Field("name", "fault", next(iter(faults)), suggestions=tuple(faults))

        def answered(answers: dict[str, str] | None) -> None:
            if answers is None:
                return
            try:
                self._raise_fault(answers["name"])
            except InspectorError as error:
                self.workspace.say(error.words, "error")

        dialog = FormDialog("Inject a fault", (field,), f"Choose one: {', '.join(faults)}")
        self.app.push_screen(dialog, answered)

    def _raise_fault(self, name: str) -> None:
        self._engine.raise_fault(name.strip())
        self.workspace.say(f"fault injected: {name.strip()}")
