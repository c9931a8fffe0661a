"""Strips, Textual's lines of cells: fitted to a width, overlaid with a style, and without a leak of ``Strip``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


class UncachedStrip(Strip):
    """A strip that does not keep itself alive.

    ``Strip.divide`` of Textual 8.2.8 stores an undivided strip in its own cache. The cycle leaves each row that scrolls by to the
    garbage collector, which then stops the screen for a tenth of a second every few seconds.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Return the pieces between the cuts; the strip itself if it is undivided."""
        cuts = list(cuts)
        return [self] if cuts == [self.cell_length] else super().divide(cuts)


def fitted(text: str, width: int) -> str:
    """Return ``text`` in exactly ``width`` cells, with an ellipsis if it was shortened."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, width - 1)}…" if width > 0 else ""


def overlaid(strip: Strip, style: Style) -> Strip:
    """Return a strip with a style above its own; ``Strip.apply_style`` puts it below."""
    return Strip(
        [Segment(text, (own or Style()) + style) for text, own, _ in strip], strip.cell_length
    )
