"""EventPanes: the event panes, side by side, one at a time, or merged into one.

Keeps the focused pane, chooses the panes that fit, and applies filter, search, mark and highlights to all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
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


class EventPanes(Container):
    """The client's and the server's events, or all in one pane."""

    def __init__(self, log: EventLog, glyphs: Glyphs, key: Key, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._key = key
        self.is_merged = False
        """Whether one pane shows all events."""
        self._log = log
        self._glyphs = glyphs
        self._active_pane = "server"
        self._reported: set[str] = set()
        """Messages about slow patterns that were shown already."""
        self._rejection_of: Callable[[int], str] = lambda _: ""
        self._is_ours: Callable[[int], bool] = lambda _: False

    def compose(self) -> ComposeResult:
        """Lay out the two panes of the first frame."""
        yield EventPane(
            "client",
            self._log,
            (Direction.CLIENT, Direction.LOCAL),
            self._glyphs,
            empty="nothing sent yet",
            id="client",
            follow_key=self._key("pane.follow"),
        )
        yield Static("", id="divider", markup=False)
        yield EventPane(
            "server",
            self._log,
            (Direction.SERVER,),
            self._glyphs,
            empty="nothing received yet",
            id="server",
            follow_key=self._key("pane.follow"),
        )

    def on_mount(self) -> None:
        """Pass the functions for marks on to the panes."""
        self.show_refusals(self._rejection_of)
        self.show_interventions(self._is_ours)

    def mount_merged(self) -> None:
        """Mount the merged pane, which the first frame does not show."""
        merged = EventPane(
            "all events",
            self._log,
            tuple(Direction),
            self._glyphs,
            id="merged",
            follow_key=self._key("pane.follow"),
        )
        merged.is_following = self.focused.is_following
        merged.show_refusals(self._rejection_of)
        merged.show_interventions(self._is_ours)
        self.mount(merged)

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
        self.activate("server" if self._log.side_of(row) is Direction.SERVER else "client")
        pane = self.focused
        if not pane.rows.lets_through(row):
            self.filter(EVERYTHING)
        pane.pull(lambda: pane.rows.scanned > row)
        pane.rows.unfold_to(row)
        pane.select(row, follow=False)
        pane.focus()

    def merge(self, selected: int) -> None:
        """Switch between one merged pane and two, at the selected row."""
        self.is_merged = not self.is_merged
        pane = self.focused
        pane.pull(lambda: False)
        if selected >= 0:
            pane.select(selected, notify=False)

    def activate(self, name: str) -> None:
        """Make a pane the focused one, by its id."""
        if name in ("client", "server") and name != self._active_pane:
            self._active_pane = name
            self.show_fitting(is_narrow=self.has_class("narrow"))

    def show_fitting(self, *, is_narrow: bool) -> None:
        """Show the panes that fit: one at a time in a narrow screen."""
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
        """Show a row that a search in another pane has found."""
        message.stop()
        self.show_row(message.row)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the pane that gets the focus."""
        self.activate(event.widget.id or "")
