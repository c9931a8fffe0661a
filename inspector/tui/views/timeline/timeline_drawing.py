"""Drawing of the timeline as a grid of cells: two lanes of audio, marks between them, and an axis. Independent of widgets.

A picture is two arrays, characters and styles, so that two pictures are compared in one step and only the differences are
repainted. Every character is one cell wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from inspector.analysis.marks import MARK_KINDS, MarkKind
from inspector.analysis.placement import AudioSide
from inspector.analysis.waterfall import TurnSpan
from inspector.analysis.waveform import Waveform
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.views.timeline.wave_cells import Cells, dots_in, wave_cells

STYLES = (
    "base",
    "dim",
    "client",
    "server",
    "faint",
    "warning",
    "error",
    "mark",
    "head",
)
"""Styles of a cell's character; its background is one of ``GROUNDS``."""
GROUNDS = ("base", "selection", "cursor")
GROUND = 16
"""A cell's style code is the index of its style plus this times the index of its ground."""
LABEL = 7
"""Columns to the left of the lanes."""
MOST_MARK_ROWS = 3
"""Rows for marks where there is room: marks that share a cell stand one above the other."""
LEAST_ROWS_FOR_STACKS = 16
_BASE, _DIM, _CLIENT, _SERVER, _FAINT, _WARNING, _ERROR, _MARK, _HEAD = range(9)
_LETTERS = {
    MarkKind.SPEECH_STARTED: ("S", _CLIENT),
    MarkKind.SPEECH_STOPPED: ("E", _CLIENT),
    MarkKind.COMMITTED: ("C", _CLIENT),
    MarkKind.RESPONSE_STARTED: ("R", _SERVER),
    MarkKind.FIRST_AUDIO: ("A", _SERVER),
    MarkKind.RESPONSE_ENDED: ("D", _SERVER),
    MarkKind.TOOL_CALL: ("T", _MARK),
    MarkKind.UNDERRUN: ("U", _WARNING),
    MarkKind.TRUNCATED: ("", _WARNING),
    MarkKind.ERROR: ("!", _ERROR),
    MarkKind.FOUND_WARNING: ("", _WARNING),
    MarkKind.FOUND_ERROR: ("", _ERROR),
}
"""Letter and style by kind of mark, the most important last: it stands on the line if several fall into one cell."""
_SIGN_OF: Mapping[MarkKind, Callable[[Glyphs], str]] = {
    MarkKind.TRUNCATED: lambda glyphs: glyphs.cut,
    MarkKind.FOUND_WARNING: lambda glyphs: glyphs.caution,
    MarkKind.FOUND_ERROR: lambda glyphs: glyphs.bad,
}
"""Signs of the kinds without a letter."""
_LEGEND = {
    MarkKind.SPEECH_STARTED: "speech started",
    MarkKind.SPEECH_STOPPED: "ended",
    MarkKind.COMMITTED: "commit",
    MarkKind.RESPONSE_STARTED: "response",
    MarkKind.FIRST_AUDIO: "first audio",
    MarkKind.RESPONSE_ENDED: "done",
    MarkKind.TOOL_CALL: "tool",
    MarkKind.UNDERRUN: "underrun",
    MarkKind.TRUNCATED: "cut",
    MarkKind.ERROR: "error",
    MarkKind.FOUND_ERROR: "found",
}
_SHORT_LEGEND = {
    MarkKind.SPEECH_STOPPED: "speech",
    MarkKind.COMMITTED: "commit",
    MarkKind.RESPONSE_ENDED: "response",
    MarkKind.TOOL_CALL: "tool",
    MarkKind.UNDERRUN: "gap",
    MarkKind.TRUNCATED: "cut",
    MarkKind.ERROR: "error",
    MarkKind.FOUND_ERROR: "found",
}
"""For narrow screens, 80 columns wide. Letters without a text share that of the next letter."""
_RANK = {kind: rank for rank, kind in enumerate(_LETTERS)}
_TICKS_US = tuple(
    round(seconds * 1e6)
    for seconds in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 43_200)
)
_TICK_CELLS = 10
"""Least number of cells between two times on the axis."""
_CLIPPED = 0.999  # full scale minus the rounding of 16-bit samples
_NO_AUDIO = "no audio on this connection"
_NO_TIMES = "these events have no times, so the timeline is empty"
_REFUSED = "the server rejected all audio that was sent"

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DrawnStretch:
    """The stretch of time to draw, with cursor and selection. Times are microseconds of session time."""

    columns: int
    rows: int
    left: int
    """The first visible cell, counted from time 0."""
    cell_us: int
    cursor_us: int | None
    """None while following ``now_us``, which the axis shows: a moving bar would repaint both lanes."""
    now_us: int
    """Current time of the session, or of the replay's cursor."""
    selection: tuple[int, int] | None = None
    turns: tuple[TurnSpan, ...] = ()
    """The turns that can be seen."""

    @property
    def lane_columns(self) -> int:
        """Return the width of a lane in cells."""
        return max(1, self.columns - LABEL)

    @property
    def mark_rows(self) -> int:
        """Return the number of rows between the lanes."""
        return MOST_MARK_ROWS if self.rows >= LEAST_ROWS_FOR_STACKS else 1

    @property
    def lane_rows(self) -> int:
        """Return the height of a lane: half of what marks, axis, two lines of text and the legend leave."""
        return max(1, (self.rows - self.mark_rows - 4) // 2)

    @property
    def model_row(self) -> int:
        """Return the first row of the model's lane."""
        return self.lane_rows + self.mark_rows

    @property
    def axis_row(self) -> int:
        """Return the row of the axis."""
        return self.model_row + self.lane_rows

    @property
    def from_us(self) -> int:
        """Return the time of the left edge."""
        return self.left * self.cell_us

    @property
    def to_us(self) -> int:
        """Return the time of the right edge."""
        return (self.left + self.lane_columns) * self.cell_us

    def column_of(self, t_us: int) -> int:
        """Return the column of a time; outside of ``0..lane_columns`` if it is not visible."""
        return t_us // self.cell_us - self.left


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn grid of cells."""

    cells: Cells
    """Code points, shape (rows, columns)."""
    codes: Codes
    """Style codes, shape (rows, columns)."""

    def changed(self, other: Picture) -> list[tuple[int, int, int]]:
        """Return the rows that differ, as tuples: row, first differing column, end of the last one."""
        differs = (self.cells != other.cells) | (self.codes != other.codes)
        rows = np.flatnonzero(differs.any(axis=1))
        first = differs[rows].argmax(axis=1)
        end = differs.shape[1] - differs[rows, ::-1].argmax(axis=1)
        return list(zip(rows.tolist(), first.tolist(), end.tolist(), strict=True))

    def runs(self, row: int, first: int = 0, end: int | None = None) -> list[tuple[str, int]]:
        """Return a row, from column ``first`` up to ``end``, as texts with their style codes."""
        codes = self.codes[row, first:end]
        edges = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
        # Code points to text in one step, not one ``chr`` per cell.
        text = self.cells[row, first:end].astype("<u4").tobytes().decode("utf-32-le")
        return [(text[start:stop], int(codes[start])) for start, stop in pairwise(edges)]


class Canvas:
    """A picture being drawn, on an empty grid or on a backdrop."""

    def __init__(self, view: DrawnStretch, glyphs: Glyphs, backdrop: Picture | None = None) -> None:
        self.view = view
        self.glyphs = glyphs
        shape = view.rows, view.columns
        self.cells: Cells = (
            np.full(shape, ord(" "), np.uint32) if backdrop is None else backdrop.cells.copy()
        )
        self.codes: Codes = np.zeros(shape, np.uint8) if backdrop is None else backdrop.codes.copy()

    def put(self, row: int, column: int, text: str, style: int) -> None:
        """Write a text, cut at the edge; characters that may be wider than a cell become ``?``."""
        if not 0 <= row < self.view.rows or column >= self.view.columns:
            return
        kept = text[: self.view.columns - column]
        points = [ord(c) if c.isascii() or c in _OWN_SIGNS else ord("?") for c in kept]
        self.cells[row, column : column + len(points)] = points
        self.codes[row, column : column + len(points)] = style

    def picture(self) -> Picture:
        """Return the picture."""
        return Picture(self.cells, self.codes)


_OWN_SIGNS = frozenset("−–—·…✂▲›│┬─✗⚠")


def drawn(waveform: Waveform, view: DrawnStretch, glyphs: Glyphs, words: Sequence[str]) -> Picture:
    """Draw a stretch of a session.

    Args:
        waveform: the session's audio and marks.
        view: the stretch.
        glyphs: characters for drawing the lanes.
        words: lines of text below the axis.
    """
    if not waveform.has_times:
        canvas = Canvas(view, glyphs)
        canvas.put(view.lane_rows, 1, _NO_TIMES, _DIM)
        return canvas.picture()
    still = replace(view, cursor_us=None, now_us=0, selection=None, turns=())
    canvas = Canvas(view, glyphs, _backdrop(still, glyphs, len(words)))
    height = view.lane_rows
    _lanes(canvas, waveform)
    _turns(canvas, height)
    _marks(canvas, waveform, height)
    playhead = view.column_of(view.now_us)
    if 0 <= playhead < view.lane_columns:
        sign = "▲" if len(glyphs.wave) == 256 else "^"
        canvas.put(view.axis_row, LABEL + playhead, sign, _HEAD)
    for number, line in enumerate(words):
        canvas.put(view.axis_row + 1 + number, 1, line, _BASE if number == 0 else _DIM)
    if not waveform.has_audio:
        words = _REFUSED if waveform.is_refused else _NO_AUDIO
        canvas.put(height // 2, LABEL + 2, words, _DIM)
    _grounds(canvas, view.axis_row)
    return canvas.picture()


# A few zooms and sizes in turn.
@lru_cache(maxsize=4)
def _backdrop(view: DrawnStretch, glyphs: Glyphs, words: int) -> Picture:
    """Draw the parts that do not change during a session: labels, axis and legend."""
    canvas = Canvas(view, glyphs)
    height = view.lane_rows
    canvas.put(height // 2, 0, " user", _CLIENT)
    canvas.put(height, 0, " marks", _DIM)
    canvas.put(view.model_row + height // 2, 0, " model", _SERVER)
    _axis(canvas, view.axis_row)
    _legend(canvas, view.axis_row + 1 + words)
    return canvas.picture()


def _lanes(canvas: Canvas, waveform: Waveform) -> None:
    view, height = canvas.view, canvas.view.lane_rows
    if view.columns <= LABEL:
        return
    dots_x, _ = dots_in(canvas.glyphs.wave)
    first, count, width_us = view.left * dots_x, view.lane_columns * dots_x, view.cell_us // dots_x
    lanes = [waveform.lane(side, first, count, width_us) for side in AudioSide]
    cells = wave_cells(lanes, height, canvas.glyphs.wave)
    is_future = (np.arange(view.lane_columns) + view.left) * view.cell_us > view.now_us
    for number, (lane, style) in enumerate(zip(lanes, (_CLIENT, _SERVER), strict=True)):
        by_cell = (view.lane_columns, dots_x)
        codes = np.full(view.lane_columns, style, np.uint8)
        is_clipped = (np.maximum(lane.high, -lane.low) >= _CLIPPED).reshape(by_cell).any(axis=1)
        codes[is_clipped] = _ERROR
        codes[~lane.is_heard.reshape(by_cell).any(axis=1) | is_future] = _FAINT
        top = number * view.model_row
        rows = slice(top, min(view.rows, top + height))
        canvas.cells[rows, LABEL:] = cells[number, : max(0, rows.stop - rows.start)]
        canvas.codes[rows, LABEL:] = codes


def _turns(canvas: Canvas, row: int) -> None:
    """Draw each turn as a line with its number, over which the marks are drawn."""
    view, glyphs = canvas.view, canvas.glyphs
    for turn in view.turns:
        first, last = view.column_of(turn.begin_us), view.column_of(turn.end_us)
        begin, end = max(0, first), min(last, view.lane_columns - 1)
        text = f"{glyphs.bracket}{turn.number}" if first >= 0 else ""
        line = f"{text:{glyphs.rule}<{end - begin + 1}}"[: end - begin + 1]
        canvas.put(row, LABEL + begin, line, _DIM)


def _marks(canvas: Canvas, waveform: Waveform, row: int) -> None:
    view, marks = canvas.view, waveform.marks
    by_column: dict[int, dict[MarkKind, bool]] = {}
    for index in marks.within(view.from_us, view.to_us):
        kinds = by_column.setdefault(view.column_of(marks.t_us[index]), {})
        kinds.setdefault(MARK_KINDS[marks.kind[index]], marks.t_us[index] > view.now_us)
    for column, kinds in by_column.items():
        # The most important one stands on the line, the others below it, in the order of what causes what.
        first = max(kinds, key=_RANK.__getitem__)
        stack = [first, *sorted(kinds.keys() - {first}, key=_RANK.__getitem__)]
        for line, kind in enumerate(stack[: view.mark_rows]):
            letter, style = _LETTERS[kind]
            style = _FAINT if kinds[kind] else style
            hidden = len(stack) - view.mark_rows
            if hidden > 0 and 0 < line == view.mark_rows - 1:
                letter, style = f"{min(9, hidden + 1)}", _DIM
            canvas.put(row + line, LABEL + column, letter or _SIGN_OF[kind](canvas.glyphs), style)


def _axis(canvas: Canvas, row: int) -> None:
    view = canvas.view
    step_us = next(
        (step for step in _TICKS_US if step >= _TICK_CELLS * view.cell_us),
        _TICKS_US[-1] * max(1, _TICK_CELLS * view.cell_us // _TICKS_US[-1]),
    )
    first = -(-view.from_us // step_us)
    for tick in range(first, view.to_us // step_us + 1):
        column = view.column_of(tick * step_us)
        if 0 <= column < view.lane_columns:
            canvas.put(row, LABEL + column, f"{canvas.glyphs.bracket}{clock(tick * step_us)}", _DIM)


def clock(t_us: int) -> str:
    """Return a time for the axis: seconds below a minute, else minutes and seconds."""
    seconds = t_us / 1e6
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:02.0f}" if rest == int(rest) else f"{int(minutes)}:{rest:04.1f}"


def _legend(canvas: Canvas, row: int) -> None:
    legend = _LEGEND if _legend_width(_LEGEND) <= canvas.view.columns else _SHORT_LEGEND
    column = 1
    for kind, (letter, style) in _LETTERS.items():
        words = legend.get(kind, "")
        canvas.put(row, column, letter or _SIGN_OF[kind](canvas.glyphs), style)
        canvas.put(row, column + 2, words, _DIM)
        column += len(words) + 4 if words else 2


def _legend_width(legend: Mapping[MarkKind, str]) -> int:
    return sum(len(words) + 4 for words in legend.values())


def _grounds(canvas: Canvas, rows: int) -> None:
    """Set the backgrounds of the selection and the cursor."""
    view = canvas.view
    lanes = canvas.codes[:rows, LABEL:]
    if view.selection is not None:
        first, last = (view.column_of(t_us) for t_us in view.selection)
        if last >= 0 and first < view.lane_columns:
            lanes[:, max(0, first) : last + 1] += GROUND
    if view.cursor_us is None:
        return
    column = view.column_of(view.cursor_us)
    if 0 <= column < lanes.shape[1]:
        lanes[:, column] = lanes[:, column] % GROUND + 2 * GROUND
