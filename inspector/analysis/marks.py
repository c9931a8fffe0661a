"""Marks: named instants of a session, shown on its timeline."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Mapping
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from inspector.analysis.lint.finding import Severity


class MarkKind(StrEnum):
    """Kind of a mark."""

    SPEECH_STARTED = "speech started"
    SPEECH_STOPPED = "speech stopped"
    COMMITTED = "committed"
    RESPONSE_STARTED = "response created"
    FIRST_AUDIO = "first audio"
    RESPONSE_ENDED = "response done"
    TRUNCATED = "truncated"
    UNDERRUN = "underrun"
    """Playback of an item ran out of audio before its end."""
    TOOL_CALL = "tool call"
    ERROR = "error"
    FOUND_WARNING = "warning found"
    """An event that proves a warning."""
    FOUND_ERROR = "error found"


MARK_KINDS = tuple(MarkKind)
MARK_OF_SEVERITY: Mapping[Severity, MarkKind] = {
    Severity.WARNING: MarkKind.FOUND_WARNING,
    Severity.ERROR: MarkKind.FOUND_ERROR,
}
"""Severity of a finding to the mark of the events that prove it; the others would crowd the line."""
MARK_OF_TYPE: Mapping[str, MarkKind] = {
    "input_audio_buffer.speech_started": MarkKind.SPEECH_STARTED,
    "input_audio_buffer.speech_stopped": MarkKind.SPEECH_STOPPED,
    "input_audio_buffer.committed": MarkKind.COMMITTED,
    "response.created": MarkKind.RESPONSE_STARTED,
    "response.done": MarkKind.RESPONSE_ENDED,
    "conversation.item.truncated": MarkKind.TRUNCATED,
    "response.function_call_arguments.done": MarkKind.TOOL_CALL,
    "response.mcp_call.in_progress": MarkKind.TOOL_CALL,
}
"""Event type to its mark; errors and failed responses are marked by their content."""


class Marks:
    """Marks by column, in the order of their events; underruns, which are determined later, come last."""

    def __init__(self) -> None:
        self.t_us = array("q")
        self.row = array("q")
        self.kind = array("B")
        """Index into ``MARK_KINDS``."""

    def __len__(self) -> int:
        return len(self.t_us)

    def add(self, t_us: int, row: int, kind: MarkKind) -> None:
        """Append a mark."""
        self.t_us.append(t_us)
        self.row.append(row)
        self.kind.append(MARK_KINDS.index(kind))

    def with_more(self, more: Iterable[tuple[int, int, MarkKind]]) -> Marks:
        """Return a copy with further marks, each given as the arguments of ``add``."""
        clone = Marks()
        clone.t_us, clone.row, clone.kind = self.t_us[:], self.row[:], self.kind[:]
        for mark in more:
            clone.add(*mark)
        return clone

    def without_errors(self, rows: Container[int]) -> Marks:
        """Return a copy without the errors of some rows."""
        clone, error = Marks(), MARK_KINDS.index(MarkKind.ERROR)
        for t_us, row, kind in zip(self.t_us, self.row, self.kind, strict=True):
            if kind != error or row not in rows:
                clone.t_us.append(t_us)
                clone.row.append(row)
                clone.kind.append(kind)
        return clone

    def times(self) -> npt.NDArray[np.int64]:
        """Return a copy of the times, microseconds, shape (n,)."""
        # A view would make the next append fail (BufferError).
        return np.array(self.t_us, np.int64)

    def within(self, from_us: int, to_us: int) -> list[int]:
        """Return the indices of the marks in ``[from_us, to_us)``."""
        times = self.times()
        found: list[int] = np.flatnonzero((times >= from_us) & (times < to_us)).tolist()
        return found

    def next(self, t_us: int, step: int, cell_us: int) -> int | None:
        """Return the time of the nearest mark in a later cell than that of a time, or in an earlier one (``step`` < 0)."""
        # By cell, not by time: marks within one cell of the screen cannot be told apart by the cursor.
        times, cell = self.times(), t_us // cell_us
        found = times[times // cell_us > cell] if step > 0 else times[times // cell_us < cell]
        if not len(found):
            return None
        return int(found.min() if step > 0 else found.max())

    def row_near(self, t_us: int, within_us: int) -> int:
        """Return the row of the mark nearest to a time; -1 if none is within ``within_us``."""
        distances = np.abs(self.times() - t_us)
        nearest = int(distances.argmin()) if len(distances) else -1
        is_near = nearest >= 0 and distances[nearest] <= within_us
        return self.row[nearest] if is_near else -1
