"""SearchCursor: a search for the next matching row of a list, in time slices; it wraps around at the end."""

from __future__ import annotations

from inspector.analysis.query import Deadline, Query
from inspector.analysis.row_list import RowList


class SearchCursor:
    """A search for one row."""

    def __init__(self, rows: RowList, wanted: Query, from_row: int, step: int) -> None:
        """Prepare a search.

        Args:
            rows: the list; rows that its own query hides are not found, rows of other directions are.
            wanted: the query to search for.
            from_row: the row to start after (or before, if ``step`` is negative).
            step: 1 to search forwards, -1 to search backwards.
        """
        self.has_wrapped = False
        """Whether the search continued at the other end."""
        self.step = step
        self._rows = rows
        self._wanted = wanted
        self._run = rows.finder(wanted, from_row, step)

    @property
    def progress(self) -> float:
        """Return the progress towards the end of the list, 0..1."""
        return self._run.progress

    @property
    def is_finished(self) -> bool:
        """Return whether all rows were searched."""
        return self.has_wrapped and self._run.is_done

    def advance(self, deadline_passed: Deadline) -> int:
        """Search until a row is found or the deadline has passed; return the row, or -1."""
        found = self._run.advance(deadline_passed, until_found=True)
        if not found and self._run.is_done and not self.has_wrapped:
            self.has_wrapped = True
            self._run = self._rows.finder(self._wanted, None, self.step)
            found = self._run.advance(deadline_passed, until_found=True)
        return found[0] if found else -1
