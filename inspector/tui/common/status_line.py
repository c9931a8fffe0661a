"""StatusLine: one line of plain text that is repainted only when it changes."""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from inspector.analysis.sanitize import sanitized
from inspector.tui.terminal.direct_renderer import CellUpdate
from inspector.tui.terminal.strips import UncachedStrip, fitted


class StatusLine(Widget):
    """A line of text, shortened with an ellipsis if too long, in the widget's own colours."""

    DEFAULT_CSS = """
    StatusLine { height: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.content = ""

    def show(self, text: str) -> list[CellUpdate]:
        """Set the text; return the line to paint if it has changed."""
        if text == self.content:
            return []
        self.content = text
        return [CellUpdate(0, 0, self._line())]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the line, repeated for the height of the crop."""
        return [self._line().crop(crop.x, crop.right)] * crop.height

    def _line(self) -> Strip:
        width = self.size.width
        return UncachedStrip(
            [Segment(fitted(sanitized(self.content), width), self.rich_style)], width
        )
