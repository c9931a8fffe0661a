"""Replay: a recording under a cursor, with the state of the session as of that cursor.

All rows are there from the start (or as fast as they are indexed); the cursor says how far the session has come. The
screen calls ``tick`` and pulls; every call does a bounded amount of work, so that a gigabyte never blocks a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inspector.clock import Clock
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS
from inspector.recording.format import Header

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, float("inf"))
"""Offered speeds; infinite is "as fast as possible"."""
FOLD_SLICE_NS = 8 * NS_PER_MS
"""Folding per tick: half of a frame at 60 Hz, so that a key is answered in the same frame."""
CHECKPOINTS = 12
"""State copies kept, spread evenly over the recording: going back refolds at most a twelfth of it."""
MIN_SPACING = 2000
"""Events between two copies at least: folding so few takes less than a frame."""
EVENT_US = 250_000
"""Between two events of a recording without times, played at 1×: slow enough to follow each."""
FOLD_BATCH = 64
"""Events folded between two looks at the clock."""


# Theory of operation
#
# Three numbers run after one another, each at its own pace:
#
#   len(log)   rows that are indexed               grows in `indexing.advance`
#   cursor     the row that the user is at         jumps (`seek_row`), steps, or follows the clock (`_move`)
#   state_row  the row that `state` is folded to   follows the cursor by at most FOLD_SLICE_NS a tick; `is_settled` when it is there
#
#   state    | time of the session (`t_us`)                           | left by
#   ---------+--------------------------------------------------------+---------------------------------------------------------------
#   paused   | `_played_from_us`: that of the event at the cursor, or | `play`
#            | a later one before the next event                      |
#   playing  | `_played_from_us` + time since `_played_from_ns` × speed | `pause`, `step`, or the end of a file that is whole
#   playing, | that of the event at the cursor                        | the same
#   as fast  |                                                        |
#
# Rules of the room:
#
# 1. Whatever moves the cursor or changes the pace sets the anchor (`_anchor`) anew: time is always counted from the last such moment.
# 2. `state` is that of `state_row`, not of the cursor. A view that wants both waits for `is_settled`.
# 3. Forward the state is folded on; back, or far forward, it begins at the nearest checkpoint (`_jump`). A checkpoint is a copy that
#    is never folded on itself: it is copied again each time that it is used.
# 4. Rows are read with `log.read`: folding a million of them must not push out of the log's cache what the screen shows.
# 5. A recording without times has the order of its rows alone: a clock of EVENT_US an event stands in, `t_us` is None, and jumps count
#    events.


class Indexing(Protocol):
    """A recording being opened: rows arrive in its log while ``advance`` is called."""

    log: EventLog
    path: Path
    notices: list[str]
    """What the user should know of the file: a torn last line, inferred directions, a file that shrank."""

    @property
    def header(self) -> Header:
        """Return the recording's first line."""
        ...

    @property
    def progress(self) -> float:
        """Return how much of the file is indexed, 0..1."""
        ...

    def advance(self) -> bool:
        """Take in what is there, without waiting; tell whether anything changed."""
        ...

    def close(self) -> None:
        """Let go of the file and of whatever indexes it."""
        ...


@dataclass(slots=True)
class _Checkpoint:
    row: int
    state: SessionState


