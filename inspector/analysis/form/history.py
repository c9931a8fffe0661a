"""What updates of the session were sent, and what the server made of each; and how two sessions differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from inspector.analysis.form.values import ABSENT, Path, at, is_same, leaves
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import EventLog
from inspector.core.read import int_at, object_at, text_at

UPDATES = frozenset({"session.update", "transcription_session.update"})
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


@dataclass(slots=True)
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
        self._row = 0

    def read(self, log: EventLog, end: int) -> bool:
        """Take in the rows before ``end``, from the start again where that went back; tell whether anything changed."""
        if end < self._row:
            self._forget()
        told = {code for code in set(log.kind[self._row : end]) if log.kinds[code].name in _TOLD}
        before = self.revision
        if told:
            for row, code in enumerate(log.kind[self._row : end], self._row):
                if code in told:
                    self.apply(log.event(row))
        self._row = end
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
            self.revision += 1
            if self._pending:
                self._settle(self._pending[0], event, Outcome.CONFIRMED)
        elif event.type == "error":
            self._refused(event, object_at(body, "error"))
        elif event.type in _LOST:
            for update in tuple(self._pending):
                self._settle(update, event, Outcome.LOST)
        elif event.type == "inspector.send_failed":
            seq = int_at(body, "seq")
            for update in [pending for pending in self._pending if pending.seq == seq]:
                self._settle(update, event, Outcome.LOST)

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

    def _refused(self, event: Event, error: Mapping[str, Any]) -> None:
        event_id = text_at(error, "event_id")
        found = next((u for u in self._pending if event_id and u.event_id == event_id), None)
        if found is None and self._pending and _is_about_session(error):
            # Some servers do not say which event they mean, or always name the same: the oldest without an answer.
            found = self._pending[0]
        if found is not None:
            found.error = error
            self._settle(found, event, Outcome.REJECTED)

    def _settle(self, update: Update, event: Event, outcome: Outcome) -> None:
        self._pending.remove(update)
        update.outcome = outcome
        update.answer_seq, update.answer_t_ns = event.seq, event.t_ns
        if outcome is Outcome.CONFIRMED:
            update.after = self._config
        self.revision += 1

    def _forget(self) -> None:
        self.updates, self._pending, self._config, self._row = [], [], {}, 0
        self.revision += 1


def _is_about_session(error: Mapping[str, Any]) -> bool:
    param = text_at(error, "param")
    return param.startswith("session") or "session." in text_at(error, "message")


@dataclass(frozen=True, slots=True)
class Difference:
    """One member of what was sent, beside what is in force."""

    path: Path
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
