"""InterceptQueue: where the frames of one direction wait while something is armed, in order, each until it may go on.

A frame that waits keeps those behind it waiting: a stream is never reordered. What may stop one is a breakpoint (until the
user decides) or a rule's delay (until it is over); control frames, and so pings and their answers, pass by meanwhile.

What a session's log shows is what the receiver got: a paused frame is announced by ``inspector.paused``, and logged as a frame
when it goes on. What the receiver did not get, or got in another shape, is kept beside it in ``inspector.altered``, once for each
thing that was done to it, with the name of who did it.

Every frame that comes in goes on exactly once, or is dropped, or is reported as undelivered: a failing rule costs nothing but
its own effect.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import orjson

from inspector.analysis.query import EventFacts
from inspector.core.event import Direction, Event, Origin
from inspector.engine.paused_frame import AddedFrame, PausedFrame, author, original
from inspector.engine.rules import Rule, RuleAction, RuleSet, replaced
from inspector.sources.direction_pipe import DirectionPipe
from inspector.sources.frames import WireFrame

log = logging.getLogger(__name__)
_Done = TypeVar("_Done")

MAX_WAITING_BYTES = 64 << 20
"""Some minutes of audio; past it the sender is not read from, pings included."""


class InterceptOwner(Protocol):
    """The session that a queue belongs to."""

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

    def send_added(self, output: AddedFrame) -> bool:
        """Send a frame of ours and log it as such; False where that is not possible any more."""
        ...

    def close_by(self, rule: Rule) -> None:
        """Close the session, as a rule says."""
        ...

    def with_event_id(self, event: Event) -> bytes | None:
        """Return a client's event with an ``event_id`` added, None where it gets none."""
        ...


