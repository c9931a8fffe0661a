"""RowList: the rows of a log that a pane shows, in order.

The list is extended as the log grows, never rebuilt. It works in bounded slices, so that a pane over a million rows fills while
keys are handled.
"""

from __future__ import annotations

import bisect
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress

from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.query import EVERYTHING, Deadline, LogFacts, Query, QueryRun
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import DIRECTION_CODE, FLAG_FOLDED, EventLog

SLICE_ROWS = 1 << 15
"""Rows processed between two looks at the clock, which takes about a millisecond."""
FEW = 16
"""If at most one row in so many is shown, a regular expression finds them faster than a loop over all."""
_MARK = re.compile(b"\x01")
_NOT_FOLDED = bytes(not flags & FLAG_FOLDED for flags in range(256))


class RowList:
    """The rows of one pane."""

    def __init__(self, log: EventLog, directions: tuple[Direction, ...]) -> None:
        self._log = log
        self._turns = TurnIndex(log)
        self._directions = directions
        self._codes = frozenset(DIRECTION_CODE[direction] for direction in directions)
        self._is_mine = bytes(code in self._codes for code in range(256))
        """Code of a row's side to whether the pane lists it; a table for ``bytes.translate``."""
        self.query: Query = EVERYTHING
        self.proofs: Proofs = NO_PROOFS
        """What the rules have found."""
        self.is_folding = True
        self.rows = array("i")
        """The rows shown, ascending."""
        self.scanned = 0
        """Number of rows of the log that were examined."""
        self.total = 0
        """Number of rows with the pane's directions among them."""
        self._run: QueryRun | None = None
        """Progress of the query; None without one."""
        self._shown_groups: set[int] = set()
        self._unfolded: set[int] = set()
        self._matches: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_complete(self) -> bool:
        """Return whether every row of the log was examined."""
        return self.scanned >= len(self._log)

    def filter(self, query: Query) -> None:
        """Show the rows that match a query; starts over."""
        self.query = query
        self._restart()

    def follow(self, proofs: Proofs) -> None:
        """Take other findings; starts over if the query asks for them."""
        if proofs is self.proofs:
            return
        self.proofs = proofs
        if self.query.follows_findings:
            self._restart()

    def fold(self, *, is_folding: bool) -> None:
        """Fold each group of deltas into one row, or show every delta; starts over."""
        self.is_folding = is_folding
        self._unfolded.clear()
        self._restart()

    def toggle_group(self, row: int) -> bool:
        """Unfold the group of a row or fold it again; return False if the row belongs to no group."""
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
        return True

    def matches_in(self, group: int) -> int:
        """Return how many members of a group match the query; all of them without a query."""
        return self._matches[group] if self.query else self._log.groups.count[group]

    def is_unfolded(self, group: int) -> bool:
        """Return whether the members of a group are shown one by one."""
        return group in self._unfolded or not self.is_folding

    def index_of(self, row: int) -> int:
        """Return the position of a row in the list, else that of the last row shown before it, else 0."""
        return max(0, bisect.bisect_right(self.rows, row) - 1)

    def shows(self, row: int) -> bool:
        """Return whether a row is shown."""
        at = bisect.bisect_left(self.rows, row)
        return at < len(self.rows) and self.rows[at] == row

    def holds(self, row: int) -> bool:
        """Return whether a row has one of the list's directions."""
        return DIRECTION_CODE[self._log.side_of(row)] in self._codes

    def lets_through(self, row: int) -> bool:
        """Return whether a row matches the query, folded or not."""
        return not self.query or self.query.test(LogFacts(self._log, row, self._turns, self.proofs))

    def refresh(self, deadline_passed: Deadline = lambda: False) -> None:
        """Process new rows of the log until done or ``deadline_passed()``."""
        if self._run is not None:
            self._add_matches(self._run, deadline_passed)
            return
        while self.scanned < len(self._log):
            end = min(len(self._log), self.scanned + SLICE_ROWS)
            self._add_rows(self.scanned, end)
            self.scanned = end
            if deadline_passed():
                break

    def finder(self, wanted: Query, from_row: int | None, step: int) -> QueryRun:
        """Return a search through the rows after or before a given one, including those of other panes.

        Args:
            wanted: the query to search for; rows that the list's own query hides are not found.
            from_row: the row to start from; None for the first or last row of the log.
            step: negative to search backwards.
        """
        query, end = self.query.within(Direction, wanted), len(self._log)
        turns, proofs = self._turns, self.proofs
        if step < 0:
            hi = end if from_row is None else max(0, from_row)
            return QueryRun(query, self._log, 0, hi, turns=turns, proofs=proofs, is_backward=True)
        lo = 0 if from_row is None else from_row + 1
        return QueryRun(query, self._log, lo, end, turns=turns, proofs=proofs)

    def unfold_to(self, row: int) -> None:
        """Unfold the group of a row if it hides the row."""
        # The second toggle is needed if the group counted as unfolded although the row was not shown.
        if not self.shows(row) and self.toggle_group(row) and not self.shows(row):
            self.toggle_group(row)

    def _restart(self) -> None:
        self.rows = array("i")
        self._shown_groups.clear()
        self._matches.clear()
        self.scanned = self.total = 0
        self._run = None
        if self.query:
            # Including local events, some of which are listed among the server's.
            wanted = {*self._directions, Direction.LOCAL}
            self._run = QueryRun(
                self.query.within(wanted),
                self._log,
                0,
                0,
                turns=self._turns,
                proofs=self.proofs,
            )

    def _add_matches(self, run: QueryRun, deadline_passed: Deadline) -> None:
        end = len(self._log)
        if run.hi < end:
            fresh = self._log.sides(run.hi, end)
            self.total += sum(fresh.count(code) for code in self._codes)
            run.extend(end)
        while not run.is_done:
            self._fold_in([row for row in run.advance(deadline_passed) if self.holds(row)])
            self.scanned = run.position
            if deadline_passed():
                break

    def _add_rows(self, start: int, end: int) -> None:
        """Add rows of the log without a query. One byte per row marks those to show, so that no Python step per row is needed."""
        log = self._log
        wanted = log.sides(start, end).translate(self._is_mine)
        self.total += wanted.count(1)
        if self.is_folding:
            shown = log.flags[start:end].tobytes().translate(_NOT_FOLDED)
            if self._unfolded:
                shown = bytes(
                    shown[row - start] or log.group[row] in self._unfolded
                    for row in range(start, end)
                )
            # A bitwise "and" of two large integers combines all marks in one operation, without numpy.
            both = int.from_bytes(wanted, "big") & int.from_bytes(shown, "big")
            wanted = both.to_bytes(end - start, "big")
        self.rows.extend(_marked(wanted, start))

    def _fold_in(self, rows: Sequence[int]) -> None:
        """Add matching rows, one per group unless the group is unfolded."""
        if not rows:
            return
        groups = self._log.group
        self._matches.update(groups[row] for row in rows if groups[row] >= 0)
        for row in rows:
            group = groups[row]
            if group >= 0 and self.is_folding:
                if group in self._shown_groups and group not in self._unfolded:
                    continue
                self._shown_groups.add(group)
            self.rows.append(row)

    def _members(self, group: int) -> list[int]:
        """Return the matching rows of a group among those examined so far."""
        head, last = self._log.groups.head[group], self._log.groups.last[group]
        column, end = self._log.group, min(last, self.scanned - 1) + 1
        rows = (row for row in range(head, end) if column[row] == group)
        return [row for row in rows if self.lets_through(row)]


def _marked(marks: bytes, start: int) -> Iterator[int]:
    """Yield the rows, counted from ``start``, that are marked with a 1."""
    if marks.count(1) * FEW < len(marks):
        return (start + mark.start() for mark in _MARK.finditer(marks))
    return compress(range(start, start + len(marks)), marks)
