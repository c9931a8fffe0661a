"""A frame that waits in an intercept queue, with the changes made to it and the frames added after it.

Several rules and the user may act on one frame. Each change is recorded with its author. The content that replaces the frame
and the frames sent after it are kept apart, so that one action does not undo another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inspector.core.event import Direction, Event, Origin
from inspector.engine.rules import Rule
from inspector.sources.frames import WireFrame


@dataclass(frozen=True, slots=True)
class AddedFrame:
    """A frame that the inspector sends in place of a waiting frame, or after it."""

    data: bytes
    """The payload."""
    is_text: bool
    """False for a binary frame."""
    direction: Direction
    """The direction: client to the API, or server to the app."""
    rule: Rule | None = None
    """The rule that added it; None for the user."""

    @property
    def origin(self) -> Origin:
        """Return the origin for the log."""
        return Origin.HAND if self.rule is None else Origin.RULE


@dataclass(frozen=True, slots=True)
class FrameChange:
    """One action that was applied to a frame."""

    what: str
    """The action as the log shows it."""
    rule: Rule | None = None
    """The rule that applied it; None for the user."""


@dataclass(slots=True, eq=False)
class PausedFrame:
    """A frame that waits in a queue."""

    event: Event
    """The event that would be logged if the frame were forwarded now; its ``seq`` is 0."""
    frame: WireFrame
    """The frame as it was received."""
    stopped_by: str = ""
    """The filter of the breakpoint; ``""`` for a frame that only waits for others or for its time."""
    is_released: bool = True
    """True if it may be forwarded in its turn."""
    due_s: float = 0.0
    """Event-loop time before which it is not forwarded."""
    content: bytes | None = None
    """The content that replaces its own; None to forward it unchanged."""
    origin: Origin = Origin.WIRE
    """The origin of the content."""
    is_dropped: bool = False
    """True if it is not forwarded."""
    additions: list[AddedFrame] = field(default_factory=list)
    """Frames sent right after it, in order; in its place if it is dropped."""
    closing: Rule | None = None
    """The rule that closes the session after the frame and its additions."""
    changes: list[FrameChange] = field(default_factory=list)
    """The actions applied to it, in order."""

    @property
    def direction(self) -> Direction:
        """Return its direction."""
        return self.event.direction

    @property
    def data(self) -> bytes:
        """Return its current content, even if it is dropped."""
        return self.event.data if self.content is None else self.content

    @property
    def is_paused(self) -> bool:
        """Return True if it waits for the user."""
        return not self.is_released

    def drop(self, rule: Rule | None = None, what: str = "drop") -> None:
        """Mark it as dropped."""
        self.is_dropped = True
        self.changes.append(FrameChange(what, rule))

    def replace(self, data: bytes, what: str, rule: Rule | None = None) -> None:
        """Replace its content, even if it was dropped before."""
        if self.is_dropped:  # the user's edit overrides a rule's drop
            self.is_dropped = False
            self.changes = [change for change in self.changes if change.what != "drop"]
        self.content, self.origin = data, Origin.HAND if rule is None else Origin.RULE
        self.changes.append(FrameChange(what, rule))

    def delay(self, seconds: float, now_s: float, rule: Rule | None = None) -> None:
        """Delay it further.

        Args:
            seconds: the additional delay.
            now_s: the event loop's time.
            rule: the rule that delays it; None for the user.
        """
        self.due_s = max(self.due_s, now_s) + seconds
        self.changes.append(FrameChange(f"delay {seconds:g} s", rule))


def original(event: Event) -> Mapping[str, str]:
    """Return the members of a local event for a frame's original content, as text or hexadecimal."""
    if event.is_text:
        return {"original": event.data.decode("utf-8", "replace")}
    return {"original_hex": event.data.hex()}


def author(rule: Rule | None) -> Mapping[str, str]:
    """Return the members of a local event that name the author of an action."""
    return {"by": "hand"} if rule is None else {"by": rule.name, "rule": rule.title}
