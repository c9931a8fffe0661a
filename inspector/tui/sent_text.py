"""SentText: a text that was sent by hand, and what the log says became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from inspector.core.event import Direction
from inspector.core.log import EventLog
from inspector.core.state import SessionState

WATCHED_ROWS = 200
"""Events after it in which an answer is looked for."""
NEAR_ROWS = 12
"""Events after it in which an error that names nothing is taken to be about it."""


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
        refusal = state.causes.rejected.get(row + 1) or _anonymous_error(log, state, row)
        if refusal:
            problem = next((p for p in state.problems.all if p.seq == refusal), None)
            words = problem.message if problem is not None else ""
            refused = f"{sent} {arrow} refused {log.event(refusal - 1).stamp_ns / 1e9:.3f}: {words}"
            return Became(refused, "error")
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


def _anonymous_error(log: EventLog, state: SessionState, row: int) -> int:
    """Return the error right after a row, where a text without an event_id cannot be blamed by id."""
    for at in range(row + 1, min(row + NEAR_ROWS, len(log))):
        if log.direction_of(at) is Direction.CLIENT:
            return 0
        if log.type_of(at) == "error" and not state.causes.cause_of.get(at + 1):
            return at + 1
    return 0
