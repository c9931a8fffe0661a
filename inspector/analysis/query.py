"""The filter language: one small grammar for panes, ``cat --filter`` and breakpoints.

``filter_words`` is the table of its words, ``filter_parser`` reads it, and ``terms`` join what they mean. A query is asked of one event, or of a whole log in a
``QueryRun``, which stops when its time is up. What only the columns decide is decided without reading the frame; the base64 of
audio is never searched.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inspector.analysis.event_facts import EventFacts, Facts, LogFacts
from inspector.analysis.terms import And, DirectionIn, Everything, Term
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import EventLog

if TYPE_CHECKING:
    from inspector.analysis.text_terms import Regex

__all__ = ["EVERYTHING", "EventFacts", "Facts", "LogFacts", "Query", "QueryRun", "parse"]

BULK_ROWS = 512
"""From here on numpy is faster than a loop."""
CHUNK_ROWS = 1 << 16
"""Rows whose columns are looked at in one go: under a millisecond."""
TESTS_PER_LOOK = 16
"""Rows read between two looks at the clock."""

Deadline = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that parsed."""

    expression: str
    """As it was written."""
    term: Term = field(repr=False)
    """What is asked of each event."""
    patterns: tuple[Regex, ...] = field(default=(), repr=False)
    """The regular expressions in it."""

    def __bool__(self) -> bool:
        return not isinstance(self.term, Everything)

    def test(self, facts: Facts) -> bool:
        """Tell whether one event matches."""
        return self.term.test(facts)

    def within(self, directions: Iterable[Direction], also: Query | None = None) -> Query:
        """Return this filter restricted to some directions, and to what another one lets through."""
        terms = [DirectionIn(tuple(directions)), self.term]
        if also is not None:
            terms.append(also.term)
        patterns = self.patterns + (also.patterns if also is not None else ())
        return Query(self.expression, And(tuple(terms)), patterns)

    @property
    def complaint(self) -> str:
        """Return what to tell the user, once, of a pattern that ran out of time; ``""`` where none did."""
        slow = next((f"~{one.pattern}~" for one in self.patterns if one.patience.is_tried), "")
        return f"{slow} takes too long on some events, which count as no match" if slow else ""


def parse(expression: str) -> Query:
    """Read a filter; an empty one lets everything through.

    Raises:
        FilterError: it is not one; ``position`` says where, ``hint`` what to write instead.
    """
    if not expression.strip():
        return Query(expression, Everything())
    # Most screens never see a filter, and none has one in its first frame.
    from inspector.analysis.filter_parser import parse_term

    term, patterns = parse_term(expression)
    return Query(expression, term, patterns)


EVERYTHING = parse("")


class QueryRun:
    """One question asked of rows ``lo`` to ``hi`` of a log, in slices of time.

    The log may grow meanwhile; ``extend`` moves the end.
    """

    def __init__(
        self,
        query: Query,
        log: EventLog,
        lo: int,
        hi: int,
        *,
        turns: TurnIndex | None = None,
        is_backward: bool = False,
    ) -> None:
        """Prepare a run.

        Args:
            query: what to ask.
            log: the log to ask it of.
            lo: first row.
            hi: row after the last.
            turns: an index to share; made here where the filter needs one.
            is_backward: begin at the end, and return rows in descending order.
        """
        self.lo, self.hi = lo, hi
        self._term = query.term
        self._log = log
        self._turns = (turns or TurnIndex(log)) if query.term.needs_turns else None
        self._is_backward = is_backward
        self._at = hi if is_backward else lo
        self._open: Iterable[tuple[int, bool]] = iter(())
        self._left = 0
        self._tested = lo

    @property
    def position(self) -> int:
        """Return the row up to which a forward run has looked at everything."""
        return self._tested if self._left else self._at

    @property
    def is_done(self) -> bool:
        """Tell whether every row has been looked at."""
        return not self._left and self._at == (self.lo if self._is_backward else self.hi)

    @property
    def progress(self) -> float:
        """Return the share of rows looked at, 0 to 1."""
        total = self.hi - self.lo
        seen = self.hi - self._at if self._is_backward else self._at - self.lo
        return (seen - self._left) / total if total else 1.0

    def extend(self, hi: int) -> None:
        """Move the end of a forward run, as the log grows."""
        self.hi = hi

    def advance(self, is_over: Deadline, *, until_found: bool = False) -> array[int]:
        """Go on until ``is_over()``, and return the rows found meanwhile; at least one slice of work is done.

        ``until_found`` also stops once there is anything to return.
        """
        found = array("i")
        while not self.is_done:
            found.extend(self._step(is_over))
            if is_over() or (until_found and found):
                break
        return found

    def _step(self, is_over: Deadline) -> array[int]:
        """Finish the open chunk, or open one; return what was found, early where the time is up."""
        if not self._left:
            found = self._open_chunk()
            if found is not None:
                return found
        return self._test_rows(is_over)

    def _open_chunk(self) -> array[int] | None:
        """Take the next chunk on; return its rows at once where the columns decide them all."""
        if self._is_backward:
            lo, hi = max(self.lo, self._at - CHUNK_ROWS), self._at
        else:
            lo, hi = self._at, min(self.hi, self._at + CHUNK_ROWS)
        self._at = lo if self._is_backward else hi
        self._tested = lo
        # numpy is not worth its import before the first frame; once it is there, it is used.
        if hi - lo < BULK_ROWS or "numpy" not in sys.modules:
            rows = range(hi - 1, lo - 1, -1) if self._is_backward else range(lo, hi)
            self._open, self._left = ((row, False) for row in rows), hi - lo
            return None
        return self._open_bulk(lo, hi)

    def _open_bulk(self, lo: int, hi: int) -> array[int] | None:
        from inspector.analysis.columns import Columns, rows_of

        sure, maybe = self._term.bounds(Columns(self._log, lo, hi, self._turns))
        rows = rows_of(maybe, lo)
        is_sure = sure[maybe]
        if self._is_backward:
            rows, is_sure = rows[::-1], is_sure[::-1]
        if is_sure.all():
            return array("i", rows.tobytes())
        self._open = zip(rows.tolist(), is_sure.tolist(), strict=True)
        self._left = len(rows)
        return None

    def _test_rows(self, is_over: Deadline) -> array[int]:
        found = array("i")
        tests = 0
        test = self._term.test
        for row, is_sure in self._open:
            self._left -= 1
            self._tested = row + 1
            if is_sure or test(LogFacts(self._log, row, self._turns)):
                found.append(row)
            tests += not is_sure
            if tests >= TESTS_PER_LOOK:
                tests = 0
                if is_over():
                    break
        return found
