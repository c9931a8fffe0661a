"""What a filter asks of one event, whether it stands in a log or has just arrived.

The text of an event that filters search is its frame without the base64 of its audio: nobody searches for base64, and
by skipping it a text search reads two percent of a session of voice.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Protocol

from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.kinds import kind_of
from inspector.core.log import DIRECTIONS, ORIGINS, EventLog, flags_of, reports_error

_SPLICED = b'"event":'
_AUDIO_STRING = re.compile(rb'"(?:delta|audio)"\s*:\s*"')


class Facts(Protocol):
    """One event as filters see it."""

    @property
    def type(self) -> str:
        """The event's type."""
        ...

    @property
    def direction(self) -> Direction:
        """Who sent it."""
        ...

    @property
    def origin(self) -> Origin:
        """What made it come into being."""
        ...

    @property
    def t_us(self) -> int | None:
        """Microseconds since the start; None where the recording does not say."""
        ...

    @property
    def dt_us(self) -> int | None:
        """Microseconds since the previous event, 0 for the first; None where the time of either is not known."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        ...

    @property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that the event has."""
        ...

    @property
    def turn(self) -> int:
        """Number of its turn, 0 before the first."""
        ...

    @property
    def event(self) -> Event:
        """The event itself, decoded: what asks for it is slow over a large log, unless something cheaper decides first."""
        ...

    @property
    def text(self) -> bytes:
        """The frame's bytes without the base64 of its audio."""
        ...

    @property
    def lowered(self) -> bytes:
        """The text in lower case, ASCII letters only."""
        ...


class EventFacts:
    """Facts of an event that need not stand in a log."""

    def __init__(self, event: Event, previous: Event | None = None, turn: int = 0) -> None:
        """Look at an event.

        Args:
            event: the event.
            previous: the event before it, of either direction; None for the first.
            turn: number of its turn, 0 before the first.
        """
        self.type = event.type
        self.direction = event.direction
        self.origin = event.origin
        self.t_us = _us(event)
        self.dt_us = _between_us(self.t_us, self.t_us if previous is None else _us(previous))
        self.size = len(event.data)
        self.turn = turn
        self.event = event

    @cached_property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that the event has."""
        return flags_of(self.event, kind_of(self.type).flags)

    @cached_property
    def text(self) -> bytes:
        """The frame's bytes without the base64 of its audio."""
        return searchable(self.type, self.event.data)

    @cached_property
    def lowered(self) -> bytes:
        """The text in lower case, ASCII letters only."""
        return self.text.lower()


class LogFacts:
    """Facts of a row of a log, each read when a term asks for it: most filters ask for one or two."""

    __slots__ = ("_log", "_lowered", "_row", "_text", "_turns")

    def __init__(self, log: EventLog, row: int, turns: TurnIndex | None) -> None:
        """Look at a row; ``turns`` may be None where no term asks for the turn."""
        self._log = log
        self._row = row
        self._turns = turns
        self._text: bytes | None = None
        self._lowered: bytes | None = None

    @property
    def type(self) -> str:
        """The event's type."""
        return self._log.type_of(self._row)

    @property
    def direction(self) -> Direction:
        """Who sent it."""
        return DIRECTIONS[self._log.direction[self._row]]

    @property
    def origin(self) -> Origin:
        """What made it come into being."""
        return ORIGINS[self._log.origin[self._row]]

    @property
    def t_us(self) -> int | None:
        """Microseconds since the start; None where the recording does not say."""
        return self._log.time_us(self._row)

    @property
    def dt_us(self) -> int | None:
        """Microseconds since the previous event, 0 for the first; None where the time of either is not known."""
        return _between_us(self.t_us, self._log.time_us(max(0, self._row - 1)))

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        return self._log.size[self._row]

    @property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that the event has."""
        return self._log.flags[self._row]

    @property
    def turn(self) -> int:
        """Number of its turn, 0 before the first."""
        return self._turns.number(self._row) if self._turns is not None else 0

    @property
    def event(self) -> Event:
        """The event itself, decoded."""
        return self._log.event(self._row)

    @property
    def text(self) -> bytes:
        """The frame's bytes without the base64 of its audio."""
        if self._text is None:
            self._text = searchable(self.type, frame_of(self._log, self._row))
        return self._text

    @property
    def lowered(self) -> bytes:
        """The text in lower case, ASCII letters only."""
        if self._lowered is None:
            self._lowered = self.text.lower()
        return self._lowered


def _us(event: Event) -> int | None:
    return None if event.t_ns is None else event.t_ns // 1000


def _between_us(t_us: int | None, previous_us: int | None) -> int | None:
    return None if t_us is None or previous_us is None else t_us - previous_us


def is_failure(event: Event) -> bool:
    """Tell whether an event reports that something went wrong, or could not be read."""
    return reports_error(flags_of(event, kind_of(event.type).flags), event.direction)


def frame_of(log: EventLog, row: int) -> bytes:
    """Return a row's frame without decoding it where the line holds it verbatim.

    Such a line ends with ``"event":``, the frame, and one brace; no other line can have those bytes at that place, since
    quotes inside a string are escaped.
    """
    line = log.line(row)
    start = len(line) - 1 - log.size[row]
    if start >= len(_SPLICED) and line.startswith(_SPLICED, start - len(_SPLICED)):
        return line[start:-1]
    return log.event(row).data


def searchable(name: str, data: bytes) -> bytes:
    """Return a frame's bytes without the base64 of its audio, which stays as an empty string."""
    if name not in AUDIO_KEYS:
        return data
    found = _AUDIO_STRING.search(data)
    if found is None:
        return data
    end = data.find(b'"', found.end())
    return data if end < 0 else data[: found.end()] + data[end:]
