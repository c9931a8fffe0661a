"""Proxy: the sessions of all the apps behind one port."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from inspector.clock import Clock
from inspector.core.event import Direction
from inspector.engine.breakpoints import Breakpoint, breakpoint_at
from inspector.engine.proxied_session import FrameRules, ProxiedSession
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.sources.http_exchange import HttpExchange
from inspector.sources.proxy_port import ListenOptions, listen
from inspector.sources.session_observer import SessionRequest
from inspector.sources.upstream import Upstream

KEPT_EXCHANGES = 200
KEPT_SESSIONS = 64
"""Sessions that have ended and can still be looked at: each keeps a file open."""
CLOSE_TIMEOUT_S = 3.0
"""How long the sessions may take to end when the proxy does."""


class Proxy:
    """Watches every session that an app opens through one port."""

    def __init__(
        self,
        clock: Clock,
        new_recording: Callable[[SessionRequest], RecordingFile],
        finish_recording: Callable[[RecordingFile], object],
        *,
        faults: FrameRules | None = None,
        kept_sessions: int = KEPT_SESSIONS,
        max_sessions: int | None = None,
    ) -> None:
        """Prepare a proxy; ``listen`` opens its port.

        Args:
            clock: stamps the frames.
            new_recording: returns the file of a session; must not raise.
            finish_recording: closes one.
            faults: rules for every session.
            kept_sessions: how many that have ended can still be read.
            max_sessions: how many are let in, all told.
        """
        self.sessions: list[ProxiedSession] = []
        """Those that run and those that are kept, the oldest first."""
        self.exchanges: deque[HttpExchange] = deque(maxlen=KEPT_EXCHANGES)
        """The latest plain HTTP exchanges."""
        self.url = ""
        """What apps take for their base; ``""`` while the port is closed."""
        self.trusted_file = ""
        """The certificate that apps must trust, ``""`` where they need none."""
        self.upstream = ""
        """The server behind it, without secrets, or what to call it; its URL from ``listen`` on where nothing was given."""
        self.faults = faults or FrameRules()
        """What happens to frames of every session without anybody's hand."""
        self.rule_hits = [0] * len(self.faults.rules)
        """How many frames each rule was applied to, in all sessions."""
        self.armed: tuple[Breakpoint, ...] = ()
        """Breakpoints of every session, those to come included."""
        self.opened_count = 0
        self.ended_count = 0
        self.pinned: ProxiedSession | None = None
        """Kept whatever its age: somebody looks at it."""
        self.on_open: Callable[[ProxiedSession], None] = _nobody
        self.on_end: Callable[[ProxiedSession], None] = _nobody
        self.on_exchange: Callable[[HttpExchange], None] = _nobody
        self._clock = clock
        self._new_recording = new_recording
        self._finish_recording = finish_recording
        self._kept = kept_sessions
        self._max = max_sessions
        self._running: set[ProxiedSession] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def newest(self) -> ProxiedSession | None:
        """Return the session that came last."""
        return self.sessions[-1] if self.sessions else None

    def is_spent(self, index: int) -> bool:
        """Tell whether a rule has done what it may in every session that runs; the next one begins anew."""
        running = self._running
        return bool(running) and all(session.rules.is_spent(index) for session in running)

    @property
    def running(self) -> int:
        """Return how many sessions have not ended."""
        return len(self._running)

    @asynccontextmanager
    async def listen(self, entrance: ListenOptions, upstream: Upstream) -> AsyncIterator[str]:
        """Keep the port open for as long as the context is; its value is the base URL for apps.

        At the end the sessions are closed with 1001 and their recordings finished.

        Raises:
            ConnectError: the port is taken, or the address is not one of this machine.
        """
        try:
            async with listen(entrance, upstream, self._open, self._exchanged) as url:
                self.url, self.upstream = url, self.upstream or upstream.url
                try:
                    yield url
                finally:
                    self.url = ""
                    self._max = self.opened_count
                    await self.close_all()
        finally:
            for session in self.sessions:
                self._finish_recording(session.recording)
            self.sessions.clear()

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Hold what matches a filter in every session, those to come included.

        Raises:
            FilterError: the filter does not parse.
        """
        point = breakpoint_at(expression, direction)
        self.armed = (*self.armed, point)
        for session in self._running:
            session.breakpoints.add(point)
        return point

    def disarm(self) -> None:
        """Take every breakpoint of every session away; what is held stays held."""
        self.armed = ()
        for session in self._running:
            session.breakpoints.disarm()

    async def close_all(self) -> None:
        """Close every session, and wait a moment for their ends."""
        for session in tuple(self._running):
            session.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._idle.wait()
        except TimeoutError:
            pass  # the port's own end cuts them off

    def _open(self, opening: SessionRequest) -> ProxiedSession:
        if self._max is not None and self.opened_count >= self._max:
            raise ConnectError("the proxy takes no more sessions", code="enough_sessions")
        self.opened_count += 1
        session = ProxiedSession(
            opening,
            self._new_recording(opening),
            self._clock,
            faults=self.faults,
            rule_totals=self.rule_hits,
            ended=self._session_ended,
        )
        session.number = self.opened_count
        for point in self.armed:
            session.breakpoints.add(point)
        self.sessions.append(session)
        self._running.add(session)
        self._idle.clear()
        self.on_open(session)
        return session

    def _session_ended(self, session: ProxiedSession) -> None:
        self._running.discard(session)
        self.ended_count += 1
        self.on_end(session)
        self._forget_old()
        if not self._running:
            self._idle.set()

    def _forget_old(self) -> None:
        over = [one for one in self.sessions if one.is_over and one is not self.pinned]
        for session in over[: max(0, len(over) - self._kept)]:
            self.sessions.remove(session)
            self._finish_recording(session.recording)

    def _exchanged(self, exchange: HttpExchange) -> None:
        self.exchanges.append(exchange)
        self.on_exchange(exchange)


def _nobody(_: object) -> None:
    """Stand in for a listener that is not there."""
