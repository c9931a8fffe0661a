"""Breakpoints of one session, what they hold, and what the user may do with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from inspector.analysis.query import EventFacts, Query, parse
from inspector.core.event import Direction, Event
from inspector.engine.intercept_queue import InterceptQueue
from inspector.engine.paused_frame import AddedFrame, FrameChange, PausedFrame
from inspector.errors import UsageError

MAX_COPIES = 1000
"""More is a typing error, and would flood the receiver."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A filter whose frames are held."""

    query: Query
    """What it holds."""
    direction: Direction | None
    """None stops both."""

    def __str__(self) -> str:
        return f"{self.query.expression or 'every event'} ({self.direction or 'both'})"


def breakpoint_at(expression: str, direction: Direction | None = None) -> Breakpoint:
    """Return a breakpoint; an empty filter holds everything.

    Raises:
        FilterError: the filter does not parse.
    """
    return Breakpoint(parse(expression), direction)


class Breakpoints:
    """Arms, holds and resumes."""

    def __init__(self) -> None:
        self.revision = 0
        """Grows with every change of what is armed or held."""
        self._armed: tuple[Breakpoint, ...] = ()
        self._queues: tuple[InterceptQueue, ...] = ()
        self._slow: list[Breakpoint] = []

    @property
    def armed(self) -> tuple[Breakpoint, ...]:
        """Return the breakpoints in force."""
        return self._armed

    @property
    def waiting(self) -> list[PausedFrame]:
        """Return every frame that waits, held or behind a held one, in the order in which they came."""
        waiting = [paused for queue in self._queues for paused in queue.waiting]
        return sorted(waiting, key=lambda paused: paused.event.stamp_ns)

    @property
    def paused(self) -> list[PausedFrame]:
        """Return the frames that wait for the user, the oldest first."""
        return [paused for paused in self.waiting if paused.is_paused]

    def join(self, queues: tuple[InterceptQueue, ...]) -> None:
        """Take over the queues of a connection."""
        self._queues = queues

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Hold what matches a filter from now on; an empty filter holds everything.

        Raises:
            FilterError: the filter does not parse.
        """
        return self.add(breakpoint_at(expression, direction))

    def add(self, point: Breakpoint) -> Breakpoint:
        """Hold what a breakpoint stops from now on."""
        self._armed = (*self._armed, point)
        self.changed()
        for queue in self._queues:
            queue.arm()
        return point

    def disarm(self, point: Breakpoint | None = None) -> None:
        """Take a breakpoint away, or all; what is held stays held."""
        self._armed = tuple(p for p in self._armed if point is not None and p is not point)
        self._slow = [p for p in self._slow if p in self._armed]
        self.changed()
        for queue in self._queues:
            queue.pump()

    def stops(self, direction: Direction) -> bool:
        """Tell whether a breakpoint is armed for a direction."""
        return any(point.direction in (None, direction) for point in self._armed)

    def stopping(self, event: Event) -> str:
        """Return the filter that stops an event, ``""`` where none does."""
        row = EventFacts(event)
        for point in self._armed:
            if point.direction in (None, event.direction) and point.query.test(row):
                return point.query.expression or "everything"
        return ""

    def newly_slow(self) -> list[tuple[str, str]]:
        """Return the breakpoints whose patterns ran out of time since the last call, each with what to say of it."""
        fresh = [
            point for point in self._armed if point.query.complaint and point not in self._slow
        ]
        self._slow += fresh
        return [(f"breakpoint {point.query.expression}", point.query.complaint) for point in fresh]

    def forward(self, paused: PausedFrame) -> None:
        """Let a frame go on as it came, in its turn."""
        self._queue(paused).release(paused)

    def edit(self, paused: PausedFrame, data: bytes) -> None:
        """Let a frame go on with another content."""
        paused.replace(data, "edit")
        self.forward(paused)

    def drop(self, paused: PausedFrame) -> None:
        """Let a frame go nowhere."""
        paused.drop()
        self.forward(paused)

    def duplicate(self, paused: PausedFrame, copies: int = 1) -> None:
        """Let a frame go on, and copies of it after it.

        Raises:
            UsageError: that makes no sense.
        """
        if not 1 <= copies <= MAX_COPIES:
            raise UsageError(f"between 1 and {MAX_COPIES:,} copies, not {copies}")
        copy = AddedFrame(paused.data, paused.event.is_text, paused.direction)
        paused.additions += [copy] * copies
        paused.changes.append(FrameChange("duplicate"))
        self.forward(paused)

    def delay(self, paused: PausedFrame, seconds: float) -> None:
        """Let a frame go on later; what is behind it waits too."""
        paused.delay(seconds, asyncio.get_running_loop().time())
        self.forward(paused)

    def answer(self, paused: PausedFrame, *payloads: bytes) -> None:
        """Answer a client's frame in the server's place: the server does not get it, the app gets these.

        Raises:
            UsageError: it is the server's own.
        """
        if paused.direction is not Direction.CLIENT:
            raise UsageError("only what the app sends can be answered in the server's place")
        paused.additions += [AddedFrame(payload, True, Direction.SERVER) for payload in payloads]
        paused.drop(what="answer")
        self.forward(paused)

    def resume(self) -> None:
        """Let everything go on that is held."""
        for paused in self.paused:
            paused.is_released = True
        for queue in self._queues:
            queue.pump()

    def changed(self) -> None:
        """Take note of a change."""
        self.revision += 1

    def _queue(self, paused: PausedFrame) -> InterceptQueue:
        for queue in self._queues:
            if queue.direction is paused.direction and paused in queue.waiting:
                return queue
        raise UsageError("this frame does not wait any more", code="not_held")
