"""LintedReading: a recording read once through all rules, in which only those appends are read whose audio must be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector.analysis.lint.appended_sound import HEAD_CHARS, ODD_FTYP, ODD_HEADS, PassedAppend
from inspector.analysis.lint.lint_run import SILENT_DELTAS
from inspector.analysis.lint.linted_state import LintedState
from inspector.core.event import Direction, Event, Origin
from inspector.core.log import DIRECTION_CODE, NO_TIME_US, ORIGIN_CODE
from inspector.recording.lean import LeanReading
from inspector.recording.reader import RecordingReader
from inspector.recording.sound_rows import AppendRows, LinePlace, LinePlaces

if TYPE_CHECKING:
    from inspector.recording.chunk_file import ChunkLines
    from inspector.recording.chunk_rows import Rows

_AUDIO_KEY = b'"audio":"'
_NEAR_BYTES = 400
"""Of a line, within which its audio begins, unless the client gives its events very long ids."""


class LintedReading(LeanReading):
    """A recording that is read once through all folds and rules; what they come to is in ``state``."""

    def __init__(
        self, reader: RecordingReader, state: LintedState, places: LinePlaces | None = None
    ) -> None:
        """Prepare.

        Args:
            reader: the recording.
            state: takes the events in.
            places: takes in where the lines stand; None if nobody asks.
        """
        super().__init__(reader, state, passed=SILENT_DELTAS)
        self._rules = state.rules
        self._places = places
        self._chunk: tuple[int, Rows, ChunkLines] | None = None
        self._appends: tuple[AppendRows, list[PassedAppend]] | None = None

    def found(self, place: LinePlace) -> None:
        """Note where a line stands."""
        if self._places is not None:
            self._places.add(place)

    def found_many(self, first_row: int, rows: Rows, lines: ChunkLines) -> None:
        """Note where the lines of a chunk stand."""
        import numpy as np

        self._chunk, self._appends = (first_row, rows, lines), None
        if self._places is not None:
            numbers = np.arange(first_row, first_row + len(rows.starts))
            self._places.extend(numbers, rows.starts + lines.offset, rows.lengths)

    def heard(
        self, appends: AppendRows, begin: int, end: int, read: Callable[[int], Event]
    ) -> None:
        """Let the rules take in a run of appends."""
        if self._chunk is None:
            return
        first_row, rows, lines = self._chunk
        if self._appends is None or self._appends[0] is not appends:
            self._appends = appends, _passed(appends, rows, lines, first_row)
        run = self._appends[1][begin:end]
        self._rules.pass_appends(run, lambda one: read(one.seq - 1 - first_row), self.state)

    def recalled(self, append: Event) -> None:
        """Let the rules look at the last append before an error."""
        self._rules.recall_append(append)

    def reached(self, rows: Rows, begin: int, end: int) -> None:
        """Let the rules know of what was passed over."""
        t_us = int(rows.t_us[begin:end].max())
        self._rules.pass_rows(
            None if t_us == NO_TIME_US else t_us * 1000,
            has_app=bool((rows.direction[begin:end] == DIRECTION_CODE[Direction.CLIENT]).any()),
            has_server=bool((rows.direction[begin:end] == DIRECTION_CODE[Direction.SERVER]).any()),
        )

    def ended(self, t_ns: int | None) -> None:
        """Let the rules know when the recording ends."""
        self._rules.pass_rows(t_ns, has_app=False, has_server=False)


def _passed(
    appends: AppendRows, rows: Rows, lines: ChunkLines, first_row: int
) -> list[PassedAppend]:
    """Return the appends of a chunk."""
    at = appends.rows
    times = [None if t_us == NO_TIME_US else t_us * 1000 for t_us in rows.t_us[at].tolist()]
    columns = zip(
        (at + first_row + 1).tolist(),
        times,
        rows.audio[at].tolist(),
        _is_odd(appends, rows, lines),
        (rows.origin[at] != ORIGIN_CODE[Origin.WIRE]).tolist(),
        strict=True,
    )
    return list(map(PassedAppend._make, columns))


def _is_odd(appends: AppendRows, rows: Rows, lines: ChunkLines) -> list[bool]:
    """Return for each append of a chunk whether the beginning of its audio deserves a closer look."""
    import numpy as np

    from inspector.recording.spans import pieces

    at = appends.rows
    find = lines.buffer.find
    begins = (rows.starts[at] + lines.begin).tolist()
    heads = np.array([find(_AUDIO_KEY, one, one + _NEAR_BYTES) for one in begins], np.int64)
    starts = heads + len(_AUDIO_KEY) - lines.begin
    is_short = (heads < 0) | (rows.audio[at] < HEAD_CHARS) | (starts + HEAD_CHARS > rows.ends[at])
    words = pieces(rows.text, np.where(is_short, 0, starts), HEAD_CHARS)[:, 0]
    odd = np.array([int.from_bytes(head.encode(), "little") for head in sorted(ODD_HEADS)], "u8")
    is_head = np.isin(words & np.uint64(0xFFFFFFFF), odd)
    is_mp4 = words >> np.uint64(40) == np.uint64(int.from_bytes(ODD_FTYP.encode(), "little"))
    found: list[bool] = (is_short | is_head | is_mp4).tolist()
    return found
