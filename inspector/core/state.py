"""SessionState: every fold of one session, declared in one place, each isolated from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self, get_type_hints

from inspector.core.causes import CausesFold, ProblemsFold
from inspector.core.conversation import ConversationFold
from inspector.core.dialect_evidence import DialectFold
from inspector.core.event import Event
from inspector.core.fold import Fold
from inspector.core.input_audio import InputAudioFold
from inspector.core.interventions import InterventionsFold
from inspector.core.output_audio import OutputAudioFold
from inspector.core.responses import ResponsesFold
from inspector.core.session_fold import SessionFold
from inspector.core.transcripts import TranscriptsFold
from inspector.core.turns_fold import Surroundings, TurnsFold
from inspector.core.usage import RateLimitsFold, UsageFold


@dataclass(frozen=True, slots=True)
class FoldFailure:
    """A fold that raised, and was switched off."""

    name: str
    """Of the fold."""
    error: Exception
    """What it raised."""


class SessionState:
    """What is true of the session after the events seen so far.

    Each annotated attribute is a fold, named like the attribute and declared only here: it is made, fed, copied and
    begun anew in this order. Problems come after the causes, whose findings they name; turns after all that they look at.
    """

    session: SessionFold
    dialect: DialectFold
    conversation: ConversationFold
    responses: ResponsesFold
    input_audio: InputAudioFold
    output_audio: OutputAudioFold
    transcripts: TranscriptsFold
    usage: UsageFold
    rate_limits: RateLimitsFold
    causes: CausesFold
    problems: ProblemsFold
    turns: TurnsFold
    interventions: InterventionsFold

    def __init__(self, only: Collection[str] = ()) -> None:
        """Begin before the first event.

        Args:
            only: names of the folds to feed, for questions that do not need the others; all where empty.
        """
        for name, kind in FOLDS.items():
            setattr(self, name, kind())
        self.join()
        self.folds: tuple[Fold, ...] = tuple(
            fold for fold in self.every_fold() if not only or fold.name in only
        )

    @property
    def is_settled(self) -> bool:
        """Return True if the server has described the session, and answered every update of it."""
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

    def copy(self) -> Self:
        """Return an independent copy; cheap, because what does not change later is shared."""
        clone = type(self).__new__(type(self))
        for name in FOLDS:
            setattr(clone, name, getattr(self, name).copy())
        clone.join()
        names = {fold.name for fold in self.folds}
        clone.folds = tuple(fold for fold in clone.every_fold() if fold.name in names)
        return clone

    def _begin(self) -> None:
        """Forget what holds for one session only."""
        self.usage.end_session()
        for name, kind in FOLDS.items():
            if name not in OF_THE_LOG:
                setattr(self, name, kind())
        self.join()

    def join(self) -> None:
        """Give each fold that reads others references to the current ones."""
        self.problems.follow(self.causes)
        self.usage.follow(self.session, self.dialect, self.output_audio)
        self.turns.follow(
            Surroundings(self.session, self.input_audio, self.output_audio, self.causes)
        )

    def begins(self, event: Event) -> bool:
        """Return True if an event begins another session: a new connection, or a second session in one log."""
        return self.session.ends_with(event)

    def every_fold(self) -> tuple[Fold, ...]:
        """Return all folds in the order in which they take events, switched off or not."""
        return tuple(getattr(self, name) for name in FOLDS)


def ends_of_sessions(events: Iterable[Event]) -> Iterator[SessionState]:
    """Yield the state at the end of each session that a log holds; at least once, and each time the same object.

    Read it before going on: it then becomes the state of the next session.
    """
    state = SessionState()
    for event in events:
        if state.begins(event):
            yield state
        state.apply(event)
    yield state


FOLDS: Mapping[str, type[Fold]] = get_type_hints(SessionState)
"""Every fold by its name, in the order in which they take events."""
VERDICT_FOLDS = frozenset(
    {"session", "dialect", "input_audio", "output_audio", "usage", "causes", "problems", "turns"}
)
"""The folds for turns, errors and cost: enough for a verdict, without the conversation."""
OF_THE_LOG = frozenset({"usage", "rate_limits", "causes", "problems", "turns", "interventions"})
"""Folds that go on over a second session in one log, since what they count is of the whole log."""
