"""One entry of the conversation, as strips: a head line, its words, and two texts side by side where they belong together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from inspector.analysis.conversation_entry import Column, Entry, EntryId, Paragraph, Tone
from inspector.analysis.dialogue import entry, stamp
from inspector.analysis.sanitize import sanitized
from inspector.core.state import SessionState
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.wrapping import Run, wrapped
from inspector.tui.terminal.strips import UncachedStrip, fitted

Styles = Mapping[str, Style]
"""A style by the name of every tone."""

CACHED_BLOCKS = 400
INDENT = 12
WHO_WIDTH = 11
SIDE_BY_SIDE = 64
"""From this many columns on, arguments and output stand beside each other."""
MAX_CHARS = 20_000
"""Of one text; more is not read on a screen, and would be wrapped anew on every delta."""


class EntryBlocks:
    """The entries of one conversation as lines, each made once and kept as long as it reads the same."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._kept: OrderedDict[tuple[object, ...], list[UncachedStrip]] = OrderedDict()

    def lines(
        self, state: SessionState, place: EntryId, width: int, styles: Styles, answer_key: str
    ) -> list[UncachedStrip]:
        """Return the lines of the entry at a place, as ``entry_lines`` makes them.

        Args:
            state: the session.
            place: which entry.
            width: cells of a line.
            styles: what the tones look like.
            answer_key: the key that answers what waits for the user, in words; ``""`` where none does.
        """
        key = (place, stamp(state, place), width)
        found = self._kept.get(key)
        if found is None:
            made = explained(entry(state, place), answer_key)
            found = entry_lines(made, width, styles, self._glyphs)
            self._kept[key] = found
            if len(self._kept) > CACHED_BLOCKS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found

    def clear(self) -> None:
        """Make every entry anew, for another width or theme."""
        self._kept.clear()


def entry_lines(entry: Entry, width: int, styles: Styles, glyphs: Glyphs) -> list[UncachedStrip]:
    """Return the lines of an entry, each exactly ``width`` cells, with an empty one at the end."""
    lines = [_line(runs, width, styles) for runs in _lines(entry, width, glyphs)]
    return [*lines, _line([], width, styles)]


def explained(entry: Entry, answer_key: str) -> Entry:
    """Return an entry that says by which key what it waits for is given; ``""`` where it cannot be."""
    if not answer_key:
        return entry
    columns = tuple(
        replace(column, text=f"{column.text}: {answer_key} answers by hand")
        if column.is_awaited
        else column
        for column in entry.columns
    )
    return replace(entry, columns=columns) if columns else entry


def _lines(entry: Entry, width: int, glyphs: Glyphs) -> Iterator[list[Run]]:
    yield from _head(entry, width)
    indent = (" " * min(INDENT, width // 4), "base")
    room = max(8, width - len(indent[0]) - 1)
    for paragraph in entry.paragraphs:
        for line in wrapped(_scissored(_cut(paragraph), glyphs), room):
            yield [indent, *line]
    if len(entry.columns) == 2 and room >= SIDE_BY_SIDE:
        for line in _beside(entry.columns[0], entry.columns[1], room):
            yield [indent, *line]
        return
    for column in entry.columns:
        yield [indent, (column.title, "dim")]
        for line in wrapped(_cut(((column.text, column.tone),)), room - 2):
            yield [indent, ("  ", "base"), *line]


def _head(entry: Entry, width: int) -> Iterator[list[Run]]:
    """Yield when, who, and the facts; those that the line has no room for go below."""
    indent: Run = (" " * min(INDENT, width // 4), "base")
    when = f"#{entry.first_row + 1}" if entry.t_ns is None else f"{entry.t_ns / 1e9:.3f}"
    line = [
        (f"{when:>10}  ", "dim"),
        (f"{sanitized(entry.who):<{WHO_WIDTH}} ", entry.tone),
    ]
    for fact in entry.facts:
        text = sanitized(fact.text)
        used = sum(cell_len(word) for word, _ in line)
        if used + cell_len(text) >= width and len(line) > 1:
            yield _shortened(line, width)
            line = [indent]
        line += [(text, fact.tone), ("  ", "base")]
    yield _shortened(line, width)


def _shortened(runs: list[Run], width: int) -> list[Run]:
    """Cut a line at the first run that does not fit: a name or a fact may be as long as a hostile id."""
    used = 0
    for index, (text, style) in enumerate(runs):
        short = text if cell_len(text) < width - used else fitted(text, width - used - 1)
        runs[index] = (short, style)
        used += cell_len(short)
        if used >= width - 1:
            return runs[: index + 1]
    return runs


def _beside(left: Column, right: Column, room: int) -> Iterator[list[Run]]:
    half = (room - 3) // 2
    yield [(f"{left.title:<{half + 3}}", "dim"), (right.title, "dim")]
    texts = (
        wrapped(_cut(((left.text, left.tone),)), half),
        wrapped(_cut(((right.text, right.tone),)), half),
    )
    for one, other in zip_longest(*texts, fillvalue=()):
        filled = _line(list(one), half, {})
        yield [(filled.text, left.tone), ("   ", "base"), *other]


def _cut(paragraph: Paragraph | tuple[tuple[str, Tone], ...]) -> Iterator[Run]:
    room = MAX_CHARS
    for text, tone in paragraph:
        if len(text) > room:
            yield text[:room], tone
            yield f" … {len(text) - room:,} more characters; copying takes them all", "dim"
            return
        room -= len(text)
        yield text, tone


def _scissored(runs: Iterable[Run], glyphs: Glyphs) -> Iterator[Run]:
    """Put a sign before what was cut off, for terminals that cannot strike it through."""
    for index, (text, style) in enumerate(runs):
        if index and style == Tone.STRUCK:
            yield f"{glyphs.cut} ", "warning"
        yield text, style


def _line(runs: list[Run], width: int, styles: Styles) -> UncachedStrip:
    strip = UncachedStrip([Segment(text, styles.get(style)) for text, style in runs])
    fixed = strip.adjust_cell_length(width, styles.get("base"))
    return UncachedStrip(fixed, width)
