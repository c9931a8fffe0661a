"""Breakpoints of one session, what they hold, and what the user may do with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from inspector.analysis.query import EventFacts, Query, parse
from inspector.core.event import Direction, Event
from inspector.engine.gate import Gate
from inspector.engine.held import Change, Held, Output
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
        self._gates: tuple[Gate, ...] = ()
        self._slow: list[Breakpoint] = []

    @property
    def armed(self) -> tuple[Breakpoint, ...]:
        """Return the breakpoints in force."""
        return self._armed

    @property
    def waiting(self) -> list[Held]:
        """Return every frame that waits, held or behind a held one, in the order in which they came."""
        waiting = [held for gate in self._gates for held in gate.waiting]
        return sorted(waiting, key=lambda held: held.event.stamp_ns)

    @property
    def held(self) -> list[Held]:
        """Return the frames that wait for the user, the oldest first."""
        return [held for held in self.waiting if held.is_held]

    def join(self, gates: tuple[Gate, ...]) -> None:
        """Take over the gates of a connection."""
        self._gates = gates

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
        for gate in self._gates:
            gate.arm()
        return point

    def disarm(self, point: Breakpoint | None = None) -> None:
        """Take a breakpoint away, or all; what is held stays held."""
        self._armed = tuple(p for p in self._armed if point is not None and p is not point)
        self._slow = [p for p in self._slow if p in self._armed]
        self.changed()
        for gate in self._gates:
            gate.pump()

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

    def forward(self, held: Held) -> None:
        """Let a frame go on as it came, in its turn."""
        self._gate(held).release(held)

    def edit(self, held: Held, data: bytes) -> None:
        """Let a frame go on with another content."""
        held.replace(data, "edit")
        self.forward(held)

    def drop(self, held: Held) -> None:
        """Let a frame go nowhere."""
        held.drop()
        self.forward(held)

    def duplicate(self, held: Held, copies: int = 1) -> None:
        """Let a frame go on, and copies of it after it.

        Raises:
            UsageError: that makes no sense.
        """
        if not 1 <= copies <= MAX_COPIES:
            raise UsageError(f"between 1 and {MAX_COPIES:,} copies, not {copies}")
        copy = Output(held.data, held.event.is_text, held.direction)
        held.additions += [copy] * copies
        held.changes.append(Change("duplicate"))
        self.forward(held)

    def delay(self, held: Held, seconds: float) -> None:
        """Let a frame go on later; what is behind it waits too."""
        held.delay(seconds, asyncio.get_running_loop().time())
        self.forward(held)

    def answer(self, held: Held, *payloads: bytes) -> None:
        """Answer a client's frame in the server's place: the server does not get it, the app gets these.

        Raises:
            UsageError: it is the server's own.
        """
        if held.direction is not Direction.CLIENT:
            raise UsageError("only what the app sends can be answered in the server's place")
        held.additions += [Output(payload, True, Direction.SERVER) for payload in payloads]
        held.drop(what="answer")
        self.forward(held)

    def resume(self) -> None:
        """Let everything go on that is held."""
        for held in self.held:
            held.is_released = True
        for gate in self._gates:
            gate.pump()

    def changed(self) -> None:
        """Take note of a change."""
        self.revision += 1

    def _gate(self, held: Held) -> Gate:
        for gate in self._gates:
            if gate.direction is held.direction and held in gate.waiting:
                return gate
        raise UsageError("this frame does not wait any more", code="not_held")