class Replay:
    """A recording with a cursor; row -1 is before the first event."""

    def __init__(
        self,
        indexing: Indexing,
        clock: Clock,
        *,
        new_state: Callable[[], SessionState] = SessionState,
    ):
        """Open at the end of what is indexed so far; nothing plays."""
        self.indexing = indexing
        self.log = indexing.log
        self.header = indexing.header
        self.path = indexing.path
        self.cursor = -1
        self.is_playing = False
        self.speed = 1.0
        self.state = new_state()
        self.state_row = -1
        """The row up to which ``state`` is folded; equals ``cursor`` once settled."""
        self._new_state = new_state
        self._clock = clock
        self._checkpoints: list[_Checkpoint] = []
        self._played_from_us = 0
        self._played_from_ns = 0
        self._ticked = self._moved()
        """What the last tick left behind."""

    @property
    def notices(self) -> list[str]:
        """Return what the user should know of the file."""
        return self.indexing.notices

    @property
    def is_settled(self) -> bool:
        """Tell whether ``state`` is that of the cursor."""
        return self.state_row == self.cursor

    @property
    def has_times(self) -> bool:
        """Tell whether the recording says when anything happened; where it does not, the cursor goes by events alone."""
        return self.log.has_times

    @property
    def t_us(self) -> int | None:
        """Return the session time, in microseconds: that of the event at the cursor, or a later one before the next event.

        None where the recording has no times.
        """
        return self._here_us() if self.has_times else None

    @property
    def duration_us(self) -> int | None:
        """Return the latest time indexed so far, in microseconds; None where the recording has no times."""
        return self.log.end_us

    def play(self) -> None:
        """Let the cursor follow the recording's clock; from the end, start again from the beginning."""
        if self.cursor >= len(self.log) - 1:
            self.seek_row(-1)
        self._anchor(self._here_us())
        self.is_playing = True

    def pause(self) -> None:
        """Stop here and now: the time, and the cursor at the last event before it."""
        if self.is_playing:
            here_us = self._here_us()
            if self.speed != float("inf"):
                self.cursor = max(self.cursor, self._row_at(here_us))
            self._anchor(here_us)
        self.is_playing = False

    def set_speed(self, speed: float) -> None:
        """Change the pace; takes effect at once, from where the cursor is."""
        here_us = self._here_us()
        self.speed = speed
        self._anchor(here_us)

    def step(self, rows: int) -> None:
        """Move the cursor by events, and pause."""
        self.pause()
        self.seek_row(self.cursor + rows)

    def seek_row(self, row: int) -> None:
        """Put the cursor on a row, clamped to what is there."""
        row = max(-1, min(row, len(self.log) - 1))
        if row != self.cursor:
            self.cursor = row
        self._anchor()

    def seek_t_us(self, t_us: int) -> None:
        """Put the cursor on the last event at or before a session time; without times there is nowhere to go."""
        if not self.has_times:
            return
        self.seek_row(self.log.row_at(t_us))
        self._anchor(max(0, min(t_us, self._end_us())))

    def jump(self, seconds: int) -> None:
        """Move by seconds, or by as many events where the recording has no times, and play on from there if it plays."""
        if self.has_times:
            self.seek_t_us(max(0, self._here_us() + seconds * 1_000_000))
        else:
            self.seek_row(max(0, self.cursor + seconds))

    def tick(self) -> bool:
        """Index, move the cursor and fold, each for a bounded time; tell whether anything changed since the last tick."""
        before = self._ticked
        self.indexing.advance()
        if self.is_playing:
            self._move()
        self._fold_slice()
        self._ticked = self._moved()
        return before != self._ticked

    def close(self) -> None:
        """Let go of the recording."""
        self.indexing.close()

    def _moved(self) -> tuple[object, ...]:
        return self.cursor, self.is_playing, self.log.revision, self.state_row

    def _anchor(self, t_us: int | None = None) -> None:
        self._played_from_us = self._event_us() if t_us is None else t_us
        self._played_from_ns = self._clock.now_ns()

    # Where the recording has no times, these count microseconds as well: ``EVENT_US`` from each event to the next.

    def _here_us(self) -> int:
        if self.is_playing and self.speed != float("inf"):
            return self._played_us()
        return self._event_us() if self.is_playing else self._played_from_us

    def _event_us(self) -> int:
        if not 0 <= self.cursor < len(self.log):
            return 0
        if not self.has_times:
            return self.cursor * EVENT_US
        # Rows before the first that has a time are at the start with it.
        return self.log.reached_us(self.cursor) or 0

    def _end_us(self) -> int:
        end_us = self.log.end_us
        return max(0, len(self.log) - 1) * EVENT_US if end_us is None else end_us

    def _row_at(self, here_us: int) -> int:
        if self.has_times:
            return self.log.row_at(here_us)
        return min(here_us // EVENT_US, len(self.log) - 1)

    def _played_us(self) -> int:
        elapsed_us = (self._clock.now_ns() - self._played_from_ns) / 1000
        return min(int(self._played_from_us + elapsed_us * self.speed), self._end_us())

    def _move(self) -> None:
        last = len(self.log) - 1
        target = last if self.speed == float("inf") else self._row_at(self._played_us())
        if target > self.cursor:
            self.cursor = target
        if self.cursor >= last and self.indexing.progress >= 1.0:
            self.pause()

    def _fold_slice(self) -> None:
        if self.state_row != self.cursor:
            self._jump()
        until_ns = self._clock.now_ns() + FOLD_SLICE_NS
        spacing = max(MIN_SPACING, len(self.log) // CHECKPOINTS)
        while self.state_row < self.cursor:
            for row in range(self.state_row + 1, min(self.cursor, self.state_row + FOLD_BATCH) + 1):
                self.state.apply(self.log.read(row))
                self.state_row = row
                if (row + 1) % spacing == 0:
                    self._keep(row, spacing)
            if self._clock.now_ns() >= until_ns:
                break

    def _keep(self, row: int, spacing: int) -> None:
        self._checkpoints = [
            c for c in self._checkpoints if c.row != row and (c.row + 1) % spacing == 0
        ]
        self._checkpoints.append(_Checkpoint(row, self.state.copy()))
        self._checkpoints.sort(key=lambda checkpoint: checkpoint.row)

    def _jump(self) -> None:
        """Start from the last kept state before the cursor, where that is nearer than the state at hand."""
        usable = [c for c in self._checkpoints if c.row <= self.cursor]
        nearest = usable[-1].row if usable else -1
        if nearest <= self.state_row <= self.cursor:
            return
        self.state = usable[-1].state.copy() if usable else self._new_state()
        self.state_row = nearest
