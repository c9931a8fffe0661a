"""The breakpoints of one session, and the actions on the frames that they pause."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from inspector.analysis.query import EventFacts, Query, parse_for_frames
from inspector.core.event import Direction, Event
from inspector.engine.intercept_queue import InterceptQueue
from inspector.engine.paused_frame import AddedFrame, FrameChange, PausedFrame
from inspector.errors import UsageError

MAX_COPIES = 1000
"""More is assumed to be a typing error, and would flood the receiver."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A filter; frames that match it are paused."""

    query: Query
    """The filter."""
    direction: Direction | None
    """The direction of the frames; None for both."""

    def __str__(self) -> str:
        return f"{self.query.expression or 'every event'} ({self.direction or 'both directions'})"


def breakpoint_at(expression: str, direction: Direction | None = None) -> Breakpoint:
    """Return a breakpoint; an empty filter pauses every frame.

    Raises:
        FilterError: the filter does not parse, or asks for findings.
    """
    return Breakpoint(parse_for_frames(expression), direction)


class Breakpoints:
    """The armed breakpoints of a session, and its paused frames."""

    def __init__(self) -> None:
        self.revision = 0
        """Increases with every change of the breakpoints or of the waiting frames."""
        self._armed: tuple[Breakpoint, ...] = ()
        self._queues: tuple[InterceptQueue, ...] = ()
        self._slow: list[Breakpoint] = []

    @property
    def armed(self) -> tuple[Breakpoint, ...]:
        """Return the armed breakpoints."""
        return self._armed

    @property
    def waiting(self) -> list[PausedFrame]:
        """Return all waiting frames, paused ones and those behind them, in order of arrival."""
        waiting = [paused for queue in self._queues for paused in queue.waiting]
        # Each queue is in order; the two directions are merged by time.
        return sorted(waiting, key=lambda paused: paused.event.stamp_ns)

    @property
    def paused(self) -> list[PausedFrame]:
        """Return the frames that wait for the user, oldest first."""
        return [paused for paused in self.waiting if paused.is_paused]

    def join(self, queues: tuple[InterceptQueue, ...]) -> None:
        """Use the queues of a new connection."""
        self._queues = queues

    def arm(self, expression: str, direction: Direction | None = None) -> Breakpoint:
        """Pause matching frames from now on; an empty filter pauses every frame.

        Raises:
            FilterError: the filter does not parse.
        """
        return self.add(breakpoint_at(expression, direction))

    def add(self, point: Breakpoint) -> Breakpoint:
        """Arm a breakpoint."""
        self._armed = (*self._armed, point)  # a new tuple: views may hold the old one
        self.changed()
        for queue in self._queues:
            queue.arm()
        return point

    def disarm(self, point: Breakpoint | None = None) -> None:
        """Remove a breakpoint, or all; paused frames stay paused."""
        self._armed = tuple(p for p in self._armed if point is not None and p is not point)
        self._slow = [p for p in self._slow if p in self._armed]
        self.changed()
        for queue in self._queues:
            queue.pump()  # frames behind the paused ones may no longer have a reason to wait

    def stops(self, direction: Direction) -> bool:
        """Return True if a breakpoint is armed for a direction."""
        return any(point.direction in (None, direction) for point in self._armed)

    def stopping(self, event: Event) -> str:
        """Return the filter that an event matches; ``""`` if it matches none."""
        row = EventFacts(event)
        for point in self._armed:
            if point.direction in (None, event.direction) and point.query.test(row):
                return point.query.expression or "everything"
        return ""

    def newly_slow(self) -> list[tuple[str, str]]:
        """Return (name, message) of each breakpoint whose pattern timed out for the first time since the last call."""
        fresh = [
            point for point in self._armed if point.query.complaint and point not in self._slow
        ]
        self._slow += fresh
        return [(f"breakpoint {point.query.expression}", point.query.complaint) for point in fresh]

    def forward(self, paused: PausedFrame) -> None:
        """Forward a frame unchanged, in its turn."""
        self._queue(paused).release(paused)

    def edit(self, paused: PausedFrame, data: bytes) -> None:
        """Forward a frame with other content."""
        paused.replace(data, "edit")
        self.forward(paused)

    def drop(self, paused: PausedFrame) -> None:
        """Drop a frame."""
        paused.drop()
        self.forward(paused)

    def duplicate(self, paused: PausedFrame, copies: int = 1) -> None:
        """Forward a frame, followed by copies of it.

        Raises:
            UsageError: ``copies`` is out of range.
        """
        if not 1 <= copies <= MAX_COPIES:
            raise UsageError(f"the copies must be between 1 and {MAX_COPIES:,}, not {copies}")
        copy = AddedFrame(paused.data, paused.event.is_text, paused.direction)
        paused.additions += [copy] * copies
        paused.changes.append(FrameChange("duplicate"))
        self.forward(paused)

    def delay(self, paused: PausedFrame, seconds: float) -> None:
        """Forward a frame after a delay; the frames behind it wait, too."""
        paused.delay(seconds, asyncio.get_running_loop().time())
        self.forward(paused)

    def answer(self, paused: PausedFrame, *payloads: bytes) -> None:
        """Drop a client's frame, and send the app these frames in place of the server's reply.

        Raises:
            UsageError: the frame is from the server.
        """
        if paused.direction is not Direction.CLIENT:
            raise UsageError("only a frame from the app can be answered in place of the server")
        paused.additions += [AddedFrame(payload, True, Direction.SERVER) for payload in payloads]
        paused.drop(what="answer")
        self.forward(paused)

    def resume(self) -> None:
        """Forward all paused frames."""
        for paused in self.paused:
            paused.is_released = True
        for queue in self._queues:
            queue.pump()

    def changed(self) -> None:
        """Record that breakpoints or waiting frames have changed."""
        self.revision += 1

    def _queue(self, paused: PausedFrame) -> InterceptQueue:
        for queue in self._queues:
            if queue.direction is paused.direction and paused in queue.waiting:
                return queue
        raise UsageError("the frame is no longer paused", code="not_held")
