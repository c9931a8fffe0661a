"""Frame, Event and the small closed sets around them.

A *frame* is one WebSocket message as it crossed the wire. An *event* is a frame decoded, numbered and typed.
The frame's bytes are kept verbatim; ``body`` is only ever a reading of them.
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
    """A fact of the inspector's own, type ``inspector.*``."""


class Origin(StrEnum):
    """What made the frame come into being."""

    WIRE = "wire"
    FORM = "form"
    BUTTON = "button"
    HAND = "hand"
    MIC = "mic"
    REPLAY = "replay"
    RULE = "rule"
    """A rule of the proxy made it, or changed it on its way."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket message as it crossed the wire."""

    direction: Direction
    """Who sent it."""
    data: bytes
    """Text frames as UTF-8, binary frames as they are; verbatim."""
    is_text: bool = True
    """False for a binary frame (RFC 6455 section 5.6)."""
    origin: Origin = Origin.WIRE
    """What made it come into being."""


@dataclass(frozen=True, slots=True)
class DecodeProblem:
    """Why a frame has no ``body``."""

    code: str
    """``invalid_json``, ``not_an_object``, ``too_deep``, ``binary`` or ``torn_line``."""
    message: str
    """What is wrong, in words."""


@dataclass(frozen=True, slots=True)
class Event:
    """A frame decoded, numbered and typed."""

    seq: int
    """1-based position in the session; row ``seq - 1`` of the log."""
    t_ns: int | None
    """Nanoseconds since the session's ``started_at``, microsecond resolution; None where the recording does not say."""
    direction: Direction
    """Who sent the event's frame."""
    origin: Origin
    """What made it come into being."""
    type: str
    """The event's ``type``; ``""`` where the frame has none."""
    data: bytes
    """The frame's bytes, verbatim."""
    is_text: bool = True
    """False for a binary frame."""
    body: Mapping[str, Any] | None = None
    """The decoded JSON object; None where ``problem`` says why."""
    problem: DecodeProblem | None = None
    """Why there is no ``body``; None where there is one."""
    is_inferred: bool = False
    """True where a foreign recording did not say the direction and the event table did."""
    audio_bytes: int | None = None
    """Decoded size of its audio where the reader left that out of ``body``; None where all of it is there."""

    @property
    def stamp_ns(self) -> int:
        """Return the time of an event that this program stamped itself, as it does all of a live session.

        Raises:
            ValueError: it is from a recording that does not say when it happened.
        """
        if self.t_ns is None:
            raise ValueError(f"event {self.seq} has no time")
        return self.t_ns
