"""ViewTabs: the line with the names of a session's views; a click on a name shows the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.message import Message

from inspector.tui.common.header import HeaderPart, header_line
from inspector.tui.common.status_line import StatusLine

_GAP = 3
"""Columns between two names, at most."""
_LEAST_FILTER_CELLS = 24
"""Room for the filter beside the names of the views; longer ones are shortened if there is not enough."""
_FILTER_GAPS = 8
"""Room for the spaces around the filter and the count."""
_UNKNOWN_WIDTH = 1000
"""Before the line is laid out, everything fits."""


class ViewTab(NamedTuple):
    """The name of a view."""

    key: str
    id: str
    title: str
    short: str
    """The title for narrow terminals."""


def _titled(view: ViewTab, is_current: bool) -> str:
    return _bracketed(f"{view.key} {view.title}", is_current)


def _shortened(view: ViewTab, is_current: bool) -> str:
    return _bracketed(f"{view.key} {view.short}", is_current)


def _numbered(view: ViewTab, is_current: bool) -> str:
    return _titled(view, True) if is_current else f" {view.key} "


def _bracketed(text: str, is_current: bool) -> str:
    return f"[{text}]" if is_current else f" {text} "


_LABELS: tuple[Callable[[ViewTab, bool], str], ...] = (_titled, _shortened, _numbered)
"""The forms of a name, the longest first; all views have the first one that fits."""


class ViewTabs(StatusLine):
    """The names of the views."""

    class ViewChosen(Message):
        """A view was chosen with the mouse."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, views: Sequence[ViewTab], *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        """Create the line.

        Args:
            views: the views.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._views = tuple(views)
        self._labels: list[str] = []
        """The names as last shown, for clicks."""
        self._gap = _GAP
        """Columns between two of them."""

    def line(self, current: str, expression: str, shown: int, total: int) -> str:
        """Return the whole line: the views, and the filter with its counts if there is one.

        Args:
            current: id of the current view.
            expression: the filter; ``""`` without one.
            shown: number of rows that pass it.
            total: number of all rows.
        """
        if not expression:
            return f" {self.words(current)}"
        given, count = f"/ {expression}", f"{shown:,} of {total:,}"
        # The names of the views give way to the filter, which may explain why rows are missing.
        beside = min(cell_len(given), _LEAST_FILTER_CELLS) + cell_len(count) + _FILTER_GAPS
        parts = (
            HeaderPart(self.words(current, beside)),
            HeaderPart(given, rank=1, shortest=8),
            HeaderPart(count, rank=2),
        )
        return header_line(parts, self.size.width)

    def words(self, current: str, beside: int = 0) -> str:
        """Return the views with their keys, the current one in brackets; the text starts in the second column.

        Args:
            current: id of the current view.
            beside: columns that other texts need in the line; if they do not fit, titles become short, and then the other views
                lose theirs.
        """
        room = (self.size.width or _UNKNOWN_WIDTH) - 1 - beside
        for label in _LABELS:
            self._labels = [label(view, view.id == current) for view in self._views]
            if sum(map(len, self._labels)) <= room:
                break
        gaps = max(1, len(self._views) - 1)
        self._gap = max(0, min(_GAP, (room - sum(map(len, self._labels))) // gaps))
        return (" " * self._gap).join(self._labels)

    def on_click(self, event: events.Click) -> None:
        """Choose the view whose name was clicked."""
        start = 1
        for label, view in zip(self._labels, self._views, strict=False):
            end = start + len(label)
            if start <= event.x < end:
                self.post_message(self.ViewChosen(view.id))
            start = end + self._gap
