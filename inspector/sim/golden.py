"""GoldenSession: the server's side of a recording, played to a client that does more or less what the recorded one did.

Each frame waits for the client event that came last before it in the recording; what the server did of its own accord
in the middle of audio (voice activity) waits for as much audio as was appended then. A client may send more than was recorded,
or leave something out: what waits for it is left out too, once the client has gone on for ``PATIENCE_NS``. Ids that the recorded client chose are replaced by those of this one.
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
from inspector.sim.outbox import CloseSocket, Output, SendText

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
"""Five milliseconds: recordings whose appends are shorter on average had their audio cut out, so that only their number counts."""
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


@dataclass(frozen=True, slots=True)
class _Line:
    """A recorded server frame, or the end of the connection, and what it waits for."""

    output: Output
    after_cue: int
    """Index of the client event that must have come; -1 for none."""
    after_audio: float
    """How much audio must have come; bytes, or appends."""
    delay_ns: int
    """Since what released it in the recording: the server's frame before, or what it waits for."""


@dataclass(frozen=True, slots=True)
class GoldenScript:
    """A recording, cut into what waits for what. May be played to many clients."""

    lines: tuple[_Line, ...]
    cues: tuple[_Cue, ...]
    counts_bytes: bool
    """Audio is measured in bytes; otherwise in appends."""


def script_of(events: Sequence[Event]) -> GoldenScript:
    """Return the script of a recording: of its first connection on which the server said anything."""
    taken = list(_first_connection(events))
    sizes = [_audio_bytes(event.body) for event in taken if event.type in _APPENDS]
    counts_bytes = bool(sizes) and sum(sizes) / len(sizes) >= _LEAST_BYTES
    lines: list[_Line] = []
    cues: list[_Cue] = []
    # An event without a time comes at once, with the one before it.
    now_ns = next((event.t_ns for event in taken if event.t_ns is not None), 0)
    audio, heard_ns, released_ns = 0.0, 0, now_ns
    begun: dict[str, int] = {}
    for event in taken:
        now_ns = now_ns if event.t_ns is None else event.t_ns
        if event.type in _APPENDS:
            audio += _audio_bytes(event.body) if counts_bytes else 1
            heard_ns = now_ns
        elif event.direction is Direction.CLIENT:
            cues.append(_Cue(event.type, event.body or {}))
            released_ns = now_ns
        else:
            output = _output(event)
            if output is None:
                continue
            is_heard = event.type in _HEARD
            since_ns = max(released_ns, heard_ns) if is_heard else released_ns
            delay_ns = max(0, now_ns - since_ns)
            after_cue = begun.setdefault(_response_id(event), len(cues) - 1)
            lines.append(_Line(output, after_cue, audio if is_heard else 0.0, delay_ns))
            begun.pop("", None)
            released_ns = now_ns
    return GoldenScript(tuple(lines), tuple(cues), counts_bytes)


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


def _output(event: Event) -> Output | None:
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


class GoldenSession:
    """One client's performance of a script; stands in for a ``SimSession``."""

    def __init__(self, script: GoldenScript, pace: Pace = Pace.RECORDED) -> None:
        self.is_closed = False
        """True once the recorded server's close was sent."""
        self._script = script
        self._pace = pace
        self._lines = list(script.lines)
        self._at = 0
        self._has_come = [False] * len(script.cues)
        self._audio = 0.0
        self._ready_ns: int | None = None
        """When the line at hand may be sent; None while it waits for the client."""
        self._skip_ns: int | None = None
        """When the line at hand is given up, because the client went on without what it waits for."""
        self._before_ns = 0
        self._names: dict[bytes, bytes] = {}
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
            self._audio += _audio_bytes(body) if self._script.counts_bytes else 1
        else:
            self._take_cue(name, body)
        self._release(now_ns)

    def due(self, now_ns: int) -> list[Output]:
        """Return every output whose time has come, in order."""
        self._start(now_ns)
        outputs: list[Output] = []
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

    def _start(self, now_ns: int) -> None:
        if not self._has_started:
            self._has_started = True
            self._before_ns = now_ns
            self._release(now_ns)

    def _take_cue(self, name: str, body: Mapping[str, Any]) -> None:
        for index, cue in enumerate(self._script.cues):
            if cue.type == name and not self._has_come[index]:
                self._has_come[index] = True
                self._names.update(_renamings(cue.body, body))
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
        if self._audio < line.after_audio:
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

    def _renamed(self, data: bytes) -> bytes:
        for old, new in self._names.items():
            data = data.replace(old, new)
        return data


def _renamings(
    recorded: Mapping[str, Any], sent: Mapping[str, Any]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the ids that a client chose, as JSON, each with what this client chose in its place."""
    pairs = [(recorded.get("event_id"), sent.get("event_id"))]
    item, own = recorded.get("item"), sent.get("item")
    if isinstance(item, dict) and isinstance(own, dict):
        pairs.append((item.get("id"), own.get("id")))
    response, mine = recorded.get("response"), sent.get("response")
    if isinstance(response, dict) and isinstance(mine, dict):
        noted, told = response.get("metadata"), mine.get("metadata")
        if isinstance(noted, dict) and isinstance(told, dict):
            pairs += [(noted[key], told.get(key)) for key in noted]
    for old, new in pairs:
        if isinstance(old, str) and old and old != new and (new is None or isinstance(new, str)):
            yield orjson.dumps(old), orjson.dumps(new)
