"""SimSession: one connection to a Realtime server, as a state machine. Frames and times in, timed frames out.

No sockets and no clock: whoever owns it calls ``receive`` with what the client sent and ``due`` when time has passed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from inspector.analysis.validate import check, not_supported
from inspector.core.codec import decode
from inspector.sim.brain import Brain, SimpleBrain
from inspector.sim.config import SessionConfig, realtime_session, transcription_session
from inspector.sim.ear import Ear, MeasuringEar
from inspector.sim.ids import Ids
from inspector.sim.input_buffer import InputBuffer
from inspector.sim.items import Items, SimItem
from inspector.sim.refusals import (
    BINARY,
    NO_TYPE,
    NOT_JSON,
    Fatal,
    Refusal,
    append_too_large,
    bad_audio,
    bad_key,
    bad_model,
    beta_shape,
    cancel_not_active,
    expired,
    no_auth,
    no_model,
    response_active,
    tool_call_unknown,
)
from inspector.sim.respond import NS_PER_MS, Desk, SimResponse, copy_of
from inspector.sim.settings import SimSettings
from inspector.sim.timeline import Process, Timeline
from inspector.sim.voice import HummingVoice, Voice
from inspector.spec.events import ACCEPTED_BY_SERVER

Json = dict[str, Any]

HELLO_MS, REPLY_MS = 4, 30
"""Measured: the first frame comes 3 to 6 ms after the upgrade; an event is answered after 30 to 60 ms."""
MAX_APPEND_BYTES = 15 << 20


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the client's upgrade request said."""

    path: str = "/v1/realtime"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    subprotocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendText:
    """One text frame for the client."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """The end of the connection."""

    code: int
    reason: str


Output = SendText | CloseSocket


class SimSession:
    """One client's connection."""

    def __init__(
        self,
        request: ConnectRequest,
        *,
        started_unix_s: int,
        seed: int = 0,
        settings: SimSettings | None = None,
        brain: Brain | None = None,
        voice: Voice | None = None,
        ear: Ear | None = None,
    ) -> None:
        """Accept a connection; it starts at the first call of ``due`` or ``receive``.

        Args:
            request: the upgrade request.
            started_unix_s: wall-clock time, for ``expires_at``.
            seed: two sessions with one seed make the same ids.
            settings: what the server is like.
            brain: decides what is answered.
            voice: turns answers into sound.
            ear: turns the user's audio into words.
        """
        self.is_closed = False
        self._settings = settings or SimSettings()
        self._request = request
        self._timeline = Timeline()
        self._out: list[Output] = []
        self._has_started = False
        self._ear = ear or MeasuringEar()
        self._responses: dict[str, SimResponse] = {}
        self._event_id: str | None = None
        ids = Ids(seed)
        expires_at = started_unix_s + self._settings.max_session_s
        is_transcription = request.query.get("intent") == "transcription"
        model = request.query.get("model") or request.query.get("deployment") or "gpt-realtime"
        session_id = ids.new("sess_")
        self._config = SessionConfig(
            transcription_session(session_id, expires_at)
            if is_transcription
            else realtime_session(session_id, model, expires_at)
        )
        self._items = Items()
        self._buffer = InputBuffer()
        self._desk = Desk(
            self._config,
            self._items,
            ids,
            brain or SimpleBrain(),
            voice or HummingVoice(),
            self._settings,
            self._emit,
            ids.new("conv_"),
        )

    @property
    def next_due_ns(self) -> int | None:
        """Return when ``due`` should be called again; None: only after the next ``receive``."""
        if self.is_closed:
            return None
        return self._timeline.next_ns if self._has_started else 0

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Take one frame of the client in; it is answered after the server's latency."""
        self._start(now_ns)
        if not self.is_closed:
            delay_ns = int(REPLY_MS * NS_PER_MS * self._settings.latency_scale)
            self._timeline.start(self._once(data, is_text=is_text), now_ns + delay_ns)

    def due(self, now_ns: int) -> list[Output]:
        """Return every output whose time has come, in order."""
        self._start(now_ns)
        if not self.is_closed:
            self._timeline.run_until(now_ns)
        outputs, self._out = self._out, []
        return outputs

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._timeline.start(
                self._life(), now_ns + int(HELLO_MS * NS_PER_MS * self._settings.latency_scale)
            )

    def _life(self) -> Process:
        fatal = self._refuse_connection()
        if fatal is not None:
            self._die(fatal)
            return
        self._emit({"type": "session.created", "session": self._config.effective})
        yield self._settings.max_session_s * 1000 * NS_PER_MS
        self._die(expired())

    def _refuse_connection(self) -> Fatal | None:
        headers = self._request.headers
        key = headers.get("authorization", "").partition(" ")[2] or headers.get("api-key", "")
        for protocol in self._request.subprotocols:
            key = key or protocol.partition("openai-insecure-api-key.")[2]
        if self._settings.require_key and not key:
            return no_auth()
        if any(word in key.lower() for word in self._settings.refused_keys):
            return bad_key(key)
        if "openai-beta" in headers:
            return beta_shape()
        if not self._config.is_realtime or "call_id" in self._request.query:
            return None
        model = self._request.query.get("model") or self._request.query.get("deployment")
        if not model:
            return no_model()
        return None if model.startswith(self._settings.models) else bad_model(model)

    def _die(self, fatal: Fatal) -> None:
        self._event_id = None
        self._emit_error(fatal.refusal)
        self._out.append(
            CloseSocket(
                fatal.close_code,
                fatal.reason if fatal.close_code != 1001 else fatal.refusal.message,
            )
        )
        self.is_closed = True

    def _emit(self, event: Json) -> None:
        """Send an event, with an ``event_id`` right after its type, as the server has it."""
        kind = event["type"]
        rest = {name: value for name, value in event.items() if name != "type"}
        data = orjson.dumps({"type": kind, "event_id": self._desk.ids.new("event_"), **rest})
        self._out.append(SendText(data))

    def _emit_error(self, refusal: Refusal) -> None:
        error = {
            "type": refusal.type,
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "event_id": self._event_id,
        }
        self._emit({"type": "error", "error": error})

    def _once(self, data: bytes, *, is_text: bool) -> Process:
        self._handle(data, is_text=is_text)
        return
        yield 0

    def _handle(self, data: bytes, *, is_text: bool) -> None:
        if self.is_closed:
            return
        self._event_id = None
        try:
            handler, body = self._accept(data, is_text=is_text)
            handler(self, body)
        except Refusal as refusal:
            self._emit_error(refusal)

    def _accept(
        self, data: bytes, *, is_text: bool
    ) -> tuple[Callable[[SimSession, Json], None], Json]:
        """Return who handles a frame, and its body.

        Raises:
            Refusal: it is not an event, or not a valid one.
        """
        if not is_text:
            raise BINARY
        name, body, _ = decode(data)
        if body is None:
            raise NOT_JSON
        given = body.get("event_id")
        self._event_id = given if isinstance(given, str) else None
        if "type" not in body:
            raise NO_TYPE
        problem = next(iter(check(body)), None)
        if problem is not None:
            raise Refusal(problem.code, problem.message, problem.param)
        handler = _HANDLERS.get(name)
        if handler is None:
            raise Refusal("invalid_value", not_supported(name, ACCEPTED_BY_SERVER), "type")
        return handler, dict(body)

    def session_update(self, event: Json) -> None:
        """Change the session, or refuse the whole update."""
        self._config.update(event["session"])
        self._emit({"type": "session.updated", "session": self._config.effective})

    def append(self, event: Json) -> None:
        """Add audio to the input buffer; without a reply, but for what voice activity detection has to say."""
        text = event["audio"]
        if len(text) > MAX_APPEND_BYTES * 4 // 3 + 4:
            raise append_too_large()
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise bad_audio() from None
        detected = self._buffer.append(data, self._config.input_format, self._config.turn_detection)
        for speech in detected:
            if speech.is_start:
                self._speech_started(speech.at_ms)
            else:
                self._speech_stopped(speech.at_ms)

    def commit(self, _: Json) -> None:
        """Make a user item of the buffered audio."""
        self._buffer.check_commit(self._config.input_format)
        self._commit(self._buffer.speech_item_id or self._desk.ids.new("item_"))

    def clear(self, _: Json) -> None:
        """Forget the buffered audio."""
        self._buffer.clear()
        self._emit({"type": "input_audio_buffer.cleared"})

    def create_item(self, event: Json) -> None:
        """Add an item of the client's."""
        given: Json = dict(event["item"])
        if given["type"] == "function_call_output" and not self._items.has_call(given["call_id"]):
            raise tool_call_unknown(given["call_id"])
        item_id = given.pop("id", None) or self._desk.ids.new("item_")
        given.pop("object", None)
        kind = given.pop("type")
        status = {} if kind == "function_call_output" else {"status": "completed"}
        given.pop("status", None)
        wire: Json = {"id": item_id, "type": kind, **status, **given}
        for part in wire.get("content", []):
            if part.get("type") in ("input_audio", "input_image"):
                part.setdefault("transcript" if part["type"] == "input_audio" else "detail", None)
        item = SimItem(wire)
        self._items.add(item, event.get("previous_item_id"))
        self._added(item)

    def retrieve_item(self, event: Json) -> None:
        """Send the server's copy of an item, audio included."""
        item = self._items.get(event["item_id"], "retrieve")
        wire = copy_of(item.wire)
        for part in wire.get("content", []):
            if part.get("type") in ("input_audio", "output_audio"):
                part["type"] = part["type"].removeprefix("output_")
                part["audio"] = base64.b64encode(item.audio).decode()
                part["format"] = (
                    "pcm16" if item.format.encoding == "pcm16" else item.format.encoding
                )
        self._emit({"type": "conversation.item.retrieved", "item": wire})

    def truncate_item(self, event: Json) -> None:
        """Cut an assistant item to what was heard."""
        self._items.truncate(event["item_id"], event["content_index"], event["audio_end_ms"])
        where = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._emit({"type": "conversation.item.truncated", **where})

    def delete_item(self, event: Json) -> None:
        """Remove an item."""
        self._items.remove(event["item_id"])
        self._emit({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    def create_response(self, event: Json) -> None:
        """Begin a response; one at a time in the default conversation, any number outside of it."""
        options: Json = event.get("response") or {}
        if options.get("conversation") != "none":
            active = self._active()
            if active is not None:
                raise response_active(active.id)
        self._respond(options)

    def cancel_response(self, event: Json) -> None:
        """Stop a response: the named one, or the active one of the default conversation."""
        wanted = event.get("response_id")
        response = self._responses.get(wanted) if wanted else self._active()
        if response is None or response.status != "in_progress":
            raise cancel_not_active()
        response.stop("client_cancelled")

    def _active(self) -> SimResponse | None:
        for response in self._responses.values():
            if response.status == "in_progress" and not response.is_out_of_band:
                return response
        return None

    def _respond(self, options: Json) -> None:
        self._responses = {
            key: value for key, value in self._responses.items() if value.status == "in_progress"
        }
        response = SimResponse(self._desk, options, self._desk.ids.new("resp_"))
        self._responses[response.id] = response
        response.process = response.run()
        self._timeline.start(response.process, self._timeline.now_ns)

    def _added(self, item: SimItem) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            previous = self._items.previous_id(item.id)
            self._emit({"type": kind, "previous_item_id": previous, "item": copy_of(item.wire)})

    def _speech_started(self, at_ms: int) -> None:
        self._buffer.speech_item_id = self._desk.ids.new("item_")
        self._emit(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": at_ms,
                "item_id": self._buffer.speech_item_id,
            }
        )
        active = self._active()
        detection = self._config.turn_detection or {}
        if active is not None and detection.get("interrupt_response", True):
            active.stop("turn_detected")

    def _speech_stopped(self, at_ms: int) -> None:
        item_id = self._buffer.speech_item_id
        self._emit(
            {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": item_id}
        )
        self._commit(item_id)
        detection = self._config.turn_detection or {}
        if (
            self._config.is_realtime
            and detection.get("create_response", True)
            and self._active() is None
        ):
            self._respond({})

    def _commit(self, item_id: str) -> None:
        data = self._buffer.take()
        previous = self._items.last_id()
        self._emit(
            {
                "type": "input_audio_buffer.committed",
                "previous_item_id": previous,
                "item_id": item_id,
            }
        )
        wire: Json = {
            "id": item_id,
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = SimItem(wire, format=self._config.input_format)
        self._items.add(item)
        self._items.keep_audio(item, data)
        self._added(item)
        if self._config.input["transcription"] is not None:
            self._timeline.start(self._transcribe(item), self._timeline.now_ns)

    def _transcribe(self, item: SimItem) -> Process:
        yield int(400 * NS_PER_MS * self._settings.latency_scale)
        transcript = self._ear.hear(bytes(item.audio), item.format.rate_hz)
        where = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if transcript:
            padding = self._desk.ids.padding(transcript)
            self._emit(
                {"type": f"{kind}.delta", **where, "delta": transcript, "obfuscation": padding}
            )
        item.wire["content"][0]["transcript"] = transcript
        usage = {"type": "duration", "seconds": -(-item.audio_ms // 1000)}
        self._emit({"type": f"{kind}.completed", **where, "transcript": transcript, "usage": usage})


_HANDLERS = {
    "session.update": SimSession.session_update,
    "input_audio_buffer.append": SimSession.append,
    "input_audio_buffer.commit": SimSession.commit,
    "input_audio_buffer.clear": SimSession.clear,
    "conversation.item.create": SimSession.create_item,
    "conversation.item.retrieve": SimSession.retrieve_item,
    "conversation.item.truncate": SimSession.truncate_item,
    "conversation.item.delete": SimSession.delete_item,
    "response.create": SimSession.create_response,
    "response.cancel": SimSession.cancel_response,
}
