"""UsagePane: the table of use, with a cursor over rows and columns, its sum above, and below what explains the number under the cursor.

Rows are rebuilt only when the ledger has changed, and only visible cells are computed; ``show`` is called on the tick.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from textual.binding import Binding
from textual.strip import Strip

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
from inspector.tui.common.keycaps import Key
from inspector.tui.common.list_pane import ListPane
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.common.wrapping import wrapped
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.messages import RowRequested
from inspector.tui.views.usage.usage_text import (
    empty_lines,
    explanation,
    foot_parts,
    sum_parts,
)
from inspector.tui.views.view import CostReading

MARGIN = 3
"""Columns at the left: the cursor's mark."""
SORTS = ("turn", "money")


class UsagePane(ListPane):
    """What the session used, row by row."""

    HEAD_LINES = 3
    """The sum, what columns have in common, and their names."""
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
        """Show nothing yet; see ``ListPane``."""
        super().__init__(glyphs, key=key, id=id)
        self._state = SessionState()
        self._cost: CostReading | None = None
        self._summary: CostSummary | None = None
        self._rows: list[UsageRow] = []
        self._columns: list[UsageColumn] = []
        self._widths: list[int] = []
        self._seen: tuple[object, ...] = ()
        self._is_following = True
        self._is_by_turn = True
        self._sort = "turn"
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

    def _fill(self) -> None:
        """Rebuild the rows, and keep the selection."""
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

    def _is_selected(self) -> None:
        self._is_following = self.cursor == len(self._rows) - 1

    @property
    def _count(self) -> int:
        return len(self._rows)

    @property
    def _page(self) -> int:
        """Return how many rows fit."""
        return max(1, self.size.height - self.HEAD_LINES - 1 - len(self._below()))

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
        return [self._rule(width), *lines]

    # How it is drawn

    def _all_lines(self) -> list[Strip]:
        if not self._rows:
            return self._empty()
        return [*self._heads(), *self._row_strips(), *map(self._line, self._below()), self._foot()]

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
        return self._under_cursor_strip(strip) if is_here else strip

    def _foot(self) -> Strip:
        """Return the last line: what comes next, else the keys that lead on."""
        parts = foot_parts(self._summary) if self._summary is not None else ()
        return self._line([(header_line(parts, self.size.width), "dim")])

    # Keys

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

    def _point_at(self, x: int, *, is_row: bool) -> None:  # noqa: ARG002 - the names of columns count as well
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
