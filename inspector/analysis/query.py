"""Query: a parsed filter, and its evaluation for one event or, in time slices, for a whole log.

Panes, ``cat --filter``, rules and breakpoints use the same language. ``filter_words`` defines its words, ``filter_parser`` parses
it, and ``terms`` combine its conditions. A ``QueryRun`` stops at a deadline and can be continued. It reads frames only where the
log's columns are not enough; the base64 of audio is never searched.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inspector.analysis.event_facts import EventFacts, Facts, LogFacts
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.terms import And, DirectionIn, Everything, Need, Term
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction
from inspector.core.log import EventLog
from inspector.errors import FilterError

if TYPE_CHECKING:
    from inspector.analysis.text_terms import Regex

__all__ = ["EVERYTHING", "EventFacts", "Facts", "LogFacts", "Query", "QueryRun", "parse"]

BULK_ROWS = 512
"""With fewer rows than this a loop is faster than numpy."""
CHUNK_ROWS = 1 << 16
"""Rows whose columns are tested at once, in less than a millisecond."""
TESTS_PER_LOOK = 16
"""Frames tested between two checks of the deadline."""

Deadline = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter; false if it matches everything."""

    expression: str
    """The text that was parsed."""
    term: Term = field(repr=False)
    """The condition for an event."""
    patterns: tuple[Regex, ...] = field(default=(), repr=False)
    """The regular expressions in it."""

    def __bool__(self) -> bool:
        return not isinstance(self.term, Everything)

    def test(self, facts: Facts) -> bool:
        """Return True if an event matches."""
        return self.term.test(facts)

    def within(self, directions: Iterable[Direction], also: Query | None = None) -> Query:
        """Return this filter restricted to some directions and, optionally, to the matches of another filter."""
        terms = [DirectionIn(tuple(directions)), self.term]
        if also is not None:
            terms.append(also.term)
        patterns = self.patterns + (also.patterns if also is not None else ())
        return Query(self.expression, And(tuple(terms)), patterns)

    @property
    def follows_findings(self) -> bool:
        """Return whether what matches depends on what the rules find."""
        return Need.FINDINGS in self.term.needs

    @property
    def complaint(self) -> str:
        """Return a warning about the first pattern that has run out of time; ``""`` if none has."""
        slow = next((f"~{one.pattern}~" for one in self.patterns if one.patience.has_run_out), "")
        return f"{slow} takes too long on some events, which count as no match" if slow else ""


def parse(expression: str) -> Query:
    """Parse a filter; an empty one matches everything.

    Raises:
        FilterError: if it is invalid, with the ``position`` of the error and a ``hint``.
    """
    if not expression.strip():
        return Query(expression, Everything())
    # Imported here because most screens never parse a filter, and none does before its first frame.
    from inspector.analysis.filter_parser import parse_term

    term, patterns = parse_term(expression)
    return Query(expression, term, patterns)


def parse_for_frames(expression: str) -> Query:
    """Parse a filter for frames that have not passed yet, of which no rule can have found anything.

    Raises:
        FilterError: if it is invalid, or asks for findings.
    """
    query = parse(expression)
    if query.follows_findings:
        raise FilterError(
            "rule: and sev: find events that have passed; they cannot stop or change a frame",
            hint="use words that one frame can answer, for example type: or err",
        )
    return query


EVERYTHING = parse("")


class QueryRun:
    """The evaluation of a query for the rows ``lo`` to ``hi`` of a log, in time slices.

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
        proofs: Proofs = NO_PROOFS,
        is_backward: bool = False,
    ) -> None:
        """Prepare a run without testing any rows.

        Args:
            query: the filter.
            log: the log to search.
            lo: the first row.
            hi: the row after the last.
            turns: a shared index of turns; if None, one is created if the filter needs it.
            proofs: what the rules have found.
            is_backward: True to begin at the end and return rows in descending order.
        """
        self.lo, self.hi = lo, hi
        self._term = query.term
        self._log = log
        self._turns = (turns or TurnIndex(log)) if Need.TURNS in query.term.needs else None
        self._proofs = proofs
        self._is_backward = is_backward
        self._at = hi if is_backward else lo
        self._open: Iterable[tuple[int, bool]] = iter(())
        self._left = 0
        self._tested = lo

    @property
    def position(self) -> int:
        """Return the row up to which a forward run has tested all rows."""
        return self._tested if self._left else self._at

    @property
    def is_done(self) -> bool:
        """Return True if every row has been tested."""
        return not self._left and self._at == (self.lo if self._is_backward else self.hi)

    @property
    def progress(self) -> float:
        """Return the share of rows tested, 0 to 1."""
        total = self.hi - self.lo
        seen = self.hi - self._at if self._is_backward else self._at - self.lo
        return (seen - self._left) / total if total else 1.0

    def extend(self, hi: int) -> None:
        """Move the end of a forward run after the log has grown."""
        self.hi = hi

    def advance(self, deadline_passed: Deadline, *, until_found: bool = False) -> array[int]:
        """Test rows until ``deadline_passed()``, and return the matches; at least one slice of work is done.

        Args:
            deadline_passed: called after each slice; True stops the run until the next call.
            until_found: True to stop at the first matches, too.
        """
        found = array("i")
        while not self.is_done:
            found.extend(self._step(deadline_passed))
            if deadline_passed() or (until_found and found):
                break
        return found

    def _step(self, deadline_passed: Deadline) -> array[int]:
        """Continue the current chunk, or begin the next one; return the matches up to its end or the deadline."""
        if not self._left:
            found = self._open_chunk()
            if found is not None:
                return found
        return self._test_rows(deadline_passed)

    def _open_chunk(self) -> array[int] | None:
        """Begin the next chunk; return its matches if the columns are enough to decide all rows, else None."""
        if self._is_backward:
            lo, hi = max(self.lo, self._at - CHUNK_ROWS), self._at
        else:
            lo, hi = self._at, min(self.hi, self._at + CHUNK_ROWS)
        self._at = lo if self._is_backward else hi
        self._tested = lo
        # Importing numpy takes longer than a loop over the first screen; use it only if another module has imported it.
        if hi - lo < BULK_ROWS or "numpy" not in sys.modules:
            rows = range(hi - 1, lo - 1, -1) if self._is_backward else range(lo, hi)
            self._open, self._left = ((row, False) for row in rows), hi - lo
            return None
        return self._test_columns(lo, hi)

    def _test_columns(self, lo: int, hi: int) -> array[int] | None:
        from inspector.analysis.columns import Columns, rows_of

        sure, maybe = self._term.bounds(Columns(self._log, lo, hi, self._turns, self._proofs))
        rows = rows_of(maybe, lo)
        is_sure = sure[maybe]
        if self._is_backward:
            rows, is_sure = rows[::-1], is_sure[::-1]
        if is_sure.all():
            return array("i", rows.tobytes())
        self._open = zip(rows.tolist(), is_sure.tolist(), strict=True)
        self._left = len(rows)
        return None

    def _test_rows(self, deadline_passed: Deadline) -> array[int]:
        found = array("i")
        tests = 0
        test = self._term.test
        for row, is_sure in self._open:
            self._left -= 1
            self._tested = row + 1
            if is_sure or test(LogFacts(self._log, row, self._turns, self._proofs)):
                found.append(row)
            tests += not is_sure
            if tests >= TESTS_PER_LOOK:
                tests = 0
                if deadline_passed():
                    break
        return found
