"""UsagePane: the table of use, with a cursor over rows and columns, its sum above, and below what explains the number under the cursor.

Rows are made anew only where the ledger has changed, and only visible cells are ever worked out; ``show`` is called on the tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.ledger import CostSummary
from inspector.analysis.sanitize import sanitized
from inspector.analysis.usage_table import (
    COLUMN_GAP,
    WHY,
    UsageColumn,
    UsageRow,
    column_width,
    shown_columns,
    usage_rows,
)
from inspector.core.state import SessionState
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import header_line
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.common.measures import EXPLAINS_FROM
from inspector.tui.common.scrolling import WHEEL_LINES, RowScroll, movement_keys, thumb
from inspector.tui.common.wrapping import wrapped
from inspector.tui.terminal.strips import UncachedStrip, fitted, overlaid
from inspector.tui.views.messages import RowRequested
from inspector.tui.views.usage.usage_text import (
    empty_lines,
    explanation,
    foot_parts,
    sum_parts,
)
from inspector.tui.views.view import CostReading

HEAD_LINES = 3
"""The sum, what columns have in common, and their names."""
MARGIN = 3
"""Columns at the left: the cursor's mark."""
SORTS = ("turn", "money")


class UsagePane(Widget, can_focus=True):
    """What the session used, row by row."""

    DEFAULT_CSS = """
    UsagePane { height: 1fr; background: $background; color: $foreground; }
    UsagePane > .usage--base { background: $background; color: $foreground; }
    UsagePane > .usage--head { background: $background; color: $foreground; text-style: bold; }
    UsagePane > .usage--dim { background: $background; color: $dim; }
    UsagePane > .usage--warning { background: $background; color: $warning; }
    UsagePane > .usage--cursor { background: $cursor; }
    UsagePane > .usage--kin { background: $background; color: $kin; text-style: bold; }
    UsagePane > .usage--column { background: $background; color: $kin; text-style: bold underline; }
    UsagePane > .usage--track { background: $background; color: $faint; }
    UsagePane > .usage--thumb { background: $background; color: $dim; }
    """
    COMPONENT_CLASSES = {
        f"usage--{name}"
        for name in ("base", "head", "dim", "warning", "cursor", "kin", "column", "track", "thumb")
    }
    BINDINGS = [
        *movement_keys("usage", "go(0)", "go(-1)"),
        Binding("right", "column(1)", "next column", show=False, id="usage.right"),
        Binding("left", "column(-1)", "previous column", show=False, id="usage.left"),
        Binding("enter", "events", "its event", id="usage.events"),
        Binding("O", "sort", "sort by money", id="usage.sort"),
        Binding("space", "group", "turns or charges", id="usage.group"),
        Binding("d", "explain", "explain", id="usage.explain"),
    ]

    def __init__(self, glyphs: Glyphs, *, key: Key | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Show nothing yet.

        Args:
            glyphs: what marks, the bar of the context and the scroll bar look like.
            key: names keys; without it they are called as they come.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._glyphs = glyphs
        self._key = key or partial(default_keycap, (UsagePane,))
        self._state = SessionState()
        self._cost: CostReading | None = None
        self._summary: CostSummary | None = None
        self._rows: list[UsageRow] = []
        self._columns: list[UsageColumn] = []
        self._widths: list[int] = []
        self._seen: tuple[object, ...] = ()
        self._scroll = RowScroll()
        self._is_following = True
        self._is_by_turn = True
        self._sort = "turn"
        self._explains: bool | None = None
        """None while nobody has said: where there is room."""
        self.cursor = 0
        """Place of the selected row."""
        self._column = "money"
        """Name of the selected column."""

    # What is shown

    def show(self, state: SessionState, cost: CostReading) -> None:
        """Show what was billed by now, where that has changed."""
        self._state, self._cost = state, cost
        summary = cost.summary(state)
        seen = cost.revision, self.size.width, state.session.kind
        if seen == self._seen and summary is self._summary:
            return
        self._seen, self._summary = seen, summary
        self._fill()

    def select_seq(self, seq: int) -> bool:
        """Go to the charge of an event; False where it is of none."""
        for place, row in enumerate(self._rows):
            if any(line.record.seq == seq for line in row.lines):
                self._select(place)
                return True
        return False

    def sort_by(self, what: str) -> None:
        """Sort by turn or by money.

        Raises:
            ValueError: it is neither.
        """
        if what not in SORTS:
            raise ValueError(f"sort {' or sort '.join(SORTS)}")
        self._sort = what
        self._fill()

    def close_explanation(self) -> bool:
        """Hide the explanation; False where none was asked for."""
        if not self._explains:
            return False
        self._explains = False
        self.refresh()
        return True

    def _fill(self) -> None:
        """Make the rows anew, and stay with the one that is selected."""
        here = self._rows[self.cursor].seq if self.cursor < len(self._rows) else 0
        cost = self._cost
        ledger = cost.ledger if cost is not None else None
        self._rows = []
        if cost is not None and ledger is not None:
            turn_of = cost.turn_of(self._state)
            self._rows = usage_rows(ledger, turn_of, by_turn=self._is_by_turn)
        if self._sort == "money":
            self._rows.sort(key=lambda row: -row.usd)
        self._columns = shown_columns(self._rows, self.size.width - MARGIN - 1)
        self._widths = [column_width(column, self._rows) for column in self._columns]
        if self._column not in (column.name for column in self._columns):
            self._column = "money"
        last = max(0, len(self._rows) - 1)
        if self._is_following and self._sort == "turn":
            self.cursor = last
        else:
            places = (
                p
                for p, row in enumerate(self._rows)
                if any(o.record.seq == here for o in row.lines)
            )
            self.cursor = next(places, min(self.cursor, last))
        self._reveal()
        self.refresh()

    def _select(self, place: int) -> None:
        if self._rows:
            self.cursor = max(0, min(place, len(self._rows) - 1))
            self._is_following = self.cursor == len(self._rows) - 1
            self._reveal()
            self.refresh()

    def _reveal(self) -> None:
        page = max(1, self._page)
        self._scroll.clamp(len(self._rows), page)
        self._scroll.reveal(self.cursor, page)

    @property
    def _page(self) -> int:
        """Return how many rows fit."""
        return max(1, self.size.height - HEAD_LINES - 1 - len(self._below()))

    @property
    def _is_explaining(self) -> bool:
        return self.size.height >= EXPLAINS_FROM if self._explains is None else self._explains

    def _below(self) -> list[list[tuple[str, str]]]:
        """Return the lines of the explanation, an empty list where it is not shown."""
        if not self._is_explaining or self.cursor >= len(self._rows):
            return []
        column = next(one for one in self._columns if one.name == self._column)
        width = max(8, self.size.width - 2)
        lines = [
            line
            for text, tone in explanation(self._rows[self.cursor], column)
            for line in wrapped([(text, tone)], width)
        ]
        # The definition stands at the end, and the rows above keep half of the room.
        room = max(3, self.size.height // 2 - 1)
        if len(lines) > room:
            lines = [*lines[: room // 2], [("    …", "dim")], *lines[-(room - room // 2 - 1) :]]
        return [[(self._glyphs.rule * width, "track")], *lines]

    # How it is drawn

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        width, height = self.size.width, self.size.height
        lines = self._drawn() if self._rows else self._empty()
        blank = Strip.blank(width, self._style("base"))
        lines = [*lines[:height], *[blank] * (height - len(lines))]
        return [line.crop(crop.x, crop.right) for line in lines[crop.y : crop.bottom]]

    def on_resize(self) -> None:
        """Fit the columns to another width."""
        self._fill()

    def notify_style_update(self) -> None:
        """Take new colours from the theme."""
        super().notify_style_update()
        self.refresh()

    def _empty(self) -> list[Strip]:
        words = ("", "Nothing has been billed.", *empty_lines(self._state))
        return [
            self._line([(f"  {line}", "dim")])
            for word in words
            for line in [
                "".join(run for run, _ in one)
                for one in wrapped([(word, "dim")], max(8, self.size.width - 4))
            ]
        ]

    def _drawn(self) -> list[Strip]:
        below, page = self._below(), self._page
        top = self._scroll.top
        rows = [self._row_strip(place) for place in range(top, min(top + page, len(self._rows)))]
        rows += [Strip.blank(self.size.width, self._style("base"))] * (page - len(rows))
        if len(self._rows) > page:
            rows = [self._with_bar(strip, y, page) for y, strip in enumerate(rows)]
        return [*self._heads(), *rows, *map(self._line, below), self._foot()]

    def _heads(self) -> Iterator[Strip]:
        cost = self._cost
        ledger = cost.ledger if cost is not None else None
        if ledger is not None:
            turns = len({row.turn for row in self._rows if row.turn is not None})
            parts = sum_parts(ledger, self._summary, turns, self._glyphs)
            yield self._line([(header_line(parts, self.size.width), "head")])
        yield self._line([(self._bands(), "dim")])
        names: list[tuple[str, str]] = [(" " * MARGIN, "dim")]
        for column, width in zip(self._columns, self._widths, strict=True):
            tone = "column" if column.name == self._column else "dim"
            head = self._head(column)
            names.append((_aligned(head, width, is_left=column.is_left), tone))
            names.append((" " * COLUMN_GAP, "dim"))
        yield self._line(names)

    def _head(self, column: UsageColumn) -> str:
        """Return a column's name."""
        name = column.head
        if column.name == "turn" and all(row.turn is None for row in self._rows):
            name = "event"
        return WHY if column.name == WHY and column.name == self._column else name

    def _bands(self) -> str:
        """Return what stands above columns that belong together, over the first of them."""
        text, at, before = " " * MARGIN, MARGIN, ""
        for column, width in zip(self._columns, self._widths, strict=True):
            if column.band and column.band != before:
                text = f"{text:<{at}}{self._glyphs.bracket_open}{column.band}"
            before = column.band
            at += width + COLUMN_GAP
        return text

    def _row_strip(self, place: int) -> Strip:
        row, is_here = self._rows[place], place == self.cursor
        mark = f" {self._glyphs.related} " if is_here else " " * MARGIN
        spans: list[tuple[str, str]] = [(mark, "kin")]
        used = MARGIN
        for column, width in zip(self._columns, self._widths, strict=True):
            cell = column.cell(row)
            if column.name == WHY:
                width = max(0, self.size.width - used - 1)
            text = (
                fitted(sanitized(cell.text), width)
                if column.is_left
                else _aligned(sanitized(cell.text), width)
            )
            tone = cell.tone or "base"
            spans += [(text, tone), (" " * COLUMN_GAP, "base")]
            used += width + COLUMN_GAP
        strip = self._line(spans)
        return overlaid(strip, Style(bgcolor=self._style("cursor").bgcolor)) if is_here else strip

    def _foot(self) -> Strip:
        """Return the last line: what comes next, else the keys that lead on."""
        parts = foot_parts(self._summary) if self._summary is not None else ()
        return self._line([(header_line(parts, self.size.width), "dim")])

    def _with_bar(self, strip: Strip, y: int, page: int) -> Strip:
        is_thumb = y in thumb(page, page, len(self._rows), self._scroll.top)
        glyph, name = (self._glyphs.thumb, "thumb") if is_thumb else (self._glyphs.track, "track")
        bar = Strip([Segment(glyph, self._style(name))])
        return Strip.join([strip.crop(0, self.size.width - 1), bar])

    def _line(self, spans: Sequence[tuple[str, str]]) -> Strip:
        segments = [Segment(text, self._style(tone)) for text, tone in spans if text]
        strip = UncachedStrip(segments)
        return strip.adjust_cell_length(self.size.width, self._style("base"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"usage--{name}")

    # Keys

    def on_click(self, event: events.Click) -> None:
        """Select a row, or a column by its name; a second click on a row shows its event."""
        self._point_at(event.x)
        place = self._scroll.top + event.y - HEAD_LINES
        if event.y >= HEAD_LINES and event.y < HEAD_LINES + self._page and place < len(self._rows):
            self._select(place)
            if event.chain == 2:
                self.action_events()

    def on_mouse_scroll_down(self) -> None:
        """Scroll down."""
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up."""
        self.action_move(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Go to another row."""
        self._select(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Go on by pages."""
        self._select(self.cursor + step * self._page)

    def action_go(self, place: int) -> None:
        """Go to the first or the last row; at the last, newer ones are followed."""
        self._select(place if place >= 0 else len(self._rows) + place)

    def action_column(self, step: int) -> None:
        """Go to another column."""
        names = [column.name for column in self._columns]
        if names:
            at = names.index(self._column) + step
            self._column = names[max(0, min(at, len(names) - 1))]
            self.refresh()

    def action_events(self) -> None:
        """Show the event that reports the charge."""
        if self.cursor < len(self._rows):
            self.post_message(RowRequested(self._rows[self.cursor].seq - 1))

    def action_sort(self) -> None:
        """Sort by money, the dearest first, or by turn again."""
        self.sort_by("turn" if self._sort == "money" else "money")

    def action_group(self) -> None:
        """Show a row a turn, or a row a charge."""
        self._is_by_turn = not self._is_by_turn
        self._fill()

    def action_explain(self) -> None:
        """Show or hide the formula of the row and the definition of the column."""
        self._explains = not self._is_explaining
        self._reveal()
        self.refresh()

    def _point_at(self, x: int) -> None:
        at = MARGIN
        for column, width in zip(self._columns, self._widths, strict=True):
            if at <= x < at + max(1, width or self.size.width):
                self._column = column.name
                self.refresh()
                return
            at += width + COLUMN_GAP


def _aligned(text: str, width: int, *, is_left: bool = False) -> str:
    """Return a text in so many cells, numbers at the right, cut where it is too long; as it is where ``width`` is 0."""
    if not width:
        return text
    cells = cell_len(text)
    return fitted(text, width) if is_left or cells > width else " " * (width - cells) + text
