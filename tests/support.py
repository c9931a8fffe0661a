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

from inspector.clock import NS_PER_MS
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.session_fold import SessionFold
from inspector.core.state import SessionState
from inspector.core.turn_counter import TurnCounter
from inspector.errors import ConnectError
from inspector.sources.base import Closed, Handshake, Received, Side


def corpus_dir() -> Path | None:
    """Return the folder of recorded sessions that nobody here wrote; None where it is not there."""
    given = os.environ.get("REALTIME_CORPUS")
    if given:
        return Path(given)
    for parent in Path(__file__).resolve().parents:
        candidate = parent / "shared" / "corpus"
        if candidate.is_dir():
            return candidate
    return None


class ManualClock:
    """A clock that stands still until it is told to go on."""

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
    """Return an event that is not numbered yet (``seq`` 0, time 0)."""
    return frame_event(direction, orjson.dumps({"type": name, **members}))


def frame_event(direction: Direction, data: bytes) -> Event:
    """Return the event that a frame is, not numbered yet."""
    type_, body, problem = decode(data)
    return Event(0, 0, direction, Origin.WIRE, type_, data, True, body, problem)


def server(name: str, /, **members: Any) -> Event:
    """Return a server event."""
    return event_of(Direction.SERVER, name, members)


def client(name: str, /, **members: Any) -> Event:
    """Return a client event."""
    return event_of(Direction.CLIENT, name, members)


def local(name: str, /, **members: Any) -> Event:
    """Return a fact of the inspector's own."""
    return event_of(Direction.LOCAL, name, members)


def numbered(events: Iterable[Event], *, start: int = 1, step_ms: float = 10) -> list[Event]:
    """Number events as a log does, ``step_ms`` apart unless they bring a time of their own."""
    return [
        replace(event, seq=seq, t_ns=event.t_ns or round(seq * step_ms * NS_PER_MS))
        for seq, event in enumerate(events, start)
    ]


def at(ms: float, event: Event) -> Event:
    """Give an event its time."""
    return replace(event, t_ns=round(ms * NS_PER_MS))


def folded(*events: Event) -> SessionState:
    """Return the state after some events."""
    state = SessionState()
    for event in numbered(events):
        state.apply(event, strict=True)
    return state


def refusals(state: SessionState) -> dict[int, tuple[int, str]]:
    """Return what was refused: client event to the error, and how sure that is."""
    return {
        seq: (refusal.error_seq, refusal.confidence.value)
        for seq, refusal in state.causes.rejected.items()
    }


def facts(value: Any) -> Any:
    """Return what a state says, in a form that can be compared: who owns which item is left out."""
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
            if key not in ("_owner", "_causes", "_around")
        }
    if isinstance(value, list | tuple | deque):
        return [facts(entry) for entry in value]
    if isinstance(value, TurnCounter | SessionFold):
        return facts(vars(value))
    return value


def silence(ms: float, rate_hz: int = 24_000) -> str:
    """Return base64 of that much PCM16 silence."""
    return base64.b64encode(bytes(round(ms * rate_hz / 1000) * 2)).decode()


async def under_a_screen(scenario: Coroutine[Any, Any, None]) -> None:
    """Run in a loop as Textual leaves it: from Python 3.12 on a task begins at once, and not in the loop's next turn."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is not None:
        asyncio.get_running_loop().set_task_factory(factory)
    await scenario


class FakeSource:
    """A server under the test's control: it says what it is told to, and keeps what it was sent."""

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
        """Let the server send an event."""
        self.say_bytes(orjson.dumps({"type": name, **members}))

    def say_bytes(self, data: bytes, *, is_text: bool = True) -> None:
        """Let the server send a frame."""
        self._incoming.put_nowait(Received(data, is_text))

    def hang_up(self, code: int = 1000, reason: str = "", by: Side = Side.SERVER) -> None:
        """End the connection, after what was said before."""
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
