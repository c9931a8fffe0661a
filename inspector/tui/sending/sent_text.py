"""SentText: a text that was sent by hand, and its result as seen in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from inspector.core.event import Direction
from inspector.core.log import EventLog
from inspector.core.read import text_at
from inspector.core.state import SessionState

WATCHED_ROWS = 200
"""How many events after the text are searched for a reaction."""


class SentOutcome(NamedTuple):
    """The result of a text so far."""

    words: str
    """Text for the line below the editor."""
    style: str = ""
    """``good``, ``error``, or ``""`` while there is no reaction."""
    is_final: bool = True
    """Whether no further reaction is expected."""


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that was handed to the engine."""

    data: bytes
    """The bytes of its frame."""
    before: int
    """Length of the log when the text was submitted."""

    def outcome(self, log: EventLog, state: SessionState, arrow: str) -> SentOutcome | None:
        """Return the result; None while the text has not been sent. ``arrow`` precedes the reaction."""
        row = self._row(log)
        if row is None:
            return None
        sent = f"sent {log.event(row).stamp_ns / 1e9:.3f}"
        refusal = state.causes.rejected.get(row + 1)
        if refusal is not None:
            when = f"{log.event(refusal.error_seq - 1).stamp_ns / 1e9:.3f}"
            words = text_at(refusal.error, "message") or refusal.code
            adverb = refusal.confidence.adverb
            return SentOutcome(f"{sent} {arrow} {adverb}rejected {when}: {words}", "error")
        effects = state.causes.effects_of.get(row + 1, ())
        if effects:
            return SentOutcome(f"{sent} {arrow} {log.type_of(effects[0] - 1)}", "good")
        return SentOutcome(sent, is_final=len(log) - row >= WATCHED_ROWS)

    def _row(self, log: EventLog) -> int | None:
        rows = range(self.before, len(log))
        return next(
            (
                row
                for row in rows
                if log.direction_of(row) is Direction.CLIENT and log.event(row).data == self.data
            ),
            None,
        )
