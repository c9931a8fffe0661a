"""A session with the simulator in this process, without socket, key or network.

The simulator (``inspector.sim``) is pure and has no clock. ``SimulatorDriver`` runs it in real time: it sends what is due and
sleeps until the next output or incoming frame. ``server_port`` uses the same driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from inspector.clock import Clock
from inspector.core.units import NS_PER_S
from inspector.errors import ConnectError, UsageError
from inspector.sim.faults import FAULTS
from inspector.sim.server import CloseSocket, ConnectRequest, SendText, SimSession
from inspector.sources.base import Closed, Handshake, Received, Side
from inspector.sources.reasons import explained

SIMULATOR_URL = "sim://simulator/v1/realtime"
ABNORMAL = 1006
"""Close code with which the simulator requests that a connection is dropped without a close frame."""


class ServerSession(Protocol):
    """The server's side of one connection: a ``SimSession`` or a ``RecordedServer``."""

    @property
    def is_closed(self) -> bool:
        """True once a close was emitted; ``due`` still returns the close and what precedes it."""
        ...

    @property
    def next_due_ns(self) -> int | None:
        """When to call ``due`` next; None if only a ``receive`` can make something due."""
        ...

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        """Accept a frame from the client."""
        ...

    def due(self, now_ns: int) -> Sequence[SendText | CloseSocket]:
        """Return the outputs that are due, in order."""
        ...

    def close(self) -> None:
        """Release the session's resources; called once, after the connection has ended."""
        ...


NewSession = Callable[[ConnectRequest], ServerSession]
"""Creates the server's side of one connection."""


class SimulatorDriver:
    """Run one session in the time of a clock; session time starts at 0."""

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
        """Return True if ``stop`` was called."""
        return self._is_stopped

    def receive(self, data: bytes, *, is_text: bool) -> None:
        """Pass a client's frame to the session."""
        self._session.receive(data, is_text=is_text, now_ns=self.now_ns)
        self._wakeup.set()

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the session.

        Raises:
            UsageError: the fault does not exist, or the session replays a recording.
        """
        if not isinstance(self._session, SimSession):
            raise UsageError(
                "faults cannot be injected into the replay of a recording", code="no_faults"
            )
        self._session.raise_fault(name, self.now_ns)
        self._wakeup.set()

    def stop(self) -> None:
        """End ``actions``."""
        self._is_stopped = True
        self._wakeup.set()

    def close(self) -> None:
        """Release the session's resources."""
        self._session.close()

    async def actions(self) -> AsyncIterator[SendText | CloseSocket]:
        """Yield each output of the server when it is due, until the server closes or ``stop`` is called."""
        while not self.is_stopped:
            self._wakeup.clear()  # before ``due``: a frame received during the loop must wake it again
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
            pass  # an output is due


class SimulatorSource:
    """A connection to a simulated server."""

    kind = "sim"

    def __init__(self, new_session: NewSession, clock: Clock, *, model: str) -> None:
        self.model = model
        self.url = f"{SIMULATOR_URL}?model={model}"
        self._new_session = new_session
        self._clock = clock
        self._driver: SimulatorDriver | None = None
        self._closed: Closed | None = None

    @property
    def closed(self) -> Closed | None:
        """How the last connection ended; None if none has ended."""
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
        self._driver = SimulatorDriver(self._new_session(request), self._clock)
        return Handshake(self.url)

    async def frames(self) -> AsyncIterator[Received]:
        """Yield the server's frames in order until the session ends."""
        driver = self._driver
        if driver is None:
            return
        try:
            async for action in driver.actions():
                if isinstance(action, CloseSocket):
                    by = Side.NETWORK if action.code == ABNORMAL else Side.SERVER
                    self._closed = explained(action.code, action.reason, by)
                else:
                    yield Received(action.data, is_text=True)
        finally:
            driver.close()
            self._driver = None

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Send one frame unchanged.

        Raises:
            ConnectError: the session has ended.
        """
        if self._driver is None:
            raise ConnectError("the session has ended", code="not_connected")
        self._driver.receive(data, is_text=is_text)

    @property
    def faults(self) -> Mapping[str, str]:
        """The available faults: name to description."""
        return {fault.name: fault.meaning for fault in FAULTS}

    def raise_fault(self, name: str) -> None:
        """Inject a fault into the running session.

        Raises:
            UsageError: the fault does not exist.
            ConnectError: the session has ended.
        """
        if self._driver is None:
            raise ConnectError("the session has ended", code="not_connected")
        self._driver.raise_fault(name)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session; do nothing if it has already ended."""
        if self._driver is not None:
            self._closed = explained(code, reason, Side.CLIENT)
            self._driver.stop()
