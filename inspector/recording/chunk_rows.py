"""The rows of one chunk, column by column, while they are worked out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inspector.core.log import COLUMNS
from inspector.recording.chunk_file import Lines
from inspector.recording.spans import Bools, Bytes, Ints

NO_PART = np.uint64(0)
"""In place of the key of a content part, for a row that belongs to none."""
_BRACES = int.from_bytes(b"}}", "little")
_COLUMNS = ("t_us", "direction", "origin", "kind", "flags", "size", "audio", "part")


class Rows:
    """The rows of one chunk, by column, while they are worked out."""

    def __init__(self, text: Bytes, starts: Ints, lengths: Ints) -> None:
        count = len(starts)
        self.text, self.starts, self.lengths = text, starts, lengths
        self.ends = starts + lengths
        self.is_fast = np.zeros(count, bool)
        self.is_blank = np.zeros(count, bool)
        self.t_us = np.zeros(count, np.int64)
        self.direction = np.zeros(count, np.uint8)
        self.origin = np.zeros(count, np.uint8)
        self.kind = np.zeros(count, np.int64)
        self.flags = np.zeros(count, np.uint8)
        self.size = np.zeros(count, np.int64)
        self.audio = np.zeros(count, np.int64)
        self.part = np.full(count, NO_PART)

    @classmethod
    def of(cls, lines: Lines) -> Rows:
        """Return the rows of some lines, but for the empty ones."""
        ends = lines.ends
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        lengths = ends - starts
        has_text = lengths > 0
        return cls(lines.text, starts[has_text], lengths[has_text])

    def line(self, at: int) -> bytes:
        """Return a line's bytes."""
        start = int(self.starts[at])
        return self.text[start : start + int(self.lengths[at])].tobytes()

    def ends_with_braces(self, at: Ints) -> Bools:
        """Tell which lines end as an event and its line do."""
        pairs = np.ndarray(len(self.text) - 1, "<u2", self.text, strides=(1,))
        ended: Bools = pairs[self.ends[at] - 2] == _BRACES
        return ended

    def drop_blank(self) -> None:
        """Leave out lines of white space."""
        if self.is_blank.any():
            keep = ~self.is_blank
            for name in ("starts", "lengths", "ends", *_COLUMNS):
                setattr(self, name, getattr(self, name)[keep])

    def columns(self, group: Ints, offset: int) -> dict[str, npt.NDArray[Any]]:
        """Return the finished columns, as ``EventLog`` has them."""
        values: dict[str, npt.NDArray[Any]] = {
            "t_us": self.t_us,
            "offset": self.starts + offset,
            "length": self.lengths,
            "size": self.size,
            "direction": self.direction,
            "origin": self.origin,
            "kind": self.kind,
            "flags": self.flags,
            "group": group,
        }
        return {name: values[name].astype(code) for name, code in COLUMNS}
