"""EventList: a virtual list of a log's rows with a cursor and its own scroll position.

Only visible rows exist. ``render_lines`` returns cached strips and bypasses the styles cache of Textual 8.2.8, which keeps two
panes at a third of a core under 10,000 events per second.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.row_list import RowList
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction
from inspector.core.event_keys import EventKeys
from inspector.core.log import EventLog
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.scrolling import WHEEL_LINES, RowScroll, thumb
from inspector.tui.terminal.strips import fitted
from inspector.tui.views.events.row_strips import RowStrips
from inspector.tui.views.events.row_text import RowStyles


class EventList(Widget):
    """Rows of a log, one of which is selected."""

    COMPONENT_CLASSES = {f"pane--{name}" for name in RowStyles.__dataclass_fields__} | {
        "pane--title",
        "pane--empty",
    }

    class EventSelected(Message):
        """The cursor has moved to another row."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class EventOpened(Message):
        """The detail of a row should be shown."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(
        self,
        title: str,
        log: EventLog,
        directions: tuple[Direction, ...],
        glyphs: Glyphs,
        *,
        empty: str = "no events yet",
        follow_key: str = "f",
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        """Create the list.

        Args:
            title: name for the first line.
            log: the session's events.
            directions: directions of the events to show.
            glyphs: characters for arrows and brackets.
            empty: text for an empty list.
            follow_key: key that makes the list follow again.
            id: the widget's id.
        """
        super().__init__(id=id)
        self.pane_title = title
        self.empty_text = empty
        self._follow_key = follow_key
        self.rows = RowList(log, directions)
        self.cursor = -1
        """Row of the log under the cursor; -1 for none."""
        self.is_following = True
        """Whether the list scrolls with new rows."""
        self.is_whole = False
        """True for a recording: no more events arrive, so the list cannot follow."""
        self._read_to = 0
        """How many events there were when the list was last at its end."""
        self._is_dragging = False
        self._page_before = 1
        """How many rows fitted before the last change of size."""
        self._glyphs = glyphs
        has_both_sides = {Direction.CLIENT, Direction.SERVER} <= set(directions)
        self._strips = RowStrips(log, self.rows, glyphs, has_both_sides=has_both_sides)
        self._position = RowScroll()
        self._other_matches = ""
        self._styles: RowStyles | None = None
        self._painted: tuple[object, ...] = ()

    @property
    def page_rows(self) -> int:
        """Return how many rows fit below the title."""
        return max(1, self.size.height - 1)

    def count_text(self) -> str:
        """Return the number of rows; with a filter, also of how many."""
        shown, total = len(self.rows), self.rows.total
        return f"{shown:,} of {total:,}" if self.rows.query else f"{total:,}"

    def repaint_changed(self) -> None:
        """Repaint if visible rows, the position or the title have changed."""
        self._clamp()
        title, body = self._appearance()
        if body != self._painted[1:]:
            self.refresh()
        elif title != self._painted[0]:
            self.refresh(Region(0, 0, self.size.width, 1))
        self._painted = title, *body

    def set_formats(self, input_format: AudioFormat, output_format: AudioFormat) -> None:
        """Set the formats for converting audio bytes to milliseconds."""
        if self._strips.set_formats(input_format, output_format):
            self._forget()

    def show_refusals(self, rejection_of: Callable[[int], str]) -> None:
        """Set the function that returns a row's note on a rejection, ``""`` for none."""
        self._strips.rejection_of = rejection_of

    def show_interventions(self, is_ours: Callable[[int], bool]) -> None:
        """Set the function that returns whether the proxy injected or changed a row's frame."""
        self._strips.is_ours = is_ours

    def follow_findings(self, proofs: Proofs) -> None:
        """Mark the rows that prove findings, and list others if the filter asks for findings."""
        if proofs is not self.rows.proofs:
            self.rows.follow(proofs)
            self.refresh()

    def set_related(self, keys: EventKeys, seqs: frozenset[int]) -> None:
        """Highlight rows that share an id with the selected event, its cause and its effects."""
        if self._strips.set_related(keys, seqs):
            self.refresh()

    def set_future(self, from_row: int) -> None:
        """Dim the rows from ``from_row`` on, which a replay has not reached; -1 for none."""
        if self._strips.future_from != from_row:
            self._strips.future_from = from_row
            self.refresh()

    def set_other_matches(self, words: str) -> None:
        """Set a note on matches in another pane, shown while this one has none."""
        if self._other_matches != words:
            self._other_matches = words
            self.refresh()

    def set_mark(self, row: int) -> None:
        """Measure times from a row; -1 for none."""
        self._strips.mark_row = row
        self.refresh()

    def select(self, row: int, *, notify: bool = True, follow: bool | None = None) -> None:
        """Put the cursor on the row nearest to the given one, and show it."""
        if not len(self.rows):
            return
        self.is_following = self.is_following if follow is None else follow
        index = self.rows.index_of(row)
        self.cursor = self.rows.rows[index]
        self._position.reveal(index, self.page_rows)
        self.refresh()
        if notify:
            self.post_message(self.EventSelected(self.cursor))

    def scroll_near(self, row: int) -> None:
        """Show the surroundings of a row without moving the cursor, unless the list is following."""
        if not self.is_following and len(self.rows):
            self._position.reveal(self.rows.index_of(row), self.page_rows)
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        styles = self._styles or self._read_styles()
        width, rows, bar = self.size.width, self.rows.rows, self._bar()
        strip = self._strips.strip
        lines: list[Strip] = []
        for y in range(crop.y, crop.bottom):
            index = self._position.top + y - 1
            if y == 0:
                lines.append(self._title_strip(width))
            elif index < len(rows):
                piece = "" if bar is None else "thumb" if y - 1 in bar else "track"
                is_cursor = rows[index] == self.cursor
                lines.append(strip(index, width, styles, is_cursor=is_cursor, bar=piece))
            elif not len(rows) and (words := self._words_at(y)):
                style = self.get_component_rich_style("pane--empty")
                lines.append(Strip([Segment(fitted(f"  {words}", width), style)]))
            else:
                lines.append(Strip.blank(width, styles.base))
        whole = crop.x == 0 and crop.width >= width
        return lines if whole else [line.crop(crop.x, crop.right) for line in lines]

    def notify_style_update(self) -> None:
        """Drop cached strips when the theme changes."""
        super().notify_style_update()
        self._forget()

    def on_resize(self) -> None:
        """Drop cached strips of another width, and keep the cursor in sight if it was."""
        top = self._position.top
        index = self.rows.index_of(self.cursor) if self.cursor >= 0 and len(self.rows) else -1
        if top <= index < top + self._page_before:
            self._position.reveal(index, self.page_rows)
        self._page_before = self.page_rows
        self._forget()
        self._clamp()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start to drag the scroll bar."""
        if event.y >= 1 and self._is_bar(event.x):
            self._is_dragging = True
            # So that a drag continues outside of the widget.
            self.capture_mouse()
            self._drag_to(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._is_dragging:
            self._drag_to(event.y)

    def on_mouse_up(self) -> None:
        """Stop dragging the scroll bar."""
        if self._is_dragging:
            self._is_dragging = False
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked row; a double click opens it."""
        if self._is_bar(event.x):
            return
        index = self._position.top + event.y - 1
        if event.y >= 1 and index < len(self.rows):
            self.select(self.rows.rows[index], follow=False)
            if event.chain == 2:
                self.post_message(self.EventOpened(self.cursor))

    def on_mouse_scroll_down(self) -> None:
        """Scroll down with the wheel."""
        self._scroll(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up with the wheel."""
        self._scroll(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        if len(self.rows):
            index = self.rows.index_of(self.cursor) + step if self.cursor >= 0 else 0
            index = max(0, min(len(self.rows) - 1, index))
            self.select(self.rows.rows[index], follow=False)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self.action_move(step * (self.page_rows - 1))

    def action_first(self) -> None:
        """Go to the first row."""
        if len(self.rows):
            self.select(self.rows.rows[0], follow=False)

    def action_last(self) -> None:
        """Go to the last row."""
        if len(self.rows):
            self.select(self.rows.rows[-1], follow=False)

    def action_open(self) -> None:
        """Open the row under the cursor in the detail."""
        if self.cursor >= 0:
            self.post_message(self.EventOpened(self.cursor))

    def _to_end(self) -> None:
        self._position.show_end(len(self.rows), self.page_rows)
        if len(self.rows) and self.cursor != self.rows.rows[-1]:
            self.cursor = self.rows.rows[-1]
            # Only the cursor of the focused pane is the selection.
            if self.has_focus:
                self.post_message(self.EventSelected(self.cursor))

    def _scroll(self, lines: int) -> None:
        self.is_following = False
        self._position.top += lines
        self._clamp()
        self.refresh()

    def _is_bar(self, x: int) -> bool:
        return x == self.size.width - 1 and len(self.rows) > self.page_rows

    def _drag_to(self, y: int) -> None:
        self.is_following = False
        self._position.drag_to(y - 1, len(self.rows), self.page_rows)
        self.refresh()

    def _clamp(self) -> None:
        self._position.clamp(len(self.rows), self.page_rows)

    def _appearance(self) -> tuple[str, tuple[object, ...]]:
        """Return the title and everything that the visible rows depend on, for comparison."""
        shown = self.rows.rows[self._position.top : self._position.top + self.page_rows]
        words = "" if shown else self._words_at(2)
        body = self._bar(), self._position.top, self.cursor, tuple(shown), words
        return self._tail(), (*body, *self._strips.look(shown))

    def _bar(self) -> range | None:
        """Return the lines of the scroll bar's thumb; None without a bar."""
        page, count = self.page_rows, len(self.rows)
        return thumb(page, page, count, self._position.top) if count > page else None

    def _tail(self) -> str:
        """Return the end of the title: the number of rows, and whether the list is paused, and what came since."""
        total = self.rows.total
        if self.is_following or self.is_whole:
            self._read_to = total
            return f" {self.count_text()} "
        new = (
            f" {self._glyphs.below} {total - self._read_to:,} new" if total > self._read_to else ""
        )
        return f" {self.count_text()} · paused{new} ({self._follow_key} to follow) "

    def _words_at(self, y: int) -> str:
        """Return the text for a line of the empty list."""
        if y != 2:
            return self._other_matches if y == 3 else ""
        if self.rows.query and self.rows.total:
            return f'no events match "{self.rows.query.expression}"'
        return self.empty_text

    def _title_strip(self, width: int) -> Strip:
        style = self.get_component_rich_style("pane--title")
        tail = self._tail()
        head = f"{self.pane_title} "
        rule = self._glyphs.rule * max(0, width - len(head) - len(tail) - 1)
        focus = self._glyphs.related if self.has_focus else " "
        return Strip([Segment(fitted(f"{focus}{head}{rule}{tail}", width), style)])

    def _read_styles(self) -> RowStyles:
        found: dict[str, Style] = {
            name: self.get_component_rich_style(f"pane--{name}")
            for name in RowStyles.__dataclass_fields__
        }
        self._styles = RowStyles(**found)
        return self._styles

    def _forget(self) -> None:
        self._strips.forget()
        self._styles = None
        self._painted = ()
        self.refresh()
