"""RowList: which rows of a log a pane shows, in order.

Kept up as the log grows, never rebuilt for an append. Work is done in bounded slices: a pane over a million rows fills
while keys are answered.
"""

from __future__ import annotations

import bisect
import sys
from array import array
from collections.abc import Callable

from inspector.analysis.query import EVERYTHING, LogRow, Query
from inspector.analysis.turns import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import DIRECTION_CODE, EventLog

SLICE_ROWS = 2048
"""Rows tested between two looks at the clock: a few milliseconds in plain Python."""

Deadline = Callable[[], bool]


class RowList:
    """The rows of one pane."""

    def __init__(self, log: EventLog, directions: tuple[Direction, ...]) -> None:
        self._log = log
        self._turns = TurnIndex(log)
        self._codes = frozenset(DIRECTION_CODE[direction] for direction in directions)
        self.query: Query = EVERYTHING
        self.is_folding = True
        self.rows = array("i")
        """Rows of the log, ascending."""
        self.scanned = 0
        """Rows of the log that were looked at."""
        self.total = 0
        """Rows of these directions among them."""
        self.revision = 0
        self._shown_groups: set[int] = set()
        self._unfolded: set[int] = set()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_complete(self) -> bool:
        """Tell whether every row of the log was looked at."""
        return self.scanned >= len(self._log)

    def filter(self, query: Query) -> None:
        """Show what a query lets through; starts over."""
        self.query = query
        self._restart()

    def fold(self, *, is_folding: bool) -> None:
        """Fold deltas into one row each, or show every one; starts over."""
        self.is_folding = is_folding
        self._unfolded.clear()
        self._restart()

    def toggle_group(self, row: int) -> bool:
        """Unfold the group of a row, or fold it again; False where the row is of no group."""
        group = self._log.group[row]
        if group < 0 or not self.is_folding:
            return False
        members = self._members(group)
        first = members[0] if members else row
        if group in self._unfolded:
            self._unfolded.discard(group)
            hidden = set(members[1:])
            self.rows = array("i", (shown for shown in self.rows if shown not in hidden))
        else:
            self._unfolded.add(group)
            extra = [member for member in members if member != first]
            self.rows = array("i", sorted([*self.rows, *extra]))
        self._shown_groups.add(group)
        self.revision += 1
        return True

    def is_unfolded(self, group: int) -> bool:
        """Tell whether the members of a group are shown one by one."""
        return group in self._unfolded or not self.is_folding

    def index_of(self, row: int) -> int:
        """Return where a row stands, or the last shown row before it; 0 where there is none."""
        return max(0, bisect.bisect_right(self.rows, row) - 1)

    def shows(self, row: int) -> bool:
        """Tell whether a row is among those shown."""
        at = bisect.bisect_left(self.rows, row)
        return at < len(self.rows) and self.rows[at] == row

    def refresh(self, is_over: Deadline = lambda: False) -> bool:
        """Look at new rows of the log until done or ``is_over()``; tell whether anything was added."""
        before = self.revision
        while self.scanned < len(self._log):
            end = len(self._log)
            # numpy does a million rows in a frame, but is not worth 0.2 s of import before the first one.
            if not self.query and end - self.scanned > SLICE_ROWS and "numpy" in sys.modules:
                self._take_all(self.scanned, end)
            else:
                end = min(end, self.scanned + SLICE_ROWS)
                self._take(self.scanned, end)
            self.scanned = end
            if is_over():
                break
        return self.revision != before

    def next_row(self, from_row: int, step: int, is_wanted: Callable[[int], bool]) -> int | None:
        """Return the nearest shown row after (or before) one that is wanted; None where there is none."""
        at = (
            bisect.bisect_left(self.rows, from_row)
            if step < 0
            else bisect.bisect_right(self.rows, from_row)
        )
        at -= step < 0
        while 0 <= at < len(self.rows):
            if is_wanted(self.rows[at]):
                return self.rows[at]
            at += step
        return None

    def log_row(self, row: int) -> LogRow:
        """Return a row as a query sees it."""
        return LogRow(self._log, row, self._turns.number)

    def _restart(self) -> None:
        self.rows = array("i")
        self._shown_groups.clear()
        self.scanned = self.total = 0
        self.revision += 1

    def _take(self, start: int, end: int) -> None:
        log, codes, test = self._log, self._codes, self.query.test
        is_filtering = bool(self.query)
        directions, groups = log.direction, log.group
        added = 0
        for row in range(start, end):
            if directions[row] not in codes:
                continue
            self.total += 1
            if is_filtering and not test(self.log_row(row)):
                continue
            group = groups[row]
            if group >= 0 and self.is_folding:
                if group in self._shown_groups and group not in self._unfolded:
                    added += 1
                    continue
                self._shown_groups.add(group)
            self.rows.append(row)
            added += 1
        if added:
            self.revision += 1

    def _take_all(self, start: int, end: int) -> None:
        """Do what ``_take`` does without a query, by column."""
        import numpy as np

        directions = np.frombuffer(self._log.direction, np.uint8)[start:end]
        wanted = np.isin(directions, list(self._codes))
        self.total += int(np.count_nonzero(wanted))
        if self.is_folding:
            groups = np.frombuffer(self._log.group, np.int32)[start:end]
            heads = np.frombuffer(self._log.groups.head, np.int32)
            member = groups >= 0
            is_head = np.zeros(end - start, bool)
            is_head[member] = heads[groups[member]] == np.flatnonzero(member) + start
            unfolded = np.isin(groups, list(self._unfolded)) if self._unfolded else False
            wanted &= ~member | is_head | unfolded
            self._shown_groups.update(groups[wanted & member].tolist())
            del groups, heads
        rows = (np.flatnonzero(wanted) + start).astype(np.int32)
        del directions
        self.rows.frombytes(rows.tobytes())
        self.revision += 1

    def _members(self, group: int) -> list[int]:
        head, last = self._log.groups.head[group], self._log.groups.last[group]
        column = self._log.group
        return [
            row
            for row in range(head, min(last, self.scanned - 1) + 1)
            if column[row] == group and (not self.query or self.query.test(self.log_row(row)))
        ]
