"""TextPage: a scrolling page of styled lines with a cursor. Shows the session view, the help and the proxy's list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.sanitize import sanitized
from inspector.tui.common.scrolling import WHEEL_LINES, movement_keys
from inspector.tui.terminal.strips import fitted, overlaid

StyledText = tuple[str, str]
"""A text and the name of its style: ``base head dim client server warning error struck``."""


@dataclass(frozen=True, slots=True)
class PageLine:
    """One line of a page."""

    spans: tuple[StyledText, ...]
    target: int = -1
    """Row of the log that the line links to; -1 for none."""


class TextPage(Widget, can_focus=True):
    """A virtual list of lines, replaced as a whole when what they show has changed."""

    DEFAULT_CSS = """
    TextPage { height: 1fr; background: $background; color: $foreground; }
    TextPage > .page--base { background: $background; color: $foreground; }
    TextPage > .page--head { background: $background; color: $foreground; text-style: bold; }
    TextPage > .page--dim { background: $background; color: $dim; }
    TextPage > .page--client { background: $background; color: $client; }
    TextPage > .page--server { background: $background; color: $server; }
    TextPage > .page--warning { background: $background; color: $warning; }
    TextPage > .page--error { background: $background; color: $error; }
    TextPage > .page--struck { background: $background; color: $dim; text-style: strike; }
    TextPage > .page--cursor { background: $cursor; }
    """
    COMPONENT_CLASSES = {
        f"page--{name}"
        for name in (
            "base",
            "head",
            "dim",
            "client",
            "server",
            "warning",
            "error",
            "struck",
            "cursor",
        )
    }
    BINDINGS = [
        *movement_keys("page", "move(-1000000)", "move(1000000)"),
        Binding("enter", "open", "go to events", id="page.open"),
    ]

    class LineOpened(Message):
        """A line with a link was opened."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.lines: Sequence[PageLine] = ()
        self.cursor = 0
        self._top = 0
        self._is_at_end = True

    def show(self, lines: Sequence[PageLine], *, follow: bool = False) -> None:
        """Replace the lines; with ``follow``, a cursor on the last line stays on the last line."""
        self.lines = lines
        if follow and self._is_at_end:
            self.cursor = len(lines) - 1
        self.cursor = max(0, min(self.cursor, len(lines) - 1))
        self._reveal()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the visible lines."""
        width = self.size.width
        strips = []
        for y in range(crop.y, crop.bottom):
            index = self._top + y
            strip = (
                self._strip(self.lines[index], width)
                if index < len(self.lines)
                else Strip.blank(width, self._style("base"))
            )
            if index == self.cursor and self.has_focus and index < len(self.lines):
                strip = overlaid(strip, Style(bgcolor=self._style("cursor").bgcolor))
            strips.append(strip.crop(crop.x, crop.right))
        return strips

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; a double click opens it."""
        if self._top + event.y < len(self.lines):
            self.cursor = self._top + event.y
            self._is_at_end = self.cursor >= len(self.lines) - 1
            self.refresh()
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self) -> None:
        """Scroll down with the wheel."""
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self) -> None:
        """Scroll up with the wheel."""
        self.action_move(-WHEEL_LINES)

    def action_move(self, step: int) -> None:
        """Move the cursor by lines."""
        self.cursor = max(0, min(len(self.lines) - 1, self.cursor + step))
        self._is_at_end = self.cursor >= len(self.lines) - 1
        self._reveal()
        self.refresh()

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self.action_move(step * max(1, self.size.height - 1))

    def action_open(self) -> None:
        """Go to the events that the line links to."""
        if 0 <= self.cursor < len(self.lines) and self.lines[self.cursor].target >= 0:
            self.post_message(self.LineOpened(self.lines[self.cursor].target))

    def _reveal(self) -> None:
        height = max(1, self.size.height)
        self._top = max(self.cursor - height + 1, min(self._top, self.cursor), 0)

    def _strip(self, line: PageLine, width: int) -> Strip:
        # Sanitised at the last step, so that no page can forget to.
        segments = [Segment(sanitized(text), self._style(style)) for text, style in line.spans]
        strip = Strip(segments)
        # Only the last text is shortened: labels and marks come first.
        if strip.cell_length > width and segments:
            rest = width - sum(segment.cell_length for segment in segments[:-1])
            segments[-1] = Segment(fitted(segments[-1].text, max(0, rest)), segments[-1].style)
            strip = Strip(segments)
        return strip.adjust_cell_length(width, self._style("base"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"page--{name}")
