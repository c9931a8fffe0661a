"""Which turn an event belongs to: a turn is one user input and the responses that it caused."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterator

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.read import object_at

_SPEECH = "input_audio_buffer.speech_started"
_ADDED = ("conversation.item.added", "conversation.item.created")
MARKING_TYPES = (_SPEECH, "input_audio_buffer.committed", *_ADDED, "response.created")
"""The event types that can begin a turn, or answer one."""


class TurnCounter:
    """Counts turns over events in order.

    A turn begins where the user starts to speak, or with the first user item after a response.
    """

    def __init__(self) -> None:
        self.number = 0
        self._is_answered = True

    def feed(self, event: Event) -> int:
        """Take the next event; return the turn that it belongs to, 0 before the first."""
        if event.type == "response.created":
            self._is_answered = True
        elif event.type in MARKING_TYPES and self._is_users(event):
            # Speech, commit and item of one input are one start, and so are several items before one answer.
            self.number += self._is_answered or event.type == _SPEECH
            self._is_answered = False
        return self.number

    def _is_users(self, event: Event) -> bool:
        if event.type not in _ADDED:
            return True
        return bool(object_at(event.body or {}, "item").get("role") == "user")


class TurnIndex:
    """Turn numbers by row, kept up as the log grows; reads only the events that can begin a turn."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._counter = TurnCounter()
        self._scanned = 0
        self.starts = array("i")
        """First rows of the turns 1, 2, … in the rows that were looked at."""

    def number(self, row: int) -> int:
        """Return the turn of a row, 1-based; 0 before the first."""
        self.look_at(row + 1)
        return bisect.bisect_right(self.starts, row)

    def look_at(self, end: int) -> None:
        """Find the turns that begin before a row."""
        if end <= self._scanned:
            return
        log = self._log
        codes = log.kinds.matching(MARKING_TYPES.__contains__)
        for row in sorted(row for code in codes for row in self._rows_of(code, end)):
            before = self._counter.number
            if self._counter.feed(log.event(row)) != before:
                self.starts.append(row)
        self._scanned = end

    def _rows_of(self, code: int, end: int) -> Iterator[int]:
        """Yield a type's new rows at the speed of ``array.index``: they are few among the deltas."""
        row = self._scanned - 1
        while True:
            try:
                row = self._log.kind.index(code, row + 1, end)
            except ValueError:
                return
            yield row
