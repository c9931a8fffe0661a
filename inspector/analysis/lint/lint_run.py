"""LintRun: all rules over the events of a log, each guarded; and the report that they make.

A rule that raises is disabled and reported. The rules of a session end with it; its findings stay in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from inspector.analysis.lint.appended_sound import AppendedSound, PassedAppend
from inspector.analysis.lint.catalogue import RULES
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.session_ledger import NewLedger, SessionLedger, at_list_prices
from inspector.analysis.lint.visibility import Sight, Visibility
from inspector.core.event import Event
from inspector.core.output_audio import OUTPUT_AUDIO_TYPES
from inspector.core.state import SessionState
from inspector.spec.events import EVENT_TYPES


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that raised, and was disabled."""

    rule: str
    """Its id."""
    error: Exception
    """What it raised."""


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """Something that a recording does not show, and the rules that are silent because of it."""

    sight: Sight
    """What is missing."""
    reason: str
    """Why, in words."""
    rules: tuple[str, ...]
    """Ids of the silent rules."""

    @property
    def words(self) -> str:
        """Return the line for the coverage ledger."""
        count = len(self.rules)
        return f"{self.reason}: {count} rule{'s' * (count != 1)} silent"


@dataclass(frozen=True, slots=True)
class LintReport:
    """What the rules say about a log."""

    findings: tuple[Finding, ...]
    """Worst and most certain first; equal ones in the order of ``RULES``."""
    coverage: tuple[BlindSpot, ...]
    """What could not be judged."""
    failures: tuple[RuleFailure, ...] = ()
    """Rules that failed."""

    @property
    def worst(self) -> Severity | None:
        """Return the worst severity; None without findings."""
        return self.findings[0].severity if self.findings else None


