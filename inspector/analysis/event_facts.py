"""The properties of an event that filters test, for a row of a log or for an event that has just arrived.

Filters search the text of a frame without the base64 of its audio. Searching base64 makes no sense, and without it a text search
reads only two percent of the bytes of a voice session.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.kinds import kind_of
from inspector.core.log import DIRECTIONS, ORIGINS, EventLog, flags_of, reports_error

_SPLICED = b'"event":'
_AUDIO_STRING = re.compile(rb'"(?:delta|audio)"\s*:\s*"')


class Facts(Protocol):
    """The interface through which filters read one event."""

    @property
    def type(self) -> str:
        """The event's type."""
        ...

    @property
    def direction(self) -> Direction:
        """The direction, which is the sender."""
        ...

    @property
    def origin(self) -> Origin:
        """The origin: what created it."""
        ...

    @property
    def t_us(self) -> int | None:
        """Microseconds since the start; None if the recording has no time for it."""
        ...

    @property
    def dt_us(self) -> int | None:
        """Microseconds since the previous event, 0 for the first; None if either time is unknown."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        ...

    @property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that are set for it."""
        ...

    @property
    def turn(self) -> int:
        """The number of its turn; 0 before the first."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """The findings that it proves, the worst first; none if the log has not been judged."""
        ...

    @property
    def event(self) -> Event:
        """The decoded event. Decoding is slow over a large log, so a test should first use a cheaper property."""
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
    """The facts of an event that need not be in a log."""

    def __init__(
        self,
        event: Event,
        previous: Event | None = None,
        turn: int = 0,
        findings: Sequence[Finding] = (),
    ) -> None:
        """Read the cheap properties of an event.

        Args:
            event: the event.
            previous: the event before it, of either direction; None for the first.
            turn: the number of its turn; 0 before the first.
            findings: what it proves, the worst first.
        """
        self.type = event.type
        self.direction = event.direction
        self.origin = event.origin
        self.t_us = _us(event)
        self.dt_us = _between_us(self.t_us, self.t_us if previous is None else _us(previous))
        self.size = len(event.data)
        self.turn = turn
        self.findings = findings
        self.event = event

    @cached_property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that are set for it."""
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
    """The facts of a row of a log. Each is read on use, because most filters need only one or two."""

    __slots__ = ("_log", "_lowered", "_proofs", "_row", "_text", "_turns")

    def __init__(
        self, log: EventLog, row: int, turns: TurnIndex | None, proofs: Proofs = NO_PROOFS
    ) -> None:
        """Prepare to read a row; ``turns`` may be None if no term needs the turn."""
        self._log = log
        self._proofs = proofs
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
        """The direction, which is the sender."""
        return DIRECTIONS[self._log.direction[self._row]]

    @property
    def origin(self) -> Origin:
        """The origin: what created it."""
        return ORIGINS[self._log.origin[self._row]]

    @property
    def t_us(self) -> int | None:
        """Microseconds since the start; None if the recording has no time for it."""
        return self._log.time_us(self._row)

    @property
    def dt_us(self) -> int | None:
        """Microseconds since the previous event, 0 for the first; None if either time is unknown."""
        return _between_us(self.t_us, self._log.time_us(max(0, self._row - 1)))

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        return self._log.size[self._row]

    @property
    def flags(self) -> int:
        """The bits ``FLAG_…`` of ``core.log`` that are set for it."""
        return self._log.flags[self._row]

    @property
    def turn(self) -> int:
        """The number of its turn; 0 before the first."""
        return self._turns.number(self._row) if self._turns is not None else 0

    @property
    def findings(self) -> Sequence[Finding]:
        """The findings that it proves, the worst first."""
        return self._proofs.of(self._row + 1)

    @property
    def event(self) -> Event:
        """The decoded event."""
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
    """Return True if an event reports an error, or is a server frame that could not be decoded."""
    return reports_error(flags_of(event, kind_of(event.type).flags), event.direction)


def frame_of(log: EventLog, row: int) -> bytes:
    """Return a row's frame, without decoding the line if that contains the frame verbatim.

    Such a line ends with ``"event":``, the frame, and a closing brace. No other line can have these bytes at this position,
    because quotes within a JSON string are escaped.
    """
    line = log.line(row)
    start = len(line) - 1 - log.size[row]
    if start >= len(_SPLICED) and line.startswith(_SPLICED, start - len(_SPLICED)):
        return line[start:-1]
    return log.event(row).data


def searchable(name: str, data: bytes) -> bytes:
    """Return a frame's bytes with the base64 of its audio replaced by an empty string."""
    if name not in AUDIO_KEYS:
        return data
    found = _AUDIO_STRING.search(data)
    if found is None:
        return data
    end = data.find(b'"', found.end())
    return data if end < 0 else data[: found.end()] + data[end:]
