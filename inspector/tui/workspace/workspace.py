"""Workspace: the screen of every session: header, meters, tabs, views, hint, and the tick that refreshes them.

It shows a ``SessionModel``; each ``Part`` adds a capability. Nothing is pushed to it per event: it compares the revision numbers
of the model's log and state and repaints what has changed. The first frame has only the events; all else is mounted after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from inspector.analysis.sanitize import sanitized
from inspector.clock import time_is_up
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import InspectorError
from inspector.muted_rules import MuteScope
from inspector.tui.common.footer import Footer
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.header import header_line
from inspector.tui.common.keycaps import keycap
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.common.measures import TICK_HZ
from inspector.tui.common.meter import MeterRow
from inspector.tui.common.status_line import StatusLine
from inspector.tui.common.text_page import TextPage
from inspector.tui.common.view_tabs import ViewTab, ViewTabs
from inspector.tui.terminal.direct_renderer import DirectRenderer
from inspector.tui.terminal.terminal_app import TerminalApp
from inspector.tui.views import VIEWS
from inspector.tui.views.events.event_pane import EventPane
from inspector.tui.views.events.events_view import EventsView
from inspector.tui.views.events.filter_line import FilterLine
from inspector.tui.views.messages import (
    CopyRequested,
    FindingRequested,
    MuteRequested,
    RowRequested,
    SoundRequested,
    SpanRequested,
    TurnRequested,
    ZoomRequested,
)
from inspector.tui.views.view import Commands, View, ViewContext
from inspector.tui.workspace.command_line import CommandLine, workspace_choices, workspace_commands
from inspector.tui.workspace.late_imports import import_later
from inspector.tui.workspace.part import Part, SessionModel
from inspector.tui.workspace.verdict_line import VerdictLine

if TYPE_CHECKING:
    from inspector.tui.common.help import Group
    from inspector.tui.workspace.listening import PlaySound

NUMPY_AFTER_S = 0.15
"""After the first frame, which the import would delay by 50 ms; sound and filters need it soon."""
FRAMES_HZ = 30
"""Meters and timeline share a frame, so that the terminal is painted once for both."""
LEAST_ROWS_FOR_METERS = 20  # below that, events need the line more
TICK_BUDGET_S = 0.008
"""Time for filtering and listing per tick; longer ticks would make keys lag."""
MAX_COPIED_CHARS = 74_994
"""Most terminals reject a longer OSC 52 sequence (100,000 bytes of base64)."""


class Workspace(KeyedScreen[None]):
    """The views of one session."""

    AUTO_FOCUS = ""
    """Disabled: the current view chooses the widget to focus, where Textual would take the first."""
    CSS_PATH = Path(__file__).with_name("workspace.tcss")

    BINDINGS = [
        *(
            Binding(
                view.key, f"view('{view.id}')", view.title.lower(), show=False, id=f"view.{view.id}"
            )
            for view in VIEWS
        ),
        Binding("l", "item", "go to item", show=False, id="view.item"),
        Binding("tab", "next_pane(1)", "next pane", show=False, id="view.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, id="view.previous_pane"),
        Binding("v", "merge", "merge or split panes", show=False, id="view.merge"),
        Binding("slash", "filter", "filter", id="view.filter"),
        Binding("F", "find", "find in events", show=False, id="view.find"),
        Binding("W", "verdict", "next of the verdict", show=False, id="view.verdict"),
        Binding("m", "mark", "mark event", show=False, id="view.mark"),
        Binding("y", "copy", "copy event", show=False, id="view.copy"),
        Binding(
            "escape",
            "back",
            "back",
            show=False,
            id="view.back",
            tooltip="Back: close the line or detail, or go to Events",
        ),
        Binding(
            "q",
            "close",
            "close",
            show=False,
            id="view.close",
            tooltip="Close the view; in Events, the session",
        ),
        Binding("colon", "command", "command line", show=False, id="view.command"),
        KeyedScreen.HELP_KEY,
    ]

    def __init__(self, model: SessionModel, parts: Sequence[Part], glyphs: Glyphs) -> None:
        """Create the screen.

        Args:
            model: what to show.
            parts: the capabilities; the first one's widgets are nearest to the hint line.
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
        """Function that plays sound; None without an output."""
        self.is_whole = False
        """Whether everything is mounted that a key may need."""
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
            cost=model.cost,
            latency=model.latency,
            findings=model.findings,
            whole_report=lambda: model.whole_report,
            proofs=lambda: model.proofs,
            bench=model.bench,
            vad_lab=model.vad_lab,
            losses=lambda: model.losses,
            empty_conversation=lambda: model.empty_conversation(self.key),
            can_answer=model.can_answer,
            is_recording=model.is_recording,
        )
        self.views: dict[str, View] = {kind.id: kind(context) for kind in VIEWS}
        self._notice = ""
        """The notice in the hint line; ``""`` without one."""
        self._is_warned = False
        """Whether the user was asked if the session should be closed."""
        self._ticks = 0
        self._is_price_problem_told = False
        self._seen: tuple[object, ...] = ()

    # What is laid out, and when

    def compose(self) -> ComposeResult:
        """Lay out the widgets of the first frame."""
        yield StatusLine(id="header")
        yield VerdictLine(id="verdict")
        yield MeterRow(self.glyphs, id="meters")
        tabs = [ViewTab(kind.key, kind.id, kind.title, kind.short or kind.title) for kind in VIEWS]
        yield ViewTabs(tabs, id="tabs")
        first = self.events.widget
        inner: Widget = ContentSwitcher(first, initial=first.id, id="views")
        for part in reversed(self.parts):
            inner = part.wrap(inner)
        yield inner
        yield StatusLine(id="hint")

    def on_mount(self) -> None:
        """Start the tick and focus the events."""
        self.events.arrange(self.size)
        self.events.take_focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self.after_first_frame)

    def after_first_frame(self) -> None:
        """Mount and load what the first frame does not show."""
        if self.is_closed:
            return
        self.events.panes.mount_others()
        for view in list(self.views.values())[1:]:
            if view.is_eager:
                self._mount_view(view)
        self.mount(FilterLine(), after="#tabs")
        self.mount(CommandLine(self.commands, lambda: workspace_choices(self)), Footer())
        self.call_after_refresh(self.refresh_bindings)  # a new footer waits for a change of them
        self.is_whole = True
        self.events.arrange(self.size)
        self.tick()
        self.set_interval(1 / FRAMES_HZ, self._pull_frame)
        self.set_timer(NUMPY_AFTER_S, self._load_numpy)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable all keys until the whole screen is mounted."""
        return self.is_whole and super().check_action(action, parameters)

    def on_resize(self) -> None:
        """Adapt the views to the new size."""
        for view in self.views.values():
            view.arrange(self.size)

    def _mount_view(self, view: View) -> None:
        view.widget.display = False
        self.query_one("#views").mount(view.widget)

    def _load_numpy(self) -> None:
        # Indexing has priority; the import would compete with it for the processor.
        if self.model.is_busy:
            self.set_timer(NUMPY_AFTER_S, self._load_numpy)
        else:
            self.run_worker(import_later, thread=True, exit_on_error=False)

    # What parts and views ask for

    @property
    def event_log(self) -> EventLog:
        """Return the session's events."""
        return self.model.log

    @property
    def state(self) -> SessionState:
        """Return the state to show."""
        return self.model.state

    @property
    def events(self) -> EventsView:
        """Return the events view."""
        view = self.views[EventsView.id]
        assert isinstance(view, EventsView)  # noqa: S101 - VIEWS has exactly this one
        return view

    @property
    def current(self) -> View:
        """Return the current view."""
        return self.views[self.current_view]

    @property
    def current_view(self) -> str:
        """Return the id of the current view."""
        return self.query_one("#views", ContentSwitcher).current or VIEWS[0].id

    @property
    def place(self) -> str:
        """Return what has the focus: the id of a view, or ``detail`` for the pane beside the events."""
        view = self.current_view
        is_beside = view == EventsView.id and not isinstance(self.focused, EventPane)
        return "detail" if is_beside else view

    @property
    def is_closed(self) -> bool:
        """Return whether the screen was removed or the program is ending; scheduled calls may still arrive then."""
        return not self.is_attached or self not in self.app.screen_stack

    def selected_event(self) -> Event | None:
        """Return the selected event; None if there is none."""
        log = self.event_log
        return log.event(self.selected) if 0 <= self.selected < len(log) else None

    def key_owners(self) -> Sequence[type[DOMNode]]:
        """Return the classes of the screen and of its parts."""
        return (type(self), *map(type, self.parts))

    def refocus(self) -> None:
        """Focus the current view."""
        self.current.take_focus()

    def redraw(self) -> None:
        """Repaint everything on the next tick, even if nothing seems to have changed."""
        self._seen = ()

    def show_row(self, row: int) -> None:
        """Select an event in the events view."""
        self.action_view(EventsView.id)
        self.events.show_event(row)

    def put(self, texts: dict[str, str]) -> None:
        """Set the texts of status lines, by selector."""
        lines = {self.query_one(name, StatusLine): text for name, text in texts.items()}
        changes = ((line, line.show(text)) for line, text in lines.items())
        self.renderer.paint([(line, patches) for line, patches in changes if patches])

    def copy_text(self, text: str, what: str) -> None:
        """Copy a text with the terminal's clipboard sequence (OSC 52), which terminals never acknowledge."""
        if len(text) > MAX_COPIED_CHARS:
            words = (
                f"{what} is too long for the clipboard ({len(text):,} characters); use :write FILE"
            )
            self.say(words, "warning")
            return
        self.app.copy_to_clipboard(text)
        self.say(
            f"copied {what} ({len(text):,} characters) via the terminal; if paste is empty use :write FILE"
        )

    def leave(self) -> None:
        """Close the session and the screen."""
        self.run_worker(self._leave(), exclusive=True)

    async def _leave(self) -> None:
        await self.model.close()
        # As the first screen there is nothing below to return to.
        self.app.exit(0) if len(self.app.screen_stack) <= 1 else self.app.pop_screen()

    def _key_of(self, kind: type[DOMNode], binding_id: str) -> str:
        return keycap(self.app, (kind,), binding_id)

    # The tick

    def tick(self) -> None:
        """Take in new events for a bounded time, and repaint what has changed."""
        if self.is_closed:
            return
        self._ticks += 1
        for part in self.parts:
            part.advance()
        self.model.advance()
        if self.model.cost.problem and not self._is_price_problem_told:
            self._is_price_problem_told = True
            self.say(f"prices of the program are used: {self.model.cost.problem}", "warning")
        session = self.state.session
        formats = session.input_format, session.output_format
        self.events.pull(formats, time_is_up(TICK_BUDGET_S))
        self.refresh_view()
        self.query_one("#header").set_class(self.model.is_troubled, "has-errors")
        width = self.size.width
        header = header_line(self.model.header(self._ticks), width)
        verdict = self.query_one("#verdict", VerdictLine)
        changes = verdict.show(self.model.verdict, self.model.verdict_words)
        if changes:
            self.renderer.paint([(verdict, changes)])
        self._take_notice()
        pane = self.events.panes.focused
        tabs = self.query_one("#tabs", ViewTabs).line(
            self.current_view, pane.rows.query.expression, len(pane.rows), pane.rows.total
        )
        self.put({"#header": header, "#tabs": tabs, "#hint": self.hint_text()})

    def hint_text(self) -> str:
        """Return the hint line: the error in a filter being typed, a notice, else the session's condition and next steps."""
        if not self.is_whole:
            return ""  # it names keys, which do not work yet
        hint = self.model.hint(self.key, self.place)
        return self._filter_problem() or self._notice or hint.line(self.size.width)

    def _take_notice(self) -> None:
        """Take the latest notice for the hint line, where it covers nothing, if it fits; a longer one remains a toast."""
        app = self.app
        found = app.latest_notice() if isinstance(app, TerminalApp) else None
        fits = found is None or cell_len(found[0]) < self.size.width
        self.set_class(not fits, "loud")
        line = self.query_one("#hint", StatusLine)
        for severity in ("warning", "error"):
            line.set_class(found is not None and fits and found[1] == severity, severity)
        self._notice = f" {sanitized(found[0])}" if found is not None and fits else ""

    def refresh_view(self) -> None:
        """Refresh the current view if anything that it may show has changed."""
        state = self.state
        # The id: a seek in a replay replaces the state object.
        changed = state.conversation.changed_seq, len(self.event_log), self.size.width, id(state)
        seen = (self.current_view, self.selected, self.model.cost.revision, *changed)
        if seen != self._seen:
            self._seen = seen
            self.current.refresh()

    def _filter_problem(self) -> str:
        line = next(iter(self.query(FilterLine)), None)
        return f" {line.problem}" if line is not None and line.problem else ""

    def _pull_frame(self) -> None:
        if self.is_closed:
            return
        meters = self.query_one("#meters", MeterRow)
        meters.set_class(self.size.height < LEAST_ROWS_FOR_METERS, "hidden")
        # Under a dialog the terminal's cells are not this screen's.
        if self.is_current:
            moved = meters.show(self.model.readings(self.key))
            self.renderer.paint([*moved, *self.current.frame()])

    # Keys

    def action_view(self, name: str, part: str = "") -> None:
        """Switch to another view, and there to what it has of the selected event, or to a part of that."""
        view = self.views[name]
        if not view.widget.is_attached:
            self._mount_view(view)
            self.call_after_refresh(self.action_view, name, part)
            return
        if self.current_view != name:
            view.enter(self.selected, part)
        # The widget exists only after the next refresh; then try again.
        self.query_one("#views", ContentSwitcher).current = name
        self.redraw()
        self.refocus()

    def action_item(self) -> None:
        """Show the conversation at the item of the selected event."""
        if self.selected_event() is None:
            return
        self.action_view("conversation")
        if not self.current.show_event(self.selected):
            self.say("the selected event does not belong to a conversation item", "warning")

    def action_next_pane(self, step: int) -> None:
        """Focus the next pane."""
        if self.current_view == EventsView.id:
            self.events.focus_next(step)
        else:
            self.focus_next() if step > 0 else self.focus_previous()

    def action_merge(self) -> None:
        """Switch between one merged pane and two."""
        self.events.toggle_merged()

    def action_filter(self) -> None:
        """Open the filter line."""
        text = self.events.panes.query_in_force.expression
        self.query_one(FilterLine).open(is_filtering=True, text=text)

    def action_find(self) -> None:
        """Open the filter line for a search, which hides nothing."""
        following = self.key("pane.next_match"), self.key("pane.previous_match")
        self.query_one(FilterLine).open(is_filtering=False, text="", keys=following)

    def action_verdict(self) -> None:
        """Go to the event of the next part of the verdict."""
        seq = self.query_one("#verdict", VerdictLine).choose_next()
        if seq:
            self.show_row(seq - 1)
        else:
            self.say("the verdict leads to no event yet", "warning")

    def action_mark(self) -> None:
        """Mark the selected event and measure times from it, or clear the mark."""
        row = self.selected
        if self.events.toggle_mark(row):
            self._say_mark(row)
            for part in self.parts:
                part.event_marked(row)

    def _say_mark(self, row: int) -> None:
        name, clear = self.event_log.type_of(row), f"{self.key('view.mark')} to clear"
        t_us = self.event_log.time_us(row)
        if t_us is None:
            self.say(f"marked {name} #{row + 1:,}, which has no time to measure from; {clear}")
        else:
            self.say(f"timing from {name} ({t_us / 1e6:.3f} s); {clear}")

    def action_copy(self) -> None:
        """Copy the frame of the selected event, as it is."""
        event = self.selected_event()
        if event is not None:
            self.copy_text(event.data.decode("utf-8", "replace"), event.type or "event")

    def copy_as(self, form: str) -> None:
        """Copy the selected event in another form.

        Raises:
            ValueError: the form does not exist, or not for this event.
        """
        from inspector.recording.copy_forms import copied  # rarely used, and not by the first frame

        event = self.selected_event()
        if event is None:
            raise ValueError("select an event first")
        text = copied(event, form, self.state.session.url)
        self.copy_text(text, f"{event.type or 'event'} as {form}")

    def action_back(self) -> None:
        """Close the innermost open line or pane, else return to the events; never quits."""
        command = self.query_one(CommandLine)
        if command.has_class("shown"):
            command.close()
        elif self.query_one(FilterLine).has_class("shown"):
            self.query_one(FilterLine).cancel()
        elif not self.current.go_back() and self.current_view != EventsView.id:
            self.action_view(EventsView.id)

    def action_close(self) -> None:
        """Return to the events; from there, close the session; ask once if that cuts something off."""
        if self.current_view != EventsView.id:
            self.action_view(EventsView.id)
            return
        words = self.model.in_progress()
        if words and not self._is_warned:
            self._is_warned = True
            self.say(f"{words}: {self.key('view.close')} again to close the session", "warning")
        else:
            self.leave()

    async def action_part(self, action: str) -> None:
        """Run an action of the part that defines it; clicks on buttons call this."""
        for part in self.parts:
            if hasattr(part, f"action_{action}"):
                await part.run_action(action)
                return

    # Commands

    def commands(self) -> Commands:
        """Return the commands of the command line."""
        return workspace_commands(self)

    def help_groups(self) -> Iterator[Group]:
        """Yield the groups for keys, commands and filters."""
        from inspector.tui.common.help import filter_help

        yield from super().help_groups()
        yield "commands (after :)", [(name, "") for name in self.commands()]
        yield filter_help()

    def action_command(self) -> None:
        """Open the command line."""
        self.query_one(CommandLine).open()

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

    @on(VerdictLine.PartChosen)
    def _verdict_part_chosen(self, message: VerdictLine.PartChosen) -> None:
        self.show_row(message.seq - 1)

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

    @on(TurnRequested)
    def _turn_requested(self, message: TurnRequested) -> None:
        self.action_view(EventsView.id)
        self.events.show_turn(message.number, message.row)

    @on(FindingRequested)
    def _finding_requested(self, message: FindingRequested) -> None:
        self.action_view("findings", message.rule)

    @on(MuteRequested)
    def _mute_requested(self, message: MuteRequested) -> None:
        """Mute a rule or bring it back, and say how to undo it."""
        muted, rule = self.model.findings.muted, message.rule
        try:
            is_muted = muted.toggle(rule, message.scope)
        except InspectorError as error:
            self.say(error.words, "warning")
            return
        if not is_muted:
            self.say(f"{rule} is shown again")
            return
        where = "everywhere" if message.scope is MuteScope.EVERYWHERE else f"in {muted.folder}"
        self.say(f"{rule} is muted {where}; {message.key} shows it again")

    @on(ZoomRequested)
    def _zoom_requested(self) -> None:
        self.events.toggle_zoom()

    @on(CopyRequested)
    def _copy_requested(self, message: CopyRequested) -> None:
        self.copy_text(message.text, message.what)

    @on(SoundRequested)
    def _sound_requested(self, message: SoundRequested) -> None:
        """Play or write the selection in a thread, since reading a long recording takes seconds."""
        from inspector.tui.workspace.listening import listen, selection_of

        play = None if message.as_file else self.play_sound
        if play is None and not message.as_file:
            write = self.key("talk.write")
            self.say(f"no sound output here; press {write} to write a WAV file", "warning")
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
            # Switch the view without ``action_view``, which would take the focus from the line.
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
