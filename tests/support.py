"""Builders and fakes that tests share."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import EventLog
from inspector.core.session_fold import SessionFold
from inspector.core.state import SessionState
from inspector.core.turn_counter import TurnCounter
from inspector.core.units import NS_PER_MS
from inspector.errors import ConnectError
from inspector.recording.format import parse, render
from inspector.sources.base import Closed, Handshake, Received, Side

CORPUS = Path(__file__).resolve().parent / "corpus"
"""Sessions and speech that nobody here recorded; its README says where they are from."""
SPEECH = CORPUS / "weather-alaw-8k.wav"
"""A question about the weather, spoken: 3.3 s, A-law at 8 kHz."""


SEEDS = range(60 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 4)
"""Seeds of random recordings."""


def recording(name: str) -> Path:
    """Return a recorded session of the corpus."""
    return CORPUS / f"{name}.jsonl"


def recordings(pattern: str = "*.jsonl") -> list[Path]:
    """Return the recorded sessions of the corpus, and those of a larger one beside the checkout that it does not have."""
    found = sorted(CORPUS.glob(pattern))
    names, more = {path.name for path in found}, corpus_dir()
    if more is not None:
        found += [path for path in sorted(more.glob(pattern)) if path.name not in names]
    return found


def corpus_dir() -> Path | None:
    """Return the folder of a larger corpus; None if it does not exist."""
    given = os.environ.get("REALTIME_CORPUS")
    if given:
        return Path(given)
    for parent in Path(__file__).resolve().parents:
        candidate = parent / "shared" / "corpus"
        if candidate.is_dir():
            return candidate
    return None


class ManualClock:
    """A clock that only advances when the test says so."""

    def __init__(self) -> None:
        self.ns = 0
        self.started_at = datetime(2026, 11, 20, 23, 12, 0, 123456, UTC)

    def now_ns(self) -> int:
        return self.ns

    def utc_now(self) -> datetime:
        return self.started_at + timedelta(microseconds=self.ns // 1000)

    def advance(self, ms: float) -> None:
        self.ns += round(ms * NS_PER_MS)


def event_of(direction: Direction, name: str, members: Mapping[str, Any]) -> Event:
    """Return an event without a number (``seq`` 0, time 0)."""
    return frame_event(direction, orjson.dumps({"type": name, **members}))


def frame_event(direction: Direction, data: bytes) -> Event:
    """Return the event in a frame, without a number."""
    type_, body, problem = decode(data)
    return Event(0, 0, direction, Origin.WIRE, type_, data, True, body, problem)


def server(name: str, /, **members: Any) -> Event:
    """Return a server event."""
    return event_of(Direction.SERVER, name, members)


def client(name: str, /, **members: Any) -> Event:
    """Return a client event."""
    return event_of(Direction.CLIENT, name, members)


def local(name: str, /, **members: Any) -> Event:
    """Return a local event."""
    return event_of(Direction.LOCAL, name, members)


def numbered(events: Iterable[Event], *, start: int = 1, step_ms: float = 10) -> list[Event]:
    """Number events as a log does, ``step_ms`` apart unless they have a time."""
    return [
        replace(event, seq=seq, t_ns=event.t_ns or round(seq * step_ms * NS_PER_MS))
        for seq, event in enumerate(events, start)
    ]


def at(ms: float, event: Event) -> Event:
    """Set the time of an event."""
    return replace(event, t_ns=round(ms * NS_PER_MS))


class Lines:
    """Lines of a recording in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def read(self, offset: int, length: int) -> bytes:
        return self.lines[offset]


def logged(events: Iterable[Event]) -> EventLog:
    """Return a log of events, 10 ms apart whatever times they have."""
    store = Lines()
    log = EventLog(store, parse)
    for event in numbered(replace(event, t_ns=None) for event in events):
        line = render(event).rstrip(b"\n")
        log.append(event, len(store.lines), len(line))
        store.lines.append(line)
    return log


def folded(*events: Event) -> SessionState:
    """Return the state after some events."""
    state = SessionState()
    for event in numbered(events):
        state.apply(event, strict=True)
    return state


def refusals(state: SessionState) -> dict[int, tuple[int, str]]:
    """Return the refused client events: event to error and certainty."""
    return {
        seq: (refusal.error_seq, refusal.confidence.value)
        for seq, refusal in state.causes.rejected.items()
    }


def facts(value: Any) -> Any:
    """Return the contents of a state in comparable form, without the references between items."""
    if isinstance(value, SessionState):
        return {fold.name: facts(vars(fold)) for fold in value.every_fold()}
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: facts(getattr(value, field.name))
            for field in fields(value)
            if field.name != "owner"
        }
    if isinstance(value, dict):
        return {
            key: facts(entry)
            for key, entry in value.items()
            if key not in ("_owner", "_causes", "_followed", "_around")
        }
    if isinstance(value, list | tuple | deque):
        return [facts(entry) for entry in value]
    if isinstance(value, TurnCounter | SessionFold):
        return facts(vars(value))
    return value


def silence(ms: float, rate_hz: int = 24_000) -> str:
    """Return base64 of PCM16 silence."""
    return base64.b64encode(bytes(round(ms * rate_hz / 1000) * 2)).decode()


async def under_a_screen(scenario: Coroutine[Any, Any, None]) -> None:
    """Run in a loop as Textual configures it: from Python 3.12 on, tasks start at once instead of in the next iteration."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is not None:
        asyncio.get_running_loop().set_task_factory(factory)
    await scenario


class FakeSource:
    """A server that is controlled by the test, and records what it receives."""

    kind = "sim"
    url = "ws://fake/v1/realtime"
    model = "gpt-realtime"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.refusal: ConnectError | None = None
        self.send_error: ConnectError | None = None
        self.connections = 0
        self._incoming: asyncio.Queue[Received | None] = asyncio.Queue()
        self._closed: Closed | None = None

    @property
    def closed(self) -> Closed | None:
        return self._closed

    def say(self, name: str, /, **members: Any) -> None:
        """Send an event from the server."""
        self.say_bytes(orjson.dumps({"type": name, **members}))

    def say_bytes(self, data: bytes, *, is_text: bool = True) -> None:
        """Send a frame from the server."""
        self._incoming.put_nowait(Received(data, is_text))

    def hang_up(self, code: int = 1000, reason: str = "", by: Side = Side.SERVER) -> None:
        """End the connection after the events sent so far."""
        self._closed = Closed(code, reason, by)
        self._incoming.put_nowait(None)

    async def connect(self) -> Handshake:
        if self.refusal is not None:
            raise self.refusal
        self.connections += 1
        self._closed = None
        return Handshake(self.url)

    async def frames(self) -> AsyncIterator[Received]:
        while (received := await self._incoming.get()) is not None:
            yield received

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        if self.send_error is not None:
            raise self.send_error
        self.sent.append(data)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._closed is None:
            self.hang_up(code, reason, Side.CLIENT)
