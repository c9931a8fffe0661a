"""Drawing of a conversation entry: a head line, its text, and a call's arguments beside its output."""

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
"""Styles by the name of the tone."""

CACHED_BLOCKS = 400
INDENT = 12
WHO_WIDTH = 11
SIDE_BY_SIDE = 64
"""Width from which arguments and output are shown side by side."""
MAX_CHARS = 20_000
"""How much of one text is shown; longer ones would be rewrapped as a whole on every delta."""


class EntryBlocks:
    """The drawn entries of one conversation, cached until they change."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._blocks: OrderedDict[tuple[object, ...], list[UncachedStrip]] = OrderedDict()

    def lines(
        self, state: SessionState, place: EntryId, width: int, styles: Styles, answer_key: str
    ) -> list[UncachedStrip]:
        """Return the lines of an entry.

        Args:
            state: the session's state.
            place: id of the entry.
            width: width of a line in cells.
            styles: styles of the tones.
            answer_key: key for answering a pending request; ``""`` if it cannot be answered.
        """
        key = (place, stamp(state, place), width)
        found = self._blocks.get(key)
        if found is None:
            answerable = with_answer_key(entry(state, place), answer_key)
            found = entry_lines(answerable, width, styles, self._glyphs)
            self._blocks[key] = found
            if len(self._blocks) > CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(key)
        return found

    def clear(self) -> None:
        """Drop all drawn entries, for another width or theme."""
        self._blocks.clear()


def entry_lines(entry: Entry, width: int, styles: Styles, glyphs: Glyphs) -> list[UncachedStrip]:
    """Return the lines of an entry, each exactly ``width`` cells, with an empty one at the end."""
    lines = [_line(runs, width, styles) for runs in _lines(entry, width, glyphs)]
    return [*lines, _line([], width, styles)]


def with_answer_key(entry: Entry, answer_key: str) -> Entry:
    """Return an entry whose pending request names the key for answering it."""
    if not answer_key:
        return entry
    columns = tuple(
        replace(column, text=f"{column.text} · {answer_key} answer by hand")
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
        for line in wrapped(_with_cut_marks(_shortened_text(paragraph), glyphs), room):
            yield [indent, *line]
    if len(entry.columns) == 2 and room >= SIDE_BY_SIDE:
        for line in _side_by_side(entry.columns[0], entry.columns[1], room):
            yield [indent, *line]
        return
    for column in entry.columns:
        yield [indent, (column.title, "dim")]
        for line in wrapped(_shortened_text(((column.text, column.tone),)), room - 2):
            yield [indent, ("  ", "base"), *line]


def _head(entry: Entry, width: int) -> Iterator[list[Run]]:
    """Yield the head line: time, speaker and facts. Facts that do not fit go on further lines."""
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
    """Shorten a line at the first run that does not fit; an id from a hostile server may be very long."""
    used = 0
    for index, (text, style) in enumerate(runs):
        short = text if cell_len(text) < width - used else fitted(text, width - used - 1)
        runs[index] = (short, style)
        used += cell_len(short)
        if used >= width - 1:
            return runs[: index + 1]
    return runs


def _side_by_side(left: Column, right: Column, room: int) -> Iterator[list[Run]]:
    half = (room - 3) // 2
    yield [(f"{left.title:<{half + 3}}", "dim"), (right.title, "dim")]
    texts = (
        wrapped(_shortened_text(((left.text, left.tone),)), half),
        wrapped(_shortened_text(((right.text, right.tone),)), half),
    )
    for one, other in zip_longest(*texts, fillvalue=()):
        filled = _line(list(one), half, {})
        yield [(filled.text, left.tone), ("   ", "base"), *other]


def _shortened_text(paragraph: Paragraph | tuple[tuple[str, Tone], ...]) -> Iterator[Run]:
    room = MAX_CHARS
    for text, tone in paragraph:
        if len(text) > room:
            yield text[:room], tone
            yield f" … {len(text) - room:,} more characters; copy to get them all", "dim"
            return
        room -= len(text)
        yield text, tone


def _with_cut_marks(runs: Iterable[Run], glyphs: Glyphs) -> Iterator[Run]:
    """Put a mark before text that was cut off, for terminals without strike-through."""
    for index, (text, style) in enumerate(runs):
        if index and style == Tone.STRUCK:
            yield f"{glyphs.cut} ", "warning"
        yield text, style


def _line(runs: list[Run], width: int, styles: Styles) -> UncachedStrip:
    strip = UncachedStrip([Segment(text, styles.get(style)) for text, style in runs])
    fixed = strip.adjust_cell_length(width, styles.get("base"))
    return UncachedStrip(fixed, width)
