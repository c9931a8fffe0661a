"""Held: a frame that waits at a gate, and what goes on in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from inspector.core.event import Direction, Event, Origin
from inspector.sources.frames import WireFrame


@dataclass(slots=True, eq=False)
class Output:
    """What goes on in a waiting frame's place."""

    data: bytes
    """The payload."""
    is_text: bool
    """False for a binary frame."""
    origin: Origin = Origin.HAND
    """What made it come into being."""
    is_addition: bool = True
    """True for a frame of ours, False for the frame itself with another content."""


@dataclass(slots=True, eq=False)
class Held:
    """A frame that waits at a gate."""

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
    outputs: list[Output | None] = field(default_factory=lambda: [None])
    """What goes on; None stands for the frame as it came."""
    change: str = ""
    """What was done to it, as the log says it."""
    changed_by: str = ""
    """Name of the rule that changed it; ``""`` where that was done by hand."""
    after: list[Callable[[], object]] = field(default_factory=list)
    """Done right after it has gone on."""

    @property
    def direction(self) -> Direction:
        """Return which way it goes."""
        return self.event.direction

    @property
    def is_held(self) -> bool:
        """Tell whether it waits for the user."""
        return not self.is_released


def original(event: Event) -> Mapping[str, str]:
    """Return a frame's content as a local event keeps it: verbatim, as text or hexadecimal."""
    if event.is_text:
        return {"original": event.data.decode("utf-8", "replace")}
    return {"original_hex": event.data.hex()}
