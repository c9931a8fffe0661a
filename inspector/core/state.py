"""SessionState: every fold of one session, in one visible tuple, each isolated from the others."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.causes import CausesFold, ProblemsFold
from inspector.core.conversation import ConversationFold
from inspector.core.dialect import DialectFold
from inspector.core.event import Event
from inspector.core.fold import Fold
from inspector.core.input_audio import InputAudioFold
from inspector.core.interventions import InterventionsFold
from inspector.core.output_audio import OutputAudioFold
from inspector.core.responses import ResponsesFold
from inspector.core.session import SessionFold
from inspector.core.transcripts import TranscriptsFold
from inspector.core.usage import RateLimitsFold, UsageFold


@dataclass(frozen=True, slots=True)
class FoldFailure:
    """A fold that raised, and was switched off."""

    name: str
    """Of the fold."""
    error: Exception
    """What it raised."""


class SessionState:
    """What is true of the session after the events seen so far."""

    def __init__(self) -> None:
        self._begin()
        self.usage = UsageFold()
        self.rate_limits = RateLimitsFold()
        self.causes = CausesFold()
        self.problems = ProblemsFold(self.causes)
        self.interventions = InterventionsFold()
        self.folds: tuple[Fold, ...] = self.every_fold()

    @property
    def is_settled(self) -> bool:
        """Tell whether the server has described the session, and answered every update of it."""
        return bool(self.session.config) and not self.causes.awaits_update

    def apply(self, event: Event, *, strict: bool = False) -> list[FoldFailure]:
        """Feed every fold; a fold that raises is dropped and reported (or raises on, when ``strict``).

        A dropped fold keeps its last state readable.
        """
        if self.begins(event):
            names = {fold.name for fold in self.folds}
            self._begin()
            self.folds = tuple(fold for fold in self.every_fold() if fold.name in names)
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

    def copy(self) -> SessionState:
        """Return an independent copy; cheap, because what does not change later is shared."""
        twin = SessionState.__new__(SessionState)
        twin.session = self.session.copy()
        twin.dialect = self.dialect.copy()
        twin.conversation = self.conversation.copy()
        twin.responses = self.responses.copy()
        twin.input_audio = self.input_audio.copy()
        twin.output_audio = self.output_audio.copy()
        twin.transcripts = self.transcripts.copy()
        twin.usage = self.usage.copy()
        twin.rate_limits = self.rate_limits.copy()
        twin.causes = self.causes.copy()
        twin.problems = self.problems.copy_with(twin.causes)
        twin.interventions = self.interventions.copy()
        names = {fold.name for fold in self.folds}
        twin.folds = tuple(fold for fold in twin.every_fold() if fold.name in names)
        return twin

    def _begin(self) -> None:
        """Forget what holds for one session only; usage, causes and problems are of the whole log."""
        self.session = SessionFold()
        self.dialect = DialectFold()
        self.conversation = ConversationFold()
        self.responses = ResponsesFold()
        self.input_audio = InputAudioFold()
        self.output_audio = OutputAudioFold()
        self.transcripts = TranscriptsFold()

    def begins(self, event: Event) -> bool:
        """Tell whether an event begins another session: a new connection, or a second session in one log."""
        return self.session.ends_with(event)

    def every_fold(self) -> tuple[Fold, ...]:
        """Return all folds in the order in which they take events, switched off or not."""
        return (
            self.session,
            self.dialect,
            self.conversation,
            self.responses,
            self.input_audio,
            self.output_audio,
            self.transcripts,
            self.usage,
            self.rate_limits,
            self.causes,
            self.problems,
            self.interventions,
        )
