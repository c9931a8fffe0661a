"""SessionFindings: what the rules find in a session, collected a few times a second for a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.analysis.lint.linted_state import LintedState
from inspector.core.state import SessionState

if TYPE_CHECKING:
    from inspector.analysis.lint.finding import Finding
    from inspector.analysis.lint.lint_run import LintReport

REST_LOOKS = 5
"""Looks of a screen between two collections, which ask every rule: at 15 looks per second, three collections."""


class SessionFindings:
    """The findings of one session, live or under a replay's cursor."""

    def __init__(self) -> None:
        self.report: LintReport | None = None
        """None before the first event."""
        self.revision = 0
        """Incremented whenever the report has changed."""
        self._rest = 0
        self._seen: tuple[SessionState, bool] | None = None

    @property
    def findings(self) -> Sequence[Finding]:
        """Return the findings of the report."""
        return () if self.report is None else self.report.findings

    def update(self, state: SessionState, now_ns: int | None = None, *, is_over: bool) -> bool:
        """Collect the findings again; return True if they have changed.

        Args:
            state: the current state, or that at the cursor; without rules unless it is a ``LintedState``.
            now_ns: the clock of a live session; None for the time of the last event.
            is_over: whether nothing more will come, so that what is missing stays missing.
        """
        self._rest -= 1
        seen = (state, is_over)
        if self._rest > 0 and self._seen == seen:
            return False
        self._rest, self._seen = REST_LOOKS, seen
        report = None
        if isinstance(state, LintedState):
            report = state.report(now_ns, is_over=is_over)
        if report == self.report:
            return False
        self.report = report
        self.revision += 1
        return True
