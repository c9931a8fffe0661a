"""The replay server: plays the server side of a recording to a client that behaves roughly like the recorded one.

Each server frame waits for the last client event before it in the recording. A frame that audio triggered, such as
``speech_started``, waits until the client has appended as much audio as the recorded client had; if the audio was stripped
from the recording, the times in the event itself tell how much. The client may send more events than were recorded. If it
omits one, the frames that wait for it are skipped ``PATIENCE_NS`` after the client sent a later event. Item ids, event ids
and response metadata that the recorded client chose are replaced by those of the new client.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.core.event import Direction, Event
from inspector.core.session_fold import SessionFold
from inspector.sim.server_outbox import CloseSocket, SendText, SimOutput

APPEND = "input_audio_buffer.append"
_APPENDS = (APPEND, "session.input_audio_buffer.append")
_TRIGGERED_BY_AUDIO = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "conversation.item.input_audio_transcription.delta",
    "session.input_transcript.delta",
    "session.output_transcript.delta",
)
"""Events that follow appended audio, without another client event."""
_LEAST_BYTES = 240
"""5 ms of PCM16 at 24 kHz; if appends are shorter on average, their audio was stripped from the recording."""
_AUDIO_POSITIONS = ("audio_end_ms", "audio_start_ms", "elapsed_ms")
"""Members that tell a position on the audio clock."""
_ADDED = ("conversation.item.added", "conversation.item.created")
_FROM_SERVER = "server"
PATIENCE_NS = 1_000_000_000
"""How long to wait for a client event after the client has sent one that was recorded later."""


class Pace(StrEnum):
    """How fast a recording is played."""

    RECORDED = "recorded"
    """Each frame follows the event that it waits for with the recorded delay."""
    FULL = "full"
    """Each frame is sent as soon as it need not wait for the client."""


@dataclass(frozen=True, slots=True)
class _Cue:
    """A recorded client event other than an append."""

    type: str
    body: Mapping[str, Any]
    created_id: str = ""
    """Id of the item or response that it created; ``""`` if unknown."""
    burst: int = 0
    """The number of server frames before it: equal for events that the client sent one right after the other."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A recorded server frame or close, and the conditions under which it is sent."""

    output: SimOutput
    after_cue: int
    """Index of the client event that must have arrived; -1 for none."""
    after_bytes: float
    """Bytes of audio that must have been appended."""
    after_appends: int
    """Appends that must have arrived; used if the recording or the client has no audio."""
    delay_ns: int
    """Recorded time since the previous server frame, or since the client event or audio, whichever is later."""


@dataclass(frozen=True, slots=True)
class RecordedScript:
    """A recording as server frames with conditions; immutable, so that many clients can share it."""

    lines: tuple[_Line, ...]
    cues: tuple[_Cue, ...]
    knows_bytes: bool
    """True if ``after_bytes`` is known; otherwise appends are counted."""


def script_of(events: Sequence[Event]) -> RecordedScript:
    """Return the script of a recording's first connection with server frames."""
    frames = list(_first_connection(events))
    sizes = [_audio_bytes(event.body) for event in frames if event.type in _APPENDS]
    is_stripped = not sizes or sum(sizes) / len(sizes) < _LEAST_BYTES
    lines: list[_Line] = []
    cues: list[_Cue] = []
    session = SessionFold()
    # A frame without a time is sent together with the one before it.
    now_ns = next((event.t_ns for event in frames if event.t_ns is not None), 0)
    audio, appends, appended_ns, released_ns = 0.0, 0, 0, now_ns
    # All frames of a response wait for the client event before its first frame: a client may send later events at another
    # time than the recorded one did, without holding up a response that is already under way.
    cue_of_response: dict[str, int] = {}
    for event in frames:
        session.apply(event)
        now_ns = now_ns if event.t_ns is None else event.t_ns
        if event.type in _APPENDS:
            audio += 0 if is_stripped else _audio_bytes(event.body)
            appends += 1
            appended_ns = now_ns
        elif event.direction is Direction.CLIENT:
            cues.append(_Cue(event.type, event.body or {}, burst=len(lines)))
            released_ns = now_ns
        else:
            output = _output(event)
            if output is None:
                continue
            needs_audio = event.type in _TRIGGERED_BY_AUDIO
            if needs_audio and is_stripped:
                position_ms = _audio_position_ms(event.body)
                audio = max(audio, position_ms * session.input_format.bytes_per_ms)
            since_ns = max(released_ns, appended_ns) if needs_audio else released_ns
            delay_ns = max(0, now_ns - since_ns)
            after_cue = cue_of_response.setdefault(_response_id(event), len(cues) - 1)
            waits = (audio, appends) if needs_audio else (0.0, 0)
            lines.append(_Line(output, after_cue, *waits, delay_ns))
            cue_of_response.pop("", None)
            released_ns = now_ns
    knows_bytes = not is_stripped or audio > 0
    return RecordedScript(tuple(lines), tuple(_with_created_ids(cues, frames)), knows_bytes)


