"""SearchCursor: a search for the next row of a list that a query lets through, in slices of time, past the end from the other end on."""

from __future__ import annotations

from inspector.analysis.query import Deadline, Query
from inspector.analysis.row_list import RowList


class SearchCursor:
    """One search; it finds one row, or none."""

    def __init__(self, rows: RowList, wanted: Query, from_row: int, step: int) -> None:
        """Prepare a search.

        Args:
            rows: the list; what its own query hides is not found, what it has no direction for is.
            wanted: what to look for.
            from_row: the row to begin after, or before where ``step`` is negative.
            step: 1 for the next, -1 for the one before.
        """
        self.came_round = False
        """Whether the search began again at the other end."""
        self.step = step
        self._rows = rows
        self._wanted = wanted
        self._run = rows.finder(wanted, from_row, step)

    @property
    def progress(self) -> float:
        """Return how much of the way to the end was looked at, 0..1."""
        return self._run.progress

    @property
    def is_over(self) -> bool:
        """Tell whether all was looked at."""
        return self.came_round and self._run.is_done

    def advance(self, is_over: Deadline) -> int:
        """Search until something is found or the time is up; return its row, or -1."""
        found = self._run.advance(is_over, until_found=True)
        if not found and self._run.is_done and not self.came_round:
            self.came_round = True
            self._run = self._rows.finder(self._wanted, None, self.step)
            found = self._run.advance(is_over, until_found=True)
        return found[0] if found else -1
