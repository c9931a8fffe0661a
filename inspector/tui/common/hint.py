"""Hint: the last line of a screen: what is true, and what to do next."""

from __future__ import annotations

from typing import NamedTuple

from inspector.tui.common.header import HeaderPart, header_line


class Hint(NamedTuple):
    """One line: its parts give way to each other as those of a header do."""

    parts: tuple[HeaderPart, ...]
    """From left to right."""
    step: str = ""
    """The action that comes next, as the screen names it; ``""`` where it is no button's."""

    def line(self, width: int) -> str:
        """Return the line in at most ``width`` cells, as far as the ranks of its parts allow."""
        return header_line(self.parts, width)


def hint(words: str, *more: str, step: str = "") -> Hint:
    """Return a hint of plain texts: the first never gives way, of the others the last does first."""
    parts = (HeaderPart(text, rank) for rank, text in enumerate(more, 1) if text)
    return Hint((HeaderPart(words), *parts), step)
