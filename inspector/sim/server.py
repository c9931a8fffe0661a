"""SimSession: one connection to a Realtime server, as a state machine. Frames and times in, timed frames out.

No sockets and no clock: whoever owns it calls ``receive`` with what the client sent and ``due`` when time has passed. What
the API calls for is in the parts: ``listener`` (audio in), ``responder`` (answers out), ``conversation``, ``session``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.analysis.validate import not_supported
from inspector.core.codec import decode
from inspector.sim.admission import is_transcription, model_of, why_not
from inspector.sim.brain import Brain, SimpleBrain
from inspector.sim.checks import MAX_DEPTH, Validate, is_too_deep, validate
from inspector.sim.desk import Desk
from inspector.sim.ear import Ear, MeasuringEar
from inspector.sim.ids import Ids
from inspector.sim.items import from_client
from inspector.sim.listener import Listener
from inspector.sim.outbox import CloseSocket, Json, Outbox, Output, SendText
from inspector.sim.refusals import (
    Fatal,
    Refusal,
    binary_frame,
    expired,
    no_type,
    not_json,
    too_deep,
    tool_call_unknown,
    translation_only,
)
from inspector.sim.responder import Responder
from inspector.sim.schedule import Process, Schedule
from inspector.sim.session import EffectiveSession, realtime_session, transcription_session
from inspector.sim.settings import NS_PER_MS, SimSettings
from inspector.sim.vad import LoudnessDetector, SpeechDetector
from inspector.sim.voice import BabblingVoice, Voice
from inspector.spec.events import ACCEPTED_BY_SERVER

__all__ = ["CloseSocket", "ConnectRequest", "Output", "Seams", "SendText", "SimSession"]

HELLO_MS, REPLY_MS = 4, 30
"""Measured: the first frame comes 3 to 6 ms after the upgrade; an event is answered after 30 to 60 ms."""
DEFAULT_MODEL = "gpt-realtime"
"""Of a session that names none and may do so."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the client's upgrade request said."""

    path: str = "/v1/realtime"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    subprotocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seams:
    """What can be exchanged in a simulated server."""

    brain: Brain = field(default_factory=SimpleBrain)
    voice: Voice = field(default_factory=BabblingVoice)
    ear: Ear = field(default_factory=MeasuringEar)
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
    ) -> None:
        """Accept a connection; it starts at the first call of ``due`` or ``receive``.

        Args:
            request: the upgrade request.
            started_unix_s: wall-clock time, for ``expires_at``.
            seed: two sessions with one seed make the same ids.
            settings: what the server is like.
            seams: what thinks, speaks, hears, detects and validates.
        """
        self.is_closed = False
        """True once a close was decided; ``due`` still returns what comes with it, then nothing more."""
        self._request = request
        self._settings = settings or SimSettings()
        self._seams = seams or Seams()
        self._schedule = Schedule()
        self._has_started = False
        ids = Ids(seed)
        expires_at = started_unix_s + self._settings.max_session_s
        session_id, model = ids.new("sess_"), model_of(request) or DEFAULT_MODEL
        self._desk = Desk(
            self._settings,
            ids,
            Outbox(ids),
            self._schedule,
            EffectiveSession(
                transcription_session(session_id, expires_at)
                if is_transcription(request)
                else realtime_session(session_id, model, expires_at)
            ),
            ids.new("conv_"),
            self._seams.brain,
            self._seams.voice,
            self._seams.ear,
        )
        responder = Responder(self._desk)
        listener = Listener(self._desk, responder, self._seams.detector)
        self._handlers: dict[str, Callable[[Json], None]] = {
            "session.update": self._update_session,
            "input_audio_buffer.append": listener.append,
            "input_audio_buffer.commit": listener.commit,
            "input_audio_buffer.clear": listener.clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.truncate": self._truncate_item,
            "conversation.item.delete": self._delete_item,
            "response.create": responder.create,
            "response.cancel": responder.cancel,
        }

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
            at_ns = now_ns + self._settings.delay_ns(REPLY_MS)
            self._schedule.call(lambda: self._handle(data, is_text=is_text), at_ns)

    def due(self, now_ns: int) -> list[Output]:
        """Return every output whose time has come, in order."""
        self._start(now_ns)
        if not self.is_closed:
            self._schedule.run_until(now_ns)
        return self._desk.outbox.take()

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._schedule.now_ns = now_ns
            self._schedule.start(self._life(), now_ns + self._settings.delay_ns(HELLO_MS))

    def _life(self) -> Process:
        fatal = why_not(self._request, self._settings)
        if fatal is None:
            self._desk.outbox.emit("session.created", session=self._desk.session.object)
            yield self._settings.max_session_s * 1000 * NS_PER_MS
            fatal = expired()
        self._refuse(fatal.refusal, None)
        self._close(fatal)

    def _close(self, fatal: Fatal) -> None:
        self._desk.outbox.close(fatal.close_code, fatal.reason)
        self.is_closed = True

    def _handle(self, data: bytes, *, is_text: bool) -> None:
        if self.is_closed:
            return
        event_id = None
        try:
            body = _body(data, is_text=is_text)
            event_id = body["event_id"] if isinstance(body.get("event_id"), str) else None
            self._handler(body)(body)
        except Refusal as refusal:
            if refusal.late_ms:
                at_ns = self._schedule.now_ns + self._settings.delay_ns(refusal.late_ms)
                self._schedule.call(_bound(self._refuse, refusal, event_id), at_ns)
            else:
                self._refuse(refusal, event_id)

    def _handler(self, body: Json) -> Callable[[Json], None]:
        if "type" not in body:
            raise no_type()
        refusal = self._seams.validate(body)
        if refusal is not None:
            raise refusal
        name = body["type"]
        handler = self._handlers.get(name)
        if handler is None:
            if name in ACCEPTED_BY_SERVER:
                raise translation_only(name)
            raise Refusal("invalid_value", not_supported(name, ACCEPTED_BY_SERVER), "type")
        return handler

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        error = {
            "type": refusal.type,
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "event_id": event_id,
        }
        self._desk.outbox.emit("error", error=error)

    def _update_session(self, event: Json) -> None:
        self._desk.session.update(event["session"])
        self._desk.outbox.emit("session.updated", session=self._desk.session.object)

    def _create_item(self, event: Json) -> None:
        given = event["item"]
        is_output = given["type"] == "function_call_output"
        if is_output and not self._desk.conversation.has_call(given["call_id"]):
            raise tool_call_unknown(given["call_id"])
        self._desk.add(from_client(given, self._desk.ids), event.get("previous_item_id"))

    def _retrieve_item(self, event: Json) -> None:
        item = self._desk.conversation.get(event["item_id"], "retrieve")
        self._desk.outbox.emit("conversation.item.retrieved", item=item.retrieved())

    def _truncate_item(self, event: Json) -> None:
        where = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._desk.conversation.truncate(**where)
        self._desk.outbox.emit("conversation.item.truncated", **where)

    def _delete_item(self, event: Json) -> None:
        self._desk.conversation.remove(event["item_id"])
        self._desk.outbox.emit("conversation.item.deleted", item_id=event["item_id"])


def _bound(
    refuse: Callable[[Refusal, str | None], None], refusal: Refusal, event_id: str | None
) -> Callable[[], None]:
    return lambda: refuse(refusal, event_id)


def _body(data: bytes, *, is_text: bool) -> dict[str, Any]:
    """Read a frame.

    Raises:
        Refusal: it is not an event.
    """
    if not is_text:
        raise binary_frame()
    _, body, problem = decode(data)
    if body is None:
        raise too_deep() if problem is not None and problem.code == "too_deep" else not_json()
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and is_too_deep(body):
        raise too_deep()
    return dict(body)