class InterceptQueue:
    """The queue of one pipe."""

    def __init__(
        self, pipe: DirectionPipe, owner: InterceptOwner, rules: RuleSet, *, adds_event_ids: bool
    ) -> None:
        """Stand at a pipe.

        Args:
            pipe: whose frames are decided about.
            owner: the session.
            rules: what happens to frames without anybody's hand.
            adds_event_ids: whether a client's event without an ``event_id`` gets one.
        """
        self.waiting: deque[PausedFrame] = deque()
        self._pipe = pipe
        self.owner = owner
        self._rules = rules
        self._adds_event_ids = adds_event_ids and pipe.direction is Direction.CLIENT
        self._bytes = 0
        self._is_pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._shut_by = ""
        """Why nothing goes on any more; ``""`` while something may."""

    @property
    def direction(self) -> Direction:
        """Return which way the frames go."""
        return self._pipe.direction

    @property
    def is_open(self) -> bool:
        """Tell whether every frame may pass unseen."""
        return not (
            self.waiting
            or self._adds_event_ids
            or self._shut_by
            or self.owner.stops(self.direction)
            or self._rules.watches(self.direction)
        )

    def arm(self) -> None:
        """Let frames come here from the next one on, if something is armed."""
        if not self.is_open:
            self._pipe.engage()

    def take(self, frame: WireFrame) -> None:
        """Decide about a frame: it goes on now, later, changed or not at all."""
        event = self.owner.preview(self.direction, frame)
        if self._shut_by:
            self._undelivered(event, self._shut_by)
            return
        paused = PausedFrame(event, frame)
        try:
            self._decide(paused)
        except Exception as error:
            log.exception("a frame could not be decided about")
            what = f"{type(error).__name__}: {error}"
            message = f"the gate failed, and a frame went on as it came: {what}"
            self._note("inspector.degraded", {"direction": self.direction, "message": message})
            paused = PausedFrame(event, frame)
        self.waiting.append(paused)
        self._bytes += len(frame.raw)
        if self._bytes > MAX_WAITING_BYTES:
            self._pipe.hold_sender(True)
        self.pump()

    def pump(self) -> None:
        """Let go on what may."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self.waiting and self._may_go(self.waiting[0]):
                self._forward(self.waiting.popleft())
        finally:
            self._is_pumping = False
        self._wait_for_the_first()
        self.owner.changed()
        self._pipe.settle()

    def release(self, paused: PausedFrame) -> None:
        """Let a paused frame go on, in its turn."""
        paused.is_released = True
        self.pump()

    def flush(self, why: str) -> None:
        """Let everything go on at once: its sender has gone, and nothing can be decided in time."""
        stopped = [paused for paused in self.waiting if paused.is_paused]
        if stopped:
            facts = {"direction": self.direction, "count": len(stopped), "why": why}
            self._note("inspector.released", facts)
        for paused in self.waiting:
            paused.is_released, paused.due_s = True, 0.0
        self.pump()

    def discard(self, why: str) -> None:
        """Report what waits as undelivered."""
        while self.waiting:
            self._undelivered(self.waiting.popleft().event, why)
        self._bytes = 0
        self.pump()

    def shut(self, why: str) -> None:
        """Report what waits, and what still comes, as undelivered: the receiver was told that nothing follows."""
        self._shut_by = why
        self.arm()
        self.discard(why)

    def _undelivered(self, event: Event, why: str) -> None:
        facts = {"direction": self.direction, "event_type": event.type, "message": why}
        self._note("inspector.undelivered", {**facts, **original(event)})

    def _decide(self, paused: PausedFrame) -> None:
        """Let rules act on a frame, and a breakpoint stop it."""
        event = paused.event
        if self._adds_event_ids:
            # First of all, so that a rule which replaces a value keeps it. The content stays the app's.
            paused.content = self.owner.with_event_id(event)
        if self._rules.watches(self.direction):
            for index, rule in self._rules.matching(self.direction, EventFacts(event)):
                if self._apply(rule, paused):
                    self._rules.hit(index)
            for name, message in self._rules.newly_slow():
                self._note("inspector.rule_failed", {"name": name, "message": message})
        stopped_by = "" if paused.is_dropped else self.owner.stopping(event)
        if stopped_by:
            paused.stopped_by, paused.is_released = stopped_by, False
            facts = {"direction": event.direction, "event_type": event.type, "filter": stopped_by}
            self._note("inspector.held", {**facts, "size_bytes": len(event.data)})

    def _note(self, name: str, facts: Mapping[str, Any]) -> None:
        """Log a fact; a log that fails must not cost a frame."""
        try:
            self.owner.note(name, facts)
        except Exception:
            log.exception("%s could not be logged", name)

    def _may_go(self, paused: PausedFrame) -> bool:
        if paused.is_paused:
            return False
        return not paused.due_s or paused.due_s <= asyncio.get_running_loop().time()

    def _wait_for_the_first(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.waiting and not self.waiting[0].is_paused:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self.waiting[0].due_s, self.pump)

    def _forward(self, paused: PausedFrame) -> None:
        self._bytes -= len(paused.frame.raw)
        if self._bytes <= MAX_WAITING_BYTES:
            self._pipe.hold_sender(False)
        for change in paused.changes:
            facts = {"direction": self.direction, "event_type": paused.event.type}
            did = {"change": change.what, **author(change.rule)}
            self._note("inspector.altered", {**facts, **did, **original(paused.event)})
        if paused.is_dropped or paused.content is not None:
            self._pipe.drop(paused.frame)
        if paused.is_dropped:
            pass
        elif paused.content is None:
            self._pipe.forward(paused.frame)
        else:
            self._pipe.add(paused.content, is_text=paused.event.is_text, origin=paused.origin)
        for output in paused.additions:
            self._attempt(self.owner.send_added, output)
        if paused.closing is not None:
            self._attempt(self.owner.close_by, paused.closing)

    def _attempt(self, do: Callable[[_Done], object], what: _Done) -> None:
        """Do what follows a frame; a failure must not cost what comes after it."""
        try:
            do(what)
        except Exception:
            log.exception("what follows a frame could not be done")

    def _apply(self, rule: Rule, paused: PausedFrame) -> bool:
        """Let a rule act on a frame; False where it finds nothing to do."""
        match rule.action:
            case RuleAction.INJECT:
                direction = rule.to or self.direction
                paused.additions.append(AddedFrame(rule.event, True, direction, rule))
            case RuleAction.CLOSE:
                if paused.closing is not None:
                    return False
                paused.closing = rule
            case _ if paused.is_dropped:
                return False
            case RuleAction.DROP:
                paused.drop(rule)
            case RuleAction.DELAY:
                paused.delay(rule.seconds, asyncio.get_running_loop().time(), rule)
            case RuleAction.REPLACE:
                return self._replace(rule, paused)
        return True

    def _replace(self, rule: Rule, paused: PausedFrame) -> bool:
        try:
            body = paused.event.body if paused.content is None else orjson.loads(paused.content)
            data = orjson.dumps(replaced(body, rule.pointer, rule.value))
        except (ValueError, TypeError) as error:
            message = f"{rule.name} could not be applied: {error}"
            facts = {"direction": self.direction, "name": rule.name, "message": message}
            self._note("inspector.rule_failed", facts)
            return False
        paused.replace(data, f"replace /{'/'.join(rule.pointer)}", rule)
        return True
