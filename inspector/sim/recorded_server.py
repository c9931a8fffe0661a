"""RecordedServer: the server's side of a recording, played to a client that does more or less what the recorded one did.

Each frame waits for the client event that came last before it in the recording; what the server did of its own accord
in the middle of audio (voice activity) waits for as much audio as was appended then; where the audio was cut out of the recording,
for as much as the event itself names. A client may send more than was recorded, or leave something out: what waits for it is left
out too, once the client has gone on for ``PATIENCE_NS``. What the recorded client or this one chose, ids of items and events and the
metadata of responses, is that of this one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.core.event import Direction, Event
from inspector.core.session_fold import SessionFold
from inspector.sim.server_outbox import CloseSocket, SendText, SimOutput

APPEND = "input_audio_buffer.append"
_APPENDS = (APPEND, "session.input_audio_buffer.append")
_HEARD = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "conversation.item.input_audio_transcription.delta",
    "session.input_transcript.delta",
    "session.output_transcript.delta",
)
"""What audio brings about, without any other event of the client's."""
_LEAST_BYTES = 240
"""Five milliseconds: appends that are shorter on average had their audio cut out."""
_REACHED = ("audio_end_ms", "audio_start_ms", "elapsed_ms")
"""Members that say how much audio an event is about."""
_ADDED = ("conversation.item.added", "conversation.item.created")
_FROM_SERVER = "server"
PATIENCE_NS = 1_000_000_000
"""How long an event that was recorded earlier may come after one that was recorded later."""


class Pace(StrEnum):
    """How fast a recording is played."""

    RECORDED = "recorded"
    """With the recorded time between what released a frame and the frame."""
    FULL = "full"
    """As soon as it is released."""


@dataclass(frozen=True, slots=True)
class _Cue:
    """A recorded client event other than an append."""

    type: str
    body: Mapping[str, Any]
    made_id: str = ""
    """The item or response that the server made of it; ``""`` where none is known."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A recorded server frame, or the end of the connection, and what it waits for."""

    output: SimOutput
    after_cue: int
    """Index of the client event that must have come; -1 for none."""
    after_bytes: float
    """How much audio must have come."""
    after_appends: int
    """In how many appends it came; counts where neither recording nor client has the audio itself."""
    delay_ns: int
    """Since what released it in the recording: the server's frame before, or what it waits for."""


@dataclass(frozen=True, slots=True)
class RecordedScript:
    """A recording, cut into what waits for what. May be played to many clients."""

    lines: tuple[_Line, ...]
    cues: tuple[_Cue, ...]
    knows_bytes: bool
    """``after_bytes`` is known; otherwise only appends can be counted."""


def script_of(events: Sequence[Event]) -> RecordedScript:
    """Return the script of a recording: of its first connection on which the server said anything."""
    taken = list(_first_connection(events))
    sizes = [_audio_bytes(event.body) for event in taken if event.type in _APPENDS]
    is_cut = not sizes or sum(sizes) / len(sizes) < _LEAST_BYTES
    lines: list[_Line] = []
    cues: list[_Cue] = []
    session = SessionFold()
    # An event without a time comes at once, with the one before it.
    now_ns = next((event.t_ns for event in taken if event.t_ns is not None), 0)
    audio, appends, heard_ns, released_ns = 0.0, 0, 0, now_ns
    begun: dict[str, int] = {}
    for event in taken:
        session.apply(event)
        now_ns = now_ns if event.t_ns is None else event.t_ns
        if event.type in _APPENDS:
            audio += 0 if is_cut else _audio_bytes(event.body)
            appends += 1
            heard_ns = now_ns
        elif event.direction is Direction.CLIENT:
            cues.append(_Cue(event.type, event.body or {}))
            released_ns = now_ns
        else:
            output = _output(event)
            if output is None:
                continue
            is_heard = event.type in _HEARD
            if is_heard and is_cut:
                audio = max(audio, _reached_ms(event.body) * session.input_format.bytes_per_ms)
            since_ns = max(released_ns, heard_ns) if is_heard else released_ns
            delay_ns = max(0, now_ns - since_ns)
            after_cue = begun.setdefault(_response_id(event), len(cues) - 1)
            waits = (audio, appends) if is_heard else (0.0, 0)
            lines.append(_Line(output, after_cue, *waits, delay_ns))
            begun.pop("", None)
            released_ns = now_ns
    knows_bytes = not is_cut or audio > 0
    return RecordedScript(tuple(lines), tuple(_with_made(cues, taken)), knows_bytes)


