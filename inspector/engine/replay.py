"""Replay: plays a recording by a cursor, and provides the state of the session at the cursor.

All rows are in the log, as far as they are indexed; the cursor is the last row that has "happened". The screen calls ``tick``
regularly and then reads. Each call does a bounded amount of work, so that a recording of a gigabyte never blocks a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from inspector.analysis.lint.linted_state import LintedState
from inspector.clock import Clock
from inspector.core.log import EventLog
from inspector.core.units import NS_PER_MS
from inspector.engine.session_cost import ledger_of
from inspector.recording.format import Header

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, float("inf"))
"""The speeds offered to the user; infinity is "as fast as possible"."""
FOLD_SLICE_NS = 20 * NS_PER_MS
"""Time for folding in each tick: it takes a third of a core while a long recording is opened, and delays a key by at most this time."""
CHECKPOINTS = 12
"""Copies of the state, spread evenly over the recording: a jump back folds at most a twelfth of it."""
MIN_SPACING = 2000
"""The least number of events between two checkpoints: folding so few takes less than a frame."""
EVENT_US = 250_000
"""Assumed time between two events of a recording without times: at speed 1, slow enough to read each."""
FOLD_BATCH = 64
"""Events folded between two readings of the clock."""


# Theory of operation
#
# Three row numbers follow one another, each at its own pace:
#
#   len(log)   the number of indexed rows            grows in `indexing.advance`
#   cursor     the row that the user is at           jumps (`seek_row`), steps, or follows the clock (`_follow_clock`)
#   state_row  the row up to which `state` is folded follows the cursor, for FOLD_SLICE_NS in each tick; `is_settled` once equal
#
#   state      | session time (`t_us`)                                    | left by
#   -----------+----------------------------------------------------------+-------------------------------------------------------------
#   paused     | `_played_from_us`: the time of the event at the cursor,  | `play`
#              | or a later one before the next event                     |
#   playing    | `_played_from_us` + time since `_played_from_ns` × speed | `pause`, `step`, or the end of a completely indexed file
#   playing,   | the time of the event at the cursor                      | the same
#   speed inf  |                                                          |
#
# Invariants:
#
# 1. Code that moves the cursor or changes the speed must call `_anchor`: session time is counted from the last anchor.
# 2. `state` belongs to `state_row`, not to the cursor. A view that needs both to agree waits for `is_settled`.
# 3. A short way forward is folded from the current state. A way back, or far forward, starts from the nearest checkpoint
#    (`_restore_checkpoint`). A checkpoint is never folded itself: each use makes a copy of it. `restart` drops them all.
# 4. Rows are read with `log.read`, which bypasses the log's cache: folding a million rows must not evict those that the screen shows.
# 5. A recording without times has only an order of rows. It is played as if events were EVENT_US apart; `t_us` is None, and jumps count
#    events instead of seconds.


class Indexing(Protocol):
    """The interface of a recording that is being indexed: ``advance`` adds rows to its log."""

    log: EventLog
    path: Path
    notices: list[str]
    """Notices about the file for the user: an incomplete last line, inferred directions, a file that shrank."""

    @property
    def header(self) -> Header:
        """Return the recording's first line."""
        ...

    @property
    def progress(self) -> float:
        """Return the share of the file that is indexed, 0..1."""
        ...

    def advance(self) -> bool:
        """Add the rows that are indexed by now, without waiting; return True if anything changed."""
        ...

    def close(self) -> None:
        """Close the file and stop its indexing."""
        ...


@dataclass(slots=True)
class _Checkpoint:
    row: int
    state: LintedState


