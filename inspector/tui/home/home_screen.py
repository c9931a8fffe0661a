"""HomeScreen: the start screen. Other screens are imported when opened, since the first frame does not need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from inspector import __version__
from inspector.analysis.sanitize import sanitized
from inspector.engine.live_engine import Engine
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import InspectorError
from inspector.recording.reader import NOT_A_RECORDING
from inspector.recording.recording_facts import RecordingFacts
from inspector.tui.common.footer import Footer
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.keyed import KeyedScreen
from inspector.tui.home.home_list import CHOICES, HomeList
from inspector.tui.home.launching import Launcher

if TYPE_CHECKING:
    from inspector.engine.replay import Replay

WIDEST = 140


class HomeScreen(KeyedScreen[None]):
    """A list of actions, connections and recordings."""

    BINDINGS = [
        Binding("s", "simulator", "simulator", id="home.simulator"),
        Binding("l", "live", "live", id="home.live"),
        Binding("o", "open", "open a recording", id="home.open"),
        Binding("j", "move(1)", "down", show=False, id="home.down"),
        Binding("k", "move(-1)", "up", show=False, id="home.up"),
        *(
            Binding(str(n), f"connection({n})", "connection", show=False, id=f"home.connection_{n}")
            for n in range(1, 10)
        ),
        Binding("question_mark,f1", "help", "help", id="home.help"),
        Binding("q", "quit", "quit", id="home.quit"),
    ]

    def __init__(self, host: TaskSupervisor, launcher: Launcher, glyphs: Glyphs) -> None:
        super().__init__()
        self.title = "Home"
        self._host = host
        self._launcher = launcher
        self._glyphs = glyphs
        self.list = HomeList(launcher, self.key)

    def compose(self) -> ComposeResult:
        """Lay out title, list and hint."""
        with Vertical(id="home"):
            yield Static("Realtime Inspector", id="home-title", markup=False)
            yield Static(
                f"{__version__}   see, steer, record and replay Realtime sessions",
                id="home-sub",
                markup=False,
            )
            yield OptionList(id="choices", markup=False)
            yield Static("", id="home-hint", markup=False)

    def on_mount(self) -> None:
        """Fill the list."""
        self.list.look_up()
        self._fill()
        self.query_one("#choices").focus()
        # The footer and the facts about fifty files would delay the first frame.
        self.call_after_refresh(self._after_first_frame)

    def on_screen_resume(self) -> None:
        """Show recordings made, and rules muted, while another screen was open."""
        is_outdated, has_other_mutes = self.list.is_outdated, self.list.follow_mutes()
        if is_outdated:
            self.list.look_up()
        if is_outdated or has_other_mutes:
            self._fill()
        if self.list.has_facts:
            self._read_facts()

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._fill()

    def palette(self) -> Iterator[SystemCommand]:
        """Yield the commands of the palette."""
        for name, title, words in CHOICES:
            yield SystemCommand(title, words, self.runner(name))
        for number, known in enumerate(self.list.connections, 1):
            words = f"connect to {sanitized(known.address)}"
            yield SystemCommand(
                sanitized(known.name), words, lambda n=number: self.action_connection(n)
            )

    def action_move(self, step: int) -> None:
        """Move the cursor by one line."""
        choices = self.query_one("#choices", OptionList)
        choices.action_cursor_down() if step > 0 else choices.action_cursor_up()

    def action_simulator(self) -> None:
        """Start a session with the simulator."""
        self._begin(self._launcher.open_simulator)

    def action_connection(self, number: int) -> None:
        """Connect with a profile."""
        if number <= len(self.list.connections):
            name = self.list.connections[number - 1].name
            self._begin(lambda: self._launcher.open_connection(name))
        else:
            self.notify(
                f"no connection {number}; add [profiles.NAME] to {self.list.words.config}",
                severity="warning",
                markup=False,
            )

    def action_live(self) -> None:
        """Ask for a server, and connect."""
        from inspector.tui.common.dialog import Field, FormDialog

        settings = self._launcher.settings
        names = tuple(self._launcher.providers())
        fields = (
            Field("profile", "profile", settings.profile or "openai", ", ".join(names), names),
            Field("url", "url", settings.url, "(from profile)"),
            Field(
                "model",
                "model",
                settings.model,
                "(from profile)",
                ("gpt-realtime", "gpt-realtime-2.1", "gpt-realtime-2.1-mini"),
            ),
        )
        note = "The key comes from the environment (OPENAI_API_KEY, AZURE_OPENAI_API_KEY) and is never shown or recorded."

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None:
                self._begin(lambda: self._launcher.with_settings(answers).open_live())

        self.app.push_screen(FormDialog("Connect to a server", fields, note), answered)

    def action_open(self) -> None:
        """Ask for a file, and replay it."""
        from inspector.tui.common.dialog import Field, FormDialog

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None and answers["path"]:
                self._replay(Path(answers["path"]).expanduser())

        known = tuple(str(path) for path in self.list.paths)
        fields = (Field("path", "file", "", "path of a recording, log or HAR file", known),)
        self.app.push_screen(FormDialog("Replay a recording", fields), answered)

    def action_quit(self) -> None:
        """Quit the program."""
        self.app.exit(0)

    async def _after_first_frame(self) -> None:
        await self.mount(Footer())
        # A new footer shows keys only after a change of the bindings.
        self.refresh_bindings()
        self._read_facts()

    def _read_facts(self) -> None:
        """Read facts about the recordings one after the other, in a thread."""
        paths = self.list.paths

        def read() -> None:
            for path, facts in self._launcher.read_facts(paths):
                # The screen may be closed while the thread is reading.
                if not self.is_attached:
                    return
                self.app.call_from_thread(self._learn, path, facts)

        # Exclusive: returning to this screen replaces a reading in progress.
        self.run_worker(read, thread=True, exclusive=True, group="facts", exit_on_error=False)

    def _learn(self, path: Path, facts: RecordingFacts) -> None:
        if not self.is_attached:
            return
        choices = self.query_one("#choices", OptionList)
        for line_id in self.list.learn(path, facts):
            choices.replace_option_prompt(line_id, self.list.recording(path, self._width()))
        self._hint()

    def _fill(self) -> None:
        choices = self.query_one("#choices", OptionList)
        here = choices.highlighted or 0
        choices.clear_options()
        choices.add_options(list(self.list.lines(self._width())))
        choices.highlighted = min(here, choices.option_count - 1)
        # The same index may be another entry by now, which does less harm than jumping to the top.
        self._hint()

    def _width(self) -> int:
        """Return the width of the list; lines longer than ``WIDEST`` are hard to follow."""
        return max(40, min(WIDEST, self.size.width - 5))

    @on(OptionList.OptionHighlighted, "#choices")
    def _pointed_at(self) -> None:
        self._hint()

    def _hint(self) -> None:
        """Update the hint: a problem, if any, and what enter does."""
        hint = self.query_one("#home-hint", Static)
        option = self.query_one("#choices", OptionList).highlighted_option
        trouble = self.list.words.trouble
        step = self.list.step((option.id or "") if option is not None else "")
        hint.set_class(bool(trouble), "warning")
        hint.update(f"{sanitized(trouble)}   {step}" if trouble else step)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        choice = event.option_id or ""
        kind, _, at = choice.partition("-")
        path = self.list.path_of(choice)
        if path is not None:
            self._replay(path)
        elif kind == "connection":
            self.action_connection(int(at))
        elif choice:
            self.run_worker(self.run_action(choice))

    def _begin(self, open_engine: Callable[[], Engine]) -> None:
        """Open a session, or show why it cannot be opened."""
        from inspector.tui.session.live_workspace import session_workspace

        try:
            engine = open_engine()
        except InspectorError as error:
            self._say(error)
            return
        left = self._launcher.close_session
        self.app.push_screen(session_workspace(self._host, engine, self._glyphs, left))

    def _replay(self, path: Path) -> None:
        try:
            self._show(self._launcher.open_replay(path))
        except InspectorError as error:
            if error.code != NOT_A_RECORDING:
                self._say(error)
                return
            self.notify(f"importing {sanitized(path.name)} …", markup=False)
            self.run_worker(partial(self._import, path), thread=True, exit_on_error=False)

    def _import(self, path: Path) -> None:
        """Import a foreign file, in a thread, and show it."""
        try:
            replay = self._launcher.import_replay(path)
        except InspectorError as error:
            self.app.call_from_thread(self._say, error)
        else:
            self.app.call_from_thread(self._show, replay)

    def _show(self, replay: Replay) -> None:
        from inspector.tui.session.replay_workspace import replay_workspace

        self.app.push_screen(replay_workspace(replay, self._glyphs))

    def _say(self, error: InspectorError) -> None:
        message = f"{error.message}\n{error.hint}" if error.hint else error.message
        self.notify(message, severity="error", markup=False, timeout=8)
