"""How far blocks of any height, under each other, are scrolled: to a block, and a line in it.

So only the blocks around the position are ever asked for their height, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a block stands on the screen."""

    y: int
    """Line of the widget where it begins; negative where its beginning is above."""
    index: int
    height: int


class BlockScroll:
    """A position among blocks. How many there are, and how many lines are shown, is told each time: both change."""

    def __init__(self, height_of: Callable[[int], int]) -> None:
        """Begin at the first block; ``height_of`` returns the lines of one, of which the last is empty."""
        self.top = 0
        """The block at the upper edge."""
        self._line = 0
        """How many of its lines are above."""
        self._height_of = height_of

    def layout(self, count: int, height: int) -> list[Placed]:
        """Return the blocks that are on the screen."""
        found = []
        y, index = -self._line, self.top
        while y < height and index < count:
            placed = Placed(y, index, self._height_of(index))
            found.append(placed)
            y += placed.height
            index += 1
        return found

    def is_needed(self, count: int, height: int) -> bool:
        """Tell whether there is more than is shown; false where there is nothing."""
        if not count:
            return False
        if (self.top, self._line) != (0, 0):
            return True
        last = self.layout(count, height)[-1]
        return last.index < count - 1 or last.y + last.height - 1 > height

    def move(self, lines: int, count: int, height: int) -> None:
        """Scroll by lines, within what there is."""
        top, line = self.top, self._line + lines
        while line < 0 and top > 0:
            top -= 1
            line += self._height_of(top)
        while top < count and line >= self._height_of(top):
            line -= self._height_of(top)
            top += 1
        self.top, self._line = min((top, max(0, line)), self._ending_with(count - 1, height))

    def shift(self, blocks: int) -> None:
        """Stay with what is read where blocks were put in before it, or taken out."""
        self.top = max(0, self.top + blocks)

    def show_end(self, index: int, height: int) -> None:
        """Show the end of a block on the last line, or the first block where all fits."""
        self.top, self._line = self._ending_with(index, height)

    def reveal(self, index: int, count: int, height: int, *, is_from_below: bool) -> None:
        """Scroll as little as shows a block: the near end of one that is higher than the screen."""
        room = height + 1
        shown = next((p for p in self.layout(count, height) if p.index == index), None)
        if shown is not None and 0 <= shown.y <= room - shown.height:
            return
        is_tall = self._height_of(index) > room
        is_below = index > self.top if shown is None else shown.y > 0
        if (is_from_below and is_tall) or (is_below and not is_tall):
            self.show_end(index, height)
        else:
            self.top, self._line = index, 0

    def _ending_with(self, index: int, height: int) -> tuple[int, int]:
        # The empty line below a block may stay outside.
        room = height + 1
        for at in range(index, -1, -1):
            room -= self._height_of(at)
            if room <= 0:
                return at, -room
        return 0, 0
