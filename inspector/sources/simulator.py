"""SimulatorSource: a session with the simulator inside this process; no socket, no key, no network.

The simulator itself (``inspector.sim``) is pure and knows no clock. ``SimulatorDriver`` gives it one: it asks what is
due, waits until the next thing is, and is woken by what comes in. The server adapter uses the same clockwork.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from inspector.clock import NS_PER_S, Clock
from inspector.errors import ConnectError, UsageError
from inspector.sim.faults import FAULTS
from inspector.sim.server import CloseSocket, ConnectRequest, SendText, SimSession
from inspector.sources.base import Closed, Handshake, Received, Side
from inspector.sources.reasons import explained

SIMULATOR_URL = "sim://simulator/v1/realtime"
ABNORMAL = 1006
"""The simulator closes with it to drop a connection without a close frame."""


class ServerSession(Protocol):
    """The server's side of one connection: a simulated one, a recorded one, or one with faults."""

    @property
    def is_closed(self) -> bool:
        """True once a close was decided; ``due`` still returns what comes with it, then nothing more."""
        ...

    @property
    def next_due_ns(self) -> int | None:
        """When ``due`` should be called again; None: only after the next ``receive``."""
        ...

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Take one frame of the client in."""
        ...

    def due(self, now_ns: int) -> Sequence[SendText | CloseSocket]:
        """Return every output whose time has come, in order."""
        ...

    def close(self) -> None:
        """Let go of what the session holds; called once, when its connection is over."""
        ...


NewSession = Callable[[ConnectRequest], ServerSession]
"""Makes the server's side of one connection."""


class SimulatorDriver:
    """Runs one simulated session on the event loop's time; its time starts at 0."""

    def __init__(self, session: ServerSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._start_ns = clock.now_ns()
        self._wakeup = asyncio.Event()
        self._is_stopped = False

    @property
    def now_ns(self) -> int:
        """Return the session's time in nanoseconds."""
        return self._clock.now_ns() - self._start_ns

    @property
    def is_stopped(self) -> bool:
        """Tell whether ``stop`` was called."""
        return self._is_stopped

    def receive(self, data: bytes, *, is_text: bool) -> None:
        """Hand a client's frame to the session."""
        self._session.receive(data, is_text=is_text, now_ns=self.now_ns)
        self._wakeup.set()

    def raise_fault(self, name: str) -> None:
        """Let something go wrong in the session.

        Raises:
            UsageError: there is no such fault, or the session is a recorded one.
        """
        if not isinstance(self._session, SimSession):
            raise UsageError("a recorded session has no faults", code="no_faults")
        self._session.raise_fault(name, self.now_ns)
        self._wakeup.set()

    def stop(self) -> None:
        """End ``actions``."""
        self._is_stopped = True
        self._wakeup.set()

    def close(self) -> None:
        """Let go of the session, which is asked for nothing more."""
        self._session.close()

    async def actions(self) -> AsyncIterator[SendText | CloseSocket]:
        """Yield what the server does, when it does it, until it closes or ``stop``."""
        while not self.is_stopped:
            self._wakeup.clear()
            for action in self._session.due(self.now_ns):
                yield action
                if isinstance(action, CloseSocket) or self.is_stopped:
                    return
            if self._session.is_closed:
                return
            await self._wait()

    async def _wait(self) -> None:
        due_ns = self._session.next_due_ns
        delay_s = None if due_ns is None else max(0, due_ns - self.now_ns) / NS_PER_S
        try:
            async with asyncio.timeout(delay_s):
                await self._wakeup.wait()
        except TimeoutError:
            pass  # something is due


class SimulatorSource:
    """A connection to a simulated server."""

    kind = "sim"

    def __init__(self, new_session: NewSession, clock: Clock, *, model: str) -> None:
        self.model = model
        self.url = f"{SIMULATOR_URL}?model={model}"
        self._new_session = new_session
        self._clock = clock
        self._clockwork: SimulatorDriver | None = None
        self._closed: Closed | None = None

    @property
    def closed(self) -> Closed | None:
        """How the last connection ended; None before that."""
        return self._closed

    async def connect(self) -> Handshake:
        """Start a new simulated session."""
        request = ConnectRequest(
            path="/v1/realtime",
            query={"model": self.model},
            headers={"authorization": "Bearer simulated"},
            subprotocols=(),
        )
        self._closed = None
        self._clockwork = SimulatorDriver(self._new_session(request), self._clock)
        return Handshake(self.url)

    async def frames(self) -> AsyncIterator[Received]:
        """Yield the server's frames in order until the session ends."""
        clockwork = self._clockwork
        if clockwork is None:
            return
        try:
            async for action in clockwork.actions():
                if isinstance(action, CloseSocket):
                    by = Side.NETWORK if action.code == ABNORMAL else Side.SERVER
                    self._closed = explained(action.code, action.reason, by)
                else:
                    yield Received(action.data, is_text=True)
        finally:
            clockwork.close()
            self._clockwork = None

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Send one frame, verbatim.

        Raises:
            ConnectError: the session has ended.
        """
        if self._clockwork is None:
            raise ConnectError("the session has ended", code="not_connected")
        self._clockwork.receive(data, is_text=is_text)

    @property
    def faults(self) -> Mapping[str, str]:
        """What can go wrong, by name, with what it does."""
        return {fault.name: fault.meaning for fault in FAULTS}

    def raise_fault(self, name: str) -> None:
        """Let something go wrong in the running session.

        Raises:
            UsageError: there is no such fault.
            ConnectError: the session has ended.
        """
        if self._clockwork is None:
            raise ConnectError("the session has ended", code="not_connected")
        self._clockwork.raise_fault(name)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session; returns at once when it has ended already."""
        if self._clockwork is not None:
            self._closed = explained(code, reason, Side.CLIENT)
            self._clockwork.stop()
