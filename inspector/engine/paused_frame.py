"""PausedFrame: a frame that waits at a queue, and what goes on in its place and behind it.

Several rules and the user may act on one frame. Each act is kept apart with the name of who did it, so that none undoes
another by accident: what goes on in the frame's place is one thing, what is sent behind it another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inspector.core.event import Direction, Event, Origin
from inspector.engine.rules import Rule
from inspector.sources.frames import WireFrame


@dataclass(frozen=True, slots=True)
class AddedFrame:
    """A frame of ours: what goes on in a waiting frame's place, or behind it."""

    data: bytes
    """The payload."""
    is_text: bool
    """False for a binary frame."""
    direction: Direction
    """Which way it goes: client to the API, server to the app."""
    rule: Rule | None = None
    """What made it; None for a hand."""

    @property
    def origin(self) -> Origin:
        """Return what made it come into being, as the log says it."""
        return Origin.HAND if self.rule is None else Origin.RULE


@dataclass(frozen=True, slots=True)
class FrameChange:
    """One thing that was done to a frame."""

    what: str
    """In words, as the log says it."""
    rule: Rule | None = None
    """What did it; None for a hand."""


@dataclass(slots=True, eq=False)
class PausedFrame:
    """A frame that waits at a queue."""

    event: Event
    """As it would be logged if it went on now; ``seq`` 0."""
    frame: WireFrame
    """As it came."""
    stopped_by: str = ""
    """The breakpoint's filter; ``""`` for a frame that only waits for others or for its time."""
    is_released: bool = True
    """True once it may go on, in its turn."""
    due_s: float = 0.0
    """Event-loop time before which it does not go on."""
    content: bytes | None = None
    """What goes on in its place; None while it goes on as it came."""
    origin: Origin = Origin.WIRE
    """Of that content."""
    is_dropped: bool = False
    """Whether nothing goes on in its place."""
    additions: list[AddedFrame] = field(default_factory=list)
    """Frames of ours that are sent right after it, or in its place where it was dropped, in their order."""
    closing: Rule | None = None
    """The rule that closes the session after all that."""
    changes: list[FrameChange] = field(default_factory=list)
    """What was done to it, in order."""

    @property
    def direction(self) -> Direction:
        """Return which way it goes."""
        return self.event.direction

    @property
    def data(self) -> bytes:
        """Return what goes on, or would if it were not dropped."""
        return self.event.data if self.content is None else self.content

    @property
    def is_paused(self) -> bool:
        """Tell whether it waits for the user."""
        return not self.is_released

    def drop(self, rule: Rule | None = None, what: str = "drop") -> None:
        """Let nothing go on in its place."""
        self.is_dropped = True
        self.changes.append(FrameChange(what, rule))

    def replace(self, data: bytes, what: str, rule: Rule | None = None) -> None:
        """Let another content go on in its place, even if it was dropped before."""
        if self.is_dropped:
            self.is_dropped = False
            self.changes = [change for change in self.changes if change.what != "drop"]
        self.content, self.origin = data, Origin.HAND if rule is None else Origin.RULE
        self.changes.append(FrameChange(what, rule))

    def delay(self, seconds: float, now_s: float, rule: Rule | None = None) -> None:
        """Let it go on later; delays add up.

        Args:
            seconds: how much later.
            now_s: the event loop's time.
            rule: which rule says so; None for a hand.
        """
        self.due_s = max(self.due_s, now_s) + seconds
        self.changes.append(FrameChange(f"delay {seconds:g} s", rule))


def original(event: Event) -> Mapping[str, str]:
    """Return a frame's content as a local event keeps it: verbatim, as text or hexadecimal."""
    if event.is_text:
        return {"original": event.data.decode("utf-8", "replace")}
    return {"original_hex": event.data.hex()}


def author(rule: Rule | None) -> Mapping[str, str]:
    """Return who did something to a frame, as a local event keeps it."""
    return {"by": "hand"} if rule is None else {"by": rule.name, "rule": rule.title}
