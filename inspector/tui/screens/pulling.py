"""PullingScreen: the frame around a session's views: what is laid out when, and the tick that pulls.

A live session and a replay share it. It asks its model (a log and a state) for revision numbers and repaints what has changed;
nothing is pushed at it per event. The first frame has the events alone; everything else is mounted and loaded after it.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from functools import partial

from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import ContentSwitcher, Input

from inspector.clock import time_is_up
from inspector.core.log import EventLog
from inspector.tui.glyphs import Glyphs
from inspector.tui.header import HeaderPart, header_line
from inspector.tui.keycaps import keycap
from inspector.tui.readings import Readings
from inspector.tui.screens.events import EventsScreen
from inspector.tui.screens.views import VIEWS
from inspector.tui.widgets.detail import DetailPane
from inspector.tui.widgets.event_pane import EventPane
from inspector.tui.widgets.event_panes import EventPanes
from inspector.tui.widgets.filter_line import FilterLine
from inspector.tui.widgets.footer import Footer
from inspector.tui.widgets.meter import MeterRow
from inspector.tui.widgets.status_line import StatusLine
from inspector.tui.widgets.text_page import TextPage
from inspector.tui.widgets.view_tabs import ViewTabs

TICK_HZ = 15
NUMPY_AFTER_S = 0.15
"""Soon, since sound and filters want it; not before the first frame, which it would hold up by 50 ms."""
FRAMES_HZ = 30
"""Meters and timeline; in one frame, so that the terminal is painted once for both."""
LEAST_ROWS_FOR_METERS = 20
TICK_BUDGET_S = 0.008
"""Filtering and listing per tick, so that a key is answered in the same frame."""


class PullingScreen(EventsScreen):
    """Header, meters, views and hint, kept up with a log."""

    CAN_ANSWER = True
    """Whether what waits in the conversation can be answered from here."""

    def __init__(self, log: EventLog, glyphs: Glyphs) -> None:
        super().__init__(log, glyphs)
        self._is_whole = False

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield StatusLine(id="header")
        yield MeterRow(self.glyphs, id="meters")
        yield ViewTabs(VIEWS, id="tabs")
        with ContentSwitcher(initial="events", id="views"), Container(id="events"):
            yield EventPanes(self.event_log, self.glyphs, self.key, id="panes")
            yield DetailPane(self.glyphs, partial(keycap, self.app, DetailPane), id="detail")
        yield from self.compose_below()
        yield StatusLine(id="hint")

    def compose_below(self) -> ComposeResult:
        """Lay out what stands between the views and the hint."""
        return
        yield

    def on_mount(self) -> None:
        """Start to pull."""
        self._panes.show_refusals(self.rejection_of)
        self._panes.show_interventions(self.is_ours)
        self._arrange()
        self.query_one("#server", EventPane).focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self.after_first_frame)

    def after_first_frame(self) -> None:
        """Mount and load what the first frame does not show."""
        if self.is_left:
            return
        from inspector.tui.widgets.conversation_view import ConversationView

        self._panes.mount_merged()
        pages = (
            ConversationView(
                self.glyphs,
                empty=self.empty_conversation(),
                key=partial(keycap, self.app, ConversationView),
                can_answer=self.CAN_ANSWER,
                id="conversation",
            ),
            TextPage(id="session"),
        )
        for page in pages:
            page.display = False
        self.query_one("#views").mount(*pages)
        self.mount(FilterLine(), after="#tabs")
        self.mount(Input(id="command", compact=True), Footer())
        self.call_after_refresh(self.refresh_bindings)  # which a footer waits for
        self._is_whole = True
        self._arrange()
        self.tick()
        self.set_interval(1 / FRAMES_HZ, self._pull_frame)
        self.set_timer(NUMPY_AFTER_S, self._load_numpy)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key before everything that it may concern is there."""
        return self._is_whole and super().check_action(action, parameters)

    @property
    def is_left(self) -> bool:
        """Tell whether the screen was taken away, or the program ends; what was scheduled before still comes."""
        return not self.is_attached or self not in self.app.screen_stack

    @property
    def is_busy(self) -> bool:
        """Tell whether what can wait is to wait."""
        return False

    def _load_numpy(self) -> None:
        if self.is_busy:
            self.set_timer(NUMPY_AFTER_S, self._load_numpy)
        else:
            self.run_worker(_import_numpy, thread=True, exit_on_error=False)

    def tick(self) -> None:
        """Pull what is new, for a bounded time, and repaint what has changed."""
        if self.is_left:
            return
        self.advance()
        session = self.state.session
        formats = session.input_format, session.output_format
        self._panes.pull(formats, time_is_up(TICK_BUDGET_S))
        self._refresh_views()
        self._put(
            {
                "#header": self.header_text(),
                "#tabs": self.tabs_text(),
                "#hint": self._filter_problem() or self.hint_text(),
            }
        )

    def advance(self) -> None:
        """Let the model take its step, where it needs one."""

    @abstractmethod
    def readings(self) -> Readings:
        """Return what the level meters show."""

    @abstractmethod
    def header_text(self) -> str:
        """Return the first line."""

    @abstractmethod
    def hint_text(self) -> str:
        """Return what is true and what to do next, in one line."""

    def tabs_text(self) -> str:
        """Return the line that names the views and counts what is shown."""
        pane, tabs = self.focused_pane(), self.query_one("#tabs", ViewTabs)
        query, current = pane.rows.query, self.current_view
        if not query:
            return f" {tabs.words(current)}"
        parts = (
            HeaderPart(tabs.words(current)),
            HeaderPart(f"/ {query.expression}", rank=1, shortest=8),
            HeaderPart(f"{len(pane.rows):,} of {pane.rows.total:,}", rank=2),
        )
        return header_line(parts, self.size.width)

    def _pull_frame(self) -> None:
        if self.is_left:
            return
        meters = self.query_one("#meters", MeterRow)
        meters.set_class(self.size.height < LEAST_ROWS_FOR_METERS, "hidden")
        if self.is_current:
            moved = meters.show(self.readings())
            if self.current_view == "timeline":
                moved.append((self.timeline, self.timeline.pull()))
            self.brush.paint(moved)


def _import_numpy() -> None:
    """Import numpy off the screen's thread."""
    # The screen, which lets go of the interpreter several times for each key, gets it back ten times as soon.
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        import numpy  # noqa: F401, ICN001 - only to have it loaded
    finally:
        sys.setswitchinterval(before)
