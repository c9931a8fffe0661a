"""EventPanes: the event panes side by side, one at a time, or merged into one, and what concerns all of them.

Knows which pane the keys go to, and which ones fit; what is filtered, searched, marked and related is the same in each.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from inspector.analysis.query import EVERYTHING, Query
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction
from inspector.core.event_keys import EventKeys
from inspector.core.log import EventLog
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keycaps import Key
from inspector.tui.views.events.event_pane import EventPane


class EventPanes(Container):
    """The client's events and the server's, or all in one."""

    def __init__(self, log: EventLog, glyphs: Glyphs, key: Key, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._key = key
        self.is_merged = False
        """Whether one pane shows everything."""
        self._log = log
        self._glyphs = glyphs
        self._active_pane = "server"
        self._complaints: set[str] = set()
        """Told already."""
        self._rejection_of: Callable[[int], str] = lambda _: ""
        self._is_ours: Callable[[int], bool] = lambda _: False

    def compose(self) -> ComposeResult:
        """Lay out the two panes that the first frame shows."""
        yield EventPane(
            "client",
            self._log,
            (Direction.CLIENT, Direction.LOCAL),
            self._glyphs,
            empty="nothing sent yet",
            id="client",
        )
        yield Static("", id="divider", markup=False)
        yield EventPane(
            "server",
            self._log,
            (Direction.SERVER,),
            self._glyphs,
            empty="nothing received yet",
            id="server",
        )

    def on_mount(self) -> None:
        """Let the panes mark what was refused."""
        self.show_refusals(self._rejection_of)
        self.show_interventions(self._is_ours)

    def mount_merged(self) -> None:
        """Add the pane with everything, which the first frame does not show."""
        merged = EventPane("all events", self._log, tuple(Direction), self._glyphs, id="merged")
        merged.is_following = self.focused.is_following
        merged.show_refusals(self._rejection_of)
        merged.show_interventions(self._is_ours)
        self.mount(merged)

    @property
    def all(self) -> list[EventPane]:
        """Return every pane, shown or not."""
        return list(self.query(EventPane))

    @property
    def focused(self) -> EventPane:
        """Return the pane that the keys go to."""
        return self.query_one("#merged" if self.is_merged else f"#{self._active_pane}", EventPane)

    @property
    def query_in_force(self) -> Query:
        """Return what the panes are filtered by."""
        return self.focused.rows.query

    def shown(self) -> list[EventPane]:
        """Return the panes between which the keys can go."""
        names = ("#merged",) if self.is_merged else ("#client", "#server")
        return [self.query_one(name, EventPane) for name in names]

    def show_refusals(self, rejection_of: Callable[[int], str]) -> None:
        """Say how the panes learn why the server refused the event of a row; ``""`` where it did not."""
        self._rejection_of = rejection_of
        for pane in self.all:
            pane.show_refusals(rejection_of)

    def show_interventions(self, is_ours: Callable[[int], bool]) -> None:
        """Say how the panes learn whether a proxy made or changed the frame of a row."""
        self._is_ours = is_ours
        for pane in self.all:
            pane.show_interventions(is_ours)

    def pull(self, formats: tuple[AudioFormat, AudioFormat], is_over: Callable[[], bool]) -> None:
        """Take in what is new in the log, for a bounded time; ``formats`` are those of input and output."""
        for pane in self.all:
            pane.set_formats(*formats)
            if pane.display:
                pane.pull(is_over)
        self._complain()
        self._look_elsewhere(is_over)

    def _complain(self) -> None:
        """Say once that a pattern of the filter or the search takes too long."""
        queries = [query for pane in self.all for query in (pane.rows.query, pane.search)]
        for words in dict.fromkeys(query.complaint for query in queries):
            if words and words not in self._complaints:
                self._complaints.add(words)
                self.notify(words, severity="warning", markup=False)

    def _look_elsewhere(self, is_over: Callable[[], bool]) -> None:
        """Let a pane that is alone on the screen, and has no match, say that the hidden one has."""
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
            other.rows.refresh(is_over)
            key = self._key("view.next_pane" if is_client else "view.previous_pane")
            found = len(other.rows)
            words = f"the {other.pane_title} pane has {found:,}: {key} goes there" if found else ""
        here.set_elsewhere(words)

    def filter(self, query: Query) -> None:
        """Show what a query lets through."""
        if query.expression != self.query_in_force.expression:
            for pane in self.all:
                pane.filter(query)

    def find(self, query: Query) -> None:
        """Go to the first match of a query, and let ``n`` look for the others."""
        for pane in self.all:
            pane.search = query
        self.focused.action_match(1)

    def fold(self, *, is_folding: bool) -> None:
        """Fold every group of deltas, or unfold it."""
        for pane in self.all:
            pane.rows.fold(is_folding=is_folding)

    def set_mark(self, row: int) -> None:
        """Measure times from a row; -1 for none."""
        for pane in self.all:
            pane.set_mark(row)

    def set_related(self, keys: EventKeys, seqs: frozenset[int]) -> None:
        """Highlight what is related to the selected event."""
        for pane in self.all:
            pane.set_related(keys, seqs)

    def show_row(self, row: int) -> None:
        """Select a row in the pane that has it; a filter that hides it ends."""
        self.activate("server" if self._log.side_of(row) is Direction.SERVER else "client")
        pane = self.focused
        if not pane.rows.lets_through(row):
            self.filter(EVERYTHING)
        pane.pull(lambda: pane.rows.scanned > row)
        pane.rows.unfold_to(row)
        pane.select(row, follow=False)
        pane.focus()

    def merge(self, selected: int) -> None:
        """Show one pane with everything, or two, at the selected row."""
        self.is_merged = not self.is_merged
        pane = self.focused
        pane.pull(lambda: False)
        if selected >= 0:
            pane.select(selected, notify=False)

    def activate(self, name: str) -> None:
        """Let the keys go to a pane, by its id."""
        if name in ("client", "server") and name != self._active_pane:
            self._active_pane = name
            self.show_fitting(is_narrow=self.has_class("narrow"))

    def show_fitting(self, *, is_narrow: bool) -> None:
        """Show the panes that fit: one at a time where it is narrow."""
        self.set_class(is_narrow, "narrow")
        for name in ("client", "server"):
            is_hidden = self.is_merged or (is_narrow and name != self._active_pane)
            self.query_one(f"#{name}").set_class(is_hidden, "hidden")
        for pane in self.query("#merged"):
            pane.set_class(not self.is_merged, "hidden")
        divider = self.query_one("#divider", Static)
        divider.set_class(self.is_merged or is_narrow, "hidden")
        divider.update("\n".join([self._glyphs.bracket] * max(1, self.screen.size.height)))

    def on_event_pane_found_elsewhere(self, message: EventPane.FoundElsewhere) -> None:
        """Go to what a search found in the other pane."""
        message.stop()
        self.show_row(message.row)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember which pane the keys go to."""
        self.activate(event.widget.id or "")
