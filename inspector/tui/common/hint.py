"""Hint: the last line of a screen, with the current condition and the keys for what to do next."""

from __future__ import annotations

from typing import NamedTuple

from inspector.tui.common.header import HeaderPart, header_line


class Hint(NamedTuple):
    """One line whose parts give way to each other as those of a header do."""

    parts: tuple[HeaderPart, ...]
    """Parts from left to right."""
    step: str = ""
    """Action of the button to highlight as the next step; ``""`` for none."""

    def line(self, width: int) -> str:
        """Return the line in at most ``width`` cells, as far as the ranks of its parts allow."""
        return header_line(self.parts, width)


def hint(words: str, *more: str, step: str = "") -> Hint:
    """Return a hint of plain texts: the first always stays, the others are left out from the last on."""
    parts = (HeaderPart(text, rank) for rank, text in enumerate(more, 1) if text)
    return Hint((HeaderPart(words), *parts), step)
