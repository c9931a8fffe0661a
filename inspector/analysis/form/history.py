"""UpdateHistory: the session updates that were sent, with the outcome of each; and the comparison of two sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from inspector.analysis.form.values import ABSENT, MemberPath, at, is_same, leaves
from inspector.core.causes import CREATED, CausesFold
from inspector.core.error_attribution import UPDATES, Confidence
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import EventLog
from inspector.core.read import int_at, object_at, text_at

_UPDATED = frozenset({"session.updated", "transcription_session.updated"})
_LOST = frozenset({"inspector.opened", "inspector.closed"})
_RELEVANT = UPDATES | CREATED | _UPDATED | _LOST | {"error", "inspector.send_failed"}


class Outcome(StrEnum):
    """Outcome of an update."""

    PENDING = "no answer yet"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    LOST = "connection lost before an answer"


@dataclass(slots=True, eq=False)
class Update:
    """A session update that was sent."""

    seq: int
    """The client event."""
    t_ns: int | None
    """Session time of the event; None if the recording has no time for it."""
    origin: Origin
    """What produced it."""
    event_id: str
    """The client's id for it; ``""`` if it has none."""
    session: Mapping[str, Any]
    """The values requested."""
    before: Mapping[str, Any]
    """The effective session when it was sent."""
    outcome: Outcome = Outcome.PENDING
    """The outcome."""
    answer_seq: int = 0
    """The event that determined the outcome; 0 while pending."""
    answer_t_ns: int | None = None
    """Session time of that event; None while pending, or if the recording has no time for it."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The session that the server confirmed; empty otherwise."""
    error: Mapping[str, Any] = field(default_factory=dict)
    """The server's ``error`` object; empty unless the update was rejected."""
    confidence: Confidence = Confidence.CERTAIN
    """How certain it is that the error rejects this update."""

    @property
    def message(self) -> str:
        """Return why it was rejected, in the server's words."""
        return text_at(self.error, "message") or text_at(self.error, "code")


class UpdateHistory:
    """The updates of one session, oldest first."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.revision = 0
        """Increases with every change."""
        self._config: Mapping[str, Any] = {}
        self._pending: list[Update] = []
        self._answers: dict[int, Event] = {}
        """Events that may answer an update, by ``seq``."""
        self._losses: list[tuple[Update, Event]] = []
        """Updates that were pending when their connection ended, with the event that ended it."""
        self._row = 0

    def read(self, log: EventLog, end: int, causes: CausesFold) -> bool:
        """Process the rows before ``end``; return whether anything changed. A lower ``end`` than before starts over.

        Args:
            log: the session's events.
            end: the number of rows to process.
            causes: answers and rejections as of ``end``.
        """
        if end < self._row:
            self._forget()
        # Rows are selected by their type's code, so that only a few events have to be decoded.
        relevant = {
            code for code in set(log.kind[self._row : end]) if log.kinds[code].name in _RELEVANT
        }
        before = self.revision
        if relevant:
            for row, code in enumerate(log.kind[self._row : end], self._row):
                if code in relevant:
                    self.apply(log.read(row))
        self._row = end
        self.settle(causes)
        return self.revision != before

    def apply(self, event: Event) -> None:
        """Update the state with one event; events that do not concern updates are ignored."""
        body = event.body or {}
        if event.direction is Direction.CLIENT:
            if event.type in UPDATES:
                self._sent(event)
        elif event.type in CREATED:
            self._config = object_at(body, "session")
            self.revision += 1
        elif event.type in _UPDATED:
            self._config = object_at(body, "session")
            self._answers[event.seq] = event
            self.revision += 1
        elif event.type == "error":
            self._answers[event.seq] = event
        elif event.type in _LOST:
            self._losses += [(update, event) for update in self._pending]
        elif event.type == "inspector.send_failed":
            seq = int_at(body, "seq")
            self._losses += [(update, event) for update in self._pending if update.seq == seq]

    def settle(self, causes: CausesFold) -> None:
        """Determine the outcome of pending updates from the causes, which must have seen the same events."""
        for update in tuple(self._pending):  # a copy, because settling removes from the list
            refusal = causes.rejected.get(update.seq)
            effects = causes.effects_of.get(update.seq, ())
            answer = next((self._answers[seq] for seq in effects if seq in self._answers), None)
            if answer is None:
                continue
            if refusal is not None:
                update.error, update.confidence = refusal.error, refusal.confidence
                self._settle(update, Outcome.REJECTED, answer)
            elif answer.type in _UPDATED:
                update.after = object_at(answer.body or {}, "session")
                self._settle(update, Outcome.CONFIRMED, answer)
        for update, event in self._losses:
            if update in self._pending:
                self._settle(update, Outcome.LOST, event)
        if not self._pending:  # an event kept for a pending update holds its whole session object
            self._answers.clear()
        self._losses.clear()

    def _sent(self, event: Event) -> None:
        body = event.body or {}
        update = Update(
            event.seq,
            event.t_ns,
            event.origin,
            text_at(body, "event_id"),
            object_at(body, "session"),
            self._config,
        )
        self.updates.append(update)
        self._pending.append(update)
        self.revision += 1

    def _settle(self, update: Update, outcome: Outcome, answer: Event) -> None:
        self._pending.remove(update)
        update.outcome = outcome
        update.answer_seq, update.answer_t_ns = answer.seq, answer.t_ns
        self.revision += 1

    def _forget(self) -> None:
        self.updates, self._pending, self._config, self._row = [], [], {}, 0
        self._answers, self._losses = {}, []
        self.revision += 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One member of an update with its effective value."""

    path: MemberPath
    """Path from the session object."""
    sent: Any
    """The value requested."""
    effective: Any
    """The session's value; ``ABSENT`` if the server does not show it."""

    @property
    def is_same(self) -> bool:
        """Return whether the server uses the requested value."""
        return is_same(self.sent, self.effective)


def differences(sent: Mapping[str, Any], effective: Mapping[str, Any]) -> list[Difference]:
    """Return every member of an update with its effective value, in the order in which it was written."""
    found = []
    for path, value in leaves(sent):
        actual = at(effective, path)
        # Beta servers do not repeat the type.
        if path == ("type",) and actual is ABSENT:
            continue
        found.append(Difference(path, value, actual))
    return found