def _audio_position_ms(body: Mapping[str, Any] | None) -> float:
    """Return the latest position on the audio clock that an event tells; 0 if it tells none."""
    found = [(body or {}).get(name) for name in _AUDIO_POSITIONS]
    return max((value for value in found if isinstance(value, int | float)), default=0.0)


def _with_created_ids(cues: Sequence[_Cue], frames: Sequence[Event]) -> Iterator[_Cue]:
    """Yield the client events, each with the id of the item or response that it created.

    The server does not tell which event created an item, so each event gets the next matching one that is still free.
    """
    waiting: list[int] = []
    created: dict[int, str] = {}
    index = -1
    for event in frames:
        if event.direction is Direction.CLIENT and event.type not in _APPENDS:
            index += 1
            waiting.append(index)
        elif event.direction is Direction.SERVER:
            found = next((at for at in waiting if _may_answer(event, cues[at])), None)
            if found is not None:
                waiting.remove(found)
                created[found] = _created_id(event)
    for at, cue in enumerate(cues):
        yield replace(cue, created_id=created.get(at, ""))


def _may_answer(event: Event, cue: _Cue) -> bool:
    """Return True if a server event may announce what a client event created."""
    body = event.body or {}
    if event.type in _ADDED and cue.type == "conversation.item.create":
        added, sent = body.get("item"), cue.body.get("item")
        if not isinstance(added, dict) or not isinstance(sent, dict):
            return False
        return all(added.get(key) == sent.get(key) for key in ("type", "role", "call_id"))
    return event.type == "response.created" and cue.type == "response.create"


def _created_id(event: Event) -> str:
    body = event.body or {}
    created = body.get("item") or body.get("response")
    found = created.get("id") if isinstance(created, dict) else None
    return found if isinstance(found, str) else ""


def _response_id(event: Event) -> str:
    """Return the id of the response that a frame belongs to; ``""`` for none."""
    body = event.body or {}
    response = body.get("response")
    found = response.get("id") if isinstance(response, dict) else body.get("response_id")
    return found if isinstance(found, str) else ""


