"""The proxy: the sessions of all apps that connect to one port."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from inspector.clock import Clock
from inspector.core.event import Direction
from inspector.core.state import SessionState
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
"""Ended sessions that can still be viewed; bounded because each keeps a file open."""
CLOSE_TIMEOUT_S = 3.0
"""How long sessions may take to close when the proxy ends."""


class Proxy:
    """Observe all sessions that apps open through one port."""

    def __init__(
        self,
        clock: Clock,
        new_recording: Callable[[SessionRequest], RecordingFile],
        finish_recording: Callable[[RecordingFile], object],
        *,
        faults: FrameRules | None = None,
        kept_sessions: int = KEPT_SESSIONS,
        max_sessions: int | None = None,
        new_state: Callable[[], SessionState] | None = None,
    ) -> None:
        """Create a proxy; ``listen`` opens its port.

        Args:
            clock: supplies the times of frames.
            new_recording: returns the file of a new session; must not raise.
            finish_recording: closes such a file.
            faults: the rules of every session.
            kept_sessions: number of ended sessions that can still be viewed.
            max_sessions: total number of sessions that are accepted; None for no limit.
            new_state: creates the state of each session; see ``SessionRecord``.
        """
        self._new_state = new_state
        self.sessions: list[ProxiedSession] = []
        """Running and kept sessions, oldest first."""
        self.exchanges: deque[HttpExchange] = deque(maxlen=KEPT_EXCHANGES)
        """The latest plain HTTP exchanges."""
        self.url = ""
        """The base URL for apps; ``""`` while the port is closed."""
        self.trusted_file = ""
        """The certificate that apps must trust; ``""`` without TLS."""
        self.upstream = ""
        """The name or masked URL of the server; ``listen`` sets the URL if it is empty."""
        self.faults = faults or FrameRules()
        """The rules of every session."""
        self.rule_hits = [0] * len(self.faults.rules)
        """Number of frames that each rule was applied to, in all sessions."""
        self.armed: tuple[Breakpoint, ...] = ()
        """The breakpoints of every session, including future ones."""
        self.opened_count = 0
        self.ended_count = 0
        self.pinned: ProxiedSession | None = None
        """The session that is being viewed, which is kept regardless of its age."""
        self.on_open: Callable[[ProxiedSession], None] = _ignore
        self.on_end: Callable[[ProxiedSession], None] = _ignore
        self.on_exchange: Callable[[HttpExchange], None] = _ignore
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
        """Return the newest session; None if there is none."""
        return self.sessions[-1] if self.sessions else None

    def is_exhausted(self, index: int) -> bool:
        """Return True if a rule has reached its ``times`` in all running sessions; a new session starts at 0 again."""
        running = self._running
        return bool(running) and all(session.rules.is_exhausted(index) for session in running)

    @property
    def running(self) -> int:
        """Return the number of sessions that have not ended."""
        return len(self._running)

    @asynccontextmanager
    async def listen(self, options: ListenOptions, upstream: Upstream) -> AsyncIterator[str]:
        """Keep the port open while the context is; yields the base URL for apps.

        At the end the sessions are closed with 1001 and their recordings finished.

        Raises:
            ConnectError: the port is in use, or the address is not one of this machine.
        """
        try:
            async with listen(options, upstream, self._open, self._exchanged) as url:
                self.url, self.upstream = url, self.upstream or upstream.url
                try:
                    yield url
                finally:
                    self.url = ""
                    self._max = self.opened_count  # refuse new sessions while the others close
                    await self.close_all()
        finally:
            for session in self.sessions:
                self._finish_recording(session.recording)
            self.sessions.clear()

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Pause frames that match a filter in every session, including future ones.

        Raises:
            FilterError: the filter does not parse.
        """
        point = breakpoint_at(expression, direction)
        self.armed = (*self.armed, point)
        for session in self._running:
            session.breakpoints.add(point)
        return point

    def disarm(self) -> None:
        """Remove all breakpoints of all sessions; paused frames stay paused."""
        self.armed = ()
        for session in self._running:
            session.breakpoints.disarm()

    async def close_all(self) -> None:
        """Close all sessions, and wait up to ``CLOSE_TIMEOUT_S`` for their ends."""
        for session in tuple(self._running):
            session.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._idle.wait()
        except TimeoutError:
            pass  # closing the port aborts them

    def _open(self, request: SessionRequest) -> ProxiedSession:
        if self._max is not None and self.opened_count >= self._max:
            raise ConnectError("the proxy accepts no further sessions", code="enough_sessions")
        self.opened_count += 1
        session = ProxiedSession(
            request,
            self._new_recording(request),
            self._clock,
            faults=self.faults,
            rule_totals=self.rule_hits,
            ended=self._session_ended,
            new_state=self._new_state,
        )
        session.number = self.opened_count
        for point in self.armed:
            session.breakpoints.add(point)
        # Before ``on_open``: a screen that it opens reads the list.
        self.sessions.append(session)
        self._running.add(session)
        self._idle.clear()
        self.on_open(session)
        return session

    def _session_ended(self, session: ProxiedSession) -> None:
        self._running.discard(session)
        self.ended_count += 1
        self.on_end(session)
        self._remove_old()
        if not self._running:
            self._idle.set()

    def _remove_old(self) -> None:
        ended = [one for one in self.sessions if one.has_ended and one is not self.pinned]
        for session in ended[: max(0, len(ended) - self._kept)]:
            self.sessions.remove(session)
            self._finish_recording(session.recording)

    def _exchanged(self, exchange: HttpExchange) -> None:
        self.exchanges.append(exchange)
        self.on_exchange(exchange)


def _ignore(_: object) -> None:
    """Default of the callbacks."""
