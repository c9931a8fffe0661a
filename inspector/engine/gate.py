"""Gate: where the frames of one direction wait while something is armed, in order, each until it may go on.

A frame that waits keeps those behind it waiting: a stream is never reordered. What may stop one is a breakpoint (until the
user decides) or a rule's delay (until it is over); control frames, and so pings and their answers, pass by meanwhile.

What a session's log shows is what the receiver got: a held frame is announced by ``inspector.held``, and logged as a frame
when it goes on. What the receiver did not get, or got in another shape, is kept beside it in ``inspector.altered``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from inspector.analysis.query import EventFacts
from inspector.core.event import Direction, Event, Origin
from inspector.engine.held import Held, Output, original
from inspector.engine.rules import Deed, Rule, RuleSet, replaced
from inspector.sources.frames import WireFrame
from inspector.sources.lane import Lane

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64 << 20
"""Some minutes of audio; past it the sender is not read from, pings included."""


class GateOwner(Protocol):
    """The session that a gate belongs to."""

    def preview(self, direction: Direction, frame: WireFrame) -> Event:
        """Return a frame as an event that is not logged yet."""
        ...

    def stopping(self, event: Event) -> str:
        """Return the filter of the breakpoint that stops an event, ``""`` where none does."""
        ...

    def stops(self, direction: Direction) -> bool:
        """Tell whether a breakpoint is armed for a direction."""
        ...

    def changed(self) -> None:
        """Take note that what waits has changed."""
        ...

    def note(self, name: str, facts: Mapping[str, Any], origin: Origin = Origin.WIRE) -> Event:
        """Log a fact."""
        ...

    def inject(self, direction: Direction, data: bytes, by: str, *, is_text: bool = True) -> bool:
        """Send a frame of ours and log it as such."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Close the session."""
        ...

    def with_event_id(self, event: Event) -> bytes | None:
        """Return a client's event with an ``event_id`` added, None where it gets none."""
        ...


