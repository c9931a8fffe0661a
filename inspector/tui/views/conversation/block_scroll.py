"""Scrolling through blocks of different heights; the position is a block and a line in it.

Only the blocks near the position are asked for their height, so the number of blocks does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of a block on the screen."""

    y: int
    """First line of the block, relative to the widget; negative if the block starts above it."""
    index: int
    height: int


class BlockScroll:
    """Scroll position among blocks. Their number and the widget's height are passed to every call, since both change."""

    def __init__(self, height_of: Callable[[int], int]) -> None:
        """Start at the first block; ``height_of`` returns the lines of a block, the last of which is empty."""
        self.top = 0
        """The block at the upper edge of the widget."""
        self._line = 0
        """How many lines of that block are above the edge."""
        self._height_of = height_of

    def layout(self, count: int, height: int) -> list[Placed]:
        """Return the visible blocks."""
        found = []
        y, index = -self._line, self.top
        while y < height and index < count:
            placed = Placed(y, index, self._height_of(index))
            found.append(placed)
            y += placed.height
            index += 1
        return found

    def is_needed(self, count: int, height: int) -> bool:
        """Return whether some blocks are not visible; False without blocks."""
        if not count:
            return False
        if (self.top, self._line) != (0, 0):
            return True
        last = self.layout(count, height)[-1]
        return last.index < count - 1 or last.y + last.height - 1 > height

    def move(self, lines: int, count: int, height: int) -> None:
        """Scroll by lines, stopping at either end."""
        top, line = self.top, self._line + lines
        while line < 0 and top > 0:
            top -= 1
            line += self._height_of(top)
        while top < count and line >= self._height_of(top):
            line -= self._height_of(top)
            top += 1
        self.top, self._line = min((top, max(0, line)), self._ending_with(count - 1, height))

    def shift(self, blocks: int) -> None:
        """Keep the visible blocks in place after blocks were inserted or removed before them."""
        self.top = max(0, self.top + blocks)

    def show_end(self, index: int, height: int) -> None:
        """Show the end of a block on the last line, or the first block if everything fits."""
        self.top, self._line = self._ending_with(index, height)

    def reveal(self, index: int, count: int, height: int, *, is_from_below: bool) -> None:
        """Scroll just far enough to show a block; of one that is higher than the screen, the near end."""
        if not count:
            self.top, self._line = 0, 0
            return
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
        # The empty line below a block may lie outside of the widget.
        room = height + 1
        for at in range(index, -1, -1):
            room -= self._height_of(at)
            if room <= 0:
                return at, -room
        return 0, 0


class BlockCursor:
    """The selected block, and the scroll position that shows it; on the last block, new ones are followed."""

    def __init__(self, height_of: Callable[[int], int]) -> None:
        """Start at the first block."""
        self.index = 0
        self.is_following = True
        self.position = BlockScroll(height_of)

    def shift(self, blocks: int) -> None:
        """Keep the selected block after blocks were inserted or removed before it."""
        self.index += blocks
        self.position.shift(blocks)

    def settle(self, count: int, height: int) -> None:
        """Limit the selection to the blocks that exist; when following, select the last."""
        last = max(0, count - 1)
        self.index = last if self.is_following else min(self.index, last)
        if self.is_following or self.position.top > last:
            self.reveal(count, height)

    def select(self, index: int, count: int, height: int, *, is_from_below: bool = False) -> None:
        """Select a block, or the nearest one that exists."""
        self.index = max(0, min(index, count - 1))
        self.is_following = self.index == count - 1
        self.reveal(count, height, is_from_below=is_from_below)

    def reveal(self, count: int, height: int, *, is_from_below: bool = False) -> None:
        """Scroll just far enough to show the selected block; of one that is higher than the screen, the near end."""
        if self.is_following:
            self.position.show_end(count - 1, height)
        else:
            self.position.reveal(self.index, count, height, is_from_below=is_from_below)

    def scroll(self, lines: int, count: int, height: int) -> None:
        """Scroll by lines without changing the selection."""
        self.is_following = False
        self.position.move(lines, count, height)

    def step(self, step: int, count: int, height: int) -> None:
        """Select the next or previous block; scroll by lines through one that is higher than the screen."""
        layout = self.position.layout(count, height)
        here = next((placed for placed in layout if placed.index == self.index), None)
        if here is not None and step > 0 and here.y + here.height - 1 > height:
            self.scroll(min(height - 1, here.y + here.height - 1 - height), count, height)
        elif here is not None and step < 0 and here.y < 0:
            self.scroll(max(1 - height, here.y), count, height)
        else:
            self.select(self.index + step, count, height, is_from_below=step < 0)

    def page(self, step: int, count: int, height: int) -> None:
        """Scroll by pages and move the selection along."""
        self.scroll(step * max(1, height - 1), count, height)
        layout = self.position.layout(count, height)
        shown = [placed.index for placed in layout if placed.y >= 0]
        if shown:
            at_end = step > 0 and shown[-1] == count - 1
            at_start = step < 0 and shown[0] == 0
            self.index = shown[-1] if at_end else 0 if at_start else shown[step < 0 and -1]
