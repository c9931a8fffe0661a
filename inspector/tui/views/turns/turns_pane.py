"""TurnsPane: the waterfall: a row per turn with cells of fixed time, tools and transcription below it, numbers at the right.

Rows are rebuilt only when a turn or a price has changed, and only visible rows are drawn. ``show`` is called on the tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.strip import Strip

from inspector.analysis.charges import Money
from inspector.analysis.ledger import CostSummary
from inspector.analysis.sanitize import sanitized
from inspector.analysis.turn_table import (
    COLUMNS,
    SORTS,
    TurnColumn,
    TurnRow,
    ms_words,
    words_said,
)
from inspector.analysis.usage_table import COLUMN_GAP, usage_rows
from inspector.analysis.waterfall import (
    PHASES,
    ZOOMS_MS,
    Bars,
    Stretch,
    bars,
    fitting_cell_ms,
    painted,
    scale,
)
from inspector.core.units import NS_PER_US
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import header_line
from inspector.tui.common.keycaps import Key
from inspector.tui.common.list_pane import ListPane
from inspector.tui.common.measures import NARROW_COLUMNS
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.common.wrapping import Run, wrapped
from inspector.tui.terminal.strips import UncachedStrip, fitted
from inspector.tui.views.messages import TurnRequested
from inspector.tui.views.turns.turn_text import (
    definition,
    empty_texts,
    explanation,
    foot_parts,
    hanging,
    legend_parts,
    selected_words,
)
from inspector.tui.views.view import ViewContext

LOW_LINES = 10
"""Panes lower than this need their lines for the list."""
FOOT_LINES = 2
"""The percentiles, and the legend; above them is what was waited for."""
MARK_CELLS = 3
"""Cells for the cursor's mark."""
LEAST_MEANING = 2
"""Lines of a definition that are always shown: its name and its formula."""
SAID_SHARE = 5
"""The user's words get a fifth of the line, within the limits below."""
LEAST_SAID, MOST_SAID = 14, 40
LEAST_CELLS = 10
TURN, TRANSCRIPTION = -1, -2
"""In place of a tool's number: the line of the turn itself, and that of the transcription below it."""
RUNNING_TURNS = 2
"""At the end of the list: these may grow with time alone."""
INK = ("answer", "pending", "transcription", "leading_silence", "cut")
"""Phases drawn in their colour; all others are letters on it."""
GROUNDS = ("endpointing", "commit", "response_start", "model", "tool", "playout", "stop")


class TurnLine(NamedTuple):
    """One line of the list."""

    row: TurnRow
    tool: int = TURN
    """The tool call, or ``TURN`` or ``TRANSCRIPTION``."""

    @property
    def name(self) -> tuple[int, int]:
        """Return what it is, for finding it in another list."""
        return self.row.turn.number, self.tool


