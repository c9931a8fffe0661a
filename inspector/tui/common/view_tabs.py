"""ViewTabs: the line with the names of a session's views; a click on a name shows the view."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from inspector.tui.common.status_line import StatusLine

_GAP = 3
"""Columns between two names, at most."""
_UNKNOWN_WIDTH = 1000
"""Before the line is laid out, everything fits."""


class ViewTabs(StatusLine):
    """The names of the views."""

    class ViewChosen(Message):
        """A view was chosen with the mouse."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, views: Sequence[tuple[str, str, str]], *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        """Create the line.

        Args:
            views: key, id and title of each view.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._views = tuple(views)
        self._labels: list[str] = []
        """The names as last shown, for clicks."""
        self._gap = _GAP
        """Columns between two of them."""

    def words(self, current: str, beside: int = 0) -> str:
        """Return the views with their keys, the current one in brackets; the text starts in the second column.

        Args:
            current: id of the current view.
            beside: columns that other texts need in the line; if they do not fit, the other views lose their titles.
        """
        self._labels = [self._label(view, current, is_short=False) for view in self._views]
        room = (self.size.width or _UNKNOWN_WIDTH) - 1 - beside
        if sum(map(len, self._labels)) > room:
            self._labels = [self._label(view, current, is_short=True) for view in self._views]
        gaps = max(1, len(self._views) - 1)
        self._gap = max(0, min(_GAP, (room - sum(map(len, self._labels))) // gaps))
        return (" " * self._gap).join(self._labels)

    @staticmethod
    def _label(view: tuple[str, str, str], current: str, *, is_short: bool) -> str:
        key, name, title = view
        if name == current:
            return f"[{key} {title}]"
        return f" {key} " if is_short else f" {key} {title} "

    def on_click(self, event: events.Click) -> None:
        """Choose the view whose name was clicked."""
        start = 1
        for label, (_, name, _) in zip(self._labels, self._views, strict=False):
            end = start + len(label)
            if start <= event.x < end:
                self.post_message(self.ViewChosen(name))
            start = end + self._gap
