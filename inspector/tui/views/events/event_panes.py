"""EventPanes: the event panes, side by side, one at a time, or merged into one.

Keeps the focused pane, chooses the panes that fit, and applies filter, search, mark and highlights to all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.query import EVERYTHING, Query
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction
from inspector.core.event_keys import EventKeys
from inspector.core.log import EventLog
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.views.events.event_pane import EventPane

MERGED_BELOW = 160
"""Columns from which two panes have room for what their rows say; below, one pane shows all events unless the user wants two."""
CLIENT_SHARE = 30
"""Percent of the width for the client's pane, if its rows have room in that: they say less than the server's."""
LEAST_SHARE = 15
"""Percent of the width that a pane keeps."""


class Divider(Static):
    """The line between the panes, which the mouse can drag."""

    class Dragged(Message):
        """The divider should move to a column of the screen."""

        def __init__(self, x: int) -> None:
            super().__init__()
            self.x = x

    def on_mouse_down(self) -> None:
        """Start to drag; a drag continues outside of the widget."""
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag."""
        if self.app.mouse_captured is self:
            self.post_message(self.Dragged(event.screen_x))

    def on_mouse_up(self) -> None:
        """Stop dragging."""
        self.release_mouse()


class EventPanes(Container):
    """The client's and the server's events, or all in one pane."""

    def __init__(self, log: EventLog, glyphs: Glyphs, key: Key, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._key = key
        self.is_merged = True
        """Whether one pane shows all events."""
        self._is_chosen = False
        """Whether the user has switched between one pane and two; then the width no longer decides."""
        self._log = log
        self._glyphs = glyphs
        self._active_pane = "server"
        self._client_share = CLIENT_SHARE
        self._reported: set[str] = set()
        """Messages about slow patterns that were shown already."""
        self._rejection_of: Callable[[int], str] = lambda _: ""
        self._is_ours: Callable[[int], bool] = lambda _: False

    def compose(self) -> ComposeResult:
        """Lay out the panes of the first frame."""
        self.is_merged = self.screen.size.width < MERGED_BELOW
        yield from [self._all_events()] if self.is_merged else self._both_sides()

    def _all_events(self) -> EventPane:
        return EventPane(
            "all events",
            self._log,
            tuple(Direction),
            self._glyphs,
            empty="no events yet",
            id="merged",
            follow_key=self._key("pane.follow"),
        )

    def _both_sides(self) -> list[Widget]:
        return [
            EventPane(
                "client",
                self._log,
                (Direction.CLIENT, Direction.LOCAL),
                self._glyphs,
                empty="nothing sent yet",
                id="client",
                follow_key=self._key("pane.follow"),
            ),
            Divider("", id="divider", markup=False),
            EventPane(
                "server",
                self._log,
                (Direction.SERVER,),
                self._glyphs,
                empty="nothing received yet",
                id="server",
                follow_key=self._key("pane.follow"),
            ),
        ]

    def on_mount(self) -> None:
        """Pass the functions for marks on to the panes."""
        self.show_refusals(self._rejection_of)
        self.show_interventions(self._is_ours)

    def mount_others(self) -> None:
        """Mount the panes that the first frame does not show."""
        others = self._both_sides() if self.is_merged else [self._all_events()]
        for pane in others:
            if isinstance(pane, EventPane):
                pane.is_following = self.focused.is_following
                pane.is_whole = self.focused.is_whole
                pane.show_refusals(self._rejection_of)
                pane.show_interventions(self._is_ours)
            pane.set_class(True, "hidden")
        self.mount(*others)

    @property
    def all(self) -> list[EventPane]:
        """Return every pane, visible or not."""
        return list(self.query(EventPane))

    @property
    def focused(self) -> EventPane:
        """Return the pane that has the focus, or had it last."""
        return self.query_one("#merged" if self.is_merged else f"#{self._active_pane}", EventPane)

    @property
    def query_in_force(self) -> Query:
        """Return the filter of the panes."""
        return self.focused.rows.query

    def shown(self) -> list[EventPane]:
        """Return the panes between which the focus can move."""
        names = ("#merged",) if self.is_merged else ("#client", "#server")
        return [self.query_one(name, EventPane) for name in names]

    def show_refusals(self, rejection_of: Callable[[int], str]) -> None:
        """Set the function that returns a row's note on a rejection, ``""`` for none."""
        self._rejection_of = rejection_of
        for pane in self.all:
            pane.show_refusals(rejection_of)

    def show_interventions(self, is_ours: Callable[[int], bool]) -> None:
        """Set the function that returns whether the proxy injected or changed a row's frame."""
        self._is_ours = is_ours
        for pane in self.all:
            pane.show_interventions(is_ours)

    def follow(self, proofs: Proofs) -> None:
        """Mark the events that prove findings, and filter by other findings."""
        for pane in self.all:
            pane.follow_findings(proofs)

    def pull(
        self,
        formats: tuple[AudioFormat, AudioFormat],
        deadline_passed: Callable[[], bool],
    ) -> None:
        """Take in new rows for a bounded time; ``formats`` are those of input and output audio."""
        for pane in self.all:
            pane.set_formats(*formats)
            if pane.display:
                pane.pull(deadline_passed)
        self._report_slow_patterns()
        self._count_other_matches(deadline_passed)

    def _report_slow_patterns(self) -> None:
        """Notify once of a regular expression that takes too long."""
        queries = [query for pane in self.all for query in (pane.rows.query, pane.search)]
        for words in dict.fromkeys(query.complaint for query in queries):
            if words and words not in self._reported:
                self._reported.add(words)
                self.notify(words, severity="warning", markup=False)

    def _count_other_matches(self, deadline_passed: Callable[[], bool]) -> None:
        """If the only visible pane has no match, show how many the hidden one has."""
        here = self.focused
        words = ""
        if (
            self.has_class("narrow")
            and not self.is_merged
            and here.rows.query
            and not here.rows.rows
        ):
            is_client = here.id == "client"
            other = self.query_one("#server" if is_client else "#client", EventPane)
            other.rows.refresh(deadline_passed)
            key = self._key("view.next_pane" if is_client else "view.previous_pane")
            found = len(other.rows)
            matches = f"{found:,} match{'es' * (found != 1)} in the {other.pane_title} pane"
            words = f"{matches} · {key} go there" if found else ""
        here.set_other_matches(words)

    def filter(self, query: Query) -> None:
        """Filter all panes."""
        if query.expression != self.query_in_force.expression:
            for pane in self.all:
                pane.filter(query)

    def find(self, query: Query) -> None:
        """Go to the first match of a query, and use it for the keys ``n`` and ``N``."""
        for pane in self.all:
            pane.search = query
        self.focused.action_match(1)

    def fold(self, *, is_folding: bool) -> None:
        """Fold or unfold every group of deltas."""
        for pane in self.all:
            pane.rows.fold(is_folding=is_folding)

    def set_mark(self, row: int) -> None:
        """Measure times from a row; -1 for none."""
        for pane in self.all:
            pane.set_mark(row)

    def set_related(self, keys: EventKeys, seqs: frozenset[int]) -> None:
        """Highlight rows related to the selected event."""
        for pane in self.all:
            pane.set_related(keys, seqs)

    def show_row(self, row: int) -> None:
        """Select a row in its pane; clear a filter that hides it."""
        self._activate_side_of(row)
        pane = self.focused
        if not pane.rows.lets_through(row):
            self.filter(EVERYTHING)
        pane.pull(lambda: pane.rows.scanned > row)
        pane.rows.unfold_to(row)
        pane.select(row, follow=False)
        pane.focus()

    def toggle_merged(self, selected: int) -> None:
        """Switch between one merged pane and two, at the selected row."""
        self._is_chosen = True
        self._merge(not self.is_merged, selected)

    def _merge(self, is_merged: bool, selected: int) -> None:
        before, self.is_merged = self.focused, is_merged
        if selected >= 0:
            self._activate_side_of(selected)
        pane = self.focused
        pane.is_following = before.is_following
        pane.pull(lambda: False)
        if selected >= 0:
            pane.select(selected, notify=False, follow=before.is_following)

    def _activate_side_of(self, row: int) -> None:
        self.activate("server" if self._log.side_of(row) is Direction.SERVER else "client")

    def activate(self, name: str) -> None:
        """Make a pane the focused one, by its id."""
        if name in ("client", "server") and name != self._active_pane:
            self._active_pane = name
            self._show_or_hide()

    def fit(self, width: int, *, is_narrow: bool) -> None:
        """Show the panes that fit: one for all events, or one at a time if the user wants two in a narrow screen."""
        self.set_class(is_narrow, "narrow")
        is_merged = self.is_merged if self._is_chosen else width < MERGED_BELOW
        had_focus = False
        if is_merged != self.is_merged and len(self.all) > 1:
            had_focus = self.focused.has_focus
            self._merge(is_merged, self.focused.cursor)
        self._show_or_hide()
        if had_focus:
            self.focused.focus()

    def _show_or_hide(self) -> None:
        is_narrow = self.has_class("narrow")
        shown = {pane.id for pane in self.shown()}
        if is_narrow:
            shown = {self.focused.id}
        for pane in self.all:
            pane.set_class(pane.id not in shown, "hidden")
        self._apply_share()
        for divider in self.query(Divider):
            divider.set_class(self.is_merged or is_narrow, "hidden")
            divider.update("\n".join([self._glyphs.bracket] * max(1, self.screen.size.height)))

    def on_event_pane_divider_moved(self, message: EventPane.DividerMoved) -> None:
        """Move the divider by keys."""
        message.stop()
        self._divide_at(self._client_share + message.step)

    def on_divider_dragged(self, message: Divider.Dragged) -> None:
        """Move the divider with the mouse."""
        message.stop()
        width = max(1, self.size.width)
        self._divide_at(round(100 * (message.x - self.region.x) / width))

    def _divide_at(self, share: int) -> None:
        self._client_share = max(LEAST_SHARE, min(100 - LEAST_SHARE, share))
        for client in self.query("#client"):
            client.styles.min_width = 0  # it is the user's now
        self._apply_share()

    def _apply_share(self) -> None:
        shares = {"client": self._client_share, "server": 100 - self._client_share}
        for pane in self.all:
            pane.styles.width = f"{shares.get(pane.id or '', 100)}fr"

    def on_event_pane_found_elsewhere(self, message: EventPane.FoundElsewhere) -> None:
        """Show a row that a search in another pane has found."""
        message.stop()
        self.show_row(message.row)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the pane that gets the focus."""
        self.activate(event.widget.id or "")
