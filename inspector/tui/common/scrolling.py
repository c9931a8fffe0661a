"""What every pane that scrolls has: keys to move by, a position, and a bar."""

from __future__ import annotations

from textual.binding import Binding

WHEEL_LINES = 3
"""Lines that one step of the mouse wheel scrolls."""


def movement_keys(pane: str, first: str = "first", last: str = "last") -> list[Binding]:
    """Return the bindings to move by, those of lists in other terminal programs.

    Args:
        pane: what their ids begin with.
        first: the action that goes to the beginning.
        last: the action that goes to the end.
    """
    keys = (
        ("down,j", "move(1)", "down", "down"),
        ("up,k", "move(-1)", "up", "up"),
        ("pagedown,ctrl+d", "page(1)", "page down", "page_down"),
        ("pageup,ctrl+u", "page(-1)", "page up", "page_up"),
        ("home,g", first, "first", "first"),
        ("end,G", last, "last", "last"),
    )
    return [
        Binding(key, action, words, show=False, id=f"{pane}.{name}")
        for key, action, words, name in keys
    ]


def thumb(height: int, shown: int, total: int, top: int) -> range:
    """Return the lines of a scroll bar that its thumb covers.

    Args:
        height: lines of the bar.
        shown: how many rows (entries, …) are shown.
        total: how many there are, at least ``shown``.
        top: the first that is shown.
    """
    size = max(1, height * shown // total)
    start = (height - size) * top // max(1, total - shown)
    return range(start, start + size)


class RowScroll:
    """Which row, of those that are one line high, is the first that is shown.

    How many rows there are, and how many fit, is told each time: both change all the time.
    """

    def __init__(self) -> None:
        self.top = 0

    def clamp(self, total: int, page: int) -> None:
        """Show no emptiness that rows could fill."""
        self.top = max(0, min(self.top, total - page))

    def show_end(self, total: int, page: int) -> None:
        """Show the last row on the last line."""
        self.top = max(0, total - page)

    def reveal(self, index: int, page: int) -> None:
        """Scroll as little as shows a row."""
        if index < self.top:
            self.top = index
        elif index >= self.top + page:
            self.top = index - page + 1

    def drag_to(self, y: int, total: int, page: int) -> None:
        """Take the place that a line of the bar stands for."""
        self.top = round(y / max(1, page - 1) * (total - page))
        self.clamp(total, page)
