"""LintRule: one question asked of a session, and the state that answering it needs.

A rule is a class; an instance of it watches one session. It reads the folds of ``SessionState`` and remembers only what they do
not. Rules of one family share a file; ``catalogue.RULES`` lists them all.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from inspector.analysis.lint.appended_sound import AppendedSound
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.session_ledger import SessionLedger
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

OTHER_PROTOCOLS = frozenset({"gpt-live", "translation"})
"""Dialects without responses or items, which most rules do not apply to."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When findings are asked for, and the state at that time."""

    state: SessionState
    """After the last event."""
    now_ns: int | None
    """Session time: the clock of a live session, the time of the last event of a recording; None if it has no times."""
    ledger: SessionLedger
    """The priced records, shared by the rules that ask for them."""
    is_over: bool = False
    """True if the session has ended, so that nothing can still come."""

    def waited_ms(self, since_ns: int | None) -> float | None:
        """Return how long ago a time is, in ms; None if either time is unknown."""
        if since_ns is None or self.now_ns is None:
            return None
        return (self.now_ns - since_ns) / NS_PER_MS


class LintRule(ABC):
    """A rule, as the state of one session that it watches.

    Class members describe the rule; a subclass sets all that have no default. ``apply`` and ``findings`` may raise: the rule is
    then disabled and reported, and the others continue.
    """

    id: ClassVar[str]
    """Stable name, in kebab case."""
    title: ClassVar[str]
    """What it finds, in a few words."""
    severity: ClassVar[Severity]
    """The worst severity of its findings."""
    why: ClassVar[str]
    """Why it matters, for ``--explain``: one to three sentences."""
    links: ClassVar[tuple[str, ...]] = ()
    """The reference, and one public report."""
    types: ClassVar[frozenset[str]] = frozenset()
    """Types of the events that ``apply`` takes; none for a rule that only reads the state and ``appended``."""
    needs: ClassVar[frozenset[Sight]] = frozenset()
    """What a recording must contain; otherwise the rule reports nothing and is listed in the coverage."""
    not_in: ClassVar[frozenset[str]] = OTHER_PROTOCOLS
    """Dialects that it does not apply to."""
    reads_appends: ClassVar[bool] = False
    """Whether it reads ``appended``. Appends themselves are in the ``types`` of no rule: they are too many."""
    appended: AppendedSound
    """The audio that the app has appended in this session, the event at hand included; set by ``LintRun``."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Apply one event of its types; it was already applied to ``state``."""
        raise NotImplementedError(
            f"{type(self).__name__} declares types, but does not override apply"
        )

    @abstractmethod
    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Return what is wrong so far. Called at any time, several times a second in a live session."""

    def next_session(self) -> LintRule:
        """Return the rule for the next session in the same log; override it to remember something of this one."""
        return type(self)()

    def copy(self) -> Self:
        """Return an independent copy. Containers are copied one level deep, so that records in them must not be changed in place."""
        clone = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set | deque):
                setattr(clone, name, copy.copy(value))
        return clone

    def found(
        self,
        severity: Severity,
        seqs: Iterable[int],
        text: str,
        fix: str = "",
        confidence: Confidence = Confidence.CERTAIN,
    ) -> Finding:
        """Return a finding of this rule."""
        return Finding(self.id, severity, tuple(seqs), text, fix, confidence)