def _reached_ms(body: Mapping[str, Any] | None) -> float:
    """Return how much audio an event is about; 0 where it does not say."""
    found = [(body or {}).get(name) for name in _REACHED]
    return max((value for value in found if isinstance(value, int | float)), default=0.0)


def _with_made(cues: Sequence[_Cue], taken: Sequence[Event]) -> Iterator[_Cue]:
    """Yield client events, each with what the server made of it: the next item or response like it that no other event made."""
    waiting: list[int] = []
    made: dict[int, str] = {}
    index = -1
    for event in taken:
        if event.direction is Direction.CLIENT and event.type not in _APPENDS:
            index += 1
            waiting.append(index)
        elif event.direction is Direction.SERVER:
            found = next((at for at in waiting if _is_made_of(event, cues[at])), None)
            if found is not None:
                waiting.remove(found)
                made[found] = _made_id(event)
    for at, cue in enumerate(cues):
        yield _Cue(cue.type, cue.body, made.get(at, ""))


def _is_made_of(event: Event, cue: _Cue) -> bool:
    """Tell whether a server event shows what a client event may have asked for."""
    body = event.body or {}
    if event.type in _ADDED and cue.type == "conversation.item.create":
        shown, asked = body.get("item"), cue.body.get("item")
        if not isinstance(shown, dict) or not isinstance(asked, dict):
            return False
        return all(shown.get(key) == asked.get(key) for key in ("type", "role", "call_id"))
    return event.type == "response.created" and cue.type == "response.create"


def _made_id(event: Event) -> str:
    body = event.body or {}
    made = body.get("item") or body.get("response")
    found = made.get("id") if isinstance(made, dict) else None
    return found if isinstance(found, str) else ""


def _response_id(event: Event) -> str:
    """Return the response that a frame goes on with, which waits for no later event of the client's; ``""`` for none."""
    body = event.body or {}
    response = body.get("response")
    found = response.get("id") if isinstance(response, dict) else body.get("response_id")
    return found if isinstance(found, str) else ""


