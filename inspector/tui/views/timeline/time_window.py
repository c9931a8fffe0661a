"""TimeWindow: the visible stretch of a session in the timeline, its cursor and its selection.

Cells are counted from time 0. The number of visible cells is passed to every call, since it changes with the screen.
"""

from __future__ import annotations

CELL_US = tuple(
    ms * 1000
    for ms in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000)
)
"""Durations of a cell to zoom through; the smallest has one envelope in each of its two columns of dots."""
START_CELL_US = 100_000  # ten seconds in a wide terminal


class TimeWindow:
    """A stretch of session time, in microseconds."""

    def __init__(self) -> None:
        self.cell_us = START_CELL_US
        """Duration of a cell: one of ``CELL_US``, or what fits the whole session."""
        self.left = 0
        """The first visible cell."""
        self.cursor_us = 0
        self.anchor_us: int | None = None
        """Where the selection began; None without one."""

    @property
    def selection(self) -> tuple[int, int] | None:
        """Return the selected span in microseconds, rounded to whole cells; None without a selection."""
        if self.anchor_us is None:
            return None
        first, last = sorted((self.anchor_us, self.cursor_us))
        return first // self.cell_us * self.cell_us, (last // self.cell_us + 1) * self.cell_us

    def time_at(self, column: int) -> int:
        """Return the time in the middle of a cell, given by its column."""
        return max(0, (self.left + column) * self.cell_us + self.cell_us // 2)

    def select_from_here(self) -> None:
        """Start a selection at the cursor, unless there is one."""
        if self.anchor_us is None:
            self.anchor_us = self.cursor_us

    def zoom_by(self, step: int, columns: int) -> None:
        """Zoom by steps, keeping the cursor in its column."""
        column = max(0, min(columns - 1, self.cursor_us // self.cell_us - self.left))
        for _ in range(abs(step)):
            others = [cell for cell in CELL_US if (cell - self.cell_us) * step > 0]
            if others:
                self.cell_us = others[0] if step > 0 else others[-1]
        self.left = max(0, self.cursor_us // self.cell_us - column)

    def fit(self, end_us: int, columns: int) -> None:
        """Show everything up to a time, as wide as possible."""
        finest = CELL_US[0]
        self.cell_us = min(CELL_US[-1], -(-end_us // (columns * finest)) * finest)
        self.left = 0

    def pan(self, step: int, end_us: int, columns: int) -> None:
        """Scroll by eighths of the visible width, until half of it is empty."""
        last = max(0, end_us // self.cell_us - columns // 2)
        self.left = max(0, min(last, self.left + step * max(1, columns // 8)))

    def reveal(self, t_us: int, columns: int, *, ahead: int) -> None:
        """Scroll until a time is visible, by a quarter of the width, so that most frames do not scroll."""
        cell = t_us // self.cell_us
        if cell < self.left:
            self.left = max(0, cell - columns // 4)
        elif cell >= self.left + columns - ahead:
            self.left = max(0, cell - columns + ahead + columns // 4)
