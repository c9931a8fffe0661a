"""InspectorApp: the Textual app. Sessions belong to the task supervisor around it and do not end with the app."""

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
from inspector.errors import EXIT_INTERRUPTED
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
COLLECT_AFTER_S = 0.3  # the first frame and the mounts after it are done by then
# SIGHUP: the terminal window was closed.
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
KEYS_CHECK_AFTER_S = 0.4
"""Delay for checking the user's keymap, which imports every screen."""
log = logging.getLogger(__name__)


@runtime_checkable
class OffersCommands(Protocol):
    """A screen that adds commands to the palette."""

    def palette(self) -> Iterable[SystemCommand]:
        """Yield the commands."""
        ...


class InspectorApp(TerminalApp):
    """The program's Textual app."""

    TITLE = "Realtime Inspector"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        Binding("ctrl+q", "quit", "quit", show=False, id="app.quit", priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="app.suspend"),
        Binding("f2", "change_theme", "themes", show=False, id="app.themes"),
    ]

    def __init__(self, first: Screen[None], look: Look | None = None) -> None:
        """Create the app.

        Args:
            first: the initial screen.
            look: the user's theme and keys.
        """
        self.look = look or Look()
        # Textual loads the style sheet of a pushed screen; the default screen is not pushed.
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
        """Schedule the work that would delay the first frame."""
        # A collection during the first frame would walk every object that the imports have just
        # created.
        self.set_timer(COLLECT_AFTER_S, collector.spare_what_is_loaded)
        self.set_timer(KEYS_CHECK_AFTER_S, self._report_problems)
        self.tell_driver(self.current_theme)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        # Textual 8.2.8 repaints after an editor, but not after SIGCONT.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def action_change_theme(self) -> None:
        """Open the theme dialog, which applies each theme under the cursor."""
        from inspector.tui.home.theme_dialog import ThemeDialog

        if self._is_choosing_theme:
            return

        def chosen(is_other: bool | None) -> None:
            self._is_choosing_theme = False
            if is_other:
                self._keep_theme()

        self._is_choosing_theme = True
        # The dialog previews by setting the theme, which Textual announces like a choice.
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

    def _report_problems(self) -> None:
        """Report problems with the user's themes and keys."""
        if self.look.keys:
            from inspector.tui.common.keymap import keymap_problems

            self._problems += keymap_problems(self.look.keys)
        for problem in self._problems:
            self.notify(problem, severity="warning", markup=False, timeout=12)

    def on_footer_key_clicked(self, message: Footer.KeyClicked) -> None:
        """Press the key that was clicked in the footer."""
        self.simulate_key(message.key)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return values for the program's colour tokens, for themes that do not define them."""
        return derived_variables(self.current_theme)

    def get_key_display(self, binding: Binding) -> str:
        """Return the name of a binding's key; Textual's symbols for enter and the arrows are not in every font."""
        return binding.key_display or key_words(binding.key)

    def get_default_screen(self) -> Screen[None]:
        """Return the initial screen, so that there is no empty one below it."""
        return self._first

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the screen's commands, then Textual's."""
        if isinstance(screen, OffersCommands):
            yield from screen.palette()
        yield from super().get_system_commands(screen)


def chosen_glyphs() -> Glyphs:
    """Return the characters to use on this terminal."""
    encoding = terminal_encoding(
        sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False),
        os.environ,
        is_utf8_mode=bool(sys.flags.utf8_mode),
    )
    return UNICODE if encoding.lower().replace("-", "") == "utf8" else ASCII


async def run_home(launcher: Launcher, look: Look) -> int:
    """Run the home screen until the user quits; return the exit status."""
    from inspector.tui.home.home_screen import HomeScreen

    async with TaskSupervisor() as host:
        return await _run(InspectorApp(HomeScreen(host, launcher, chosen_glyphs()), look))


async def run_session(host: TaskSupervisor, engine: Engine, look: Look) -> int:
    """Run a live session's screen until the user quits; return the exit status."""
    from inspector.tui.session.live_workspace import session_workspace

    return await _run(InspectorApp(session_workspace(host, engine, chosen_glyphs()), look))


async def run_proxy(proxy: Proxy, look: Look) -> int:
    """Run the screen of a proxy that is already listening until the user quits; return the exit status."""
    from inspector.tui.proxy.proxy_screen import ProxyScreen

    async with TaskSupervisor():
        return await _run(InspectorApp(ProxyScreen(proxy, chosen_glyphs()), look))


async def run_replay(replay: Replay, look: Look) -> int:
    """Run a replay until the user quits; return the exit status."""
    from inspector.tui.session.replay_workspace import replay_workspace

    try:
        return await _run(InspectorApp(replay_workspace(replay, chosen_glyphs()), look))
    finally:
        replay.close()


async def _run(app: InspectorApp) -> int:
    # A signal exits the app as a key would, so that sessions and terminal modes are cleaned up.
    loop = asyncio.get_running_loop()
    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, app.exit, EXIT_INTERRUPTED)
    try:
        status = await app.run_async()
    finally:
        collector.resume()  # in case the app ended before its first frame
        for number in ENDING_SIGNALS:
            loop.remove_signal_handler(number)
    if app.failure:
        sys.stderr.write(f"inspector: the screen failed: {app.failure}\n")
    # Textual returns None if the app was closed without ``exit``.
    return status or 0
