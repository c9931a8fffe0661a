"""InspectorApp: the guest that draws. Sessions live in the host around it and do not end with it."""

from __future__ import annotations

import asyncio
import locale
import logging
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.theme import Theme

from inspector import collector
from inspector.analysis.ascii_fallbacks import terminal_encoding
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.tui.common.glyphs import ASCII, UNICODE, Glyphs
from inspector.tui.common.keycaps import key_words, keycap
from inspector.tui.common.look import Look
from inspector.tui.common.themes import DEFAULT, derived_variables, load_themes
from inspector.tui.terminal.terminal_app import TerminalApp

if TYPE_CHECKING:
    from inspector.engine.live_engine import Engine
    from inspector.engine.proxy_engine import Proxy
    from inspector.engine.replay import Replay
    from inspector.tui.common.footer import Footer
    from inspector.tui.home.launching import Launcher

STYLES = Path(__file__).with_name("inspector.tcss")
COLLECT_AFTER_S = 0.3
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 130
COMPLAIN_AFTER_S = 0.4
"""Looking through the bindings of every screen loads all of them."""
log = logging.getLogger(__name__)


@runtime_checkable
class OffersCommands(Protocol):
    """A screen with commands of its own for the palette."""

    def palette(self) -> Iterable[SystemCommand]:
        """Yield the commands."""
        ...


class InspectorApp(TerminalApp):
    """The program's screen."""

    TITLE = "Realtime Inspector"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        Binding("ctrl+q", "quit", "quit", show=False, id="app.quit", priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="app.suspend"),
        Binding("f2", "change_theme", "themes", show=False, id="app.themes"),
    ]

    def __init__(self, first: Screen[None], look: Look | None = None) -> None:
        """Prepare the app.

        Args:
            first: the screen to begin with.
            look: theme and keys.
        """
        self.look = look or Look()
        # Textual loads a screen's own style sheet when it is pushed; the first one never is.
        own = [first.CSS_PATH] if isinstance(first.CSS_PATH, Path) else []
        loaded = load_themes(self.look.themes)
        is_ascii = chosen_glyphs() is ASCII
        super().__init__([STYLES, *own], has_colour=self.look.has_colour, is_ascii=is_ascii)
        self._first = first
        self._problems = list(loaded.problems)
        self._is_choosing_theme = False
        for theme in loaded.themes:
            self.register_theme(theme)
        wanted = self.look.theme
        if wanted and wanted not in self.available_themes:
            key = keycap(self, (InspectorApp,), "app.themes")
            self._problems.append(f"Unknown theme {wanted!r}; press {key} for the list")
        self.theme = wanted if wanted in self.available_themes else DEFAULT
        self._kept_theme = self.theme
        self.set_keymap(self.look.keys)

    def on_mount(self) -> None:
        """Let the garbage collector work once the first frame is there, on what comes from then on."""
        self.set_timer(COLLECT_AFTER_S, collector.spare_what_is_loaded)
        self.set_timer(COMPLAIN_AFTER_S, self._complain)
        self.tell_driver(self.current_theme)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        # Textual 8.2.8 does not paint again after SIGCONT, as it does after an editor.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def action_change_theme(self) -> None:
        """Choose a theme, each shown as soon as it is pointed at."""
        from inspector.tui.home.theme_dialog import ThemeDialog

        if self._is_choosing_theme:
            return

        def chosen(is_other: bool | None) -> None:
            self._is_choosing_theme = False
            if is_other:
                self._keep_theme()

        self._is_choosing_theme = True
        self.push_screen(ThemeDialog(), chosen)

    def _theme_changed(self, theme: Theme) -> None:
        self.tell_driver(theme)
        if not self._is_choosing_theme:
            self._keep_theme()

    def _keep_theme(self) -> None:
        if self.theme == self._kept_theme:
            return
        self._kept_theme = self.theme
        words = self.look.remember_theme(self.theme)
        if words:
            self.notify(words, markup=False, timeout=6)

    def _complain(self) -> None:
        """Say what is wrong with the user's themes and keys, now that it keeps nobody waiting."""
        if self.look.keys:
            from inspector.tui.common.keymap import keymap_problems

            self._problems += keymap_problems(self.look.keys)
        for problem in self._problems:
            self.notify(problem, severity="warning", markup=False, timeout=12)

    def on_footer_key_clicked(self, message: Footer.KeyClicked) -> None:
        """Press a key of the footer."""
        self.simulate_key(message.key)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our colour tokens for themes that do not define them."""
        return derived_variables(self.current_theme)

    def get_key_display(self, binding: Binding) -> str:
        """Name a key as texts do: Textual's signs for enter and the arrows are not in every font."""
        return binding.key_display or key_words(binding.key)

    def get_default_screen(self) -> Screen[None]:
        """Begin with the first screen, without an empty one below it."""
        return self._first

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer what works on the screen, then what Textual offers everywhere."""
        if isinstance(screen, OffersCommands):
            yield from screen.palette()
        yield from super().get_system_commands(screen)


def chosen_glyphs() -> Glyphs:
    """Return characters that the terminal can show."""
    encoding = terminal_encoding(
        sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False),
        os.environ,
        is_utf8_mode=bool(sys.flags.utf8_mode),
    )
    return UNICODE if encoding.lower().replace("-", "") == "utf8" else ASCII


async def run_home(launcher: Launcher, look: Look) -> int:
    """Show the home screen until the user quits; return the exit status."""
    from inspector.tui.home.home_screen import HomeScreen

    async with TaskSupervisor() as host:
        return await _run(InspectorApp(HomeScreen(host, launcher, chosen_glyphs()), look))


async def run_session(host: TaskSupervisor, engine: Engine, look: Look) -> int:
    """Show a live session until the user quits; return the exit status."""
    from inspector.tui.session.live_workspace import session_workspace

    return await _run(InspectorApp(session_workspace(host, engine, chosen_glyphs()), look))


async def run_proxy(proxy: Proxy, look: Look) -> int:
    """Show the sessions of a proxy whose port is open until the user quits; return the exit status."""
    from inspector.tui.proxy.proxy_screen import ProxyScreen

    async with TaskSupervisor():
        return await _run(InspectorApp(ProxyScreen(proxy, chosen_glyphs()), look))


async def run_replay(replay: Replay, look: Look) -> int:
    """Show a recording until the user quits; return the exit status."""
    from inspector.tui.session.replay_workspace import replay_workspace

    try:
        return await _run(InspectorApp(replay_workspace(replay, chosen_glyphs()), look))
    finally:
        replay.close()


async def _run(app: InspectorApp) -> int:
    # A signal ends the screen, and so the session and the terminal's modes, as a key would.
    loop = asyncio.get_running_loop()
    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, app.exit, EXIT_INTERRUPTED)
    try:
        status = await app.run_async()
    finally:
        collector.resume()  # which the first frame does, if there was one
        for number in ENDING_SIGNALS:
            loop.remove_signal_handler(number)
    if app.failure:
        sys.stderr.write(f"inspector: the screen failed: {app.failure}\n")
    return status or 0