def _first_connection(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the frames of the first connection that was one, and how it ended."""
    has_spoken = False
    for event in events:
        if event.type == "inspector.opened" and has_spoken:
            return
        if event.direction is Direction.LOCAL and event.type != "inspector.closed":
            continue
        if event.type == "inspector.closed":
            if has_spoken:
                yield event
                return
            continue
        has_spoken = has_spoken or event.direction is Direction.SERVER
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
    except (binascii.Error, ValueError):
        return len(audio) * 3 // 4


class RecordedServer:
    """One client's performance of a script; stands in for a ``SimSession``."""

    def __init__(self, script: RecordedScript, pace: Pace = Pace.RECORDED) -> None:
        self.is_closed = False
        """True once the recorded server's close was sent."""
        self._script = script
        self._pace = pace
        self._lines = list(script.lines)
        self._at = 0
        self._has_come = [False] * len(script.cues)
        self._bytes = 0
        self._appends = 0
        self._ready_ns: int | None = None
        """When the line at hand may be sent; None while it waits for the client."""
        self._skip_ns: int | None = None
        """When the line at hand is given up, because the client went on without what it waits for."""
        self._before_ns = 0
        self._names: dict[bytes, bytes] = {}
        self._metadata: dict[str, object] = {}
        """What this client notes on a response, by the recorded response's id."""
        self._has_started = False

    @property
    def next_due_ns(self) -> int | None:
        """Return when ``due`` should be called again; None: only after the next ``receive``."""
        if self.is_closed:
            return None
        if not self._has_started:
            return 0
        return self._skip_ns if self._ready_ns is None else self._ready_ns

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Take one frame of the client in."""
        self._start(now_ns)
        name, body, _ = decode(data, is_text=is_text)
        if body is None:
            return
        if name in _APPENDS:
            self._bytes += _audio_bytes(body)
            self._appends += 1
        else:
            self._take_cue(name, body)
        self._release(now_ns)

    def due(self, now_ns: int) -> list[SimOutput]:
        """Return every output whose time has come, in order."""
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
        """Do nothing: a recording holds nothing."""

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._before_ns = now_ns
            self._release(now_ns)

    def _take_cue(self, name: str, body: Mapping[str, Any]) -> None:
        for index, cue in enumerate(self._script.cues):
            if cue.type == name and not self._has_come[index]:
                self._has_come[index] = True
                self._names.update(_renamings(cue, body))
                if cue.made_id and _metadata(cue.body) != _metadata(body):
                    self._metadata[cue.made_id] = _metadata(body)
                return

    def _release(self, now_ns: int) -> None:
        """Set the time of the line at hand, if what it waits for has come."""
        if self._ready_ns is not None or self._at >= len(self._lines):
            return
        line = self._lines[self._at]
        if line.after_cue >= 0 and not self._has_come[line.after_cue]:
            goes_on = any(self._has_come[line.after_cue :]) or self._unblocked() is not None
            if self._skip_ns is None and goes_on:
                self._skip_ns = now_ns + PATIENCE_NS
            return
        self._skip_ns = None
        if not self._has_heard(line):
            return
        # What nothing waited for and never came is not waited for later either.
        self._has_come[: line.after_cue + 1] = [True] * (line.after_cue + 1)
        delay_ns = line.delay_ns if self._pace is Pace.RECORDED else 0
        self._ready_ns = now_ns + delay_ns

    def _skip(self, now_ns: int) -> None:
        """Leave out what was the answer to an event that this client does not send."""
        lines, missing = self._lines, self._lines[self._at].after_cue
        other = self._unblocked()
        if other is not None and not any(self._has_come[missing:]):
            lines.insert(self._at, lines.pop(other))
            self._skip_ns = None
            self._release(now_ns)
            return
        while self._at < len(lines) and lines[self._at].after_cue == missing:
            self._at += 1
        self._skip_ns, self._before_ns = None, now_ns
        self._release(now_ns)

    def _unblocked(self) -> int | None:
        """Return the next line that waits for nothing of the client's: it ends what began before the line at hand."""
        before = self._lines[self._at].after_cue
        later = range(self._at + 1, len(self._lines))
        return next((at for at in later if self._lines[at].after_cue < before), None)

    def _has_heard(self, line: _Line) -> bool:
        is_cut = self._bytes < _LEAST_BYTES * self._appends
        if self._script.knows_bytes and not is_cut:
            return self._bytes >= line.after_bytes
        return self._appends >= line.after_appends

    def _renamed(self, data: bytes) -> bytes:
        for old, new in self._names.items():
            data = data.replace(old, new)
        if self._metadata and b'"response"' in data:
            _, body, _ = decode(data)
            response = (body or {}).get("response")
            if isinstance(response, dict) and response.get("id") in self._metadata:
                changed = {**response, "metadata": self._metadata[response["id"]]}
                return orjson.dumps({**(body or {}), "response": changed})
        return data


def _metadata(body: Mapping[str, Any]) -> object:
    """Return what a ``response.create`` notes on its response."""
    response = body.get("response")
    return response.get("metadata") if isinstance(response, dict) else None


def _renamings(cue: _Cue, sent: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield ids as JSON, each with what this client chose in its place."""
    recorded = cue.body
    event_id, own_event_id = recorded.get("event_id"), sent.get("event_id")
    if isinstance(event_id, str) and event_id != own_event_id:
        yield orjson.dumps(event_id), _as_json(own_event_id)
    item, own = recorded.get("item"), sent.get("item")
    if isinstance(item, dict) and isinstance(own, dict):
        old, new = item.get("id") or cue.made_id, own.get("id")
        if isinstance(old, str) and isinstance(new, str) and old and new and old != new:
            yield orjson.dumps(old), orjson.dumps(new)


def _as_json(event_id: object) -> bytes:
    return orjson.dumps(event_id) if isinstance(event_id, str) else b"null"
