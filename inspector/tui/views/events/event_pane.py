"""EventPane: a list of events that keeps up with its log: filtered, folded, followed, searched.

``pull`` is called on the screen's tick and repaints only where a visible row changed; nothing happens per event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.message import Message

from inspector.analysis.query import EVERYTHING, Query
from inspector.analysis.query import parse as parse_filter
from inspector.clock import time_is_up
from inspector.tui.common.scrolling import movement_keys
from inspector.tui.views.events.event_list import EventList

if TYPE_CHECKING:
    from inspector.analysis.search_cursor import SearchCursor

SEARCH_S = 0.03
"""A search looks this long before the screen gets its turn again."""


class EventPane(EventList, can_focus=True):
    """One pane of events: a list that is filtered, folded, searched and followed."""

    DEFAULT_CSS = """
    EventPane { height: 1fr; width: 1fr; }
    """
    BINDINGS = [
        *movement_keys("pane"),
        Binding("space", "fold", "fold", id="pane.fold"),
        Binding("enter", "open", "detail", id="pane.open"),
        Binding("f", "follow", "follow", id="pane.follow"),
        Binding("n", "match(1)", "next match", show=False, id="pane.next_match"),
        Binding("N", "match(-1)", "previous match", show=False, id="pane.previous_match"),
        Binding("e", "error(1)", "next error", show=False, id="pane.next_error"),
        Binding("E", "error(-1)", "previous error", show=False, id="pane.previous_error"),
    ]

    search: Query = EVERYTHING
    """What ``n`` looks for."""
    _search_cursor: SearchCursor | None = None
    """A search that goes on with every pull."""
    _is_behind = False

    class FoundElsewhere(Message):
        """A search led to a row of another pane."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def pull(self, is_over: Callable[[], bool]) -> None:
        """Take in what is new in the log, for a bounded time, and repaint if a visible row changed."""
        self.rows.refresh(is_over)
        # As of now: what arrives between this and the painting is not yet looked at, and no news.
        self._is_behind = not self.rows.is_complete
        self._go_on(is_over)
        if self.is_following:
            self._to_end()
        self.repaint_changed()

    def count_text(self) -> str:
        """Return how far a search is, or how many rows there are, with an ellipsis while more wait to be listed."""
        if self._search_cursor is not None:
            return f"searching {self._search_cursor.progress:.0%}"
        return f"{super().count_text()}{'…' * self._is_behind}"

    def filter(self, query: Query) -> None:
        """Show what a query lets through, keeping the cursor near where it was."""
        self.rows.filter(query)
        self._painted = ()

    def action_fold(self) -> None:
        """Unfold the deltas under the cursor, or fold them again."""
        if self.cursor >= 0 and self.rows.toggle_group(self.cursor):
            self.is_following = False
            self.select(self.cursor)

    def action_follow(self) -> None:
        """Follow the newest event, or hold the reading position."""
        self.is_following = not self.is_following
        if self.is_following:
            self._to_end()
        self.refresh()

    def action_match(self, step: int) -> None:
        """Go to the next match of the search."""
        if self.search:
            self._start(self.search, step)

    def action_error(self, step: int) -> None:
        """Go to the next error."""
        self._start(parse_filter("err"), step)

    def _start(self, wanted: Query, step: int) -> None:
        """Look for an event, here and now for a moment, then with every pull."""
        from inspector.analysis.search_cursor import (
            SearchCursor,
        )  # which the first frame does without

        self._search_cursor = SearchCursor(self.rows, wanted, self.cursor, step)
        self._go_on(time_is_up(SEARCH_S))

    def _go_on(self, is_over: Callable[[], bool]) -> None:
        """Search until something is found or the time is up."""
        search_cursor = self._search_cursor
        if search_cursor is None:
            return
        row = search_cursor.advance(is_over)
        if row >= 0:
            self._search_cursor = None
            self._show_found(row, search_cursor)
        elif search_cursor.is_over:
            self._search_cursor = None
            self.notify("no match", timeout=2)

    def _show_found(self, row: int, search_cursor: SearchCursor) -> None:
        if search_cursor.came_round:
            self.notify(f"on from the {'start' if search_cursor.step > 0 else 'end'}", timeout=2)
        if self.rows.holds(row):
            self.rows.unfold_to(row)
            self.select(row, follow=False)
        else:
            self.post_message(self.FoundElsewhere(row))
