"""ViewTabs: the line with the names of a session's views; a click on a name shows the view."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from inspector.tui.common.status_line import StatusLine

_GAP = 3
"""Columns between two names, at most."""


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

    @property
    def _gap(self) -> int:
        """Return the columns between two names: fewer if the line would not fit."""
        if not self.size.width:  # not laid out yet
            return _GAP
        names = sum(len(f" {key} {title} ") for key, _, title in self._views)
        gaps = max(1, len(self._views) - 1)
        return max(0, min(_GAP, (self.size.width - 1 - names) // gaps))

    def words(self, current: str) -> str:
        """Return the views with their keys, the current one in brackets; the text starts in the second column."""
        labels = (
            f"[{key} {title}]" if name == current else f" {key} {title} "
            for key, name, title in self._views
        )
        return (" " * self._gap).join(labels)

    def on_click(self, event: events.Click) -> None:
        """Choose the view whose name was clicked."""
        start, gap = 1, self._gap
        for key, name, title in self._views:
            end = start + len(f" {key} {title} ")
            if start <= event.x < end:
                self.post_message(self.ViewChosen(name))
            start = end + gap
