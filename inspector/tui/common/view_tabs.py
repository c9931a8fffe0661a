"""ViewTabs: the line with the names of a session's views; a click on a name shows the view."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from inspector.tui.common.status_line import StatusLine

_GAP = 3
"""Columns between two names."""


class ViewTabs(StatusLine):
    """The names of the views."""

    class ViewChosen(Message):
        """A view was chosen with the mouse."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, titles: Sequence[str], names: Sequence[str], *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        """Create the line.

        Args:
            titles: names as shown.
            names: ids of the views, in the same order.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._views = list(zip(names, titles, strict=True))

    def words(self, current: str) -> str:
        """Return the views with their numbers, the current one in brackets; the text starts in the second column."""
        labels = (
            f"[{number} {title}]" if name == current else f" {number} {title} "
            for number, (name, title) in enumerate(self._views, 1)
        )
        return (" " * _GAP).join(labels)

    def on_click(self, event: events.Click) -> None:
        """Choose the view whose name was clicked."""
        start = 1
        for number, (name, title) in enumerate(self._views, 1):
            end = start + len(f" {number} {title} ")
            if start <= event.x < end:
                self.post_message(self.ViewChosen(name))
            start = end + _GAP
