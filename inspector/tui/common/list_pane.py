"""ListPane: rows of one line that can be selected, with lines above and below them. Turns, Findings, Usage and Sound are such panes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key, default_keycap
from inspector.tui.common.measures import EXPLAINS_FROM
from inspector.tui.common.scrolling import WHEEL_LINES, RowScroll, thumb
from inspector.tui.common.wrapping import Run
from inspector.tui.terminal.strips import UncachedStrip, overlaid


class ListPane(Widget, can_focus=True):
    """A list with a cursor and a scroll bar. A subclass adds the keys: ``movement_keys(NAME, "go(0)", "go(-1)")``.

    Styles are component classes: ``list--NAME`` is the style of the runs of that name. A subclass may add its own.
    """

    DEFAULT_CSS = """
    ListPane { height: 1fr; background: $background; color: $foreground; }
    ListPane > .list--base { background: $background; color: $foreground; }
    ListPane > .list--head { background: $background; color: $foreground; text-style: bold; }
    ListPane > .list--dim { background: $background; color: $dim; }
    ListPane > .list--warning { background: $background; color: $warning; }
    ListPane > .list--cursor { background: $cursor; }
    ListPane > .list--kin { background: $background; color: $kin; text-style: bold; }
    ListPane > .list--column { background: $background; color: $kin; text-style: bold underline; }
    ListPane > .list--track { background: $background; color: $faint; }
    ListPane > .list--thumb { background: $background; color: $dim; }
    """
    COMPONENT_CLASSES = {
        f"list--{name}"
        for name in ("base", "head", "dim", "warning", "cursor", "kin", "column", "track", "thumb")
    }
    HEAD_LINES: ClassVar[int]
    """Lines above the rows."""
    EXPLAINS_FROM: ClassVar[int] = EXPLAINS_FROM
    """Lines of the pane from which the selected row is explained unasked."""

    def __init__(self, glyphs: Glyphs, *, key: Key | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        """Create an empty list.

        Args:
            glyphs: characters that the terminal can show.
            key: returns the names of keys; None for those of the default keymap.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._glyphs = glyphs
        self._key = key or partial(default_keycap, (type(self),))
        self._scroll = RowScroll()
        self._explains: bool | None = None
        """None until the user decides: shown if there is room."""
        self.cursor = 0
        """Index of the selected row."""

    # What a subclass provides

    @property
    @abstractmethod
    def _count(self) -> int:
        """Return the number of rows."""

    @property
    @abstractmethod
    def _page(self) -> int:
        """Return how many rows fit, at least 1."""

    @abstractmethod
    def _all_lines(self) -> list[Strip]:
        """Return all lines of the pane; what is missing at the end is blank."""

    @abstractmethod
    def _row_strip(self, place: int) -> Strip:
        """Return the line of a row."""

    @abstractmethod
    def _fill(self) -> None:
        """List the rows again, for another size."""

    @abstractmethod
    def action_events(self) -> None:
        """Show the event of the selected row."""

    def _is_selected(self) -> None:
        """React to the selection of a row."""

    def _point_at(self, x: int, *, is_row: bool) -> None:
        """React to a click in a column, after the row was selected."""

    # Selecting

    def _select(self, place: int) -> None:
        if self._count:
            self.cursor = max(0, min(place, self._count - 1))
            self._is_selected()
            self._reveal()
            self.refresh()

    def _reveal(self) -> None:
        page = self._page
        self._scroll.clamp(self._count, page)
        self._scroll.reveal(self.cursor, page)

    def on_click(self, event: events.Click) -> None:
        """Select a row and what is under the mouse; a second click shows its event."""
        place, y = self._scroll.top + event.y - self.HEAD_LINES, event.y - self.HEAD_LINES
        is_row = 0 <= y < self._page and place < self._count
        if is_row:
            self._select(place)
        self._point_at(event.x, is_row=is_row)
        if is_row and event.chain == 2:
            self.action_events()

    def on_mouse_scroll_down(self) -> None:
        """Scroll down."""
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up."""
        self.action_move(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Select another row."""
        self._select(self.cursor + step)

    def action_page(self, step: int) -> None:
        """Scroll by pages."""
        self._select(self.cursor + step * self._page)

    def action_go(self, place: int) -> None:
        """Select a row; negative numbers count from the end."""
        self._select(place if place >= 0 else self._count + place)

    # Explaining

    @property
    def _is_explaining(self) -> bool:
        return self.size.height >= self.EXPLAINS_FROM if self._explains is None else self._explains

    def close_explanation(self) -> bool:
        """Hide the explanation; return False if the user has not asked for it."""
        if not self._explains:
            return False
        self._explains = False
        self.refresh()
        return True

    def action_explain(self) -> None:
        """Show or hide the explanation of the selected row."""
        self._explains = not self._is_explaining
        self._reveal()
        self.refresh()

    # Drawing

    def on_resize(self) -> None:
        """Fit the rows to another size."""
        self._fill()
        self.refresh()

    def notify_style_update(self) -> None:
        """Take new colours from the theme."""
        super().notify_style_update()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        width, height = self.size.width, self.size.height
        lines = self._all_lines()[:height]
        lines += [Strip.blank(width, self._style("base"))] * (height - len(lines))
        return [line.crop(crop.x, crop.right) for line in lines[crop.y : crop.bottom]]

    def _visible(self) -> range:
        """Return the indexes of the visible rows."""
        return range(self._scroll.top, min(self._scroll.top + self._page, self._count))

    def _row_strips(self) -> list[Strip]:
        """Return a page of rows, with the scroll bar if there are more."""
        page, width = self._page, self.size.width
        strips = [self._row_strip(place) for place in self._visible()]
        strips += [Strip.blank(width, self._style("base"))] * (page - len(strips))
        if self._count <= page:
            return strips
        covered = thumb(page, page, self._count, self._scroll.top)
        return [self._with_bar(strip, is_thumb=y in covered) for y, strip in enumerate(strips)]

    def _with_bar(self, strip: Strip, *, is_thumb: bool) -> Strip:
        glyph, name = (self._glyphs.thumb, "thumb") if is_thumb else (self._glyphs.track, "track")
        bar = Strip([Segment(glyph, self._style(name))])
        return Strip.join([strip.crop(0, self.size.width - 1), bar])

    def _rule(self, width: int) -> list[Run]:
        """Return the line between the rows and what is below them."""
        return [(self._glyphs.rule * width, "track")]

    def _line(self, runs: Sequence[Run]) -> Strip:
        """Return a line of the pane's width."""
        segments = [Segment(text, self._style(name)) for text, name in runs if text]
        return UncachedStrip(segments).adjust_cell_length(self.size.width, self._style("base"))

    def _under_cursor_strip(self, strip: Strip) -> Strip:
        """Return the line of the selected row, on the background of the cursor."""
        return overlaid(strip, Style(bgcolor=self._style("cursor").bgcolor))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"list--{name}")
