"""Frame and Event, the units of a session, with the enumerations of their direction and origin.

A *frame* is one WebSocket message as it crossed the wire. An *event* is a frame decoded, numbered and typed.
The frame's bytes are kept verbatim and are what is recorded, forwarded and exported; ``body`` is derived from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """Who sent the frame."""

    CLIENT = "client"
    SERVER = "server"
    LOCAL = "local"
    """The inspector itself; types ``inspector.*``."""


class Origin(StrEnum):
    """What produced the frame."""

    WIRE = "wire"
    FORM = "form"
    BUTTON = "button"
    HAND = "hand"
    MIC = "mic"
    REPLAY = "replay"
    RULE = "rule"
    """A rule of the proxy added or changed it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message as it crossed the wire."""

    direction: Direction
    """Who sent it."""
    data: bytes
    """The payload, verbatim; UTF-8 for a text frame."""
    is_text: bool = True
    """False for a binary frame (RFC 6455 section 5.6)."""
    origin: Origin = Origin.WIRE
    """What produced it."""
    body: Mapping[str, Any] | None = None
    """The decoded payload, if the sender knows it and nobody will change it, so that it is not decoded again; else None."""


@dataclass(frozen=True, slots=True)
class DecodeProblem:
    """Why a frame has no ``body``."""

    code: str
    """``invalid_json``, ``not_an_object``, ``too_deep``, ``binary`` or ``torn_line``."""
    message: str
    """Description for the user."""


@dataclass(frozen=True, slots=True)
class Event:
    """A frame decoded, numbered and typed."""

    seq: int
    """1-based position in the session; row ``seq - 1`` of the log."""
    t_ns: int | None
    """Nanoseconds since the session's ``started_at``, microsecond resolution; None if the recording has no time for it."""
    direction: Direction
    """Who sent the event's frame."""
    origin: Origin
    """What produced the frame."""
    type: str
    """The event's ``type``; ``""`` if the frame has none."""
    data: bytes
    """The frame's bytes, verbatim."""
    is_text: bool = True
    """False for a binary frame."""
    body: Mapping[str, Any] | None = None
    """The decoded JSON object; None if ``problem`` is set."""
    problem: DecodeProblem | None = None
    """Why the frame has no ``body``; None if it has one."""
    is_inferred: bool = False
    """True if a foreign recording lacks the direction and it was inferred from the event table."""
    audio_bytes: int | None = None
    """Decoded size of its audio if the reader left the audio out of ``body``; None if ``body`` is complete."""

    @property
    def stamp_ns(self) -> int:
        """Return the time of an event that this program stamped itself, as it stamps every event of a live session.

        Raises:
            ValueError: the event comes from a recording without times.
        """
        if self.t_ns is None:
            raise ValueError(f"event {self.seq} has no time")
        return self.t_ns
