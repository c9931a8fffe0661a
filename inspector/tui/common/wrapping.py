"""Word wrapping of styled text into lines of a width in cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len

from inspector.analysis.sanitize import sanitized

Run = tuple[str, str]
"""A text and the name of its style."""
_TAB = "    "


def wrapped(runs: Iterable[Run], width: int) -> list[list[Run]]:
    """Return sanitised lines of at most ``width`` cells; break at spaces and newlines.

    A word wider than a line is broken at the end of the line.
    """
    lines = []
    for paragraph in _paragraphs(runs):
        text = "".join(run[0] for run in paragraph)
        lines += [list(_slice(paragraph, *span)) for span in _breaks(text, max(1, width))]
    return lines


def _paragraphs(runs: Iterable[Run]) -> Iterator[list[Run]]:
    paragraph: list[Run] = []
    for text, style in runs:
        first, *others = text.split("\n")
        paragraph.append((_cleaned(first), style))
        for other in others:
            yield paragraph
            paragraph = [(_cleaned(other), style)]
    yield paragraph


def _cleaned(text: str) -> str:
    return sanitized(text.replace("\t", _TAB).removesuffix("\r"))


def _breaks(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each line of a text without newlines; an empty text has one empty line."""
    # ASCII has one cell per character, so most texts need no measuring.
    cells = None if text.isascii() else [cell_len(character) for character in text]
    start = 0
    while True:
        end = _reach(start, len(text), width, cells)
        if end >= len(text):
            yield start, len(text)
            return
        # A space just behind the last cell also ends the line.
        space = text.rfind(" ", start + 1, end + 1)
        if space > start and text[start:space].strip():
            end = space
        yield start, end
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
        if start >= len(text):
            return


def _reach(start: int, stop: int, width: int, cells: list[int] | None) -> int:
    """Return where a line from ``start`` must end at the latest; it has at least one character."""
    if cells is None:
        return min(stop, start + width)
    # A character wider than the line is taken all the same, or this would never end.
    used = cells[start] if start < stop else 0
    end = start + 1
    while end < stop and used + cells[end] <= width:
        used += cells[end]
        end += 1
    return end


def _slice(paragraph: list[Run], start: int, end: int) -> Iterator[Run]:
    position = 0
    for text, style in paragraph:
        piece = text[max(0, start - position) : max(0, end - position)]
        position += len(text)
        if piece:
            yield piece, style