class Gate:
    """The gate of one lane."""

    def __init__(
        self, lane: Lane, owner: GateOwner, rules: RuleSet, *, adds_event_ids: bool
    ) -> None:
        """Stand at a lane.

        Args:
            lane: whose frames are decided about.
            owner: the session.
            rules: what happens to frames without anybody's hand.
            adds_event_ids: whether a client's event without an ``event_id`` gets one.
        """
        self.waiting: deque[Held] = deque()
        self._lane = lane
        self.owner = owner
        self._rules = rules
        self._adds_event_ids = adds_event_ids and lane.direction is Direction.CLIENT
        self._bytes = 0
        self._is_pumping = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def direction(self) -> Direction:
        """Return which way the frames go."""
        return self._lane.direction

    @property
    def is_open(self) -> bool:
        """Tell whether every frame may pass unseen."""
        return not (
            self.waiting
            or self._adds_event_ids
            or self.owner.stops(self.direction)
            or self._rules.watches(self.direction)
        )

    def arm(self) -> None:
        """Let frames come here from the next one on, if something is armed."""
        if not self.is_open:
            self._lane.engage()

    def take(self, frame: WireFrame) -> None:
        """Decide about a frame: it goes on now, later, changed or not at all."""
        event = self.owner.preview(self.direction, frame)
        held = Held(event, frame)
        self._apply_rules(held)
        if self._adds_event_ids and held.outputs == [None]:
            data = self.owner.with_event_id(event)
            if data is not None:
                held.outputs = [Output(data, True, Origin.WIRE, is_addition=False)]
        stopped_by = self.owner.stopping(event) if held.outputs else ""
        if stopped_by:
            held.stopped_by, held.is_released = stopped_by, False
            facts = {"direction": event.direction, "event_type": event.type, "filter": stopped_by}
            self._note("inspector.held", {**facts, "size_bytes": len(event.data)})
        self.waiting.append(held)
        self._bytes += len(frame.raw)
        if self._bytes > MAX_WAITING_BYTES:
            self._lane.hold_sender(True)
        self.pump()

    def pump(self) -> None:
        """Let go on what may."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self.waiting and self._may_go(self.waiting[0]):
                self._let_go(self.waiting.popleft())
        finally:
            self._is_pumping = False
        self._wait_for_the_first()
        self.owner.changed()
        self._lane.settle()

    def release(self, held: Held) -> None:
        """Let a held frame go on, in its turn."""
        held.is_released = True
        self.pump()

    def flush(self, why: str) -> None:
        """Let everything go on at once: its sender has gone, and nothing can be decided in time."""
        stopped = [held for held in self.waiting if held.is_held]
        if stopped:
            facts = {"direction": self.direction, "count": len(stopped), "why": why}
            self._note("inspector.released", facts)
        for held in self.waiting:
            held.is_released, held.due_s = True, 0.0
        self.pump()

    def discard(self, why: str) -> None:
        """Report what waits as undelivered."""
        while self.waiting:
            held = self.waiting.popleft()
            facts = {"direction": self.direction, "event_type": held.event.type, "message": why}
            self._note("inspector.undelivered", {**facts, **original(held.event)})
        self._bytes = 0
        self.pump()

    def _note(self, name: str, facts: Mapping[str, Any]) -> None:
        """Log a fact; a log that fails must not cost a frame."""
        try:
            self.owner.note(name, facts)
        except Exception:
            log.exception("%s could not be logged", name)

    def _may_go(self, held: Held) -> bool:
        if held.is_held:
            return False
        return not held.due_s or held.due_s <= asyncio.get_running_loop().time()

    def _wait_for_the_first(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.waiting and not self.waiting[0].is_held:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self.waiting[0].due_s, self.pump)

    def _let_go(self, held: Held) -> None:
        self._bytes -= len(held.frame.raw)
        if self._bytes <= MAX_WAITING_BYTES:
            self._lane.hold_sender(False)
        if held.change:
            facts = {"direction": self.direction, "event_type": held.event.type}
            did = {"change": held.change, "by": held.changed_by or "hand"}
            self._note("inspector.altered", {**facts, **did, **original(held.event)})
        if None not in held.outputs:
            self._lane.withhold(held.frame)
        for output in held.outputs:
            if output is None:
                self._lane.forward(held.frame)
            elif output.is_addition:
                by = held.changed_by or "hand"
                self.owner.inject(self.direction, output.data, by, is_text=output.is_text)
            else:
                self._lane.add(output.data, is_text=output.is_text, origin=output.origin)
        for deed in held.after:
            deed()

    def _apply_rules(self, held: Held) -> None:
        if not self._rules.watches(self.direction):
            return
        matching = self._rules.matching(self.direction, EventFacts(held.event))
        for name, message in self._rules.newly_slow():
            self._note("inspector.rule_failed", {"name": name, "message": message})
        for rule in matching:
            held.changed_by = rule.name
            self._apply(rule, held)
            if rule.deed is Deed.DROP:
                return

    def _apply(self, rule: Rule, held: Held) -> None:
        match rule.deed:
            case Deed.DROP:
                held.change, held.outputs = "drop", []
            case Deed.DELAY:
                held.due_s = asyncio.get_running_loop().time() + rule.seconds
                held.change = held.change or f"delay {rule.seconds:g} s"
            case Deed.REPLACE:
                self._replace(rule, held)
            case Deed.INJECT:
                if rule.to in (None, self.direction):
                    held.outputs.append(Output(rule.event, is_text=True))
                else:
                    other = rule.to or self.direction
                    held.after.append(partial(self.owner.inject, other, rule.event, rule.name))
            case Deed.CLOSE:
                held.after.append(partial(self.owner.close, rule.code, rule.reason))

    def _replace(self, rule: Rule, held: Held) -> None:
        before = next((output for output in held.outputs if output is not None), None)
        try:
            body = orjson.loads(before.data) if before is not None else held.event.body
            data = orjson.dumps(replaced(body, rule.pointer, rule.value))
        except (ValueError, TypeError) as error:
            message = f"{rule.name} could not be applied: {error}"
            self._note("inspector.rule_failed", {"name": rule.name, "message": message})
            return
        held.change = f"replace /{'/'.join(rule.pointer)}"
        held.outputs = [Output(data, True, is_addition=False)]
