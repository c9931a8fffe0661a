"""InterventionsFold: the frames that the proxy added or changed, and the rule or person behind each.

A proxy logs ``inspector.injected`` or ``inspector.altered`` before the frame in question. That frame is the next one in its
direction whose origin is not the wire; a frame that was already being received may be logged in between.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from inspector.core.event import Direction, Event, Origin
from inspector.core.read import text_at

MAX_PENDING = 1024
"""Announced frames that have not been logged yet."""
_DIRECTION_TO = {"api": Direction.CLIENT, "app": Direction.SERVER}
_OF_CONTENT = ("replace", "edit")
"""Beginnings of ``change`` for changes to a frame's content; drops and delays leave no changed frame to mark."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """How the proxy added or changed a frame that the receiver got."""

    what: str
    """``injected`` or ``changed``."""
    by: str
    """The rule's name, or ``hand``; several names are separated by commas."""
    seq: int
    """The local event that announced it."""

    def __str__(self) -> str:
        return f"{self.what} ({self.by})"


class InterventionsFold:
    """Added and changed frames, by ``seq``."""

    name = "interventions"

    def __init__(self) -> None:
        self.of: dict[int, Intervention] = {}
        self._pending: dict[Direction, deque[Intervention]] = {}

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        if event.direction is not Direction.LOCAL:
            pending = self._pending.get(event.direction)
            if pending and event.origin is not Origin.WIRE:
                self.of[event.seq] = pending.popleft()
        elif event.type == "inspector.injected":
            direction = _DIRECTION_TO.get(text_at(event.body or {}, "to"))
            self._announce(direction, event, "injected")
        elif event.type == "inspector.altered":
            body = event.body or {}
            if text_at(body, "change").startswith(_OF_CONTENT):
                is_sent = text_at(body, "direction") == Direction.CLIENT
                self._announce(Direction.CLIENT if is_sent else Direction.SERVER, event, "changed")
        elif event.type in ("inspector.opened", "inspector.closed"):
            self._pending.clear()

    def copy(self) -> InterventionsFold:
        """Return an independent copy."""
        clone = InterventionsFold()
        clone.of = dict(self.of)
        clone._pending = {way: pending.copy() for way, pending in self._pending.items()}
        return clone

    def _announce(self, direction: Direction | None, event: Event, what: str) -> None:
        if direction is None:
            return
        by = text_at(event.body or {}, "by") or "hand"
        pending = self._pending.setdefault(direction, deque(maxlen=MAX_PENDING))
        before = pending[-1] if pending else None
        if what == "changed" and before is not None and before.what == what:
            # A second change before the frame is logged applies to the same frame.
            names = by if by == before.by else f"{before.by}, {by}"
            pending[-1] = replace(before, by=names)
        else:
            pending.append(Intervention(what, by, event.seq))
