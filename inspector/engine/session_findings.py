"""SessionFindings: what the rules say about a session, live or recorded, worked out beside it in slices.

It reads the log, whatever else is done with the session, and has a state of its own: a session's state may be at a cursor, and what
feeds it must not wait for rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector.core.log import EventLog
from inspector.core.state import SessionState

if TYPE_CHECKING:
    from inspector.analysis.lint.lint_run import LintReport, LintRun

FINDINGS_BUDGET_S = 0.004
"""For one look of a screen: what is left of a frame after everything else."""
BATCH_EVENTS = 8
"""Events between two looks at the clock."""
REPORT_NS = 500_000_000
"""What a rule says depends on the time; so often a live session is looked at although nothing came."""


class SessionFindings:
    """The findings of one session."""

    def __init__(self, log: EventLog) -> None:
        """Begin before the first event of a log."""
        self._log = log
        self._state = SessionState()
        self._run: LintRun | None = None
        self._may_skip: Callable[[str, SessionState], bool] = lambda _name, _state: False
        self._row = 0
        self._seen: tuple[object, ...] = ()
        self.report: LintReport | None = None
        """What the rules say; None before the first look."""
        self.revision = 0
        """Grows with every change of the report."""

    @property
    def progress(self) -> float:
        """Return how much of the log has been read, 0..1."""
        return self._row / len(self._log) if len(self._log) else 1.0

    def advance(
        self, is_time_up: Callable[[], bool], *, now_ns: int | None = None, is_over: bool = False
    ) -> bool:
        """Read on for a while; return True if the report has changed.

        Args:
            is_time_up: tells when to stop.
            now_ns: the clock of a live session; None for a recording.
            is_over: whether nothing more will come.
        """
        if not len(self._log):
            return False
        run = self._rules()
        log, state = self._log, self._state
        while self._row < len(log):
            for row in range(self._row, min(len(log), self._row + BATCH_EVENTS)):
                self._row = row + 1
                if self._may_skip(log.type_of(row), state):
                    continue
                event = log.read(row)
                if state.begins(event):
                    run.end_session(state)
                state.apply(event)
                run.apply(event, state)
            if is_time_up():
                break
        if self._row < len(log):
            return False
        seen = self._row, is_over, None if now_ns is None else now_ns // REPORT_NS
        if seen == self._seen:
            return False
        self._seen = seen
        before, self.report = self.report, run.report(state, now_ns, is_over=is_over)
        is_changed = before != self.report
        self.revision += is_changed
        return is_changed

    def _rules(self) -> LintRun:
        if self._run is None:
            # Imported here: the first frame does not need it.
            from inspector.analysis.lint.lint_run import LintRun, may_skip

            self._run, self._may_skip = LintRun(), may_skip
        return self._run
