"""ViewsScreen: the views of a session, which of them is shown, and the ways between them: items, spans, sound, the form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding
from textual.widgets import ContentSwitcher

from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.errors import InspectorError
from inspector.tui.glyphs import Glyphs
from inspector.tui.keycaps import keycap
from inspector.tui.screens.commanded import CommandScreen
from inspector.tui.widgets.text_page import TextPage
from inspector.tui.widgets.view_tabs import ViewTabs

if TYPE_CHECKING:
    from inspector.analysis.totals import Losses
    from inspector.tui.form_session import FormSession
    from inspector.tui.listening import PlaySound, Selection
    from inspector.tui.widgets.conversation_view import ConversationView
    from inspector.tui.widgets.timeline import Timeline

VIEWS = ("events", "conversation", "session", "timeline")


class ViewsScreen(CommandScreen):
    """A session in views, of which whoever derives from this makes the events."""

    BINDINGS = [
        Binding("1", "view('events')", "events", show=False, id="view.events"),
        Binding("2", "view('conversation')", "conversation", show=False, id="view.conversation"),
        Binding("3", "view('session')", "session", show=False, id="view.session"),
        Binding("4", "view('timeline')", "timeline", show=False, id="view.timeline"),
        Binding("l", "item", "its item", show=False, id="view.item"),
    ]

    def __init__(self, log: EventLog, glyphs: Glyphs) -> None:
        super().__init__()
        self.event_log = log
        self.play_sound: PlaySound | None = None
        """How to make a sound; None where there is no output."""
        self.glyphs = glyphs
        self.selected = -1
        """Row of the selected event; -1 for none."""
        self._seen: tuple[object, ...] = ()
        self._form: FormSession | None = None

    @property
    @abstractmethod
    def state(self) -> SessionState:
        """Return the state that the views show."""

    @abstractmethod
    def empty_conversation(self) -> str:
        """Return what to do while the conversation is empty."""

    @property
    def current_view(self) -> str:
        """Return the name of the view that is shown."""
        return self.query_one("#views", ContentSwitcher).current or VIEWS[0]

    def losses(self) -> Losses:
        """Return what the inspector itself did not send or play, by name; nothing where it neither sends nor plays."""
        return {}

    @abstractmethod
    def recording_stem(self) -> str:
        """Return the name that files made from this session begin with."""

    @abstractmethod
    def now_us(self) -> int:
        """Return where the session, or its replay, is: session time in microseconds."""

    @abstractmethod
    def show_row(self, row: int) -> None:
        """Select a row wherever it is shown."""

    @abstractmethod
    def show_span(self, from_us: int, to_us: int) -> None:
        """Show the events of a span of session time and no others."""

    @abstractmethod
    def refresh_events(self) -> None:
        """Show what the events view has to say of the selected event."""

    def action_view(self, name: str) -> None:
        """Change to another view."""
        if name == "timeline" and not self.query("#timeline"):
            self._mount_timeline()
            return
        self.query_one("#views", ContentSwitcher).current = name
        self._seen = ()
        self.refocus()

    def _mount_timeline(self) -> None:
        """Make the timeline when it is first wanted: it needs numpy, and reads the whole log once."""
        from inspector.analysis.waveform import Waveform
        from inspector.tui.widgets.timeline import Timeline

        key = partial(keycap, self.app, Timeline)
        timeline = Timeline(
            Waveform(self.event_log), self.now_us, self.glyphs, key=key, id="timeline"
        )
        timeline.display = False
        self.query_one("#views").mount(timeline)
        self.call_after_refresh(self.action_view, "timeline")

    def action_item(self) -> None:
        """Show the conversation, at the item or passage that the selected event is about."""
        if not 0 <= self.selected < len(self.event_log):
            return
        from inspector.analysis.dialogue import place_of  # which the first frame does without

        place = place_of(self.state, self.event_log.event(self.selected))
        self.action_view("conversation")
        self._refresh_views()
        if place is None or not self.conversation.select_place(place):
            self.say("the selected event is about no item of the conversation", "warning")

    @property
    def conversation(self) -> ConversationView:
        """Return the conversation, which is there once the first frame is."""
        from inspector.tui.widgets.conversation_view import ConversationView

        return self.query_one("#conversation", ConversationView)

    @property
    def timeline(self) -> Timeline:
        """Return the timeline, which is there once it was asked for."""
        from inspector.tui.widgets.timeline import Timeline

        return self.query_one("#timeline", Timeline)

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

    @on(ViewTabs.ViewChosen)
    def _view_chosen(self, message: ViewTabs.ViewChosen) -> None:
        self.action_view(message.name)

    @on(TextPage.LineOpened)
    def _line_opened(self, message: TextPage.LineOpened) -> None:
        self.show_row(message.row)

    def on_conversation_view_events_requested(
        self, message: ConversationView.EventsRequested
    ) -> None:
        """Show an item's events."""
        self.show_row(message.row)

    def on_conversation_view_copy_requested(self, message: ConversationView.CopyRequested) -> None:
        """Copy the words of an item."""
        self.copy_text(message.text, message.what)

    def on_conversation_view_sound_requested(
        self, message: ConversationView.SoundRequested
    ) -> None:
        """Play an item, or write it."""
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
        self.show_span(message.from_us, message.to_us)

    def _listen(self, select: Callable[[], Selection], *, as_file: bool) -> None:
        """Play or write what is selected, in a thread: a long recording takes seconds to read."""
        from inspector.tui.listening import listen

        play = None if as_file else self.play_sound
        if play is None and not as_file:
            self.say(
                f"there is no sound output here; {self.key('talk.write')} writes a WAV file",
                "warning",
            )
            return

        def work() -> None:
            try:
                words = listen(select, play, self.recording_stem())
            except (InspectorError, OSError) as error:
                self.app.call_from_thread(self.say, str(error), "warning")
            else:
                self.app.call_from_thread(self.say, words)

        self.run_worker(work, thread=True, group="listening", exit_on_error=False)

    def _refresh_views(self) -> None:
        current = self.current_view
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
            self.refresh_events()
        elif current == "conversation":
            self.conversation.empty = self.empty_conversation()
            self.conversation.show(state)
        elif current == "session":
            from inspector.tui.pages import session_lines

            page = self.query_one("#session", TextPage)
            width = page.size.width or self.size.width
            page.show(session_lines(state, width, self.losses()))
