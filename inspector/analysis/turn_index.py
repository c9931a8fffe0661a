"""TurnIndex: turn numbers by row, for filters and lists; the definition of a turn is ``core.turn_counter``."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterator

from inspector.core.log import EventLog
from inspector.core.turn_counter import TURN_TYPES, USERS, TurnCounter


class TurnIndex:
    """Turn numbers by row, updated as the log grows; reads only the events that can change the turn."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._counter = TurnCounter()
        self._scanned = 0
        self.starts = array("i")
        """First row of each turn, among the rows read so far."""
        self.numbers = array("i")
        """The turn that starts at each row of ``starts``; 0 where another session starts without a turn."""

    @property
    def users(self) -> int:
        """Return the number of turns started by the user, in the rows read so far."""
        return sum(kind in USERS for kind in self._counter.kinds)

    def number(self, row: int) -> int:
        """Return the turn of a row, from 1; 0 if it belongs to none."""
        self.look_at(row + 1)
        at = bisect.bisect_right(self.starts, row)
        return self.numbers[at - 1] if at else 0

    def look_at(self, end: int) -> None:
        """Find the turns that start before a row."""
        if end <= self._scanned:
            return
        log = self._log
        codes = log.kinds.matching(TURN_TYPES.__contains__)
        for row in sorted(row for code in codes for row in self._rows_of(code, end)):
            before = self._counter.number
            if self._counter.feed(log.event(row)) != before:
                self.starts.append(row)
                self.numbers.append(self._counter.number)
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
