"""InterceptQueue: holds the frames of one direction, in order, while a breakpoint or rule is armed for it.

A waiting frame also keeps the frames behind it waiting, because a stream is never reordered. A breakpoint pauses a frame until
the user decides; a rule delays it for some time. Control frames are not queued, so pings are answered meanwhile.

The log shows what the receiver got. ``inspector.held`` announces a paused frame, which itself is logged when it is forwarded.
The original of a frame that was dropped or changed is kept in ``inspector.altered``, with one event for each action and the name
of its author.

Each frame is forwarded exactly once, or dropped, or reported as undelivered. A rule that fails has no effect on other rules or frames.
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
"""The limit of waiting bytes: some minutes of audio. Above it the sender is not read, so its pings are not answered either."""


# Theory of operation
#
# The states of a frame, and what ends them:
#
#   state       | entered by                                            | left by
#   ------------+-------------------------------------------------------+------------------------------------------------------------
#   decided     | `intercept`: rules act, then breakpoints are checked  | always appended to the queue
#   waiting     | another frame is in front of it                       | becoming the first frame; then one of the following states
#   paused      | a breakpoint stopped it (`is_paused`)                 | `release` by the user, or `flush`
#   delayed     | a rule set the time of forwarding (`due_s`)           | the queue's only timer, which is set for the first frame
#   forwarded   | it is first, not paused and due                       | final: dropped, changed or sent unchanged; then come the frames
#               |                                                       | that rules add after it
#   undelivered | `discard` or `shut`: its receiver has closed          | final: its content is logged
#
# Invariants:
#
# 1. Each direction has one queue, and frames leave it only at its head: a waiting frame keeps all frames behind it waiting.
# 2. Rules act in the order of the file, each on the result of those before it, and each change carries the name of its rule. Frames
#    that a rule injects follow the frame that triggered it, even if that is dropped. After a drop only inject and close act.
# 3. `inspector.held` is logged when a frame is paused, `inspector.altered` and the frame itself when it is forwarded: so the log has the
#    receiver's order.
# 4. Frames leave only through `pump`, which is not re-entrant: the code that it calls (the pipe, the owner) may call release or flush.
# 5. A failure loses only its own effect: in `_decide` the frame is forwarded unchanged, in `_try` one added frame or the closing is
#    skipped, in `_note` one local event is missing in the log.


class InterceptOwner(Protocol):
    """The interface of the session that owns a queue."""

    def preview(self, direction: Direction, frame: WireFrame) -> Event:
        """Return a frame as an event without logging it."""
        ...

    def stopping(self, event: Event) -> str:
        """Return the filter of the breakpoint that stops an event; ``""`` if none does."""
        ...

    def stops(self, direction: Direction) -> bool:
        """Return True if a breakpoint is armed for a direction."""
        ...

    def changed(self) -> None:
        """React to a change of the waiting frames."""
        ...

    def note(self, name: str, facts: Mapping[str, Any], origin: Origin = Origin.WIRE) -> Event:
        """Log a local event."""
        ...

    def send_added(self, output: AddedFrame) -> bool:
        """Send and log an added frame; return False if its direction no longer accepts frames."""
        ...

    def close_by(self, rule: Rule) -> None:
        """Close the session with the code and reason of a rule."""
        ...

    def with_event_id(self, event: Event) -> bytes | None:
        """Return the JSON of a client event with an ``event_id`` added; None if it does not get one."""
        ...


class InterceptQueue:
    """The queue of one direction pipe."""

    def __init__(
        self, pipe: DirectionPipe, owner: InterceptOwner, rules: RuleSet, *, adds_event_ids: bool
    ) -> None:
        """Create the queue of a pipe; the caller must set it as the pipe's ``queue``.

        Args:
            pipe: the pipe whose frames are intercepted.
            owner: the session.
            rules: the rules that act on the frames.
            adds_event_ids: True to add an ``event_id`` to client events without one.
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
        """Why frames are no longer forwarded; ``""`` while they are."""

    @property
    def direction(self) -> Direction:
        """Return the direction of the frames."""
        return self._pipe.direction

    @property
    def is_open(self) -> bool:
        """Return True if nothing is armed and nothing waits, so that frames may bypass the queue."""
        return not (
            self.waiting
            or self._adds_event_ids
            or self._shut_by
            or self.owner.stops(self.direction)
            or self._rules.watches(self.direction)
        )

    def arm(self) -> None:
        """Divert the pipe's frames to this queue, from the next one on, if something is armed."""
        if not self.is_open:
            self._pipe.engage()

    def intercept(self, frame: WireFrame) -> None:
        """Apply the rules and breakpoints to a frame, and append it to the queue."""
        event = self.owner.preview(self.direction, frame)
        if self._shut_by:
            self._undelivered(event, self._shut_by)
            return
        paused = PausedFrame(event, frame)
        try:
            self._decide(paused)
        except Exception as error:
            log.exception("rules and breakpoints could not be applied to a frame")
            reason = f"{type(error).__name__}: {error}"
            message = f"the intercept queue failed, and a frame was forwarded unchanged: {reason}"
            self._note("inspector.degraded", {"direction": self.direction, "message": message})
            # Start anew, because a rule may have changed the frame before the failure.
            paused = PausedFrame(event, frame)
        self.waiting.append(paused)
        self._bytes += len(frame.raw)
        if self._bytes > MAX_WAITING_BYTES:
            self._pipe.hold_sender(True)
        self.pump()

    def pump(self) -> None:
        """Forward the frames at the head of the queue that are due and not paused."""
        if self._is_pumping:  # the loop below continues after the call that led here
            return
        self._is_pumping = True
        try:
            while self.waiting and self._may_go(self.waiting[0]):
                self._forward(self.waiting.popleft())
        finally:
            self._is_pumping = False
        self._set_timer()
        self.owner.changed()
        self._pipe.settle()

    def release(self, paused: PausedFrame) -> None:
        """End the pause of a frame; it is forwarded after those before it."""
        paused.is_released = True
        self.pump()

    def flush(self, why: str) -> None:
        """Forward all waiting frames at once, because their sender has closed and there is no time for decisions."""
        stopped = [paused for paused in self.waiting if paused.is_paused]
        if stopped:
            facts = {"direction": self.direction, "count": len(stopped), "why": why}
            self._note("inspector.released", facts)
        for paused in self.waiting:
            paused.is_released, paused.due_s = True, 0.0
        self.pump()

    def discard(self, why: str) -> None:
        """Remove all waiting frames and report them as undelivered."""
        while self.waiting:
            self._undelivered(self.waiting.popleft().event, why)
        self._bytes = 0
        self.pump()

    def shut(self, why: str) -> None:
        """Report waiting and later frames as undelivered, because a close frame was sent to the receiver."""
        self._shut_by = why
        self.arm()
        self.discard(why)

    def _undelivered(self, event: Event, why: str) -> None:
        facts = {"direction": self.direction, "event_type": event.type, "message": why}
        self._note("inspector.undelivered", {**facts, **original(event)})

    def _decide(self, paused: PausedFrame) -> None:
        """Apply the matching rules to a frame, then pause it if a breakpoint matches."""
        event = paused.event
        if self._adds_event_ids:
            # Before the rules, so that one that replaces a value keeps the id. Its origin remains the wire: it is the app's content.
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
        """Log a local event; a failure of the log must not lose a frame."""
        try:
            self.owner.note(name, facts)
        except Exception:
            log.exception("%s could not be logged", name)

    def _may_go(self, paused: PausedFrame) -> bool:
        if paused.is_paused:
            return False
        return not paused.due_s or paused.due_s <= asyncio.get_running_loop().time()

    def _set_timer(self) -> None:
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
        # The pipe must know of a replaced frame too: the receiver's inflater lacks the original.
        if paused.is_dropped or paused.content is not None:
            self._pipe.drop(paused.frame)
        if paused.is_dropped:
            pass
        elif paused.content is None:
            self._pipe.forward(paused.frame)
        else:
            self._pipe.add(paused.content, is_text=paused.event.is_text, origin=paused.origin)
        for output in paused.additions:
            self._try(self.owner.send_added, output)
        if paused.closing is not None:
            self._try(self.owner.close_by, paused.closing)

    def _try(self, do: Callable[[_Done], object], what: _Done) -> None:
        """Send an added frame or close the session; a failure must not lose the frames after it."""
        try:
            do(what)
        except Exception:
            log.exception("an added frame or the closing after a frame failed")

    def _apply(self, rule: Rule, paused: PausedFrame) -> bool:
        """Apply a rule to a frame; return False if it has no effect."""
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
