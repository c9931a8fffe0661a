"""SentText: a text that was sent by hand, and what the log says became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from inspector.core.event import Direction
from inspector.core.log import EventLog
from inspector.core.read import text_at
from inspector.core.state import SessionState

WATCHED_ROWS = 200
"""Events after it in which an answer is looked for."""


class Became(NamedTuple):
    """What became of a text so far."""

    words: str
    """For the line below the editor."""
    style: str = ""
    """``good``, ``error``, or ``""`` while nobody has answered."""
    is_final: bool = True
    """Whether nothing more is expected to become of it."""


@dataclass(frozen=True, slots=True)
class SentText:
    """A text on its way."""

    data: bytes
    """As it goes out."""
    before: int
    """Length of the log when it was handed over."""

    def became(self, log: EventLog, state: SessionState, arrow: str) -> Became | None:
        """Return what became of it; None while it has not gone out. ``arrow`` stands before the answer."""
        row = self._row(log)
        if row is None:
            return None
        sent = f"sent {log.event(row).stamp_ns / 1e9:.3f}"
        refusal = state.causes.rejected.get(row + 1)
        if refusal is not None:
            when = f"{log.event(refusal.error_seq - 1).stamp_ns / 1e9:.3f}"
            words = text_at(refusal.error, "message") or refusal.code
            adverb = refusal.confidence.adverb
            return Became(f"{sent} {arrow} {adverb}refused {when}: {words}", "error")
        effects = state.causes.effects_of.get(row + 1, ())
        if effects:
            return Became(f"{sent} {arrow} {log.type_of(effects[0] - 1)}", "good")
        return Became(sent, is_final=len(log) - row >= WATCHED_ROWS)

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
