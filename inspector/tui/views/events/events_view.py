"""EventsView: the tab with the event panes and the detail of the selected event."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from inspector.analysis.query import EVERYTHING, Query, parse
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction
from inspector.core.event_keys import keys_of
from inspector.tui.common.measures import NARROW_COLUMNS
from inspector.tui.views.events.detail import DetailPane
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.events.event_panes import EventPanes
from inspector.tui.views.events.relations import links_of, rejection_of, related_seqs
from inspector.tui.views.view import Commands, View

WIDE_COLUMNS = 200
"""From this width on the detail is a third column."""
LEAST_ROWS_FOR_DETAIL = 24  # a smaller screen would leave too few rows to the panes


class EventsView(View):
    """The event panes, and the detail of one event."""

    id = "events"
    title = "Events"
    key = "1"

    _shows_detail = False
    """Whether the user opened the detail on a screen too small to show it always."""
    _is_zoomed = False
    """Whether the detail has the whole height."""
    mark_row = -1
    """Row from which times are measured; -1 for none."""

    @cached_property
    def panes(self) -> EventPanes:
        """The client, server and merged pane."""
        context = self.context
        panes = EventPanes(context.log, context.glyphs, context.screen_key, id="panes")
        panes.show_refusals(
            lambda row: rejection_of(context.log, context.state(), row + 1, context.proofs())
        )
        panes.show_interventions(lambda row: row + 1 in context.state().interventions.of)
        return panes

    @cached_property
    def detail(self) -> DetailPane:
        """The detail of the selected event."""
        context = self.context
        return DetailPane(context.glyphs, context.key(DetailPane), context.screen_key, id="detail")

    @cached_property
    def widget(self) -> Container:
        """The container of panes and detail."""
        return Container(self.panes, self.detail, id=self.id)

    def pull(
        self,
        formats: tuple[AudioFormat, AudioFormat],
        deadline_passed: Callable[[], bool],
    ) -> None:
        """Take in new rows for a bounded time; ``formats`` are those of input and output audio."""
        self.panes.follow(self.context.proofs())
        self.panes.pull(formats, deadline_passed)

    def refresh(self) -> None:
        """Show the detail of the selected event, and highlight related rows."""
        context, row = self.context, self.context.selected()
        if not 0 <= row < len(context.log):
            return
        event, state = context.log.event(row), context.state()
        is_input = event.direction is Direction.CLIENT
        audio = state.session.input_format if is_input else state.session.output_format
        keys = keys_of(event)
        links = list(links_of(context.log, state, event, keys, context.glyphs))
        intervention = str(state.interventions.of.get(event.seq, ""))
        findings = context.proofs().of(event.seq)
        self.detail.show(event, links, audio, intervention, findings)
        self.panes.set_related(keys, related_seqs(state, event.seq))

    def take_focus(self) -> None:
        """Focus the pane that had the focus last, or the detail that hides it."""
        (self.detail if self._is_zoomed else self.panes.focused).focus()

    def commands(self) -> Commands:
        """Return the commands that show and hide rows."""
        return {
            "filter": lambda text: self.filter(parse(text) if text.strip() else EVERYTHING),
            "find": self._find,
            "unfold": lambda _: self.panes.fold(is_folding=False),
            "fold": lambda _: self.panes.fold(is_folding=True),
        }

    def show_event(self, row: int) -> bool:
        """Select a row; clear a filter that hides it."""
        if self._is_zoomed:
            self.toggle_zoom()
        self.panes.show_row(row)
        return True

    def show_span(self, from_us: int, to_us: int) -> None:
        """Filter by a span of session time, and select its first event."""
        log = self.context.log
        self.filter(parse(f"t>={from_us / 1e6:.6f} t<{to_us / 1e6:.6f}"))
        first = log.row_at(from_us - 1) + 1
        t_us = log.time_us(first) if first < len(log) else None
        if t_us is not None and t_us < to_us:
            self.panes.show_row(first)

    def show_turn(self, number: int, row: int) -> None:
        """Filter by a turn, and select an event of it."""
        self.filter(parse(f"turn:{number}"))
        self.panes.show_row(row)

    def filter(self, query: Query) -> None:
        """Filter the panes."""
        self.panes.filter(query)

    def find(self, query: Query) -> None:
        """Go to the first match of a query."""
        self.panes.find(query)

    def toggle_mark(self, row: int) -> bool:
        """Measure times from a row, or clear the mark if it is on that row; return whether there is a mark now."""
        self.mark_row = -1 if row == self.mark_row else row
        self.panes.set_mark(self.mark_row)
        return self.mark_row >= 0

    def toggle_merged(self) -> None:
        """Switch between one merged pane and two."""
        self.panes.toggle_merged(self.context.selected())
        self.arrange(self.widget.screen.size)
        self.take_focus()

    def open_detail(self) -> None:
        """Show the detail and focus it."""
        self._shows_detail = True
        self.arrange(self.widget.screen.size)
        self.detail.focus()

    def toggle_zoom(self) -> None:
        """Toggle between a detail of the whole height and the panes."""
        self._is_zoomed = not self._is_zoomed
        self.arrange(self.widget.screen.size)
        self.detail.focus()

    def focus_next(self, step: int) -> None:
        """Focus the next pane or the detail."""
        order: list[Widget] = [] if self._is_zoomed else list(self.panes.shown())
        if self.detail.display:
            order.append(self.detail)
        at = next((index for index, widget in enumerate(order) if widget.has_focus), -step)
        target = order[(at + step) % len(order)]
        self.panes.activate(target.id or "")
        target.focus()

    def go_back(self) -> bool:
        """End the zoom, else close the detail, else clear the filter."""
        if self._is_zoomed:
            self.toggle_zoom()
            return True
        if self._shows_detail and not self.detail.has_class("hidden"):
            self._shows_detail = False
            self.arrange(self.widget.screen.size)
            self.take_focus()
            return True
        if self.panes.query_in_force:
            self.filter(EVERYTHING)
            return True
        return False

    def arrange(self, size: Size) -> None:
        """Show the panes that fit."""
        is_narrow = size.width < NARROW_COLUMNS
        self.panes.fit(size.width, is_narrow=is_narrow)
        self.widget.set_class(size.width >= WIDE_COLUMNS, "side")
        has_room = not is_narrow and size.height >= LEAST_ROWS_FOR_DETAIL
        self.detail.set_class(not (has_room or self._shows_detail or self._is_zoomed), "hidden")
        self.panes.set_class(self._is_zoomed, "hidden")

    def focused_on(self, widget: Widget | None) -> int:
        """Return the row that is selected when a pane gets the focus; -1 for other widgets and following panes."""
        # A following pane is not being read: its cursor is just the newest event.
        is_paused = isinstance(widget, EventPane) and not widget.is_following
        return widget.cursor if is_paused and isinstance(widget, EventPane) else -1

    def _find(self, text: str) -> None:
        if not text:
            raise ValueError("Search text is empty; use filter syntax, e.g. type:response.*")
        self.find(parse(text))
