"""Workspace: the one screen for a session: header, meters, tabs, views, hint, and the tick that pulls.

What it shows is a ``SessionModel``; what can be done with it are its ``Part``s. It asks the model's log and state for revision
numbers and repaints what has changed; nothing is pushed at it per event. The first frame has the events alone; everything else
is mounted and loaded after it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from inspector.clock import time_is_up
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import InspectorError
from inspector.tui.common.footer import Footer
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import HeaderPart, header_line
from inspector.tui.common.keycaps import keycap
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.common.meter import MeterRow
from inspector.tui.common.status_line import StatusLine
from inspector.tui.common.text_page import TextPage
from inspector.tui.common.view_tabs import ViewTabs
from inspector.tui.terminal.direct_renderer import DirectRenderer
from inspector.tui.views import VIEWS
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.events.events_view import EventsView
from inspector.tui.views.events.filter_line import FilterLine
from inspector.tui.views.messages import CopyRequested, RowRequested, SoundRequested, SpanRequested
from inspector.tui.views.view import Commands, View, ViewContext
from inspector.tui.workspace.command_line import CommandLine, workspace_commands
from inspector.tui.workspace.part import Part, SessionModel

if TYPE_CHECKING:
    from inspector.tui.common.help import Group
    from inspector.tui.workspace.listening import PlaySound

TICK_HZ = 15
NUMPY_AFTER_S = 0.15
"""Soon, since sound and filters want it; not before the first frame, which it would hold up by 50 ms."""
FRAMES_HZ = 30
"""Meters and timeline; in one frame, so that the terminal is painted once for both."""
LEAST_ROWS_FOR_METERS = 20
TICK_BUDGET_S = 0.008
"""Filtering and listing per tick, so that a key is answered in the same frame."""
MAX_COPIED_CHARS = 74_994
"""Most terminals refuse a longer OSC 52 sequence (100,000 bytes of base64)."""


class Workspace(KeyedScreen[None]):
    """A session in views."""

    AUTO_FOCUS = ""
    """The view says which of its widgets has the keys; Textual would choose the first."""
    CSS_PATH = Path(__file__).with_name("workspace.tcss")

    BINDINGS = [
        *(
            Binding(
                view.key, f"view('{view.id}')", view.title.lower(), show=False, id=f"view.{view.id}"
            )
            for view in VIEWS
        ),
        Binding("l", "item", "its item", show=False, id="view.item"),
        Binding("tab", "next_pane(1)", "next pane", show=False, id="view.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, id="view.previous_pane"),
        Binding("v", "merge", "one pane or two", show=False, id="view.merge"),
        Binding("slash", "filter", "filter", id="view.filter"),
        Binding("F", "find", "find", show=False, id="view.find"),
        Binding("m", "mark", "mark", show=False, id="view.mark"),
        Binding("y", "copy", "copy event", show=False, id="view.copy"),
        Binding("escape", "back", "back", show=False, id="view.back"),
        Binding("q", "close", "close", show=False, id="view.close"),
        Binding("colon", "command", "command", show=False, id="view.command"),
        KeyedScreen.HELP_KEY,
    ]

    def __init__(self, model: SessionModel, parts: Sequence[Part], glyphs: Glyphs) -> None:
        """Show a session.

        Args:
            model: what is shown.
            parts: what can be done with it; the first has its line nearest to the hint.
            glyphs: characters that the terminal can show.
        """
        super().__init__()
        self.model = model
        self.title = model.title
        self.parts = tuple(parts)
        self.glyphs = glyphs
        self.renderer = DirectRenderer(self)
        self.selected = -1
        """Row of the selected event; -1 for none."""
        self.play_sound: PlaySound | None = None
        """How to make a sound; None where there is no output."""
        self.is_whole = False
        """Whether everything is there that a key may concern."""
        for part in self.parts:
            part.workspace = self
        context = ViewContext(
            log=model.log,
            state=lambda: self.model.state,
            now_us=model.now_us,
            selected=lambda: self.selected,
            glyphs=glyphs,
            key=lambda kind: partial(self._key_of, kind),
            screen_key=self.key,
            losses=lambda: model.losses,
            empty_conversation=lambda: model.empty_conversation(self.key),
            can_answer=model.can_answer,
        )
        self.views: dict[str, View] = {kind.id: kind(context) for kind in VIEWS}
        self._ticks = 0
        self._seen: tuple[object, ...] = ()

    # What is laid out, and when

    def compose(self) -> ComposeResult:
        """Lay out what the first frame shows."""
        yield StatusLine(id="header")
        yield MeterRow(self.glyphs, id="meters")
        yield ViewTabs([kind.title for kind in VIEWS], [kind.id for kind in VIEWS], id="tabs")
        first = self.events.widget
        inner: Widget = ContentSwitcher(first, initial=first.id, id="views")
        for part in reversed(self.parts):
            inner = part.wrap(inner)
        yield inner
        yield StatusLine(id="hint")

    def on_mount(self) -> None:
        """Start to pull."""
        self.events.arrange(self.size)
        self.events.take_focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self.after_first_frame)

    def after_first_frame(self) -> None:
        """Mount and load what the first frame does not show."""
        if self.is_left:
            return
        self.events.panes.mount_merged()
        for view in list(self.views.values())[1:]:
            if view.is_eager:
                self._mount_view(view)
        self.mount(FilterLine(), after="#tabs")
        self.mount(CommandLine(self.commands), Footer())
        self.call_after_refresh(self.refresh_bindings)  # which a footer waits for
        self.is_whole = True
        self.events.arrange(self.size)
        self.tick()
        self.set_interval(1 / FRAMES_HZ, self._pull_frame)
        self.set_timer(NUMPY_AFTER_S, self._load_numpy)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key before everything that it may concern is there."""
        return self.is_whole and super().check_action(action, parameters)

    def on_resize(self) -> None:
        """Arrange the views for the new size."""
        for view in self.views.values():
            view.arrange(self.size)

    def _mount_view(self, view: View) -> None:
        view.widget.display = False
        self.query_one("#views").mount(view.widget)

    def _load_numpy(self) -> None:
        if self.model.is_busy:
            self.set_timer(NUMPY_AFTER_S, self._load_numpy)
        else:
            self.run_worker(_import_numpy, thread=True, exit_on_error=False)

    # What parts and views ask for

    @property
    def event_log(self) -> EventLog:
        """Return the events."""
        return self.model.log

    @property
    def state(self) -> SessionState:
        """Return the state that the views show."""
        return self.model.state

    @property
    def events(self) -> EventsView:
        """Return the first view."""
        view = self.views[EventsView.id]
        assert isinstance(view, EventsView)  # noqa: S101 - the table says so
        return view

    @property
    def current(self) -> View:
        """Return the view that is shown."""
        return self.views[self.current_view]

    @property
    def current_view(self) -> str:
        """Return the name of the view that is shown."""
        return self.query_one("#views", ContentSwitcher).current or VIEWS[0].id

    @property
    def place(self) -> str:
        """Return where the keys go: the name of a view, or ``detail`` beside the events."""
        view = self.current_view
        is_beside = view == EventsView.id and not isinstance(self.focused, EventPane)
        return "detail" if is_beside else view

    @property
    def is_left(self) -> bool:
        """Tell whether the screen was taken away, or the program ends; what was scheduled before still comes."""
        return not self.is_attached or self not in self.app.screen_stack

    def selected_event(self) -> Event | None:
        """Return the selected event; None where none is."""
        log = self.event_log
        return log.event(self.selected) if 0 <= self.selected < len(log) else None

    def key_owners(self) -> Sequence[type[DOMNode]]:
        """Return the screen's class and those of its parts."""
        return (type(self), *map(type, self.parts))

    def refocus(self) -> None:
        """Give the keys to the view that is shown."""
        self.current.take_focus()

    def redraw(self) -> None:
        """Look at everything again on the next tick, whether or not it seems to have changed."""
        self._seen = ()

    def show_row(self, row: int) -> None:
        """Select an event wherever it is shown."""
        self.action_view(EventsView.id)
        self.events.show_event(row)

    def put(self, texts: dict[str, str]) -> None:
        """Show texts in lines, by their selectors."""
        lines = {self.query_one(name, StatusLine): text for name, text in texts.items()}
        changes = ((line, line.show(text)) for line, text in lines.items())
        self.renderer.paint([(line, patches) for line, patches in changes if patches])

    def copy_text(self, text: str, what: str) -> None:
        """Offer a text to the terminal's clipboard; a terminal never says whether it took it."""
        if len(text) > MAX_COPIED_CHARS:
            words = (
                f"{what}: {len(text):,} characters are too long for the clipboard; use :write FILE"
            )
            self.say(words, "warning")
            return
        self.app.copy_to_clipboard(text)
        self.say(
            f"sent {what} to the terminal's clipboard ({len(text):,} characters); :write FILE if it did not arrive"
        )

    def leave(self) -> None:
        """End what was begun here, and close the screen."""
        self.run_worker(self._leave(), exclusive=True)

    async def _leave(self) -> None:
        await self.model.close()
        self.app.exit(0) if len(self.app.screen_stack) <= 1 else self.app.pop_screen()

    def _key_of(self, kind: type[DOMNode], binding_id: str) -> str:
        return keycap(self.app, (kind,), binding_id)

    # The tick

    def tick(self) -> None:
        """Pull what is new, for a bounded time, and repaint what has changed."""
        if self.is_left:
            return
        self._ticks += 1
        for part in self.parts:
            part.advance()
        session = self.state.session
        formats = session.input_format, session.output_format
        self.events.pull(formats, time_is_up(TICK_BUDGET_S))
        self.refresh_view()
        self.query_one("#header").set_class(self.model.is_troubled, "has-errors")
        width = self.size.width
        header = header_line(self.model.header(self._ticks), width)
        self.put({"#header": header, "#tabs": self._tabs_text(), "#hint": self.hint_text()})

    def hint_text(self) -> str:
        """Return the last line: what is wrong with what is being typed, else what is true and what to do next."""
        if not self.is_whole:
            return ""  # it names keys, and none is taken yet
        hint = self.model.hint(self.key, self.place)
        return self._filter_problem() or hint.line(self.size.width)

    def refresh_view(self) -> None:
        """Let the view that is shown look again, where anything that it may show has changed."""
        state = self.state
        changed = state.conversation.changed_seq, len(self.event_log), self.size.width, id(state)
        seen = (self.current_view, self.selected, *changed)
        if seen != self._seen:
            self._seen = seen
            self.current.refresh()

    def _tabs_text(self) -> str:
        """Return the line that names the views and counts what is shown."""
        pane, tabs = self.events.panes.focused, self.query_one("#tabs", ViewTabs)
        query, words = pane.rows.query, tabs.words(self.current_view)
        if not query:
            return f" {words}"
        parts = (
            HeaderPart(words),
            HeaderPart(f"/ {query.expression}", rank=1, shortest=8),
            HeaderPart(f"{len(pane.rows):,} of {pane.rows.total:,}", rank=2),
        )
        return header_line(parts, self.size.width)

    def _filter_problem(self) -> str:
        line = next(iter(self.query(FilterLine)), None)
        return f" {line.problem}" if line is not None and line.problem else ""

    def _pull_frame(self) -> None:
        if self.is_left:
            return
        meters = self.query_one("#meters", MeterRow)
        meters.set_class(self.size.height < LEAST_ROWS_FOR_METERS, "hidden")
        if self.is_current:
            moved = meters.show(self.model.readings(self.key))
            self.renderer.paint([*moved, *self.current.frame()])

    # Keys

    def action_view(self, name: str) -> None:
        """Change to another view."""
        view = self.views[name]
        if not view.widget.is_attached:
            self._mount_view(view)
            self.call_after_refresh(self.action_view, name)
            return
        self.query_one("#views", ContentSwitcher).current = name
        self.redraw()
        self.refocus()

    def action_item(self) -> None:
        """Show the conversation, at the item or passage that the selected event is about."""
        if self.selected_event() is None:
            return
        self.action_view("conversation")
        if not self.current.show_event(self.selected):
            self.say("the selected event is about no item of the conversation", "warning")

    def action_next_pane(self, step: int) -> None:
        """Give the keys to the next pane."""
        if self.current_view == EventsView.id:
            self.events.focus_next(step)
        else:
            self.focus_next() if step > 0 else self.focus_previous()

    def action_merge(self) -> None:
        """Show one pane with everything, or two."""
        self.events.toggle_merged()

    def action_filter(self) -> None:
        """Ask for a filter."""
        text = self.events.panes.query_in_force.expression
        self.query_one(FilterLine).ask(is_filtering=True, text=text)

    def action_find(self) -> None:
        """Ask what to look for, without hiding anything."""
        following = self.key("pane.next_match"), self.key("pane.previous_match")
        self.query_one(FilterLine).ask(is_filtering=False, text="", keys=following)

    def action_mark(self) -> None:
        """Measure times from the selected event, or stop."""
        row = self.selected
        if self.events.toggle_mark(row):
            self._say_mark(row)
            for part in self.parts:
                part.event_marked(row)

    def _say_mark(self, row: int) -> None:
        name, ends = self.event_log.type_of(row), f"{self.key('view.mark')} ends it"
        t_us = self.event_log.time_us(row)
        if t_us is None:
            self.say(f"marked {name}, #{row + 1:,}, which has no time to measure from; {ends}")
        else:
            self.say(f"times are measured from {name} at {t_us / 1e6:.3f} s; {ends}")

    def action_copy(self) -> None:
        """Copy the selected event's frame."""
        event = self.selected_event()
        if event is not None:
            self.copy_text(event.data.decode("utf-8", "replace"), event.type or "event")

    def action_back(self) -> None:
        """Go one level back; never quits."""
        command = self.query_one(CommandLine)
        if command.has_class("shown"):
            command.close()
        elif self.query_one(FilterLine).has_class("shown"):
            self.query_one(FilterLine).cancel()
        elif not self.current.go_back() and self.current_view != EventsView.id:
            self.action_view(EventsView.id)

    def action_close(self) -> None:
        """Close the view; from the events, the session."""
        if self.current_view != EventsView.id:
            self.action_view(EventsView.id)
        else:
            self.leave()

    async def action_part(self, action: str) -> None:
        """Run an action of the part that has it: what a click on a button names."""
        for part in self.parts:
            if hasattr(part, f"action_{action}"):
                await part.run_action(action)
                return

    # Commands

    def commands(self) -> Commands:
        """Return what the command line knows."""
        return workspace_commands(self)

    def help_groups(self) -> Iterator[Group]:
        """Yield keys, commands and the filter language."""
        from inspector.tui.common.help import FILTER_WORDS

        yield from super().help_groups()
        yield "commands (after :)", [(name, "") for name in self.commands()]
        yield FILTER_WORDS

    def action_command(self) -> None:
        """Ask for a command."""
        self.query_one(CommandLine).ask()

    @on(CommandLine.Failed)
    def _command_failed(self, message: CommandLine.Failed) -> None:
        self.say(message.words, "warning" if message.is_mistake else "error")

    # Messages

    @on(EventPane.EventSelected)
    def _event_selected(self, message: EventPane.EventSelected) -> None:
        self._select(message.row)
        for part in self.parts:
            part.event_selected(message.row)

    @on(EventPane.EventOpened)
    def _event_opened(self) -> None:
        self.events.open_detail()

    @on(DescendantFocus)
    def _focus_moved(self, event: DescendantFocus) -> None:
        row = self.events.focused_on(event.widget)
        if row >= 0:
            self._select(row)

    def _select(self, row: int) -> None:
        self.selected = row
        self.redraw()

    @on(ViewTabs.ViewChosen)
    def _view_chosen(self, message: ViewTabs.ViewChosen) -> None:
        self.action_view(message.name)

    @on(TextPage.LineOpened)
    def _line_opened(self, message: TextPage.LineOpened) -> None:
        self.show_row(message.row)

    @on(RowRequested)
    def _row_requested(self, message: RowRequested) -> None:
        self.show_row(message.row)

    @on(SpanRequested)
    def _span_requested(self, message: SpanRequested) -> None:
        if message.from_us == message.to_us:
            self.show_row(max(0, self.event_log.row_at(message.from_us)))
        else:
            self.action_view(EventsView.id)
            self.events.show_span(message.from_us, message.to_us)

    @on(CopyRequested)
    def _copy_requested(self, message: CopyRequested) -> None:
        self.copy_text(message.text, message.what)

    @on(SoundRequested)
    def _sound_requested(self, message: SoundRequested) -> None:
        """Play or write what is selected, in a thread: a long recording takes seconds to read."""
        from inspector.tui.workspace.listening import listen, selection_of

        play = None if message.as_file else self.play_sound
        if play is None and not message.as_file:
            writes = self.key("talk.write")
            self.say(f"there is no sound output here; {writes} writes a WAV file", "warning")
            return
        select = partial(
            selection_of,
            self.event_log,
            item_id=message.item_id,
            span_us=message.span_us,
            is_mono=not message.as_file,
        )

        def work() -> None:
            try:
                words = listen(select, play, self.model.recording_stem())
            except (InspectorError, OSError) as error:
                self.app.call_from_thread(self.say, str(error), "warning")
            else:
                self.app.call_from_thread(self.say, words)

        self.run_worker(work, thread=True, group="listening", exit_on_error=False)

    @on(FilterLine.FilterTyped)
    def _filter_typed(self, message: FilterLine.FilterTyped) -> None:
        if message.query.expression != self.events.panes.query_in_force.expression:
            # The line keeps the keys.
            self.query_one("#views", ContentSwitcher).current = EventsView.id
        self.events.filter(message.query)

    @on(FilterLine.SearchGiven)
    def _search_given(self, message: FilterLine.SearchGiven) -> None:
        self.action_view(EventsView.id)
        self.events.find(message.query)

    @on(FilterLine.Closed)
    @on(CommandLine.Closed)
    def _line_closed(self) -> None:
        self.refocus()


def _import_numpy() -> None:
    """Import numpy off the screen's thread."""
    # The screen, which lets go of the interpreter several times for each key, gets it back ten times as soon.
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        import numpy  # noqa: F401, ICN001 - only to have it loaded
    finally:
        sys.setswitchinterval(before)
