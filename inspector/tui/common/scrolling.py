"""What every scrolling pane shares: keys for moving, the position, and the scroll bar."""

from __future__ import annotations

from textual.binding import Binding

WHEEL_LINES = 3
"""Lines per step of the mouse wheel."""


def movement_keys(pane: str, first: str = "first", last: str = "last") -> list[Binding]:
    """Return the bindings for moving, with the keys usual in terminal programs.

    Args:
        pane: prefix of the binding ids.
        first: the action for going to the beginning.
        last: the action for going to the end.
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
        shown: number of visible rows or entries.
        total: number of all rows, at least ``shown``.
        top: index of the first visible row.
    """
    size = max(1, height * shown // total)
    start = (height - size) * top // max(1, total - shown)
    return range(start, start + size)


class RowScroll:
    """Scroll position of rows that are one line high each: the index of the first visible row.

    The number of rows and of visible lines are passed to every call, since both change all the time.
    """

    def __init__(self) -> None:
        self.top = 0

    def clamp(self, total: int, page: int) -> None:
        """Limit the position so that no line stays empty while rows could fill it."""
        self.top = max(0, min(self.top, total - page))

    def show_end(self, total: int, page: int) -> None:
        """Put the last row on the last line."""
        self.top = max(0, total - page)

    def reveal(self, index: int, page: int) -> None:
        """Scroll just far enough to show a row."""
        if index < self.top:
            self.top = index
        elif index >= self.top + page:
            self.top = index - page + 1

    def drag_to(self, y: int, total: int, page: int) -> None:
        """Scroll to the position of a line of the scroll bar."""
        self.top = round(y / max(1, page - 1) * (total - page))
        self.clamp(total, page)