class Replay:
    """A recording with a cursor. Row -1 is before the first event."""

    def __init__(
        self,
        indexing: Indexing,
        clock: Clock,
        *,
        new_state: Callable[[], LintedState] | None = None,
    ):
        """Open a recording, paused before the first event.

        Args:
            indexing: the recording, which may still be indexing.
            clock: the clock that playing follows.
            new_state: creates the state before the first event; None for one with all rules.
        """
        self.indexing = indexing
        self.log = indexing.log
        self.header = indexing.header
        self.path = indexing.path
        self.cursor = -1
        self.is_playing = False
        self.speed = 1.0
        ledger = partial(ledger_of, self.header)
        self._new_state = new_state or partial(LintedState, new_ledger=ledger)
        self.state = self._new_state()
        self.state_row = -1
        """The row up to which ``state`` is folded; equals ``cursor`` once settled."""
        self._clock = clock
        self._checkpoints: list[_Checkpoint] = []
        self._played_from_us = 0
        self._played_from_ns = 0
        self._last_snapshot = self._snapshot()
        """The values that ``tick`` compares, as of the last tick."""

    @property
    def notices(self) -> list[str]:
        """Return the notices about the file for the user."""
        return self.indexing.notices

    @property
    def is_settled(self) -> bool:
        """Return True if ``state`` is folded up to the cursor."""
        return self.state_row == self.cursor

    @property
    def has_times(self) -> bool:
        """Return True if the recording has times; without times the cursor moves by events only."""
        return self.log.has_times

    @property
    def t_us(self) -> int | None:
        """Return the session time in microseconds: that of the event at the cursor, or a later one before the next event.

        None if the recording has no times.
        """
        return self._position_us() if self.has_times else None

    @property
    def duration_us(self) -> int | None:
        """Return the latest time indexed so far, in microseconds; None if the recording has no times."""
        return self.log.end_us

    def play(self) -> None:
        """Start to move the cursor with the clock; at the end of the recording, restart from the beginning."""
        if self.cursor >= len(self.log) - 1:
            self.seek_row(-1)
        self._anchor(self._position_us())
        self.is_playing = True

    def pause(self) -> None:
        """Stop playing at the current time, with the cursor on the last event before it."""
        if self.is_playing:
            # The cursor is as old as the last tick; the user sees the time go on, so the pause takes effect now.
            position_us = self._position_us()
            if self.speed != float("inf"):
                self.cursor = max(self.cursor, self._row_at(position_us))
            self._anchor(position_us)
        self.is_playing = False

    def set_speed(self, speed: float) -> None:
        """Set the speed of playing, from the current time on."""
        position_us = self._position_us()
        self.speed = speed
        self._anchor(position_us)

    def step(self, rows: int) -> None:
        """Pause, and move the cursor by a number of events."""
        self.pause()
        self.seek_row(self.cursor + rows)

    def seek_row(self, row: int) -> None:
        """Move the cursor to a row, clamped to the indexed rows."""
        row = max(-1, min(row, len(self.log) - 1))
        if row != self.cursor:
            self.cursor = row
        self._anchor()

    def seek_t_us(self, t_us: int) -> None:
        """Move the cursor to the last event at or before a session time; do nothing if the recording has no times."""
        if not self.has_times:
            return
        self.seek_row(self.log.row_at(t_us))
        self._anchor(max(0, min(t_us, self._end_us())))

    def jump(self, seconds: int) -> None:
        """Move by seconds, or by as many events if the recording has no times; playing continues from there."""
        if self.has_times:
            self.seek_t_us(max(0, self._position_us() + seconds * 1_000_000))
        else:
            self.seek_row(max(0, self.cursor + seconds))

    def restart(self, new_state: Callable[[], LintedState]) -> None:
        """Compute the state anew from another beginning; the cursor stays.

        Args:
            new_state: creates the state before the first event.
        """
        self._new_state = new_state
        self._checkpoints.clear()
        self.state, self.state_row = new_state(), -1

    def tick(self) -> bool:
        """Index, move the cursor and fold, each for a bounded time; return True if anything changed since the last tick."""
        before = self._last_snapshot
        self.indexing.advance()
        if self.is_playing:
            self._follow_clock()
        self._fold_slice()
        self._last_snapshot = self._snapshot()
        return before != self._last_snapshot

    def close(self) -> None:
        """Close the recording."""
        self.indexing.close()

    def _snapshot(self) -> tuple[object, ...]:
        return self.cursor, self.is_playing, self.log.revision, self.state_row

    def _anchor(self, t_us: int | None = None) -> None:
        self._played_from_us = self._cursor_us() if t_us is None else t_us
        self._played_from_ns = self._clock.now_ns()

    # The following methods return microseconds even if the recording has no times: then ``EVENT_US`` for each event.

    def _position_us(self) -> int:
        if self.is_playing and self.speed != float("inf"):
            return self._played_us()
        return self._cursor_us() if self.is_playing else self._played_from_us

    def _cursor_us(self) -> int:
        if not 0 <= self.cursor < len(self.log):
            return 0
        if not self.has_times:
            return self.cursor * EVENT_US
        # Rows before the first one with a time have no time to reach; they count as the start.
        return self.log.reached_us(self.cursor) or 0

    def _end_us(self) -> int:
        end_us = self.log.end_us
        return max(0, len(self.log) - 1) * EVENT_US if end_us is None else end_us

    def _row_at(self, position_us: int) -> int:
        if self.has_times:
            return self.log.row_at(position_us)
        return min(position_us // EVENT_US, len(self.log) - 1)

    def _played_us(self) -> int:
        elapsed_us = (self._clock.now_ns() - self._played_from_ns) / 1000
        return min(int(self._played_from_us + elapsed_us * self.speed), self._end_us())

    def _follow_clock(self) -> None:
        last = len(self.log) - 1
        target = last if self.speed == float("inf") else self._row_at(self._played_us())
        if target > self.cursor:
            self.cursor = target
        if self.cursor >= last and self.indexing.progress >= 1.0:
            self.pause()

    def _fold_slice(self) -> None:
        if self.state_row != self.cursor:
            self._restore_checkpoint()
        until_ns = self._clock.now_ns() + FOLD_SLICE_NS
        spacing = max(MIN_SPACING, len(self.log) // CHECKPOINTS)
        while self.state_row < self.cursor:
            for row in range(self.state_row + 1, min(self.cursor, self.state_row + FOLD_BATCH) + 1):
                self.state.apply(self.log.read(row))
                self.state_row = row
                if (row + 1) % spacing == 0:
                    self._add_checkpoint(row, spacing)
            if self._clock.now_ns() >= until_ns:
                break

    def _add_checkpoint(self, row: int, spacing: int) -> None:
        # The spacing grows with the log while it is indexed: checkpoints that no longer fit it are removed.
        self._checkpoints = [
            c for c in self._checkpoints if c.row != row and (c.row + 1) % spacing == 0
        ]
        self._checkpoints.append(_Checkpoint(row, self.state.copy()))
        self._checkpoints.sort(key=lambda checkpoint: checkpoint.row)

    def _restore_checkpoint(self) -> None:
        """Replace the state by a copy of the last checkpoint before the cursor, if that is nearer than the current state."""
        usable = [c for c in self._checkpoints if c.row <= self.cursor]
        nearest = usable[-1].row if usable else -1
        if nearest <= self.state_row <= self.cursor:
            return
        self.state = usable[-1].state.copy() if usable else self._new_state()
        self.state_row = nearest
