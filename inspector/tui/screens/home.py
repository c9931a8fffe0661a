"""HomeScreen: where to begin. Other screens are loaded when they are opened: the first frame does not need them."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from inspector import __version__
from inspector.analysis.inert import inert
from inspector.analysis.summary import size_text
from inspector.engine.host import Host
from inspector.errors import InspectorError
from inspector.tui.glyphs import Glyphs
from inspector.tui.launching import Launcher

MAX_RECENT = 50


class HomeScreen(Screen[None]):
    """The simulator, a server, a recording."""

    BINDINGS = [
        Binding("s", "simulator", "simulator", id="home.simulator"),
        Binding("l", "live", "live", id="home.live"),
        Binding("o", "open", "open a recording", id="home.open"),
        Binding("j", "move(1)", "down", show=False, id="home.down"),
        Binding("k", "move(-1)", "up", show=False, id="home.up"),
        Binding("question_mark,f1", "help", "help", id="home.help"),
        Binding("q", "quit", "quit", id="home.quit"),
    ]

    def __init__(self, host: Host, launcher: Launcher, glyphs: Glyphs) -> None:
        super().__init__()
        self._host = host
        self._launcher = launcher
        self._glyphs = glyphs
        self._recent: list[Path] = []

    def compose(self) -> ComposeResult:
        """Lay out title, choices and hint."""
        with Vertical(id="home"):
            yield Static("Realtime Inspector", id="home-title", markup=False)
            yield Static(
                f"{__version__}   see, steer, record and replay Realtime sessions",
                id="home-sub",
                markup=False,
            )
            yield OptionList(id="choices", markup=False)
            yield Static(
                "enter opens   s simulator   l live   o another recording   ? keys   q quits",
                id="home-hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()
        self.query_one("#choices").focus()
        # A footer is a widget a key: too much for the first frame.
        self.call_after_refresh(self.mount, Footer(show_command_palette=False))

    def on_screen_resume(self) -> None:
        """Show recordings made meanwhile."""
        if self._recent != self._launcher.recent()[:MAX_RECENT]:
            self._fill()

    def _fill(self) -> None:
        choices = self.query_one("#choices", OptionList)
        here = choices.highlighted or 0
        choices.clear_options()
        choices.add_options(
            [
                Option(
                    "s  Simulator      talk to the built-in server; no key, no network, no sound card",
                    id="simulator",
                ),
                Option(
                    "l  Live           connect to OpenAI, Azure or any compatible server", id="live"
                ),
                Option("o  Open           replay a recording", id="open"),
            ]
        )
        self._recent = self._launcher.recent()[:MAX_RECENT]
        if self._recent:
            choices.add_option(None)
            choices.add_options(
                [
                    Option(self._line(path), id=f"recent-{index}")
                    for index, path in enumerate(self._recent)
                ]
            )
        else:
            choices.add_option(None)
            choices.add_option(
                Option(
                    "   No recordings yet. Every session is recorded; they will be listed here.",
                    disabled=True,
                )
            )
        choices.highlighted = min(here, choices.option_count - 1)

    def _line(self, path: Path) -> str:
        try:
            size = size_text(path.stat().st_size)
        except OSError:
            size = "?"
        return f"   {inert(path.name):<58} {size:>9}"

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        choice = event.option_id or ""
        if choice.startswith("recent-"):
            self._replay(self._recent[int(choice.removeprefix("recent-"))])
        elif choice:
            self.run_worker(self.run_action(choice))

    def action_move(self, step: int) -> None:
        """Move by one choice."""
        choices = self.query_one("#choices", OptionList)
        choices.action_cursor_down() if step > 0 else choices.action_cursor_up()

    def action_simulator(self) -> None:
        """Begin a session with the simulator."""
        from inspector.tui.screens.session import SessionScreen

        try:
            engine = self._launcher.open_simulator()
        except InspectorError as error:
            self._say(error)
            return
        self.app.push_screen(SessionScreen(self._host, engine, self._glyphs))

    def action_live(self) -> None:
        """Ask where to, and connect."""
        from inspector.tui.screens.dialog import Field, FormDialog
        from inspector.tui.screens.session import SessionScreen

        settings = self._launcher.settings
        fields = (
            Field(
                "profile",
                "profile",
                settings.profile or "openai",
                "openai, azure, xai, qwen, custom",
                ("openai", "azure", "xai", "qwen", "custom"),
            ),
            Field("url", "url", settings.url, "of the profile"),
            Field(
                "model",
                "model",
                settings.model,
                "of the profile",
                ("gpt-realtime", "gpt-realtime-2.1", "gpt-realtime-2.1-mini"),
            ),
        )
        note = "The key comes from the environment (OPENAI_API_KEY, AZURE_OPENAI_API_KEY) and is never shown or recorded."

        def answered(answers: dict[str, str] | None) -> None:
            if answers is None:
                return
            try:
                engine = self._launcher.with_settings(answers).open_live()
            except InspectorError as error:
                self._say(error)
                return
            self.app.push_screen(SessionScreen(self._host, engine, self._glyphs))

        self.app.push_screen(FormDialog("Connect to a server", fields, note), answered)

    def action_open(self) -> None:
        """Ask for a file, and replay it."""
        from inspector.tui.screens.dialog import Field, FormDialog

        def answered(answers: dict[str, str] | None) -> None:
            if answers is not None and answers["path"]:
                self._replay(Path(answers["path"]).expanduser())

        fields = (
            Field(
                "path",
                "file",
                "",
                "path of a JSONL file",
                tuple(str(path) for path in self._recent),
            ),
        )
        self.app.push_screen(FormDialog("Replay a recording", fields), answered)

    def action_help(self) -> None:
        """Show the keys."""
        from inspector.tui.screens.help import HelpScreen

        keys = [
            (self.app.get_key_display(bound.binding), bound.binding.description)
            for bound in self.active_bindings.values()
            if bound.binding.description and not bound.binding.system
        ]
        self.app.push_screen(HelpScreen("Home: keys", [("here", keys)]))

    def action_quit(self) -> None:
        """Leave the program."""
        self.app.exit(0)

    def _replay(self, path: Path) -> None:
        from inspector.tui.screens.replay import ReplayScreen

        try:
            replay = self._launcher.open_replay(path)
        except InspectorError as error:
            self._say(error)
            return
        self.app.push_screen(ReplayScreen(replay, self._glyphs))

    def _say(self, error: InspectorError) -> None:
        message = f"{error.message}\n{error.hint}" if error.hint else error.message
        self.notify(message, severity="error", markup=False, timeout=8)