class TurnsPane(ListPane):
    """What the user waited for, turn by turn."""

    DEFAULT_CSS = """
    TurnsPane > .list--answer { background: $background; color: $server; }
    TurnsPane > .list--pending { background: $background; color: $dim; }
    TurnsPane > .list--transcription { background: $background; color: $dim; }
    TurnsPane > .list--leading_silence { background: $background; color: $dim; }
    TurnsPane > .list--cut { background: $background; color: $warning; text-style: bold; }
    TurnsPane > .list--endpointing { background: $client; color: $background; }
    TurnsPane > .list--commit { background: $dim; color: $background; }
    TurnsPane > .list--response_start { background: $dim; color: $background; }
    TurnsPane > .list--model { background: $mark; color: $background; }
    TurnsPane > .list--tool { background: $warning; color: $background; }
    TurnsPane > .list--playout { background: $local; color: $background; }
    TurnsPane > .list--stop { background: $error; color: $background; }
    """
    COMPONENT_CLASSES = {f"list--{name}" for name in (*INK, *GROUNDS)}
    HEAD_LINES = 1
    """The names of the columns and the scale."""
    BINDINGS = [
        *movement_keys("turns", "go(0)", "go(-1)"),
        Binding("right", "stop(1)", "next phase or number", show=False, id="turns.right"),
        Binding("left", "stop(-1)", "previous phase or number", show=False, id="turns.left"),
        Binding("enter", "events", "its events", id="turns.events"),
        Binding("O", "sort", "sort by time or cost", id="turns.sort"),
        Binding("plus,equals_sign", "zoom(-1)", "zoom in", id="turns.closer"),
        Binding("minus", "zoom(1)", "zoom out", show=False, id="turns.wider"),
        Binding("0", "fit", "fit the longest wait", show=False, id="turns.fit"),
        Binding("space", "unfold", "tools and transcripts", show=False, id="turns.unfold"),
        Binding("d", "explain", "explain", id="turns.explain"),
    ]

    def __init__(self, glyphs: Glyphs, *, key: Key | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Show nothing yet; see ``ListPane``."""
        super().__init__(glyphs, key=key, id=id)
        self._given: ViewContext | None = None
        self._summary: CostSummary | None = None
        self._money: dict[int, Money | None] = {}
        self._rows: list[TurnRow] = []
        self._lines: list[TurnLine] = []
        self._columns: list[TurnColumn] = []
        self._seen: tuple[object, ...] = ()
        self._is_following = True
        self._sort = next(iter(SORTS))
        self._unfolds: bool | None = None
        """None until the user decides: tools, and transcriptions if everything fits."""
        self._cell_ms: int | None = None
        """None while the longest wait is to fit."""
        self._fitting_ms = ZOOMS_MS[0]
        self._longest_ms = 0.0
        """The longest wait that is known."""
        self._from_cell = 0
        self._stop = "total"
        """The selected column, or the selected phase with its number, like ``model 1``."""

    # What is shown

    def show(self, context: ViewContext) -> None:
        """Show the turns by now, or at the cursor, if anything of them has changed."""
        self._given = context
        summary = context.cost.summary(context.state())
        if summary is not self._summary:
            self._summary = summary
            self._money = self._priced(context)
            self._seen = ()
        seen = context.latency.revision, self.size, id(context.state())
        if seen != self._seen[:3]:
            self._fill()
        running = [one for row in self._rows[-RUNNING_TURNS:] for one in self._growing(row)]
        waits_ms = [one.end_ms for one in running if one.phase in ("pending", "tool")]
        self._fitting_ms = fitting_cell_ms([self._longest_ms, *waits_ms], self._cells)
        ends = [int(one.end_ms // self.cell_ms) for one in running]
        if (*seen, ends) != self._seen:
            self._seen = *seen, ends
            self.refresh()

    def _growing(self, row: TurnRow) -> Iterator[Stretch]:
        """Yield what may grow with time alone."""
        drawn = self._bars(row)
        yield from drawn.main[-1:]
        yield from (one for one in drawn.tools if one is not None)

    @staticmethod
    def _priced(context: ViewContext) -> dict[int, Money | None]:
        ledger, turn_of = context.cost.ledger, context.cost.turn_of(context.state())
        if ledger is None or turn_of is None:
            return {}
        rows = usage_rows(ledger, turn_of, by_turn=True)
        return {row.turn: row.money for row in rows if row.turn is not None}

    @property
    def cell_ms(self) -> int:
        """Return the length of a cell."""
        return self._fitting_ms if self._cell_ms is None else self._cell_ms

    def select_seq(self, seq: int) -> bool:
        """Go to the turn in which an event is; return False before the first turn."""
        earlier = [
            place
            for place, line in enumerate(self._lines)
            if line.tool == TURN and line.row.turn.began.seq <= seq
        ]
        if not earlier:
            return False
        self._select(max(earlier, key=lambda place: self._lines[place].row.turn.began.seq))
        return True

    def sort_by(self, what: str) -> None:
        """Sort by turn, time or cost.

        Raises:
            ValueError: ``what`` is unknown.
        """
        if what not in SORTS:
            raise ValueError(f"sort {', '.join(SORTS)}")
        self._sort = what
        self._fill()
        self.refresh()

    def _fill(self) -> None:
        """Rebuild the list, and keep the selection."""
        context = self._given
        if context is None:
            return
        here = self._lines[self.cursor].name if self.cursor < len(self._lines) else (0, TURN)
        rows = [TurnRow(one, self._money.get(one.turn.number)) for one in context.latency.turns]
        self._rows = rows
        by = SORTS[self._sort]
        self._columns = [one for one in COLUMNS if self.size.width >= one.from_width]
        self._longest_ms = max((row.wait_ms for row in rows), default=0.0)
        self._fitting_ms = fitting_cell_ms([self._longest_ms], self._cells)
        self._lines = [line for row in sorted(rows, key=by) for line in self._lines_of(row)]
        if self._unfolds is None and len(self._lines) > self._page_of(0):
            self._lines = [line for line in self._lines if line.tool != TRANSCRIPTION]
        last = max(0, len(self._lines) - 1)
        if self._is_following and self._sort == "turn":
            turns = (p for p in range(last, 0, -1) if self._lines[p].tool == TURN)
            self.cursor = next(turns, 0)
        else:
            places = (place for place, line in enumerate(self._lines) if line.name == here)
            self.cursor = next(places, min(self.cursor, last))
        self._reveal()

    def _lines_of(self, row: TurnRow) -> Iterator[TurnLine]:
        yield TurnLine(row)
        if self._unfolds is not False:
            yield from (TurnLine(row, place) for place in range(len(row.turn.tools)))
            if row.measured.latency.figures.get("transcription_ms") is not None:
                yield TurnLine(row, TRANSCRIPTION)

    def _is_selected(self) -> None:
        last = self._lines[-1].row.turn.number
        self._is_following = self._lines[self.cursor].row.turn.number == last

    @property
    def _count(self) -> int:
        return len(self._lines)

    @property
    def _page(self) -> int:
        """Return how many lines fit."""
        return self._page_of(len(self._below()))

    def _page_of(self, below: int) -> int:
        return max(1, self._free - below)

    @property
    def _free(self) -> int:
        """Return how many lines there are between the head and the foot."""
        return self.size.height - self.HEAD_LINES - FOOT_LINES - self._wait_lines

    @property
    def _wait_lines(self) -> int:
        """Return how many lines there are for what was waited for: always as many, so that the list stands still."""
        is_wide, is_low = self.size.width >= NARROW_COLUMNS, self.size.height < LOW_LINES
        return 1 if is_wide or is_low else 2

    # Widths

    @property
    def _number_cells(self) -> int:
        return max(2, len(str(self._rows[-1].turn.number)) if self._rows else 0)

    @property
    def _said_cells(self) -> int:
        return max(LEAST_SAID, min(MOST_SAID, self.size.width // SAID_SHARE))

    @property
    def _first_cell(self) -> int:
        """Return the column of the screen at which the cells begin."""
        return MARK_CELLS + self._number_cells + COLUMN_GAP + self._said_cells + COLUMN_GAP

    @property
    def _cells(self) -> int:
        """Return the number of cells of time."""
        numbers = sum(column.width + COLUMN_GAP for column in self._columns)
        return max(LEAST_CELLS, self.size.width - self._first_cell - numbers - 1)

    # What is under the cursor

    def _bars(self, row: TurnRow) -> Bars:
        """Return what is drawn for a turn by now."""
        context = self._given
        now_us = 0 if context is None else context.latency.known_until_us(context.now_us())
        is_last = row is self._rows[-1]
        return bars(row.turn, row.measured.latency, now_us * NS_PER_US, is_last=is_last)

    def _stretches(self, line: TurnLine) -> tuple[Stretch, ...]:
        """Return what is drawn in a line."""
        drawn = self._bars(line.row)
        if line.tool == TURN:
            return drawn.main
        one = drawn.transcription if line.tool == TRANSCRIPTION else drawn.tools[line.tool]
        return () if one is None else (one,)

    def _named(self, line: TurnLine) -> dict[str, Stretch]:
        """Return the stretches of a line by phase and number, like ``tool 2``."""
        counts: dict[str, int] = {}
        found: dict[str, Stretch] = {}
        for one in self._stretches(line):
            if PHASES[one.phase].definition:
                counts[one.phase] = counts.get(one.phase, 0) + 1
                found[f"{one.phase} {counts[one.phase]}"] = one
        return found

    def _under_cursor(self) -> tuple[TurnColumn | None, Stretch | None]:
        """Return the selected number or phase; the total where the line has no such phase."""
        line = self._lines[self.cursor]
        stretch = self._named(line).get(self._stop)
        if stretch is not None:
            return None, stretch
        if line.tool != TURN:
            return None, next(iter(self._named(line).values()), None)
        return next(
            (one for one in self._columns if one.name == self._stop), self._columns[0]
        ), None

    def _figure(self) -> str:
        column, stretch = self._under_cursor()
        if column is not None:
            return column.figure(self._lines[self.cursor].row)
        return PHASES[stretch.phase].definition if stretch is not None else ""

    def _below(self) -> list[list[tuple[str, str]]]:
        """Return the lines of the explanation; an empty list if it is not shown."""
        if not self._is_explaining or self.cursor >= len(self._lines):
            return []
        width = max(8, self.size.width - 2)
        row = self._lines[self.cursor].row
        parts, meaning = (
            [line for text, tone in told for line in hanging(text, tone, width)]
            for told in (explanation(row), definition(row, *self._under_cursor()))
        )
        # The rows above keep half of the room if they need it, and the definition its first lines.
        free = self._free - 1
        room = max(LEAST_MEANING + 1, free - min(len(self._lines), free // 2))
        meaning = meaning[: max(LEAST_MEANING, room - len(parts))]
        left = room - len(meaning)
        if len(parts) > left:
            parts = [*parts[: left - 1], [("    …", "dim")]]
        return [self._rule(width), *parts, *meaning]

    # How it is drawn

    def _all_lines(self) -> list[Strip]:
        if not self._lines:
            return self._empty()
        below = map(self._line, self._below())
        return [self._head(), *self._row_strips(), *below, *self._foot()]

    def _empty(self) -> list[Strip]:
        width, context = max(8, self.size.width - 4), self._given
        texts = empty_texts(context) if context is not None else ()
        lines = [line for text in texts for line in wrapped([(text, "dim")], width)]
        return [self._line([("  ", "dim"), *line]) for line in lines]

    def _head(self) -> Strip:
        selected = self._under_cursor()[0]
        said = f"{'turn':>{MARK_CELLS + self._number_cells}}{' ' * COLUMN_GAP}{'said':<{self._said_cells + COLUMN_GAP}}"
        spans = [(said, "dim"), (scale(self.cell_ms, self._from_cell, self._cells), "dim")]
        for column in self._columns:
            tone = "column" if column is selected else "dim"
            spans += [
                (" " * (COLUMN_GAP + column.width - len(column.head)), "dim"),
                (column.head, tone),
            ]
        return self._line(spans)

    def _row_strip(self, place: int) -> Strip:
        line, is_here = self._lines[place], place == self.cursor
        row, turn = line.row, line.row.turn
        mark = f" {self._glyphs.related} " if is_here else " " * MARK_CELLS
        number = str(turn.number) if line.tool == TURN else ""
        tone = "base" if line.tool == TURN else "dim"
        said = fitted(sanitized(self._said(line)), self._said_cells)
        spans = [(mark, "kin"), (f"{number:>{self._number_cells}}{' ' * COLUMN_GAP}", tone)]
        spans += [
            (said, tone),
            (" " * COLUMN_GAP, "base"),
            *self._cell_spans(line, is_here=is_here),
        ]
        for column in self._columns:
            text = column.cell(row) if line.tool == TURN else ""
            if column is self._columns[0] and line.tool != TURN:
                stretches = self._stretches(line)
                text = ms_words(stretches[0].end_ms - stretches[0].begin_ms) if stretches else ""
            spans.append((f"{text:>{COLUMN_GAP + column.width}}", tone))
        return self._line(spans, is_here=is_here)

    def _said(self, line: TurnLine) -> str:
        turn, context = line.row.turn, self._given
        if line.tool == TRANSCRIPTION:
            return "  transcription"
        if line.tool != TURN:
            return f"  {turn.tools[line.tool].name or 'a tool'}"
        return words_said(turn, context.state()) if context is not None else ""

    def _cell_spans(self, line: TurnLine, *, is_here: bool) -> Iterator[tuple[str, str]]:
        """Yield what is drawn in the cells of a line; a name that ends with ``!`` is drawn as selected."""
        width, stretches = self._cells, self._stretches(line)
        if not stretches:
            unknown = line.row.measured.latency.unknown if line.tool == TURN else ()
            yield fitted(sanitized(unknown[0].reason) if unknown else "", width), "dim"
            return
        selected = self._under_cursor()[1] if is_here else None
        cells: list[tuple[str, str]] = []
        for one in painted(stretches, self.cell_ms, self._from_cell, width):
            if one is None:
                cells.append((" ", "base"))
            else:
                is_selected = line.tool == TURN and selected == one
                cells.append((self._sign(one), f"{one.phase}{'!' * is_selected}"))
        self._mark(cells, line)
        for tone, run in groupby(cells, key=lambda cell: cell[1]):
            yield "".join(sign for sign, _ in run), tone

    def _mark(self, cells: list[tuple[str, str]], line: TurnLine) -> None:
        """Draw over the cells where the answer was cut, and that more follows at the right."""
        drawn = self._bars(line.row)
        if line.tool == TURN and drawn.cut_ms is not None:
            place = int(drawn.cut_ms // self.cell_ms) - self._from_cell
            if 0 <= place < len(cells):
                cells[place] = self._glyphs.cut, "cut"
        end_ms = max(one.end_ms for one in self._stretches(line))
        if end_ms > (self._from_cell + len(cells)) * self.cell_ms:
            cells[-1] = self._glyphs.folded, "dim"

    def _sign(self, one: Stretch) -> str:
        glyphs = self._glyphs
        signs = {
            "answer": glyphs.meter_full,
            "pending": glyphs.local,
            "transcription": glyphs.rule,
        }
        return signs.get(one.phase) or PHASES[one.phase].letter

    def _foot(self) -> Iterator[Strip]:
        width = self.size.width
        context = self._given
        words = selected_words(self._lines[self.cursor].row)
        wanted, room = wrapped([(words, "base")], width - 2), self._wait_lines
        if len(wanted) > room:
            rest = " ".join("".join(text for text, _ in line) for line in wanted[room - 1 :])
            wanted = [*wanted[: room - 1], [(fitted(rest, width - 2), "base")]]
        for line in [*wanted, *[[("", "base")]] * (room - len(wanted))]:
            yield self._line([(" ", "base"), *line])
        if context is not None:
            foot = foot_parts(context.latency, self._figure())
            yield self._line([(header_line(foot, width), "base")])
        tones = {
            tone.removesuffix("!")
            for place in self._visible()
            for _, tone in self._cell_spans(self._lines[place], is_here=False)
        }
        legend = header_line(legend_parts(tones, self._glyphs, self.cell_ms), width)
        yield self._line([(legend, "dim")])

    def _line(self, runs: Sequence[Run], *, is_here: bool = False) -> Strip:
        under = Style(bgcolor=self._style("cursor").bgcolor)
        segments = []
        for text, tone in runs:
            name = tone.removesuffix("!")
            style = self._style(name)
            if is_here and name not in GROUNDS:
                style += under
            if tone != name:
                style += Style(bold=True, underline=True)
            if text:
                segments.append(Segment(text, style))
        strip = UncachedStrip(segments)
        base = self._style("base") + under if is_here else self._style("base")
        return strip.adjust_cell_length(self.size.width, base)

    # Keys

    def _point_at(self, x: int, *, is_row: bool) -> None:
        at = self._first_cell + self._cells
        for column in self._columns:
            at += COLUMN_GAP + column.width
            if at - COLUMN_GAP - column.width <= x < at:
                self._stop = column.name
        if is_row and self._first_cell <= x < self._first_cell + self._cells:
            line = self._lines[self.cursor]
            cells = painted(self._stretches(line), self.cell_ms, self._from_cell, self._cells)
            names = [
                name
                for name, one in self._named(line).items()
                if one == cells[x - self._first_cell]
            ]
            self._stop = next(iter(names), self._stop)
        self.refresh()

    def action_stop(self, step: int) -> None:
        """Go to another phase of the turn, or another number."""
        if not self._lines:
            return
        named = self._named(self._lines[self.cursor])
        names = [*named, *(column.name for column in self._columns)]
        here = self._stop if self._stop in names else self._columns[0].name
        self._stop = names[max(0, min(names.index(here) + step, len(names) - 1))]
        stretch = named.get(self._stop)
        if stretch is not None:
            self._bring(stretch)
        self.refresh()

    def _bring(self, stretch: Stretch) -> None:
        """Move the cells so that a stretch is seen."""
        first, last = (int(ms // self.cell_ms) for ms in (stretch.begin_ms, stretch.end_ms))
        if first < self._from_cell or first >= self._from_cell + self._cells:
            self._from_cell = max(0, min(first, last - self._cells + 1))

    def action_events(self) -> None:
        """Show the events of the turn, from the one that proves what is under the cursor."""
        if self._lines:
            line = self._lines[self.cursor]
            turn, stretch = line.row.turn, self._under_cursor()[1]
            seq = stretch.seq if stretch is not None and stretch.seq else turn.began.seq
            self.post_message(TurnRequested(turn.number, seq - 1))

    def action_sort(self) -> None:
        """Sort by the next of turn, time and cost."""
        names = list(SORTS)
        self.sort_by(names[(names.index(self._sort) + 1) % len(names)])

    def action_zoom(self, step: int) -> None:
        """Make the cells shorter, or longer."""
        at = ZOOMS_MS.index(self.cell_ms)
        begin_ms = self._from_cell * self.cell_ms
        self._cell_ms = ZOOMS_MS[max(0, min(at + step, len(ZOOMS_MS) - 1))]
        self._from_cell = begin_ms // self._cell_ms
        self.refresh()

    def action_fit(self) -> None:
        """Let the longest wait fit."""
        self._cell_ms, self._from_cell = None, 0
        self.refresh()

    def action_unfold(self) -> None:
        """Show or hide what is below each turn: its tools and its transcription."""
        self._unfolds = not any(line.tool != TURN for line in self._lines)
        self._fill()
        self.refresh()
