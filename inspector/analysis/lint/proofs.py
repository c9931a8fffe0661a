"""Proofs: which findings each event proves, for marks in rows, on the timeline and in the detail, and for filters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from inspector.analysis.lint.finding import Finding, Severity
from inspector.core.state import SessionState


class Proofs:
    """The findings of a session by the events that prove them. Never changes: new findings make another one."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        """Sort findings, the worst first, by their events."""
        self._of: dict[int, tuple[Finding, ...]] = {}
        for finding in findings:
            for seq in dict.fromkeys(finding.seqs):
                self._of[seq] = (*self._of.get(seq, ()), finding)

    def __len__(self) -> int:
        return len(self._of)

    def of(self, seq: int) -> Sequence[Finding]:
        """Return the findings that an event proves, the worst first."""
        return self._of.get(seq, ())

    def worst(self, seq: int) -> Severity | None:
        """Return the worst severity of what an event proves; None if it proves nothing."""
        found = self._of.get(seq)
        return found[0].severity if found else None

    def is_harmless(self, seq: int) -> bool:
        """Return whether an event only looks like a fault: all that it proves is harmless, and it proves something."""
        return self.worst(seq) is Severity.HARMLESS

    def where(self, holds: Callable[[Finding], bool]) -> list[int]:
        """Return the events that prove a finding of some kind, in no particular order."""
        return [seq for seq, found in self._of.items() if any(map(holds, found))]

    def within(self, first: int, last: int) -> Sequence[int]:
        """Return the events from ``first`` to ``last`` that prove something, ascending."""
        seqs = self._seqs
        return seqs[bisect_left(seqs, first) : bisect_right(seqs, last)]

    @cached_property
    def _seqs(self) -> list[int]:
        return sorted(self._of)

    def worst_by_seq(self) -> Iterable[tuple[int, Severity]]:
        """Return each event that proves something, with the worst severity of it."""
        return ((seq, found[0].severity) for seq, found in self._of.items())


def fault_count(state: SessionState, proofs: Proofs) -> int:
    """Return how many errors a session has, without those that only look like faults."""
    problems = state.problems.all
    return sum(one.is_error and not proofs.is_harmless(one.seq) for one in problems)


NO_PROOFS = Proofs()
"""Of a session in which nothing was found."""
