"""One connection to the simulated server, as a state machine without sockets or clock.

The owner calls ``receive`` with each client frame and ``due`` when time has passed, and sends what ``due`` returns. This
module starts and ends the session and routes events to ``InputPipeline``, ``Responder``, ``ItemEvents`` and ``Translator``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from inspector.core.units import NS_PER_MS
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
from inspector.sim.settings import SimSettings
from inspector.sim.speech_recognizer import MeasuringRecognizer, SpeechRecognizer
from inspector.sim.translation import Translator
from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sim.value_checks import Validate, validate
from inspector.sim.voice import BabblingVoice, Voice

__all__ = ["CloseSocket", "ConnectRequest", "Seams", "SendText", "SimOutput", "SimSession"]

HELLO_MS, REPLY_MS = 0, 30
"""Measured: the API answers an event after 30 to 60 ms, and sends its first frame 3 to 6 ms after the upgrade. Here the
first frame has no delay, so that it is not late when hundreds of clients connect at once."""


@dataclass(frozen=True, slots=True)
class Seams:
    """The replaceable parts of a simulated server."""

    brain: Brain = field(default_factory=RulesBrain)
    voice: Voice = field(default_factory=BabblingVoice)
    recognizer: SpeechRecognizer = field(default_factory=MeasuringRecognizer)
    detector: SpeechDetector = field(default_factory=LoudnessDetector)
    validate: Validate = validate


class SimSession:
    """One client's connection. Never raises because of what a client sends."""

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
        """Accept a connection; the session starts with the first call of ``due`` or ``receive``.

        Args:
            request: the upgrade request.
            started_unix_s: wall-clock time, for ``expires_at``.
            seed: sessions with the same seed generate the same ids.
            settings: timings, limits and accepted keys of the server.
            seams: the brain, voice, recognizer, speech detector and event checks.
            dialect: name of the provider's dialect; ``""`` to choose it by the request.
            opening: settings from a client secret, as members of a ``session.update``.
            refused: if set, the connection is refused without further checks.
            faults: the faults set for this session.
        """
        self.is_closed = False
        """True once a close was emitted; ``due`` still returns the close and what precedes it."""
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
            inject=self._inject,
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
        return session if kind == "translation" else self._dialect.initial_session(session)

    def _intake_of_kind(self) -> Intake:
        if is_translation(self._request):
            translator = Translator(self._session_context, self._seams.detector, self._end)
            # Except for the update, the translation protocol has client events of its own.
            handlers = {
                "session.update": self._update_session,
                "session.input_audio_buffer.append": translator.append,
                "session.close": translator.close,
            }
            return Intake(handlers, validate_translation)
        items = ItemEvents(self._session_context, self._responder.mcp)
        pipeline = InputPipeline(self._session_context, self._responder, self._seams.detector)
        handlers = {
            "session.update": self._update_session,
            "input_audio_buffer.append": pipeline.append,
            "input_audio_buffer.commit": pipeline.commit,
            "input_audio_buffer.clear": pipeline.clear,
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
        """Return when to call ``due`` next; None if only a ``receive`` can make something due."""
        if self.is_closed:
            return None
        return self._schedule.next_ns if self._has_started else 0

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Accept a frame from the client; it is handled after the server's latency."""
        self._start(now_ns)
        if not self.is_closed:
            at_ns = now_ns + self._session_context.settings.delay_ns(REPLY_MS)
            self._schedule.call(lambda: self._handle(data, is_text=is_text), at_ns)

    def due(self, now_ns: int) -> list[SimOutput]:
        """Return the outputs that are due, in order."""
        self._start(now_ns)
        if not self.is_closed:
            self._schedule.run_until(now_ns)
        return self._session_context.outbox.drain()

    def close(self) -> None:
        """Release the session's resources after its connection has ended."""
        self._schedule.clear()  # closing a response's process cancels the brain's pending answer
        self._seams.detector.close()

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._schedule.now_ns = now_ns
            self._schedule.start(self._run(), now_ns + self._settings.delay_ns(HELLO_MS))

    def _run(self) -> Process:
        faults = self._session_context.faults.consume_all(Phase.CONNECT)
        fatal = (
            refused_by(faults[0], key_of(self._request), model_of(self._request))
            if faults
            else self._refused or self._dialect.connection_refusal(self._request, self._settings)
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
        """Inject a fault now, or keep it for the next response or transcription if it needs one.

        Raises:
            UsageError: the fault does not exist.
        """
        parse_fault(name)  # raise to the caller, and not later inside of the schedule
        self._start(now_ns)
        if not self.is_closed:
            self._schedule.now_ns = max(self._schedule.now_ns, now_ns)
            self._schedule.call(lambda: self._inject(name), self._schedule.now_ns)

    def _inject(self, name: str) -> None:
        if not self.is_closed:
            inject_fault(name, self._session_context, self._responder, self._fail, self._end)

    def _fail(self, fatal: Fatal) -> None:
        self._refuse(fatal.refusal, None)
        self._end(fatal.close_code, fatal.reason)

    def _end(self, code: int = 1000, reason: str = "") -> None:
        """End the session; the default code is a normal close, as the client requested it."""
        self._session_context.outbox.close(code, reason)
        self.is_closed = True

    def _handle(self, data: bytes, *, is_text: bool) -> None:
        if self.is_closed:
            return
        event_id = None
        try:
            body = event_in(data, is_text=is_text)
            event_id = body["event_id"] if isinstance(body.get("event_id"), str) else None
            self._dispatch(self._dialect.accept(body))
        except ApiRefusal as refusal:
            if refusal.late_ms:
                at_ns = self._schedule.now_ns + self._settings.delay_ns(refusal.late_ms)
                self._schedule.call(_bound(self._refuse, refusal, event_id), at_ns)
            else:
                self._refuse(refusal, event_id)

    def _dispatch(self, body: Json) -> None:
        """Handle an event of OpenAI's API, or one that only the dialect has.

        Raises:
            ApiRefusal: the event is refused; with the paths and names of the dialect.
        """
        kind = str(body.get("type"))
        if kind in self._dialect.ignored:
            return
        if kind in self._dialect.closing_events:
            self._session_context.outbox.emit(self._dialect.closing_events[kind])
            self._end()
            return
        try:
            self._intake.handle(body)
        except ApiRefusal as refusal:
            raise self._dialect.translated_refusal(refusal) from None

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
        # Everything that may refuse comes before the first effect.
        self._responder.mcp.check(tools)
        self._session_context.session.update(event["session"])
        self._dialect.after_update(self._session_context.session.object)
        self._session_context.outbox.emit(
            "session.updated", session=self._session_context.session.object
        )
        self._responder.mcp.import_tools(tools)


def _bound(
    refuse: Callable[[ApiRefusal, str | None], None], refusal: ApiRefusal, event_id: str | None
) -> Callable[[], None]:
    # Not a lambda in the ``except`` block: Python unbinds the caught exception at the end of it.
    return lambda: refuse(refusal, event_id)
