"""EventsView: the events in panes, and one of them in detail; what is filtered, searched, marked and related."""

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
from inspector.tui.views.events.detail import DetailPane
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.events.event_panes import EventPanes
from inspector.tui.views.events.relations import links_of, rejection_of, related_seqs
from inspector.tui.views.view import Commands, View

NARROW_COLUMNS = 100
"""Below this one pane is shown at a time, and the detail on demand."""
WIDE_COLUMNS = 180
"""From here on the detail is a third column."""
LEAST_ROWS_FOR_DETAIL = 24


class EventsView(View):
    """Events in two panes, the detail of one, and what they add up to."""

    id = "events"
    title = "Events"
    key = "1"

    _shows_detail = False
    """Whether the user asked for the detail where there is no room for it beside the panes."""
    mark_row = -1
    """The row that times are measured from; -1 for none."""

    @cached_property
    def panes(self) -> EventPanes:
        """Client, server and merged pane."""
        context = self.context
        panes = EventPanes(context.log, context.glyphs, context.screen_key, id="panes")
        panes.show_refusals(lambda row: rejection_of(context.log, context.state(), row + 1))
        panes.show_interventions(lambda row: row + 1 in context.state().interventions.of)
        return panes

    @cached_property
    def detail(self) -> DetailPane:
        """The selected event in full."""
        return DetailPane(self.context.glyphs, self.context.key(DetailPane), id="detail")

    @cached_property
    def widget(self) -> Container:
        """Panes and detail."""
        return Container(self.panes, self.detail, id=self.id)

    def pull(self, formats: tuple[AudioFormat, AudioFormat], is_over: Callable[[], bool]) -> None:
        """Take in what is new in the log, for a bounded time; ``formats`` are those of input and output."""
        self.panes.pull(formats, is_over)

    def refresh(self) -> None:
        """Show the selected event in detail, and what is related to it."""
        context, row = self.context, self.context.selected()
        if not 0 <= row < len(context.log):
            return
        event, state = context.log.event(row), context.state()
        is_input = event.direction is Direction.CLIENT
        audio = state.session.input_format if is_input else state.session.output_format
        keys = keys_of(event)
        links = list(links_of(context.log, state, event, keys, context.glyphs))
        made = str(state.interventions.of.get(event.seq, ""))
        self.detail.show(event, links, audio, made)
        self.panes.set_related(keys, related_seqs(state, event.seq))

    def take_focus(self) -> None:
        """Give the keys to the pane that had them last."""
        self.panes.focused.focus()

    def commands(self) -> Commands:
        """Return what shows and hides rows."""
        return {
            "filter": lambda text: self.filter(parse(text) if text.strip() else EVERYTHING),
            "find": self._find,
            "unfold": lambda _: self.panes.fold(is_folding=False),
            "fold": lambda _: self.panes.fold(is_folding=True),
        }

    def show_event(self, row: int) -> bool:
        """Select a row; a filter that hides it ends."""
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

    def filter(self, query: Query) -> None:
        """Show what a query lets through."""
        self.panes.filter(query)

    def find(self, query: Query) -> None:
        """Go to the first match of a query."""
        self.panes.find(query)

    def toggle_mark(self, row: int) -> bool:
        """Measure times from a row, or stop where they already are; return whether they are now."""
        self.mark_row = -1 if row == self.mark_row else row
        self.panes.set_mark(self.mark_row)
        return self.mark_row >= 0

    def toggle_merged(self) -> None:
        """Show one pane with everything, or two."""
        self.panes.merge(self.context.selected())
        self.arrange(self.widget.screen.size)
        self.take_focus()

    def open_detail(self) -> None:
        """Show the detail, and give it the keys."""
        self._shows_detail = True
        self.arrange(self.widget.screen.size)
        self.detail.focus()

    def focus_next(self, step: int) -> None:
        """Give the keys to the next pane; the detail counts as one."""
        order: list[Widget] = list(self.panes.shown())
        if self.detail.display:
            order.append(self.detail)
        at = next((index for index, widget in enumerate(order) if widget.has_focus), -step)
        target = order[(at + step) % len(order)]
        self.panes.activate(target.id or "")
        target.focus()

    def go_back(self) -> bool:
        """Close the detail, else end the filter."""
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
        self.panes.show_fitting(is_narrow=is_narrow)
        self.widget.set_class(size.width >= WIDE_COLUMNS, "side")
        has_room = not is_narrow and size.height >= LEAST_ROWS_FOR_DETAIL
        self.detail.set_class(not (has_room or self._shows_detail), "hidden")

    def focused_on(self, widget: Widget | None) -> int:
        """Return the row that a pane selects by getting the keys; -1 where it follows, so that nobody reads in it."""
        is_read = isinstance(widget, EventPane) and not widget.is_following
        return widget.cursor if is_read and isinstance(widget, EventPane) else -1

    def _find(self, text: str) -> None:
        if not text:
            raise ValueError("Search text is empty; use filter syntax, e.g. type:response.*")
        self.find(parse(text))
