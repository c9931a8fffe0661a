"""SimSession: one connection to a Realtime server, as a state machine. Frames and times in, timed frames out.

No sockets and no clock: whoever owns it calls ``receive`` with what the client sent and ``due`` when time has passed. What
the API calls for is in the parts: ``listener`` (audio in), ``responder`` (answers out), ``conversation``, ``session``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from inspector.sim.brain import Brain
from inspector.sim.connect_request import ConnectRequest, is_translation, key_of, kind_of, model_of
from inspector.sim.dialects import dialect_for
from inspector.sim.effective_session import EffectiveSession, new_session
from inspector.sim.fatal import Fatal, expired
from inspector.sim.fault_injection import inject_fault, refused_by
from inspector.sim.faults import PendingFaults, Phase, RaisedFault, parse_fault
from inspector.sim.ids import Ids
from inspector.sim.input_pipeline import InputPipeline
from inspector.sim.intake import Intake, event_in, validate_translation
from inspector.sim.item_events import ItemEvents
from inspector.sim.refusals import ApiRefusal
from inspector.sim.responder import Responder
from inspector.sim.rules.rules_brain import RulesBrain
from inspector.sim.schedule import Process, Schedule
from inspector.sim.server_outbox import CloseSocket, Json, SendText, ServerOutbox, SimOutput
from inspector.sim.session_context import SessionContext
from inspector.sim.settings import NS_PER_MS, SimSettings
from inspector.sim.speech_recognizer import MeasuringRecognizer, SpeechRecognizer
from inspector.sim.translation import Translator
from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sim.value_checks import Validate, validate
from inspector.sim.voice import BabblingVoice, Voice

__all__ = ["CloseSocket", "ConnectRequest", "Seams", "SendText", "SimOutput", "SimSession"]

HELLO_MS, REPLY_MS = 0, 30
"""Measured: an event is answered after 30 to 60 ms. The API's first frame comes 3 to 6 ms after the upgrade; here it comes
with it, so that it is not late where hundreds of clients come at once."""


@dataclass(frozen=True, slots=True)
class Seams:
    """What can be exchanged in a simulated server."""

    brain: Brain = field(default_factory=RulesBrain)
    voice: Voice = field(default_factory=BabblingVoice)
    recognizer: SpeechRecognizer = field(default_factory=MeasuringRecognizer)
    detector: SpeechDetector = field(default_factory=LoudnessDetector)
    validate: Validate = validate


class SimSession:
    """One client's connection. Never raises, whatever the client sends."""

    def __init__(
        self,
        request: ConnectRequest,
        *,
        started_unix_s: int,
        seed: int = 0,
        settings: SimSettings | None = None,
        seams: Seams | None = None,
        dialect: str = "",
        opening: Json | None = None,
        refused: Fatal | None = None,
        faults: Sequence[RaisedFault] = (),
    ) -> None:
        """Accept a connection; it starts at the first call of ``due`` or ``receive``.

        Args:
            request: the upgrade request.
            started_unix_s: wall-clock time, for ``expires_at``.
            seed: two sessions with one seed make the same ids.
            settings: what the server is like.
            seams: what thinks, speaks, hears, detects and validates.
            dialect: name of the provider's dialect; ``""`` for that of the request.
            opening: what a client secret says of the session; members of a ``session.update``.
            refused: why the connection is ended at once, whatever else speaks for it.
            faults: what goes wrong, and when.
        """
        self.is_closed = False
        """True once a close was decided; ``due`` still returns what comes with it, then nothing more."""
        self._request = request
        self._refused = refused
        self._settings = settings or SimSettings()
        self._seams = seams or Seams()
        self._schedule = Schedule()
        self._has_started = False
        self._started_unix_s = started_unix_s
        kind = dialect_for(request, dialect)
        ids = kind.make_ids(seed)
        self._dialect = kind(ids, self._unix_ms)
        self._session_context = SessionContext(
            self._settings,
            ids,
            ServerOutbox(ids, self._dialect.render),
            self._schedule,
            EffectiveSession(self._new_session(ids)),
            ids.new("conv_"),
            self._seams.brain,
            self._seams.voice,
            self._seams.recognizer,
            self._dialect,
            faults=PendingFaults(faults),
            strike=self._strike,
        )
        if opening is not None:
            self._session_context.session.update(opening)
        self._responder = Responder(self._session_context)
        self._intake = self._intake_of_kind()

    def _new_session(self, ids: Ids) -> Json:
        expires_at = self._started_unix_s + self._settings.max_session_s
        model = model_of(self._request) or self._dialect.default_model
        kind = kind_of(self._request)
        session = new_session(kind, ids.new("sess_"), model, expires_at)
        return session if kind == "translation" else self._dialect.opening(session)

    def _intake_of_kind(self) -> Intake:
        if is_translation(self._request):
            translator = Translator(self._session_context, self._seams.detector, self._end)
            handlers = {
                "session.update": self._update_session,
                "session.input_audio_buffer.append": translator.append,
                "session.close": translator.close,
            }
            return Intake(handlers, validate_translation)
        items = ItemEvents(self._session_context, self._responder.mcp)
        listener = InputPipeline(self._session_context, self._responder, self._seams.detector)
        handlers = {
            "session.update": self._update_session,
            "input_audio_buffer.append": listener.append,
            "input_audio_buffer.commit": listener.commit,
            "input_audio_buffer.clear": listener.clear,
            "conversation.item.create": items.create,
            "conversation.item.retrieve": items.retrieve,
            "conversation.item.truncate": items.truncate,
            "conversation.item.delete": items.delete,
            "response.create": self._responder.create,
            "response.cancel": self._responder.cancel,
        }
        return Intake(handlers, self._seams.validate)

    @property
    def next_due_ns(self) -> int | None:
        """Return when ``due`` should be called again; None: only after the next ``receive``."""
        if self.is_closed:
            return None
        return self._schedule.next_ns if self._has_started else 0

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Take one frame of the client in; it is handled after the server's latency."""
        self._start(now_ns)
        if not self.is_closed:
            at_ns = now_ns + self._session_context.settings.delay_ns(REPLY_MS)
            self._schedule.call(lambda: self._handle(data, is_text=is_text), at_ns)

    def due(self, now_ns: int) -> list[SimOutput]:
        """Return every output whose time has come, in order."""
        self._start(now_ns)
        if not self.is_closed:
            self._schedule.run_until(now_ns)
        return self._session_context.outbox.take()

    def close(self) -> None:
        """Let go of what the session holds, when its connection is over."""
        self._schedule.clear()  # a brain that still thinks stops with its response
        self._seams.detector.close()

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._schedule.now_ns = now_ns
            self._schedule.start(self._life(), now_ns + self._settings.delay_ns(HELLO_MS))

    def _life(self) -> Process:
        struck = self._session_context.faults.take_all(Phase.CONNECT)
        fatal = (
            refused_by(struck[0], key_of(self._request), model_of(self._request))
            if struck
            else self._refused or self._dialect.why_not(self._request, self._settings)
        )
        if fatal is None:
            self._session_context.outbox.emit(
                "session.created", session=self._session_context.session.object
            )
            if self._dialect.ping_s:
                self._schedule.start(self._pings(), self._schedule.now_ns + self._ping_ns)
            yield self._settings.max_session_s * 1000 * NS_PER_MS
            fatal = expired()
        self._fail(fatal)

    def _pings(self) -> Process:
        while True:
            self._session_context.outbox.emit("ping", timestamp=self._unix_ms())
            yield self._ping_ns

    @property
    def _ping_ns(self) -> int:
        return self._dialect.ping_s * 1000 * NS_PER_MS

    def _unix_ms(self) -> int:
        return self._started_unix_s * 1000 + self._schedule.now_ns // NS_PER_MS

    def raise_fault(self, name: str, now_ns: int) -> None:
        """Let something go wrong at once, or at its next occasion.

        Raises:
            UsageError: there is no such fault.
        """
        parse_fault(name)
        self._start(now_ns)
        if not self.is_closed:
            self._schedule.now_ns = max(self._schedule.now_ns, now_ns)
            self._schedule.call(lambda: self._strike(name), self._schedule.now_ns)

    def _strike(self, name: str) -> None:
        if not self.is_closed:
            inject_fault(name, self._session_context, self._responder, self._fail, self._end)

    def _fail(self, fatal: Fatal) -> None:
        self._refuse(fatal.refusal, None)
        self._end(fatal.close_code, fatal.reason)

    def _end(self, code: int = 1000, reason: str = "") -> None:
        """End the session; without a code at the client's wish."""
        self._session_context.outbox.close(code, reason)
        self.is_closed = True

    def _handle(self, data: bytes, *, is_text: bool) -> None:
        if self.is_closed:
            return
        event_id = None
        try:
            body = event_in(data, is_text=is_text)
            event_id = body["event_id"] if isinstance(body.get("event_id"), str) else None
            self._do(self._dialect.accept(body))
        except ApiRefusal as refusal:
            if refusal.late_ms:
                at_ns = self._schedule.now_ns + self._settings.delay_ns(refusal.late_ms)
                self._schedule.call(_bound(self._refuse, refusal, event_id), at_ns)
            else:
                self._refuse(refusal, event_id)

    def _do(self, body: Json) -> None:
        """Do what an event asks for, once it is one of OpenAI's API or of those that the dialect has beyond.

        Raises:
            Refusal: worded as the dialect has it.
        """
        kind = str(body.get("type"))
        if kind in self._dialect.ignored:
            return
        if kind in self._dialect.farewells:
            self._session_context.outbox.emit(self._dialect.farewells[kind])
            self._end()
            return
        try:
            self._intake.handle(body)
        except ApiRefusal as refusal:
            raise self._dialect.worded(refusal) from None

    def _refuse(self, refusal: ApiRefusal, event_id: str | None) -> None:
        error = {
            "type": refusal.type,
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "event_id": event_id,
        }
        self._session_context.outbox.emit("error", error=error)

    def _update_session(self, event: Json) -> None:
        tools = event["session"].get("tools") or []
        self._responder.mcp.check(tools)
        self._session_context.session.update(event["session"])
        self._dialect.settle(self._session_context.session.object)
        self._session_context.outbox.emit(
            "session.updated", session=self._session_context.session.object
        )
        self._responder.mcp.import_tools(tools)


def _bound(
    refuse: Callable[[ApiRefusal, str | None], None], refusal: ApiRefusal, event_id: str | None
) -> Callable[[], None]:
    return lambda: refuse(refusal, event_id)
