"""StatusLine: one line of plain text that changes often, painted only when it does."""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.sanitize import sanitized
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.terminal.strips import UncachedStrip, fitted


class StatusLine(Widget):
    """A line, cut with an ellipsis where it is too long; its colours are the widget's own."""

    DEFAULT_CSS = """
    StatusLine { height: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.content = ""

    def show(self, text: str) -> list[CellUpdate]:
        """Take another text, and return the line where it looks otherwise."""
        if text == self.content:
            return []
        self.content = text
        return [CellUpdate(0, 0, self._line())]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the one line."""
        return [self._line().crop(crop.x, crop.right)] * crop.height

    def _line(self) -> Strip:
        width = self.size.width
        return UncachedStrip(
            [Segment(fitted(sanitized(self.content), width), self.rich_style)], width
        )
