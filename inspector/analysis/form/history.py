"""What updates of the session were sent, and what the server made of each; and how two sessions differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from inspector.analysis.form.values import ABSENT, MemberPath, at, is_same, leaves
from inspector.core.causes import CausesFold
from inspector.core.error_attribution import UPDATES, Confidence
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import EventLog
from inspector.core.read import int_at, object_at, text_at

_CREATED = frozenset({"session.created", "transcription_session.created"})
_UPDATED = frozenset({"session.updated", "transcription_session.updated"})
_LOST = frozenset({"inspector.opened", "inspector.closed"})
_TOLD = UPDATES | _CREATED | _UPDATED | _LOST | {"error", "inspector.send_failed"}


class Outcome(StrEnum):
    """What became of an update."""

    PENDING = "no answer yet"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    LOST = "lost with its connection"


@dataclass(slots=True, eq=False)
class Update:
    """One update that was sent."""

    seq: int
    """The event that was sent."""
    t_ns: int | None
    """When, session time; None where the recording does not say."""
    origin: Origin
    """What sent it."""
    event_id: str
    """By which an error names it; ``""`` where it has none."""
    session: Mapping[str, Any]
    """What was asked for."""
    before: Mapping[str, Any]
    """The session in force when it was sent."""
    outcome: Outcome = Outcome.PENDING
    """What the server made of it."""
    answer_seq: int = 0
    """The event that says so; 0 before it came."""
    answer_t_ns: int | None = None
    """When that came, session time; None before, or where the recording does not say."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The session that the server confirmed; empty unless it did."""
    error: Mapping[str, Any] = field(default_factory=dict)
    """The server's ``error`` object; empty unless it refused."""
    confidence: Confidence = Confidence.CERTAIN
    """How sure it is that the error is about this update."""

    @property
    def message(self) -> str:
        """Return why it was refused, in the server's words."""
        return text_at(self.error, "message") or text_at(self.error, "code")


class UpdateHistory:
    """The updates of one session, oldest first."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.revision = 0
        """Grows with every change."""
        self._config: Mapping[str, Any] = {}
        self._pending: list[Update] = []
        self._answers: dict[int, Event] = {}
        """Events that may answer an update, by ``seq``."""
        self._losses: list[tuple[Update, Event]] = []
        """Updates that were open when their connection ended, each with the event that says so."""
        self._row = 0

    def read(self, log: EventLog, end: int, causes: CausesFold) -> bool:
        """Take in the rows before ``end``, from the start again where that went back; tell whether anything changed.

        Args:
            log: the session's events.
            end: how many of them count.
            causes: what was answered and refused, as of ``end``.
        """
        if end < self._row:
            self._forget()
        told = {code for code in set(log.kind[self._row : end]) if log.kinds[code].name in _TOLD}
        before = self.revision
        if told:
            for row, code in enumerate(log.kind[self._row : end], self._row):
                if code in told:
                    self.apply(log.event(row))
        self._row = end
        self.settle(causes)
        return self.revision != before

    def apply(self, event: Event) -> None:
        """Take one event in; others than those about updates change nothing."""
        body = event.body or {}
        if event.direction is Direction.CLIENT:
            if event.type in UPDATES:
                self._sent(event)
        elif event.type in _CREATED:
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
        """Note what became of the updates that had no answer yet."""
        for update in tuple(self._pending):
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
        if not self._pending:
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
    """One member of what was sent, beside what is in force."""

    path: MemberPath
    """From the session object."""
    sent: Any
    """What was asked for."""
    effective: Any
    """``ABSENT`` where the server does not show it."""

    @property
    def is_same(self) -> bool:
        """Tell whether the server does as it was asked."""
        return is_same(self.sent, self.effective)


def differences(sent: Mapping[str, Any], effective: Mapping[str, Any]) -> list[Difference]:
    """Return every member of an update with its effective value, in the order in which it was written."""
    found = []
    for path, value in leaves(sent):
        there = at(effective, path)
        if path == ("type",) and there is ABSENT:
            continue
        found.append(Difference(path, value, there))
    return found
