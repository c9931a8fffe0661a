"""SessionState: every fold of one session, in one visible tuple, each isolated from the others."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.event import Event
from inspector.core.fold import Fold


@dataclass(frozen=True, slots=True)
class FoldFailure:
    """A fold that raised, and was switched off."""

    name: str
    error: Exception


class SessionState:
    """What is true of the session after the events seen so far."""

    def __init__(self) -> None:
        self.folds: tuple[Fold, ...] = ()

    def apply(self, event: Event, *, strict: bool = False) -> list[FoldFailure]:
        """Feed every fold; a fold that raises is dropped and reported (or raises on, when ``strict``)."""
        failures = []
        for fold in self.folds:
            try:
                fold.apply(event)
            except Exception as error:
                if strict:
                    raise
                failures.append(FoldFailure(fold.name, error))
        if failures:
            failed = {failure.name for failure in failures}
            self.folds = tuple(fold for fold in self.folds if fold.name not in failed)
        return failures
