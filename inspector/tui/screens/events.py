"""EventsScreen: the events of a session: the panes, the detail of one event, filter, search and marks.

What concerns all panes is in ``widgets/event_panes.py``, the other views in ``views.py``, commands in ``commanded.py``; who lays
all of it out and keeps it up with the log is ``pulling.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from textual import events, on
from textual.binding import Binding
from textual.widgets import ContentSwitcher

from inspector.analysis.query import EVERYTHING, parse
from inspector.core.event import Direction
from inspector.core.keys import keys_of
from inspector.core.log import EventLog
from inspector.tui.glyphs import Glyphs
from inspector.tui.relations import links_of, rejection_of, related_seqs
from inspector.tui.screens.commanded import seconds_in
from inspector.tui.screens.views import ViewsScreen
from inspector.tui.widgets.detail import DetailPane
from inspector.tui.widgets.event_pane import EventPane
from inspector.tui.widgets.event_panes import EventPanes
from inspector.tui.widgets.filter_line import FilterLine

NARROW_COLUMNS = 100
"""Below this one pane is shown at a time, and the detail on demand."""
WIDE_COLUMNS = 180
"""From here on the detail is a third column."""


class EventsScreen(ViewsScreen):
    """Events in two panes, the detail of one, and what they add up to."""

    CSS_PATH = Path(__file__).with_name("events.tcss")

    BINDINGS = [
        Binding("tab", "next_pane(1)", "next pane", show=False, id="view.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, id="view.previous_pane"),
        Binding("v", "merge", "one pane or two", show=False, id="view.merge"),
        Binding("slash", "filter", "filter", id="view.filter"),
        Binding("F", "find", "find", show=False, id="view.find"),
        Binding("m", "mark", "mark", show=False, id="view.mark"),
        Binding("y", "copy", "copy event", show=False, id="view.copy"),
        Binding("escape", "back", "back", show=False, id="view.back"),
        Binding("q", "close", "close", show=False, id="view.close"),
    ]

    def __init__(self, log: EventLog, glyphs: Glyphs) -> None:
        super().__init__(log, glyphs)
        self._shows_detail = False
        self._mark_row = -1

    @property
    def _panes(self) -> EventPanes:
        return self.query_one("#panes", EventPanes)

    def refocus(self) -> None:
        """Give the keys to the view that is shown."""
        view = self.current_view
        widget = self.focused_pane() if view == "events" else self.query_one(f"#{view}")
        widget.focus()

    def panes(self) -> list[EventPane]:
        """Return the event panes."""
        return self._panes.all

    def focused_pane(self) -> EventPane:
        """Return the pane that the keys go to."""
        return self._panes.focused

    @property
    def place(self) -> str:
        """Return where the keys go: the name of a view, or ``detail`` beside the events."""
        view = self.current_view
        is_beside = view == "events" and not isinstance(self.focused, EventPane)
        return "detail" if is_beside else view

    def rejection_of(self, row: int) -> str:
        """Return what a row says of a refusal; ``""`` where it is about none."""
        return rejection_of(self.event_log, self.state, row + 1)

    def is_ours(self, row: int) -> bool:
        """Tell whether the proxy made or changed the frame of a row."""
        return row + 1 in self.state.interventions.of

    def show_row(self, row: int) -> None:
        """Select a row wherever it is shown."""
        self.action_view("events")
        self._panes.show_row(row)

    def show_span(self, from_us: int, to_us: int) -> None:
        """Filter by a span of session time, and select its first event."""
        self._apply_filter(f"t>={from_us / 1e6:.6f} t<{to_us / 1e6:.6f}")
        first = self.event_log.row_at(from_us - 1) + 1
        t_us = self.event_log.time_us(first) if first < len(self.event_log) else None
        if t_us is not None and t_us < to_us:
            self._panes.show_row(first)

    def on_resize(self) -> None:
        """Arrange the panes for the new size."""
        self._arrange()

    @on(EventPane.EventSelected)
    def _selected(self, message: EventPane.EventSelected) -> None:
        self.selected = message.row
        self._seen = ()
        self.on_selected(message.row)

    def on_selected(self, row: int) -> None:
        """Do what follows from a selection."""

    @on(EventPane.EventOpened)
    def _opened(self) -> None:
        self._shows_detail = True
        self._arrange()
        self.query_one("#detail", DetailPane).focus()

    @on(DetailPane.LinkFollowed)
    def _followed(self, message: DetailPane.LinkFollowed) -> None:
        self.show_row(message.row)

    @on(DetailPane.CopyRequested)
    def _copy_requested(self, message: DetailPane.CopyRequested) -> None:
        self.copy_text(message.text, message.what)

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        if not isinstance(widget, EventPane) or widget.is_following:
            return
        if widget.cursor >= 0 and widget.cursor != self.selected:
            self.selected = widget.cursor
            self._seen = ()

    def action_next_pane(self, step: int) -> None:
        """Put the focus into the next pane."""
        if self.current_view != "events":
            self.focus_next() if step > 0 else self.focus_previous()
            return
        order = ["#merged"] if self._panes.is_merged else ["#client", "#server"]
        if self.query_one("#detail").display:
            order.append("#detail")
        at = next(
            (index for index, name in enumerate(order) if self.query_one(name).has_focus), -step
        )
        target = order[(at + step) % len(order)]
        self._panes.activate(target[1:])
        self.query_one(target).focus()

    def action_merge(self) -> None:
        """Show one pane with everything, or two."""
        self._panes.merge(self.selected)
        self._arrange()
        self.focused_pane().focus()

    def action_filter(self) -> None:
        """Ask for a filter."""
        text = self._panes.query_in_force.expression
        self.query_one(FilterLine).ask(is_filtering=True, text=text)

    def action_find(self) -> None:
        """Ask what to look for, without hiding anything."""
        following = self.key("pane.next_match"), self.key("pane.previous_match")
        self.query_one(FilterLine).ask(is_filtering=False, text="", keys=following)

    def action_mark(self) -> None:
        """Measure times from the selected event, or cease to."""
        row = -1 if self.selected == self._mark_row else self.selected
        self._mark_row = row
        self._panes.set_mark(row)
        if row >= 0:
            self._say_mark(row)
            self.on_marked(row)

    def _say_mark(self, row: int) -> None:
        name, ends = self.event_log.type_of(row), f"{self.key('view.mark')} ends it"
        t_us = self.event_log.time_us(row)
        if t_us is None:
            self.say(f"marked {name}, #{row + 1:,}, which has no time to measure from; {ends}")
        else:
            self.say(f"times are measured from {name} at {t_us / 1e6:.3f} s; {ends}")

    def on_marked(self, row: int) -> None:
        """Do what follows from a mark."""

    def action_copy(self) -> None:
        """Copy the selected event's frame."""
        if self.selected >= 0:
            text = self.event_log.event(self.selected).data.decode("utf-8", "replace")
            self.copy_text(text, self.event_log.type_of(self.selected) or "event")

    def action_back(self) -> None:
        """Go one level back; never quits."""
        if self.query_one("#command").has_class("shown"):
            self.query_one("#command").remove_class("shown")
            self.refocus()
            return
        if self.query_one(FilterLine).has_class("shown"):
            self.query_one(FilterLine).cancel()
            return
        if self.current_view != "events":
            self.action_view("events")
        elif self._shows_detail and not self.query_one("#detail").has_class("hidden"):
            self._shows_detail = False
            self._arrange()
            self.focused_pane().focus()
        elif self.focused_pane().rows.query:
            self._apply_filter("")

    def action_close(self) -> None:
        """Close the view; from the events, the session."""
        if self.current_view != "events":
            self.action_view("events")
        else:
            self.leave()

    def leave(self) -> None:
        """Close the session's screen."""
        self.app.exit(0) if len(self.app.screen_stack) <= 1 else self.app.pop_screen()

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return what the command line and the palette know: name to what it does with the rest of the line."""
        return {
            **super().commands(),
            "filter": self._apply_filter,
            "find": self._find,
            "row": lambda text: self.show_row(self._row(text)),
            "seek": lambda text: self.show_row(
                max(0, self.event_log.row_at(int(seconds_in(text) * 1e6)))
            ),
            "mark": lambda _: self.action_mark(),
            "merge": lambda _: self.action_merge(),
            "unfold": lambda _: self._panes.fold(is_folding=False),
            "fold": lambda _: self._panes.fold(is_folding=True),
            "write": self._write,
            "q": lambda _: self.leave(),
        }

    @on(FilterLine.FilterTyped)
    def _filter_typed(self, message: FilterLine.FilterTyped) -> None:
        if message.query.expression != self._panes.query_in_force.expression:
            self.query_one("#views", ContentSwitcher).current = "events"  # the line keeps the keys
        self._panes.filter(message.query)

    @on(FilterLine.SearchGiven)
    def _search_given(self, message: FilterLine.SearchGiven) -> None:
        self.action_view("events")
        self._panes.find(message.query)

    @on(FilterLine.Closed)
    def _filter_closed(self) -> None:
        self.refocus()

    def _filter_problem(self) -> str:
        """Return what is wrong with the filter that is being typed; ``""`` where nothing is."""
        line = next(iter(self.query(FilterLine)), None)
        return f" {line.problem}" if line is not None and line.problem else ""

    def _find(self, text: str) -> None:
        if not text:
            raise ValueError("what? write it as in a filter")
        self.action_view("events")
        self._panes.find(parse(text))

    def _apply_filter(self, text: str) -> None:
        self.action_view("events")
        self._panes.filter(parse(text) if text.strip() else EVERYTHING)

    def _row(self, text: str) -> int:
        row = int(text) - 1 if text.isdecimal() else -1
        if not 0 <= row < len(self.event_log):
            raise ValueError(f"there are events 1 to {len(self.event_log):,}")
        return row

    def _write(self, text: str) -> None:
        if self.selected < 0 or not text:
            raise ValueError("select an event, and name a file")
        path = Path(text).expanduser()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(self.event_log.event(self.selected).data)
        self.say(f"wrote {path}")

    def _arrange(self) -> None:
        """Show the panes that fit."""
        width, height = self.size.width, self.size.height
        is_narrow = width < NARROW_COLUMNS
        self._panes.show_fitting(is_narrow=is_narrow)
        self.query_one("#events").set_class(width >= WIDE_COLUMNS, "side")
        has_room = not is_narrow and height >= 24
        self.query_one("#detail").set_class(not (has_room or self._shows_detail), "hidden")

    def refresh_events(self) -> None:
        """Show the selected event in detail, and what is related to it."""
        if not 0 <= self.selected < len(self.event_log):
            return
        event = self.event_log.event(self.selected)
        session = self.state.session
        audio = (
            session.input_format if event.direction is Direction.CLIENT else session.output_format
        )
        keys = keys_of(event)
        links = list(links_of(self.event_log, self.state, event, keys, self.glyphs))
        made = str(self.state.interventions.of.get(event.seq, ""))
        self.query_one("#detail", DetailPane).show(event, links, audio, made)
        self._panes.set_kin(keys, related_seqs(self.state, event.seq))