def _first_connection(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the frames and the close of the first connection on which the server sent a frame."""
    has_server_frame = False
    for event in events:
        if event.type == "inspector.opened" and has_server_frame:
            return
        if event.direction is Direction.LOCAL and event.type != "inspector.closed":
            continue
        if event.type == "inspector.closed":
            if has_server_frame:
                yield event
                return
            continue  # a failed attempt before the connection that worked
        has_server_frame = has_server_frame or event.direction is Direction.SERVER
        yield event


def _output(event: Event) -> SimOutput | None:
    if event.direction is Direction.SERVER:
        return SendText(event.data) if event.is_text else None
    facts = event.body or {}
    code, reason = facts.get("code"), facts.get("reason")
    if facts.get("by") != _FROM_SERVER or not isinstance(code, int):
        return None
    return CloseSocket(code, reason if isinstance(reason, str) else "")


def _audio_bytes(body: Mapping[str, Any] | None) -> int:
    audio = (body or {}).get("audio")
    if not isinstance(audio, str):
        return 0
    try:
        return len(base64.b64decode(audio, validate=True))
    except (binascii.Error, ValueError):  # a placeholder for stripped audio
        return len(audio) * 3 // 4


class RecordedServer:
    """One client's playback of a script; has the interface of ``SimSession``."""

    def __init__(self, script: RecordedScript, pace: Pace = Pace.RECORDED) -> None:
        self.is_closed = False
        """True once the recorded close was sent."""
        self._script = script
        self._pace = pace
        self._lines = list(script.lines)
        self._at = 0
        self._arrived = [False] * len(script.cues)
        """Also True for an event that this client has left out."""
        self._late: dict[int, int] = {}
        """Until when a client event is expected, by index, after a later one of its burst: a client with several tasks sends
        the events of a burst in any order."""
        self._bytes = 0
        self._appends = 0
        self._ready_ns: int | None = None
        """When the current line may be sent; None while it waits for the client."""
        self._skip_ns: int | None = None
        """When to give up on the current line, because the client has sent a later event; None otherwise."""
        self._before_ns = 0
        self._names: dict[bytes, bytes] = {}
        self._metadata: dict[str, object] = {}
        """Response metadata of this client, by the id of the recorded response."""
        self._has_started = False

    @property
    def next_due_ns(self) -> int | None:
        """Return when to call ``due`` next; None if only a ``receive`` can make something due."""
        if self.is_closed:
            return None
        if not self._has_started:
            return 0
        return self._skip_ns if self._ready_ns is None else self._ready_ns

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Process a frame from the client."""
        self._start(now_ns)
        name, body, _ = decode(data, is_text=is_text)
        if body is None:
            return
        if name in _APPENDS:
            self._bytes += _audio_bytes(body)
            self._appends += 1
        else:
            self._match_cue(name, body, now_ns)
        self._release(now_ns)

    def due(self, now_ns: int) -> list[SimOutput]:
        """Return the outputs that are due, in order."""
        self._start(now_ns)
        outputs: list[SimOutput] = []
        if self._skip_ns is not None and self._skip_ns <= now_ns:
            self._skip(self._skip_ns)
        while self._ready_ns is not None and self._ready_ns <= now_ns and not self.is_closed:
            output = self._lines[self._at].output
            if isinstance(output, SendText):
                outputs.append(SendText(self._renamed(output.data)))
            else:
                outputs.append(output)
                self.is_closed = True
            self._before_ns, self._ready_ns = self._ready_ns, None
            self._at += 1
            self._release(self._before_ns)
        return outputs

    def close(self) -> None:
        """Do nothing: a replay holds no resources."""

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._before_ns = now_ns
            self._release(now_ns)

    def _match_cue(self, name: str, body: Mapping[str, Any], now_ns: int) -> None:
        for index, cue in enumerate(self._script.cues):
            is_late = self._late.get(index, -1) >= now_ns and _is_alike(cue.body, body)
            if cue.type == name and (is_late or not self._arrived[index]):
                self._arrived[index] = True
                self._late.pop(index, None)
                self._names.update(_renamings(cue, body))
                if cue.created_id and _metadata(cue.body) != _metadata(body):
                    self._metadata[cue.created_id] = _metadata(body)
                return

    def _release(self, now_ns: int) -> None:
        """Set the send time of the current line if its conditions are met."""
        if self._ready_ns is not None or self._at >= len(self._lines):
            return
        line = self._lines[self._at]
        if line.after_cue >= 0 and not self._arrived[line.after_cue]:
            can_proceed = any(self._arrived[line.after_cue :]) or self._unblocked() is not None
            if self._skip_ns is None and can_proceed:
                self._skip_ns = now_ns + PATIENCE_NS
            return
        self._skip_ns = None
        if not self._has_enough_audio(line):
            return
        # An earlier client event that no frame waited for must not match a later event of the same type.
        for index in range(line.after_cue + 1):
            if not self._arrived[index]:
                self._arrived[index] = True
                cue = self._script.cues[index]
                # One without effect in the recording may well be left out.
                if cue.created_id and cue.burst == self._script.cues[line.after_cue].burst:
                    self._late[index] = now_ns + PATIENCE_NS
        delay_ns = line.delay_ns if self._pace is Pace.RECORDED else 0
        self._ready_ns = now_ns + delay_ns

    def _skip(self, now_ns: int) -> None:
        """Skip the frames that wait for an event that this client does not send."""
        lines, missing = self._lines, self._lines[self._at].after_cue
        other = self._unblocked()
        if other is not None and not any(self._arrived[missing:]):
            lines.insert(self._at, lines.pop(other))
            self._skip_ns = None
            self._release(now_ns)
            return
        while self._at < len(lines) and lines[self._at].after_cue == missing:
            self._at += 1
        self._skip_ns, self._before_ns = None, now_ns
        self._release(now_ns)

    def _unblocked(self) -> int | None:
        """Return the index of the next line whose client event came before the current line's, such as the rest of a response."""
        before = self._lines[self._at].after_cue
        later = range(self._at + 1, len(self._lines))
        return next((at for at in later if self._lines[at].after_cue < before), None)

    def _has_enough_audio(self, line: _Line) -> bool:
        is_stripped = self._bytes < _LEAST_BYTES * self._appends
        if self._script.knows_bytes and not is_stripped:
            return self._bytes >= line.after_bytes
        return self._appends >= line.after_appends

    def _renamed(self, data: bytes) -> bytes:
        # Replaced in the bytes, with the quotes: everything else must stay exactly as it was recorded.
        for old, new in self._names.items():
            data = data.replace(old, new)
        if self._metadata and b'"response"' in data:
            _, body, _ = decode(data)
            response = (body or {}).get("response")
            if isinstance(response, dict) and response.get("id") in self._metadata:
                changed = {**response, "metadata": self._metadata[response["id"]]}
                return orjson.dumps({**(body or {}), "response": changed})
        return data


def _is_alike(recorded: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Return True if two client events of one type may create the same: items of the same type and role, or responses."""
    one, other = recorded.get("item"), sent.get("item")
    if not isinstance(one, dict) or not isinstance(other, dict):
        return True
    return all(one.get(key) == other.get(key) for key in ("type", "role"))


def _metadata(body: Mapping[str, Any]) -> object:
    """Return the ``metadata`` that a ``response.create`` sets."""
    response = body.get("response")
    return response.get("metadata") if isinstance(response, dict) else None


def _renamings(cue: _Cue, sent: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield (recorded id, this client's id) pairs as JSON strings."""
    recorded = cue.body
    event_id, own_event_id = recorded.get("event_id"), sent.get("event_id")
    if isinstance(event_id, str) and event_id != own_event_id:
        yield orjson.dumps(event_id), _as_json(own_event_id)
    item, own = recorded.get("item"), sent.get("item")
    if isinstance(item, dict) and isinstance(own, dict):
        old, new = item.get("id") or cue.created_id, own.get("id")
        if isinstance(old, str) and isinstance(new, str) and old and new and old != new:
            yield orjson.dumps(old), orjson.dumps(new)


def _as_json(event_id: object) -> bytes:
    return orjson.dumps(event_id) if isinstance(event_id, str) else b"null"