class LintRun:
    """The rules at work on one log."""

    def __init__(
        self,
        rules: Sequence[type[LintRule]] = RULES,
        *,
        is_strict: bool = False,
        new_ledger: NewLedger = at_list_prices,
    ) -> None:
        """Begin before the first event.

        Args:
            rules: the rules to apply.
            is_strict: let the exception of a rule through instead of disabling the rule.
            new_ledger: supplies the prices of the rules about cost.
        """
        self._is_strict = is_strict
        self._order = {rule.id: at for at, rule in enumerate(rules)}
        self._ended: tuple[Finding, ...] = ()
        self._blind: dict[tuple[Sight, str], dict[str, None]] = {}
        self._failures: tuple[RuleFailure, ...] = ()
        self._visibility = Visibility()
        self._ledger = SessionLedger(new_ledger)
        self._appended = AppendedSound()
        self.now_ns: int | None = None
        """The latest time of any event so far."""
        self._watch([rule() for rule in rules])

    def apply(self, event: Event, state: SessionState) -> None:
        """Take one event in, after ``state`` has; see ``end_session``."""
        self._visibility.apply(event)
        t_ns, now_ns = event.t_ns, self.now_ns
        if t_ns is not None and (now_ns is None or t_ns > now_ns):
            self.now_ns = t_ns
        if event.type in self._appended_types:
            try:
                self._appended.apply(event, state)
            except Exception as error:
                if self._is_strict:
                    raise
                self._disable_readers(error)
        for rule in self._by_type.get(event.type, ()):
            try:
                rule.apply(event, state)
            except Exception as error:
                if self._is_strict:
                    raise
                self._disable(rule, error)

    def pass_appends(
        self,
        appends: Sequence[PassedAppend],
        read: Callable[[PassedAppend], Event],
        state: SessionState,
    ) -> None:
        """Take in appends that follow each other, after ``state`` has; see ``AppendedSound.apply_run``."""
        if not self._appended_types:
            return
        try:
            self._appended.apply_run(appends, read, state)
        except Exception as error:
            if self._is_strict:
                raise
            self._disable_readers(error)

    def recall_append(self, append: Event) -> None:
        """Look again at the last append before an error."""
        self._appended.recall(append)

    def pass_rows(self, t_ns: int | None, *, has_app: bool, has_server: bool) -> None:
        """Take note of events that are not applied.

        Args:
            t_ns: the latest time of any; None if they have no times.
            has_app: whether any is the app's.
            has_server: whether any is the server's.
        """
        has_times = t_ns is not None
        self._visibility.pass_rows(has_times=has_times, has_app=has_app, has_server=has_server)
        if t_ns is not None and (self.now_ns is None or t_ns > self.now_ns):
            self.now_ns = t_ns

    def end_session(self, state: SessionState) -> None:
        """End the session of a state that is about to begin another one (``state.begins``), before it takes the event in."""
        if not self._visibility.has_begun:
            return  # the first session begins
        moment = Moment(state, self.now_ns, self._ledger, is_over=True)
        findings, blind = self._collect(moment)
        self._ended += tuple(findings)
        self._merge(self._blind, blind)
        self._visibility = Visibility()
        self._appended = AppendedSound()
        self._watch([rule.next_session() for rule in self._rules])

    def next_log(self, new_ledger: NewLedger | None = None) -> LintRun:
        """Return the rules for a recording that continues this one: another connection of the same app, soon after.

        Args:
            new_ledger: supplies its prices; None for those of this one.
        """
        after = LintRun(
            (), is_strict=self._is_strict, new_ledger=new_ledger or self._ledger.new_ledger
        )
        after._order = self._order
        after._watch([rule.next_session() for rule in self._rules])
        return after

    def report(
        self, state: SessionState, now_ns: int | None = None, *, is_over: bool = False
    ) -> LintReport:
        """Return what the rules say now.

        Args:
            state: after the last event.
            now_ns: the clock of a live session; None for the time of the last event.
            is_over: whether the log is complete.
        """
        times = [t_ns for t_ns in (self.now_ns, now_ns) if t_ns is not None]
        is_over = is_over or self._visibility.has_closed
        findings, blind = self._collect(
            Moment(state, max(times, default=None), self._ledger, is_over)
        )
        merged = {key: dict(rules) for key, rules in self._blind.items()}
        self._merge(merged, blind)
        return LintReport(
            tuple(sorted((*self._ended, *findings), key=self._rank)),
            tuple(
                BlindSpot(sight, reason, tuple(rules)) for (sight, reason), rules in merged.items()
            ),
            self._failures,
        )

    @property
    def failures(self) -> Sequence[RuleFailure]:
        """Return the rules that were disabled."""
        return self._failures

    def copy(self) -> LintRun:
        """Return an independent copy."""
        clone = LintRun(())
        clone.__dict__.update(self.__dict__)
        clone._visibility = self._visibility.copy()
        clone._ledger = SessionLedger(self._ledger.new_ledger)
        clone._appended = self._appended.copy()
        clone._blind = {key: dict(rules) for key, rules in self._blind.items()}
        clone._watch([rule.copy() for rule in self._rules])
        return clone

    def _rank(self, finding: Finding) -> tuple[int, int, int, int]:
        return (*finding.rank, self._order[finding.rule], finding.seqs[0] if finding.seqs else 0)

    def _watch(self, rules: list[LintRule]) -> None:
        self._rules = rules
        by_type: dict[str, list[LintRule]] = {}
        has_readers = any(rule.reads_appends for rule in rules)
        self._appended_types = AppendedSound.types if has_readers else frozenset[str]()
        for rule in rules:
            rule.appended = self._appended
            for name in rule.types:
                by_type.setdefault(name, []).append(rule)
        self._by_type: Mapping[str, Sequence[LintRule]] = by_type

    def _collect(self, moment: Moment) -> tuple[list[Finding], dict[tuple[Sight, str], list[str]]]:
        """Return the findings of the current session, and by missing sight the rules that are silent."""
        missing = self._visibility.missing(moment.state, is_over=moment.is_over)
        dialect = moment.state.dialect
        findings: list[Finding] = []
        blind: dict[tuple[Sight, str], list[str]] = {}
        for rule in list(self._rules):
            if dialect.is_foreign or dialect.dialect in rule.not_in:
                continue
            lacks = [sight for sight in missing if sight in rule.needs]
            for sight in lacks:
                blind.setdefault((sight, missing[sight]), []).append(rule.id)
            if not lacks:
                findings += self._findings_of(rule, moment)
        return findings, blind

    def _findings_of(self, rule: LintRule, moment: Moment) -> list[Finding]:
        try:
            return list(rule.findings(moment))
        except Exception as error:
            if self._is_strict:
                raise
            self._disable(rule, error)
            return []

    def _disable(self, rule: LintRule, error: Exception) -> None:
        self._failures += (RuleFailure(rule.id, error),)
        self._watch([other for other in self._rules if other is not rule])

    def _disable_readers(self, error: Exception) -> None:
        """Disable the rules that read what is known of appends, which is incomplete from here on."""
        for rule in [rule for rule in self._rules if rule.reads_appends]:
            self._disable(rule, error)

    @staticmethod
    def _merge(
        into: dict[tuple[Sight, str], dict[str, None]], more: Mapping[tuple[Sight, str], list[str]]
    ) -> None:
        for key, rules in more.items():
            into.setdefault(key, {}).update(dict.fromkeys(rules))


SILENT_DELTAS = frozenset(
    name
    for name, known in EVENT_TYPES.items()
    if known.is_delta
    and name not in OUTPUT_AUDIO_TYPES
    and not any(name in rule.types for rule in RULES)
)
"""Increments of texts and arguments, of which the last event repeats all: they say something only while a response awaits its first
words (``TurnsFold.awaits_words``)."""


def lint(
    events: Iterable[Event],
    rules: Sequence[type[LintRule]] = RULES,
    *,
    state: SessionState | None = None,
    run: LintRun | None = None,
    is_strict: bool = False,
) -> LintReport:
    """Return what the rules say about a complete log.

    Args:
        events: all of it, in order; of ``SILENT_DELTAS`` only those that a response awaits matter.
        rules: the rules to apply.
        state: takes the events in, before the first; one of its own if None.
        run: applies the rules, before the first; one of its own if None.
        is_strict: let exceptions of folds and rules through.
    """
    state = SessionState() if state is None else state
    run = LintRun(rules, is_strict=is_strict) if run is None else run
    for event in events:
        if state.begins(event):
            run.end_session(state)
        state.apply(event, strict=is_strict)
        run.apply(event, state)
    return run.report(state, is_over=True)
