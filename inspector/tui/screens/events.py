"""EventsScreen: what a live session and a replay share: panes, detail, views, filter, search, marks, commands.

One tick pulls. The screen asks its model (a log and a state) for revision numbers and repaints what has changed; nothing is
pushed at it per event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Container
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from inspector.analysis.dialogue import item_of
from inspector.analysis.query import EVERYTHING, parse
from inspector.analysis.summary import short_id
from inspector.core.event import Direction
from inspector.core.keys import EventKeys, keys_of
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import FilterError, InspectorError
from inspector.tui.glyphs import Glyphs
from inspector.tui.readings import Readings
from inspector.tui.screens.help import FILTER_WORDS, Group, HelpScreen
from inspector.tui.widgets.conversation_view import ConversationView
from inspector.tui.widgets.detail import DetailPane, Link
from inspector.tui.widgets.event_pane import EventPane
from inspector.tui.widgets.meter import MeterRow
from inspector.tui.widgets.text_page import TextPage

if TYPE_CHECKING:
    from inspector.tui.form_session import FormSession
    from inspector.tui.listening import PlaySound, Selection
    from inspector.tui.widgets.timeline import Timeline

TICK_HZ = 15
NUMPY_AFTER_S = 0.5
"""Importing numpy holds the interpreter for 50 ms; nobody filters so soon."""
METER_HZ = 30
LEAST_ROWS_FOR_METERS = 20
TICK_BUDGET_S = 0.008
"""Filtering and listing per tick, so that a key is answered in the same frame."""
NARROW_COLUMNS = 100
"""Below this one pane is shown at a time, and the detail on demand."""
WIDE_COLUMNS = 180
"""From here on the detail is a third column."""
LEAST_COLUMNS, LEAST_ROWS = 40, 10
MAX_COPIED_CHARS = 74_994
"""Most terminals refuse a longer OSC 52 sequence (100,000 bytes of base64)."""
VIEWS = ("events", "conversation", "session", "timeline")


class EventsScreen(Screen[None]):
    """Events in two panes, the detail of one, and what they add up to."""

    CSS_PATH = Path(__file__).with_name("events.tcss")

    BINDINGS = [
        Binding("1", "view('events')", "events", show=False, id="view.events"),
        Binding("2", "view('conversation')", "conversation", show=False, id="view.conversation"),
        Binding("3", "view('session')", "session", show=False, id="view.session"),
        Binding("4", "view('timeline')", "timeline", show=False, id="view.timeline"),
        Binding("tab", "next_pane(1)", "next pane", show=False, id="view.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, id="view.previous_pane"),
        Binding("v", "merge", "one pane or two", show=False, id="view.merge"),
        Binding("slash", "filter", "filter", id="view.filter"),
        Binding("F", "find", "find", show=False, id="view.find"),
        Binding("m", "mark", "mark", show=False, id="view.mark"),
        Binding("l", "item", "its item", show=False, id="view.item"),
        Binding("y", "copy", "copy event", show=False, id="view.copy"),
        Binding("colon", "command", "command", show=False, id="view.command"),
        Binding("question_mark,f1", "help", "help", id="view.help"),
        Binding("escape", "back", "back", show=False, id="view.back"),
        Binding("q", "close", "close", show=False, id="view.close"),
    ]

    def __init__(self, log: EventLog, glyphs: Glyphs) -> None:
        super().__init__()
        self.event_log = log
        self.play_sound: PlaySound | None = None
        """How to make a sound; None where there is no output."""
        self.glyphs = glyphs
        self.selected = -1
        """Row of the selected event; -1 for none."""
        self._lines: dict[str, str] = {}
        self._is_merged = False
        self._is_whole = False
        self._shows_detail = False
        self._mark_row = -1
        self._seen: tuple[object, ...] = ()
        self._is_filtering = True
        self._active_pane = "server"
        self._form: FormSession | None = None

    @property
    def state(self) -> SessionState:
        """Return the state that the views show."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static("", id="header", markup=False)
        yield MeterRow(self.glyphs, id="meters")
        yield Static("", id="tabs", markup=False)
        with ContentSwitcher(initial="events", id="views"), Container(id="events"):
            with Container(id="panes"):
                yield EventPane(
                    "client",
                    self.event_log,
                    (Direction.CLIENT, Direction.LOCAL),
                    self.glyphs,
                    empty="nothing sent yet",
                    id="client",
                )
                yield Static("", id="divider", markup=False)
                yield EventPane(
                    "server",
                    self.event_log,
                    (Direction.SERVER,),
                    self.glyphs,
                    empty="nothing received yet",
                    id="server",
                )
            yield DetailPane(self.glyphs, id="detail")
        yield from self.compose_below()
        yield Static("", id="hint", markup=False)

    def compose_below(self) -> ComposeResult:
        """Lay out what stands between the views and the hint."""
        return
        yield

    def on_mount(self) -> None:
        """Start to pull."""
        self._prepare_panes()
        self._arrange()
        self.query_one("#server", EventPane).focus()
        self.set_interval(1 / TICK_HZ, self.tick)
        self.call_after_refresh(self.after_first_frame)

    def _prepare_panes(self) -> None:
        for pane in self.panes():
            pane.rejection_of = self.rejection_of

    def after_first_frame(self) -> None:
        """Mount and load what the first frame does not show."""
        if self.is_left:
            return
        merged = EventPane("all events", self.event_log, tuple(Direction), self.glyphs, id="merged")
        merged.is_following = self.focused_pane().is_following
        self.query_one("#panes").mount(merged)
        pages = ConversationView(self.glyphs, id="conversation"), TextPage(id="session")
        for page in pages:
            page.display = False
        self.query_one("#views").mount(*pages)
        self.mount(Input(id="filter", compact=True), after="#tabs")
        self.mount(Input(id="command", compact=True), Footer(show_command_palette=False))
        self._is_whole = True
        self._prepare_panes()
        self._arrange()
        self.tick()
        self.set_interval(1 / METER_HZ, self._pull_levels)
        self.set_timer(
            NUMPY_AFTER_S, lambda: self.run_worker(_load_numpy, thread=True, exit_on_error=False)
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take no key before everything that it may concern is there."""
        return self._is_whole and super().check_action(action, parameters)

    @property
    def is_left(self) -> bool:
        """Tell whether the screen was taken away; what was scheduled before still comes."""
        return self not in self.app.screen_stack

    def panes(self) -> list[EventPane]:
        """Return the event panes."""
        return list(self.query(EventPane))

    def tick(self) -> None:
        """Pull what is new, for a bounded time, and repaint what has changed."""
        if self.is_left:
            return
        self.advance()
        until = time.monotonic() + TICK_BUDGET_S
        session = self.state.session
        for pane in self.panes():
            pane.set_formats(session.input_format, session.output_format)
            if pane.display:
                pane.pull(lambda: time.monotonic() > until)
        self._refresh_views()
        self._put("#header", self.header_text())
        self._put("#tabs", self.tabs_text())
        self._put("#hint", self.hint_text())

    def advance(self) -> None:
        """Let the model take its step, where it needs one."""

    def recording_stem(self) -> str:
        """Return the name that files made from this session begin with."""
        raise NotImplementedError

    def readings(self) -> Readings:
        """Return what the level meters show."""
        raise NotImplementedError

    def now_us(self) -> int:
        """Return where the session, or its replay, is: session time in microseconds."""
        raise NotImplementedError

    def header_text(self) -> str:
        """Return the first line."""
        raise NotImplementedError

    def hint_text(self) -> str:
        """Return what is true and what to do next, in one line."""
        raise NotImplementedError

    def tabs_text(self) -> str:
        """Return the line that names the views and counts what is shown."""
        current = self.query_one("#views", ContentSwitcher).current
        tabs = "   ".join(
            f"{'[' if name == current else ' '}{number} {name.capitalize()}{']' if name == current else ' '}"
            for number, name in enumerate(VIEWS, 1)
        )
        query = self.focused_pane().rows.query
        if not query:
            return f" {tabs}"
        pane = self.focused_pane()
        return f" {tabs}     / {query.expression}   {len(pane.rows):,} of {pane.rows.total:,}"

    def focused_pane(self) -> EventPane:
        """Return the pane that the keys go to."""
        return self.query_one("#merged" if self._is_merged else f"#{self._active_pane}", EventPane)

    def rejection_of(self, row: int) -> str:
        """Return why the server refused the event of a row; ``""`` where it did not."""
        error_seq = self.state.causes.rejected.get(row + 1)
        if not error_seq:
            return ""
        problem = next((p for p in reversed(self.state.problems.all) if p.seq == error_seq), None)
        return problem.code if problem is not None else "rejected"

    def show_row(self, row: int) -> None:
        """Select a row wherever it is shown."""
        self.action_view("events")
        if self._is_merged:
            self.query_one("#merged", EventPane).select(row, follow=False)
            return
        name = "server" if self.event_log.direction_of(row) is Direction.SERVER else "client"
        self._active_pane = name
        self._arrange()
        pane = self.query_one(f"#{name}", EventPane)
        if not pane.rows.shows(row) and pane.rows.query:
            self._apply_filter("")
            pane.pull(lambda: False)
        pane.select(row, follow=False)
        pane.focus()

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Tell the user something, once."""
        self.notify(message, severity=severity, markup=False, timeout=5)

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

    @on(TextPage.LineOpened)
    def _line_opened(self, message: TextPage.LineOpened) -> None:
        self.show_row(message.row)

    @on(ConversationView.EventsRequested)
    def _events_requested(self, message: ConversationView.EventsRequested) -> None:
        self.show_row(message.row)

    @on(ConversationView.SoundRequested)
    def _item_sound_requested(self, message: ConversationView.SoundRequested) -> None:
        from inspector.tui.listening import selected_item

        select = partial(selected_item, self.event_log, message.item_id)
        self._listen(select, as_file=message.as_file)

    def on_timeline_sound_requested(self, message: Timeline.SoundRequested) -> None:
        """Play a span, or write it."""
        from inspector.tui.listening import selected_span

        span = message.from_us, message.to_us
        select = partial(selected_span, self.event_log, *span, is_mono=not message.as_file)
        self._listen(select, as_file=message.as_file)

    def on_timeline_span_opened(self, message: Timeline.SpanOpened) -> None:
        """Show the events of a span and no others; where there is none, the event that is meant."""
        if message.from_us == message.to_us:
            row = message.row if message.row >= 0 else self.event_log.row_at(message.from_us)
            self.show_row(max(0, row))
            return
        self._apply_filter(f"t>={message.from_us / 1e6:.6f} t<{message.to_us / 1e6:.6f}")
        self.action_view("events")

    def _listen(self, select: Callable[[], Selection], *, as_file: bool) -> None:
        """Play or write what is selected, in a thread: a long recording takes seconds to read."""
        from inspector.tui.listening import play_selection, write_selection

        play = self.play_sound
        if not as_file and play is None:
            self.say("there is no sound output here; w writes a WAV file", "warning")
            return

        def listen() -> None:
            try:
                chosen = select()
                words = (
                    play_selection(chosen, play)
                    if play is not None and not as_file
                    else write_selection(chosen, self.recording_stem())
                )
            except (InspectorError, OSError) as error:
                self.app.call_from_thread(self.say, str(error), "warning")
            else:
                self.app.call_from_thread(self.say, words)

        self.run_worker(listen, thread=True, group="listening", exit_on_error=False)

    @on(ConversationView.CopyRequested)
    @on(DetailPane.CopyRequested)
    def _copy_requested(
        self, message: DetailPane.CopyRequested | ConversationView.CopyRequested
    ) -> None:
        self.copy_text(message.text, message.what)

    @on(events.DescendantFocus)
    def _focus_moved(self, event: events.DescendantFocus) -> None:
        widget = event.widget
        if isinstance(widget, EventPane):
            if widget.id in ("client", "server"):
                self._active_pane = widget.id
            if widget.cursor >= 0 and widget.cursor != self.selected and not widget.is_following:
                self.selected = widget.cursor
                self._seen = ()

    def action_view(self, name: str) -> None:
        """Change to another view."""
        if name == "timeline" and not self.query("#timeline"):
            self._mount_timeline()
            return
        self.query_one("#views", ContentSwitcher).current = name
        self._seen = ()
        target = self.focused_pane() if name == "events" else self.query_one(f"#{name}")
        target.focus()

    def _mount_timeline(self) -> None:
        """Make the timeline when it is first wanted: it needs numpy, and reads the whole log once."""
        from inspector.analysis.waveform import Waveform
        from inspector.tui.widgets.timeline import Timeline

        timeline = Timeline(Waveform(self.event_log), self.now_us, self.glyphs, id="timeline")
        timeline.display = False
        self.query_one("#views").mount(timeline)
        self.call_after_refresh(self.action_view, "timeline")

    def action_next_pane(self, step: int) -> None:
        """Put the focus into the next pane."""
        if self.query_one("#views", ContentSwitcher).current != "events":
            self.focus_next() if step > 0 else self.focus_previous()
            return
        order = ["#merged"] if self._is_merged else ["#client", "#server"]
        if self.query_one("#detail").display:
            order.append("#detail")
        at = next(
            (index for index, name in enumerate(order) if self.query_one(name).has_focus), -step
        )
        target = order[(at + step) % len(order)]
        if target in ("#client", "#server"):
            self._active_pane = target[1:]
        self._arrange()
        self.query_one(target).focus()

    def action_merge(self) -> None:
        """Show one pane with everything, or two."""
        self._is_merged = not self._is_merged
        self._arrange()
        pane = self.focused_pane()
        pane.pull(lambda: False)
        if self.selected >= 0:
            pane.select(self.selected, notify=False)
        pane.focus()

    def open_form(
        self,
        submit: Callable[[str], str | None] | None,
        command: str = "",
        end: Callable[[], int] | None = None,
    ) -> None:
        """Open the session as a form; without ``submit`` it is read only, ``end`` says how many events count."""
        from inspector.tui.form_session import FormSession
        from inspector.tui.screens.session_form import SessionFormScreen

        if self._form is None:
            log = self.event_log
            self._form = FormSession(lambda: self.state, log, end or (lambda: len(log)), submit)
        self.app.push_screen(
            SessionFormScreen(self._form, self.glyphs, command),
            lambda row: self.show_row(row) if row is not None else None,
        )

    def action_filter(self) -> None:
        """Ask for a filter."""
        self._ask_filter(is_filtering=True)

    def action_find(self) -> None:
        """Ask what to look for, without hiding anything."""
        self._ask_filter(is_filtering=False)

    def action_mark(self) -> None:
        """Measure times from the selected event, or cease to."""
        row = -1 if self.selected == self._mark_row else self.selected
        self._mark_row = row
        for pane in self.panes():
            pane.set_mark(row)
        if row >= 0:
            self.say(
                f"times are measured from {self.event_log.type_of(row)} at {self.event_log.t_us[row] / 1e6:.3f} s; m ends it"
            )
            self.on_marked(row)

    def on_marked(self, row: int) -> None:
        """Do what follows from a mark."""

    def action_item(self) -> None:
        """Show the conversation, at the item that the selected event is about."""
        if not 0 <= self.selected < len(self.event_log):
            return
        item_id = item_of(self.state, keys_of(self.event_log.event(self.selected)))
        self.action_view("conversation")
        self._refresh_views()
        if not item_id or not self.query_one("#conversation", ConversationView).select_item(
            item_id
        ):
            self.say("the selected event is about no item of the conversation", "warning")

    def action_copy(self) -> None:
        """Copy the selected event's frame."""
        if self.selected >= 0:
            data = self.event_log.event(self.selected).data
            self.copy_text(
                data.decode("utf-8", "replace"),
                f"{self.event_log.type_of(self.selected) or 'event'}",
            )

    def copy_text(self, text: str, what: str) -> None:
        """Offer a text to the terminal's clipboard; a terminal never says whether it took it."""
        if len(text) > MAX_COPIED_CHARS:
            self.say(
                f"{what}: {len(text):,} characters are too long for the clipboard; use :write FILE",
                "warning",
            )
            return
        self.app.copy_to_clipboard(text)
        self.say(
            f"sent {what} to the terminal's clipboard ({len(text):,} characters); :write FILE if it did not arrive"
        )

    def action_command(self) -> None:
        """Ask for a command."""
        entry = self.query_one("#command", Input)
        entry.add_class("shown")
        entry.value = ""
        entry.placeholder = "command: " + " · ".join(self.commands())
        entry.focus()

    def action_help(self) -> None:
        """Show the keys that work here."""
        self.app.push_screen(
            HelpScreen(f"{self.title or 'Session'}: keys", list(self._help_groups()))
        )

    def action_back(self) -> None:
        """Go one level back; never quits."""
        for name in ("#command", "#filter"):
            if self.query_one(name).has_class("shown"):
                self.query_one(name).remove_class("shown")
                self.focused_pane().focus()
                return
        if self.query_one("#views", ContentSwitcher).current != "events":
            self.action_view("events")
        elif self._shows_detail and not self.query_one("#detail").has_class("hidden"):
            self._shows_detail = False
            self._arrange()
            self.focused_pane().focus()
        elif self.focused_pane().rows.query:
            self._apply_filter("")

    def action_close(self) -> None:
        """Close the view; from the events, the session."""
        if self.query_one("#views", ContentSwitcher).current != "events":
            self.action_view("events")
        else:
            self.leave()

    def leave(self) -> None:
        """Close the session's screen."""
        self.app.exit(0) if len(self.app.screen_stack) <= 1 else self.app.pop_screen()

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return what the command line and the palette know: name to what it does with the rest of the line."""
        return {
            "filter": self._apply_filter,
            "find": self._apply_find,
            "row": lambda text: self.show_row(self._row(text)),
            "seek": lambda text: self.show_row(
                max(0, self.event_log.row_at(int(float(text) * 1e6)))
            ),
            "mark": lambda _: self.action_mark(),
            "merge": lambda _: self.action_merge(),
            "unfold": lambda _: self._fold_all(is_folding=False),
            "fold": lambda _: self._fold_all(is_folding=True),
            "write": self._write,
            "theme": self._theme,
            "help": lambda _: self.action_help(),
            "q": lambda _: self.leave(),
        }

    def palette(self) -> Iterator[SystemCommand]:
        """Yield what the command palette offers here."""
        for key, bound in self.active_bindings.items():
            binding = bound.binding
            if binding.description and binding.system is False:
                yield SystemCommand(
                    binding.description.capitalize(),
                    f"key {self.app.get_key_display(binding)}" if key else "",
                    self._runner(binding.action, bound.node),
                )

    def _runner(self, action: str, node: object) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, node)

        return run

    @on(Input.Submitted, "#command")
    def _command_given(self, event: Input.Submitted) -> None:
        entry = self.query_one("#command", Input)
        entry.remove_class("shown")
        self.focused_pane().focus()
        name, _, rest = event.value.strip().partition(" ")
        if not name:
            return
        command = self.commands().get(name)
        if command is None:
            self.say(f"no command {name!r}; there are {', '.join(self.commands())}", "warning")
            return
        try:
            command(rest.strip())
        except InspectorError as error:
            self.say(f"{error.message}{': ' + error.hint if error.hint else ''}", "error")
        except (ValueError, OSError) as error:
            self.say(f":{name}: {error}", "error")

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        if self._is_filtering and self.query_one("#filter").has_class("shown"):
            try:
                parse(event.value)
            except FilterError as error:
                # The last valid expression stays in force while an edit is incomplete.
                self._put("#hint", f" {error.message}{' — ' + error.hint if error.hint else ''}")
            else:
                self._apply_filter(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_given(self, event: Input.Submitted) -> None:
        try:
            self._apply_filter(event.value) if self._is_filtering else self._apply_find(event.value)
        except FilterError as error:
            self.say(f"{error.message}{' — ' + error.hint if error.hint else ''}", "error")
            return
        self.query_one("#filter").remove_class("shown")
        self.focused_pane().focus()

    def _ask_filter(self, *, is_filtering: bool) -> None:
        entry = self.query_one("#filter", Input)
        self._is_filtering = is_filtering
        entry.placeholder = (
            "filter (hides the rest)" if is_filtering else "find (n next, N previous)"
        )
        entry.value = self.focused_pane().rows.query.expression if is_filtering else ""
        entry.add_class("shown")
        entry.focus()

    def _apply_filter(self, text: str) -> None:
        query = parse(text) if text.strip() else EVERYTHING
        if query.expression != self.focused_pane().rows.query.expression:
            for pane in self.panes():
                pane.filter(query)

    def _apply_find(self, text: str) -> None:
        query = parse(text)
        for pane in self.panes():
            pane.search = query
        self.focused_pane().action_match(1)

    def _fold_all(self, *, is_folding: bool) -> None:
        for pane in self.panes():
            pane.rows.fold(is_folding=is_folding)

    def _row(self, text: str) -> int:
        row = int(text) - 1
        if not 0 <= row < len(self.event_log):
            raise ValueError(f"there are events 1 to {len(self.event_log):,}")
        return row

    def _write(self, text: str) -> None:
        if self.selected < 0 or not text:
            raise ValueError("select an event, and name a file")
        path = Path(text).expanduser()
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(self.event_log.event(self.selected).data)
        self.say(f"wrote {path}")

    def _theme(self, name: str) -> None:
        if name not in self.app.available_themes:
            raise ValueError(f"there are {', '.join(sorted(self.app.available_themes))}")
        self.app.theme = name

    def _arrange(self) -> None:
        """Show the panes that fit."""
        width, height = self.size.width, self.size.height
        is_narrow = width < NARROW_COLUMNS
        for name in ("client", "server"):
            is_hidden = self._is_merged or (is_narrow and name != self._active_pane)
            self.query_one(f"#{name}").set_class(is_hidden, "hidden")
        for pane in self.query("#merged"):
            pane.set_class(not self._is_merged, "hidden")
        self.query_one("#divider").set_class(self._is_merged or is_narrow, "hidden")
        self.query_one("#divider", Static).update("\n".join([self.glyphs.bracket] * max(1, height)))
        self.query_one("#events").set_class(width >= WIDE_COLUMNS, "side")
        has_room = not is_narrow and height >= 24
        self.query_one("#detail").set_class(not (has_room or self._shows_detail), "hidden")

    def _refresh_views(self) -> None:
        current = self.query_one("#views", ContentSwitcher).current
        state = self.state
        seen = (
            current,
            self.selected,
            state.conversation.changed_seq,
            len(self.event_log),
            self.size.width,
            id(state),
        )
        if seen == self._seen:
            return
        self._seen = seen
        if current == "events":
            self._show_detail()
        elif current == "conversation":
            self.query_one("#conversation", ConversationView).show(state)
        elif current == "session":
            from inspector.tui.pages import session_lines

            page = self.query_one("#session", TextPage)
            page.show(session_lines(state, page.size.width or self.size.width))

    def _show_detail(self) -> None:
        if not 0 <= self.selected < len(self.event_log):
            return
        event = self.event_log.event(self.selected)
        session = self.state.session
        audio = (
            session.input_format if event.direction is Direction.CLIENT else session.output_format
        )
        keys = keys_of(event)
        causes = self.state.causes
        effects = causes.effects_of.get(event.seq, ())
        cause = causes.cause_of.get(event.seq, 0)
        self.query_one("#detail", DetailPane).show(
            event, list(self._links(cause, effects, keys)), audio
        )
        related = frozenset((*effects, cause) if cause else effects)
        for pane in self.panes():
            pane.set_kin(keys, related)

    def _links(self, cause: int, effects: tuple[int, ...], keys: EventKeys) -> Iterator[Link]:
        if cause:
            yield Link(f"{self.glyphs.folded} caused by {self._named(cause)}", cause - 1)
        for effect in effects[:4]:
            word = "refused by" if self.event_log.is_error(effect - 1) else "caused"
            yield Link(f"{self.glyphs.folded} {word} {self._named(effect)}", effect - 1)
        response = self.state.responses.all.get(keys.response_id)
        if (
            response is not None
            and response.created_seq
            and response.created_seq - 1 != self.selected
        ):
            yield Link(
                f"{self.glyphs.folded} part of response {short_id(response.id)}",
                response.created_seq - 1,
            )
        item = self.state.conversation.items.get(keys.item_id)
        if item is not None and item.first_seq - 1 != self.selected:
            yield Link(
                f"{self.glyphs.folded} about {item.role or item.type} item {short_id(item.id)}",
                item.first_seq - 1,
            )

    def _named(self, seq: int) -> str:
        return f"{self.event_log.type_of(seq - 1)}  at {self.event_log.t_us[seq - 1] / 1e6:.3f} s  seq {seq:,}"

    def _help_groups(self) -> Iterator[Group]:
        groups: dict[str, dict[str, list[str]]] = {}
        for bound in self.active_bindings.values():
            binding = bound.binding
            if not binding.description or binding.system:
                continue
            name = (
                "this screen"
                if bound.node is self
                else "everywhere"
                if bound.node is self.app
                else "the focused pane"
            )
            keys = groups.setdefault(name, {}).setdefault(binding.description, [])
            keys.append(self.app.get_key_display(binding))
        for name in ("the focused pane", "this screen", "everywhere"):
            if name in groups:
                yield name, [(" ".join(keys), what) for what, keys in groups[name].items()]
        yield "commands (after :)", [(name, "") for name in self.commands()]
        yield FILTER_WORDS

    def _pull_levels(self) -> None:
        if self.is_left:
            return
        meters = self.query_one("#meters", MeterRow)
        meters.set_class(self.size.height < LEAST_ROWS_FOR_METERS, "hidden")
        if self.is_current:
            meters.show(self.readings())

    def _put(self, selector: str, text: str) -> None:
        """Update a line where its text has changed, to spare a repaint."""
        if self._lines.get(selector) != text:
            self._lines[selector] = text
            self.query_one(selector, Static).update(text, layout=False)


def _load_numpy() -> None:
    """Import numpy off the screen's thread: bulk listing and audio want it soon."""
    import numpy  # noqa: F401, ICN001 - only to have it loaded
