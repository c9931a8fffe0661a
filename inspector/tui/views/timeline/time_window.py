"""TimeWindow: which stretch of a session the timeline shows, where the cursor stands in it, and what is selected.

Cells are counted from time 0. How many of them fit is told each time: that changes all the time.
"""

from __future__ import annotations

CELL_US = tuple(
    ms * 1000
    for ms in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000)
)
"""What a cell may stand for; the smallest has one envelope in each of its two columns."""
START_ZOOM = 2


class TimeWindow:
    """A place in session time, in microseconds."""

    def __init__(self) -> None:
        self.zoom = START_ZOOM
        """Index into ``CELL_US``."""
        self.left = 0
        """The first cell that is shown."""
        self.cursor_us = 0
        self.anchor_us: int | None = None
        """Where the selection began; None where nothing is selected."""

    @property
    def cell_us(self) -> int:
        """Return how much time a cell stands for."""
        return CELL_US[self.zoom]

    @property
    def selection(self) -> tuple[int, int] | None:
        """Return the selected span in microseconds, whole cells; None where nothing is selected."""
        if self.anchor_us is None:
            return None
        first, last = sorted((self.anchor_us, self.cursor_us))
        return first // self.cell_us * self.cell_us, (last // self.cell_us + 1) * self.cell_us

    def time_at(self, column: int) -> int:
        """Return the time in the middle of a cell, by its place from the left edge."""
        return max(0, (self.left + column) * self.cell_us + self.cell_us // 2)

    def select_from_here(self) -> None:
        """Begin a selection at the cursor, unless one has begun."""
        if self.anchor_us is None:
            self.anchor_us = self.cursor_us

    def zoom_by(self, step: int, columns: int) -> None:
        """Show more time, or less, with the cursor in the same column."""
        column = max(0, min(columns - 1, self.cursor_us // self.cell_us - self.left))
        self.zoom = max(0, min(len(CELL_US) - 1, self.zoom + step))
        self.left = max(0, self.cursor_us // self.cell_us - column)

    def fit(self, end_us: int, columns: int) -> None:
        """Show everything up to a time."""
        fitting = (at for at, cell in enumerate(CELL_US) if end_us <= cell * columns)
        self.zoom = next(fitting, len(CELL_US) - 1)
        self.left = 0

    def pan(self, step: int, end_us: int, columns: int) -> None:
        """Move by eighths of what is shown, up to where half of it would be empty."""
        last = max(0, end_us // self.cell_us - columns // 2)
        self.left = max(0, min(last, self.left + step * max(1, columns // 8)))

    def reveal(self, t_us: int, columns: int, *, ahead: int) -> None:
        """Scroll until a time is shown, by a quarter of a screen at a time, so that most frames move nothing."""
        cell = t_us // self.cell_us
        if cell < self.left:
            self.left = max(0, cell - columns // 4)
        elif cell >= self.left + columns - ahead:
            self.left = max(0, cell - columns + ahead + columns // 4)
