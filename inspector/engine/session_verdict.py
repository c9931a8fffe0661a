"""The verdict on a session as it goes on, and on a whole recording whatever is under its cursor; both worked out in slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.session_cost import SessionCost, ledger_of
from inspector.engine.session_findings import unmuted
from inspector.muted_rules import MutedRules
from inspector.recording.format import Header

if TYPE_CHECKING:
    from pathlib import Path

    from inspector.analysis.ledger import CostSummary
    from inspector.analysis.lint.finding import Finding
    from inspector.analysis.lint.lint_run import LintReport, LintRun
    from inspector.analysis.verdict import VerdictPart
    from inspector.recording.verdict_process import VerdictProcess

VERDICT_BUDGET_S = 0.012
"""For one look of a screen: a key is answered in the same frame."""
REST = 5
"""A verdict reads all turns: so many of them make it wait for one more look until the next verdict."""
SLICED_BYTES = 8 << 20
"""A file up to this size is read beside the screen, in a few seconds."""
BATCH = 32
"""Events between two looks at the clock."""


class SessionVerdict:
    """The verdict on a session, kept up as it goes on."""

    def __init__(self, cost: SessionCost) -> None:
        """Begin; ``cost`` follows the same session."""
        self._cost = cost
        self.parts: Sequence[VerdictPart] = ()
        """The worst first; empty while there is nothing to say."""
        self._seen: tuple[object, ...] = ()
        self._summary: CostSummary | None = None
        self._findings: Sequence[Finding] = ()
        self._rest = 0

    def update(
        self, state: SessionState, findings: Sequence[Finding] = (), *, is_over: bool
    ) -> bool:
        """Look at a session again; return True if the verdict changed.

        Args:
            state: by now.
            findings: what the rules find.
            is_over: nothing more will come: what has no answer gets none.
        """
        summary = self._cost.summary(state)
        seen = len(state.problems.all), state.turns.revision, is_over
        self._rest = max(0, self._rest - 1)
        is_same = seen == self._seen and summary is self._summary and findings is self._findings
        if is_same or (self._rest and not is_over):
            return False
        self._summary, self._findings = summary, findings
        self._seen, self._rest = seen, len(state.turns.all) // REST
        from inspector.analysis.latency_summary import latency_summary
        from inspector.analysis.verdict import verdict

        latency = latency_summary(state.turns.all, is_over=is_over)
        unit = self._cost.unit(state)
        before = self.parts
        self.parts = verdict(state, summary, latency, findings, unit=unit)
        return before != self.parts


class RecordingVerdict:
    """The verdict on a whole recording: reads its log once from end to end, beside whatever else is done with it."""

    def __init__(
        self,
        log: EventLog,
        header: Header,
        path: Path | None = None,
        muted: MutedRules | None = None,
    ) -> None:
        """Begin before the first event.

        Args:
            log: of the recording.
            header: of the recording.
            path: its file: a large one is read by another process; None reads the log whatever its size.
            muted: rules whose findings are left out; None for none.
        """
        self.report: LintReport | None = None
        """What the rules find in the whole recording; None while unknown, and for a large one, which is read without rules."""
        self.findings: Sequence[Finding] = ()
        """The findings of the report that are not muted."""
        self.proofs: Proofs = NO_PROOFS
        """The same by the events that prove them."""
        self._muted = MutedRules() if muted is None else muted
        self._muted_revision = 0
        self._path = path
        self._process: VerdictProcess | None = None
        self._is_sliced = path is None
        self._log = log
        self._state = LintedState(new_ledger=partial(ledger_of, header))
        self._cost = SessionCost(header)
        self._verdict = SessionVerdict(self._cost)
        self._row = 0
        self._found: Sequence[VerdictPart] = ()
        self.is_done = False

    def continue_after(self, run: LintRun) -> None:
        """Judge the recording as the continuation of another one, with rules that remember that; call before ``advance``."""
        self._state = LintedState(run=run)

    @property
    def parts(self) -> Sequence[VerdictPart]:
        """Return the verdict; empty before the end has been reached."""
        return self._found

    @property
    def progress(self) -> float | None:
        """Return how much has been read, 0..1; None if another process reads."""
        if self._process is not None:
            return None
        return self._row / len(self._log) if len(self._log) else 1.0

    def advance(self, is_time_up: Callable[[], bool]) -> bool:
        """Read on for a while; the log must be complete. Return True if the verdict has just been reached."""
        if self.is_done:
            return self._judge_again()
        if not self._is_sliced:
            return self._ask()
        log, state, count = self._log, self._state, len(self._log)
        while self._row < count:
            end = min(count, self._row + BATCH)
            for row in range(self._row, end):
                state.apply(log.event(row))
            self._row = end
            if is_time_up():
                return False
        while self._cost.is_behind(state):
            self._cost.step(state)
            if is_time_up():
                return False
        self.report, self.is_done = state.report(is_over=True), True
        self._judge()
        return True

    def _judge(self) -> None:
        self._muted_revision = self._muted.revision
        found = () if self.report is None else self.report.findings
        self.findings = unmuted(found, self._muted)
        self.proofs = Proofs(self.findings)
        self._verdict.update(self._state, self.findings, is_over=True)
        self._found = self._verdict.parts

    def _judge_again(self) -> bool:
        """Take other muted rules into account; return True if there are others."""
        if self.report is None or self._muted_revision == self._muted.revision:
            return False
        self._judge()
        return True

    def close(self) -> None:
        """End the other process, if there is one."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _ask(self) -> bool:
        """Let another process read a large file; read the log here if it is small, or the process fails."""
        if self._process is None:
            self._process = _started(self._path)
            self._is_sliced = self._process is None
            return False
        if not self._process.is_finished:
            return False
        rows = self._process.rows()
        self.close()
        if rows is None:
            self._is_sliced = True
            return False
        from inspector.recording.recorded_verdict import parts_of

        self._found, self.is_done = parts_of(rows), True
        return True


def _started(path: Path | None) -> VerdictProcess | None:
    """Return a process that judges a file; None if it is small, or no process can be started."""
    from inspector.recording.verdict_process import VerdictProcess

    try:
        if path is None or path.stat().st_size <= SLICED_BYTES:
            return None
        return VerdictProcess(path)
    except OSError:
        return None
