"""SessionFindings: what the rules find in a session, collected a few times a second for a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs, fault_count
from inspector.core.state import SessionState
from inspector.muted_rules import MutedRules

if TYPE_CHECKING:
    from inspector.analysis.lint.finding import Finding
    from inspector.analysis.lint.lint_run import LintReport

REST_LOOKS = 5
"""Looks of a screen between two collections, which ask every rule: at 15 looks per second, three collections."""


class SessionFindings:
    """The findings of one session, live or under a replay's cursor."""

    def __init__(self, muted: MutedRules | None = None) -> None:
        """Begin before the first event.

        Args:
            muted: rules whose findings are not shown; None for none.
        """
        self.muted = MutedRules() if muted is None else muted
        """The rules whose findings are not shown."""
        self.report: LintReport | None = None
        """All that was found; None before the first event."""
        self.findings: Sequence[Finding] = ()
        """The findings to show: those of the report whose rules are not muted."""
        self.proofs: Proofs = NO_PROOFS
        """The same by the events that prove them."""
        self.after = ""
        """Name of the recording of the same app's connection before, which the rules remember; ``""`` without one."""
        self.revision = 0
        """Incremented whenever any of this has changed."""
        self._faults: tuple[tuple[int, Proofs], int] = (0, NO_PROOFS), 0
        """Errors and proofs, and how many of the errors are faults: several lines ask at each look of a screen."""
        self._rest = 0
        self._seen: tuple[SessionState, bool] | None = None
        self._muted_revision = 0

    def faults(self, state: SessionState, proofs: Proofs | None = None) -> int:
        """Return how many errors a session has, without those that only look like faults.

        Args:
            state: of the session, or at a replay's cursor.
            proofs: what the events prove; None for the findings by now.
        """
        made_of = len(state.problems.all), self.proofs if proofs is None else proofs
        if made_of != self._faults[0]:
            self._faults = made_of, fault_count(state, made_of[1])
        return self._faults[1]

    def update(self, state: SessionState, now_ns: int | None = None, *, is_over: bool) -> bool:
        """Collect the findings again; return True if they have changed.

        Args:
            state: the current state, or that at the cursor; without rules unless it is a ``LintedState``.
            now_ns: the clock of a live session; None for the time of the last event.
            is_over: whether nothing more will come, so that what is missing stays missing.
        """
        self._rest -= 1
        seen = (state, is_over)
        is_same = self._seen == seen and self._muted_revision == self.muted.revision
        if self._rest > 0 and is_same:
            return False
        self._rest, self._seen = REST_LOOKS, seen
        self.muted.refresh()
        report = None
        if isinstance(state, LintedState):
            report = state.report(now_ns, is_over=is_over)
        if report == self.report and self._muted_revision == self.muted.revision:
            return False
        self.report, self._muted_revision = report, self.muted.revision
        found = () if report is None else report.findings
        self.findings = unmuted(found, self.muted)
        self.proofs = Proofs(self.findings)
        self.revision += 1
        return True


def unmuted(findings: Sequence[Finding], muted: MutedRules) -> tuple[Finding, ...]:
    """Return the findings whose rules are not muted."""
    return tuple(finding for finding in findings if finding.rule not in muted)
