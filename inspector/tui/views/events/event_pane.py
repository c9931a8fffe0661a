"""EventPane: an event list that is filtered, folded, followed and searched.

``pull`` is called on the screen's tick and repaints only if a visible row has changed; nothing happens per event.
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
"""Time for a search before the screen is updated again."""


class EventPane(EventList, can_focus=True):
    """One pane of events."""

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
        Binding("less_than_sign", "divide(-5)", "divider left", show=False, id="pane.divider_left"),
        Binding(
            "greater_than_sign", "divide(5)", "divider right", show=False, id="pane.divider_right"
        ),
    ]

    search: Query = EVERYTHING
    """The query of the search, for the keys ``n`` and ``N``."""
    _search_cursor: SearchCursor | None = None
    """A search in progress, continued on every pull."""
    _is_behind = False
    _none_found = ""
    """Message in case the search in progress finds nothing."""

    class DividerMoved(Message):
        """The divider between the panes should move."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step
            """Percent of the width to the right; negative: to the left."""

    class FoundElsewhere(Message):
        """A search found a row that another pane shows."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def pull(self, deadline_passed: Callable[[], bool]) -> None:
        """Take in new rows for a bounded time, and repaint if a visible row has changed."""
        self.rows.refresh(deadline_passed)
        # Decided here: rows that arrive before the painting are not late, just not yet seen.
        self._is_behind = not self.rows.is_complete
        self._continue_search(deadline_passed)
        if self.is_following:
            self._to_end()
        self.repaint_changed()

    def count_text(self) -> str:
        """Return the progress of a search, else the number of rows, with an ellipsis while more wait to be listed."""
        if self._search_cursor is not None:
            return f"searching {self._search_cursor.progress:.0%}"
        return f"{super().count_text()}{'…' * self._is_behind}"

    def filter(self, query: Query) -> None:
        """Filter the rows; keep the cursor near its place."""
        self.rows.filter(query)
        # Forces a repaint, even if the same rows are visible.
        self._painted = ()

    def action_fold(self) -> None:
        """Fold or unfold the deltas under the cursor."""
        if self.cursor >= 0 and self.rows.toggle_group(self.cursor):
            self.is_following = False
            self.select(self.cursor)

    def action_follow(self) -> None:
        """Toggle following new rows."""
        self.is_following = not self.is_following
        if self.is_following:
            self._to_end()
        self.refresh()

    def action_divide(self, step: int) -> None:
        """Ask for another share of the width for the client's pane, by percent."""
        self.post_message(self.DividerMoved(step))

    def action_match(self, step: int) -> None:
        """Go to the next match of the search."""
        if self.search:
            self._start(self.search, step, f'no match for "{self.search.expression}"')

    def action_error(self, step: int) -> None:
        """Go to the next error."""
        self._start(parse_filter("err"), step, "no errors")

    def _start(self, query: Query, step: int, none_found: str) -> None:
        """Start a search: a moment now, the rest on every pull."""
        from inspector.analysis.search_cursor import (
            SearchCursor,
        )  # not needed for the first frame

        self._none_found = none_found
        self._search_cursor = SearchCursor(self.rows, query, self.cursor, step)
        self._continue_search(time_is_up(SEARCH_S))

    def _continue_search(self, deadline_passed: Callable[[], bool]) -> None:
        """Search until something is found or the deadline has passed."""
        search_cursor = self._search_cursor
        if search_cursor is None:
            return
        row = search_cursor.advance(deadline_passed)
        if row >= 0:
            self._search_cursor = None
            self._show_found(row, search_cursor)
        elif search_cursor.is_finished:
            self._search_cursor = None
            self.notify(self._none_found, markup=False, timeout=2)

    def _show_found(self, row: int, search_cursor: SearchCursor) -> None:
        if search_cursor.has_wrapped:
            end = "top" if search_cursor.step > 0 else "bottom"
            self.notify(f"wrapped to the {end}", timeout=2)
        if self.rows.holds(row):
            self.rows.unfold_to(row)
            self.select(row, follow=False)
        else:
            self.post_message(self.FoundElsewhere(row))
