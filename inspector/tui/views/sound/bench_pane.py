"""BenchPane: the figures of both sides, with a cursor over rows and columns, and below the definition of the selected one."""

from __future__ import annotations

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip

from inspector.analysis.definitions import explained
from inspector.analysis.sanitize import sanitized
from inspector.analysis.sound_bench import BenchReport
from inspector.analysis.sound_table import (
    SoundCell,
    SoundColumn,
    SoundRow,
    sound_rows,
    striking_lines,
)
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.common.list_pane import ListPane
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.common.wrapping import Run, wrapped
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.messages import RowRequested
from inspector.tui.views.view import BenchReading

CURSOR_CELLS = 3
"""Columns at the left: the cursor's mark."""
BETWEEN = 2
"""Columns between two columns of the table."""
EMPTY_TITLE = "No sound has been appended or received."
EMPTY_WORDS = (
    "With sound, both sides are measured here: when it travelled (delta, jitter, skew, drift, gaps), what is in it (level, noise, "
    "clipping, encoding), and whether the microphone hears the answers."
)


class BenchPane(ListPane):
    """The sound of a session, figure by figure."""

    HEAD_LINES = 2
    """What stands out, and the names of the columns."""
    BINDINGS = [
        *movement_keys("bench", "go(0)", "go(-1)"),
        Binding("right", "column(1)", "answers", show=False, id="bench.right"),
        Binding("left", "column(-1)", "microphone", show=False, id="bench.left"),
        Binding("enter", "events", "its event", id="bench.events"),
        Binding("d", "explain", "explain", id="bench.explain"),
        Binding("v", "other_page", "VAD lab", id="bench.lab"),
    ]

    class LabRequested(Message):
        """The VAD lab should be shown."""

    def __init__(self, glyphs: Glyphs, *, key: Key | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Show nothing yet; see ``ListPane``."""
        super().__init__(glyphs, key=key, id=id)
        self._report: BenchReport | None = None
        self._rows: list[SoundRow] = []
        self._progress = 1.0
        self._seen: tuple[object, ...] = ()
        self._column = 0
        """0 for the microphone, 1 for the answers."""

    # What is shown

    def show(self, reading: BenchReading) -> None:
        """Show the measurements, where they have changed."""
        seen = reading.revision, round(reading.progress, 2)
        if seen == self._seen:
            return
        self._seen, self._progress = seen, reading.progress
        if reading.report is not self._report:
            self._report = reading.report
            self._fill()
        self.refresh()

    def select_seq(self, seq: int) -> bool:
        """Select the first figure that is seen at an event; return False if none is."""
        for place, row in enumerate(self._rows):
            for column, cell in enumerate(row.cells):
                if cell.seq == seq:
                    self._column = column
                    self._select(place)
                    return True
        return False

    def _fill(self) -> None:
        report = self._report
        has_sound = report is not None and any(side.format for side in report.sides)
        self._rows = sound_rows(report) if report is not None and has_sound else []
        self.cursor = max(0, min(self.cursor, len(self._rows) - 1))
        self._reveal()

    @property
    def _count(self) -> int:
        return len(self._rows)

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self.HEAD_LINES - len(self._below()))

    @property
    def _cell(self) -> SoundCell:
        return self._rows[self.cursor].cells[self._column]

    def _below(self) -> list[list[Run]]:
        """Return the lines below the list: what is known of the selected figure, and, on demand, its definition."""
        if not self._rows:
            return []
        width = max(8, self.size.width - 2)
        row, cell = self._rows[self.cursor], self._cell
        told = cell.reason or cell.note
        where = f"  at #{cell.seq}" if cell.seq else ""
        side = list(SoundColumn)[self._column]
        words = f"{row.title}, {side}: {cell.text or 'only of the other side'}"
        lines = wrapped([(f"{words}{where}{f': {told}' if told else ''}", "base")], width)[:3]
        if self._is_explaining and row.definition is not None:
            for line in explained(row.definition).splitlines():
                lines += wrapped([(line, "dim")], width)
        room = max(2, self.size.height // 2)
        return [self._rule(width), *([(" ", "base"), *line] for line in lines[:room])]

    # How it is drawn

    def _all_lines(self) -> list[Strip]:
        if not self._rows:
            return self._empty()
        return [*self._heads(), *self._row_strips(), *map(self._line, self._below())]

    def _empty(self) -> list[Strip]:
        width = max(8, self.size.width - 4)
        words = (
            (f"measuring … {self._progress:.0%}",)
            if self._report is None
            else (EMPTY_TITLE, EMPTY_WORDS)
        )
        lines = [line for text in words for line in wrapped([(text, "dim")], width)]
        return [self._line([]), *(self._line([("  ", "dim"), *line]) for line in lines)]

    def _heads(self) -> list[Strip]:
        words = striking_lines(self._report) if self._report is not None else []
        text, tone = (words[0], "warning") if words else ("nothing stands out", "head")
        if self._progress < 1:
            text = f"measuring … {self._progress:.0%}   {text}"
        lab = f"   {self._key('bench.lab')} VAD lab"
        first = fitted(f" {sanitized(text)}", max(8, self.size.width - len(lab)))
        title, cell = self._widths
        names: list[Run] = [(" " * (CURSOR_CELLS + title + BETWEEN), "dim")]
        for at, name in enumerate(SoundColumn):
            tone_of = "column" if at == self._column else "dim"
            names += [(f"{name}", tone_of), (" " * max(0, cell + BETWEEN - len(name)), "dim")]
        return [self._line([(first, tone), (lab, "dim")]), self._line(names)]

    @property
    def _widths(self) -> tuple[int, int]:
        """Return the columns of the titles and of each side."""
        title = max((len(row.title) for row in self._rows), default=0)
        return title, max(12, (self.size.width - CURSOR_CELLS - title - 2 * BETWEEN - 1) // 2)

    def _row_strip(self, place: int) -> Strip:
        row, is_here = self._rows[place], place == self.cursor
        mark = f" {self._glyphs.related} " if is_here else " " * CURSOR_CELLS
        title, width = self._widths
        runs: list[Run] = [(mark, "kin"), (f"{row.title:<{title}}{' ' * BETWEEN}", "dim")]
        for cell in row.cells:
            remark = f" {cell.note}" if cell.note else ""
            text = fitted(sanitized(f"{cell.text}{remark}"), width)
            tone = "dim" if cell.reason else "base"
            runs += [
                (text[: len(cell.text)], tone),
                (f"{text[len(cell.text) :]}{' ' * BETWEEN}", "dim"),
            ]
        strip = self._line(runs)
        return self._under_cursor_strip(strip) if is_here else strip

    # Keys

    def _point_at(self, x: int, *, is_row: bool) -> None:  # noqa: ARG002 - the names of columns count as well
        title, width = self._widths
        self._column = int(x >= CURSOR_CELLS + title + BETWEEN + width + BETWEEN)
        self.refresh()

    def action_column(self, step: int) -> None:
        """Go to the other side."""
        self._column = max(0, min(1, self._column + step))
        self.refresh()

    def action_events(self) -> None:
        """Show the event at which the figure can be seen."""
        if self._rows and self._cell.seq:
            self.post_message(RowRequested(self._cell.seq - 1))

    def action_other_page(self) -> None:
        """Show the VAD lab."""
        self.post_message(self.LabRequested())
