"""LintedState: the state of a session, with all rules at work on it: live, in a replay as of its cursor, and over a whole log."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from inspector.analysis.lint.proofs import NO_PROOFS, Proofs, fault_count
from inspector.core.event import Event
from inspector.core.state import FoldFailure, SessionState

if TYPE_CHECKING:
    from inspector.analysis.lint.lint_run import LintReport, LintRun
    from inspector.analysis.lint.session_ledger import NewLedger


class LintedState(SessionState):
    """A ``SessionState`` that feeds the rules after its folds. A rule that raises is disabled and reported, like a fold."""

    def __init__(
        self,
        only: Collection[str] = (),
        run: LintRun | None = None,
        new_ledger: NewLedger | None = None,
    ) -> None:
        """Begin before the first event.

        Args:
            only: names of the folds to feed; see ``SessionState``.
            run: rules that are chosen, or remember the connection before; None for all rules.
            new_ledger: supplies their prices, unless ``run`` does; None for list prices.
        """
        super().__init__(only)
        self._run = run
        self._new_ledger = new_ledger

    @property
    def rules(self) -> LintRun:
        """Return what applies the rules."""
        if self._run is None:
            self._run = self._new_run(strict=False)
        return self._run

    def apply(self, event: Event, *, strict: bool = False) -> list[FoldFailure]:
        """Feed the folds, then the rules."""
        run = self._run
        if run is None:
            run = self._run = self._new_run(strict=strict)
        failures = super().apply(event, strict=strict)
        known = len(run.failures)
        run.apply(event, self)
        if len(run.failures) > known:
            failures += [FoldFailure(f"rule {one.rule}", one.error) for one in run.failures[known:]]
        return failures

    def _begin(self) -> None:
        if self._run is not None:
            self._run.end_session(self)
        super()._begin()

    def report(self, now_ns: int | None = None, *, is_over: bool = False) -> LintReport | None:
        """Return what the rules find; None before the first event. See ``LintRun.report``."""
        return None if self._run is None else self._run.report(self, now_ns, is_over=is_over)

    def next_log(self) -> LintRun | None:
        """Return the rules for a log that continues this one; None before the first event. See ``LintRun.next_log``."""
        return None if self._run is None else self._run.next_log()

    def copy(self) -> Self:
        """Return an independent copy, rules included."""
        clone = super().copy()
        clone._new_ledger = self._new_ledger  # noqa: SLF001 - of this class
        clone._run = None if self._run is None else self._run.copy()  # noqa: SLF001 - of this class
        return clone

    def _new_run(self, *, strict: bool) -> LintRun:
        # Here: the rules take 30 ms to import, which the first frame need not wait for.
        from inspector.analysis.lint.lint_run import LintRun
        from inspector.analysis.lint.session_ledger import at_list_prices

        return LintRun(is_strict=strict, new_ledger=self._new_ledger or at_list_prices)


def faults_of(state: SessionState) -> int:
    """Return how many errors a session has by now, without those that the rules, where they watch it, find harmless."""
    if not state.problems.errors:
        return 0
    report = state.report() if isinstance(state, LintedState) else None
    return fault_count(state, NO_PROOFS if report is None else Proofs(report.findings))
