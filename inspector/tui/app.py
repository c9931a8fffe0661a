"""InspectorApp: the guest that draws. Sessions live in the host around it and do not end with it."""

from __future__ import annotations

import asyncio
import locale
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual._styles_cache import StylesCache
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.theme import Theme

from inspector import collector
from inspector.analysis.ascii_twins import terminal_encoding
from inspector.analysis.inert import inert
from inspector.engine.host import Host
from inspector.secret import mask_text
from inspector.tui.common.glyphs import ASCII, UNICODE, Glyphs
from inspector.tui.common.keycaps import key_words, keycap
from inspector.tui.common.look import Look
from inspector.tui.common.themes import DEFAULT, derived_variables, load_themes
from inspector.tui.terminal.key_order import KeyOrder

if TYPE_CHECKING:
    from rich.console import RenderableType

    from inspector.engine.proxy import Proxy
    from inspector.engine.replay import Replay
    from inspector.engine.session import Engine
    from inspector.tui.common.footer import Footer
    from inspector.tui.home.launching import Launcher

STYLES = Path(__file__).with_name("inspector.tcss")
COLLECT_AFTER_S = 0.3
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 130
COMPLAIN_AFTER_S = 0.4
"""Looking through the bindings of every screen loads all of them."""
MOST_WAITING = 6
"""Writes that the terminal may have before it, two frames; Textual blocks at 30."""
CATCH_UP_S = 0.05
"""Between two looks at what the terminal has taken."""
log = logging.getLogger(__name__)


@runtime_checkable
class OffersCommands(Protocol):
    """A screen with commands of its own for the palette."""

    def palette(self) -> Iterable[SystemCommand]:
        """Yield the commands."""
        ...


class InspectorApp(App[int]):
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
        with _environment_for_textual(self.look):
            super().__init__(driver_class=_driver(self.look), css_path=[STYLES, *own])
        self._first = first
        self._key_order = KeyOrder(self)
        self.failure = ""
        """What broke the app; ``""`` where it ended well."""
        self._problems = list(loaded.problems)
        self._is_choosing_theme = False
        self._is_behind = False
        """Whether the terminal has yet to take what was painted."""
        for theme in loaded.themes:
            self.register_theme(theme)
        wanted = self.look.theme
        if wanted and wanted not in self.available_themes:
            key = keycap(self, (InspectorApp,), "app.themes")
            self._problems.append(f"there is no theme {wanted!r}; {key} shows those that there are")
        self.theme = wanted if wanted in self.available_themes else DEFAULT
        self._kept_theme = self.theme
        self.set_keymap(self.look.keys)

    def holds_back(self) -> bool:
        """Tell whether the terminal is too slow for another frame: then one whole frame follows when it has caught up.

        Textual 8.2.8 would wait for the terminal, and with it everything else in this loop: the session, a proxy's app.
        """
        if not self._is_behind and waiting_writes(self._driver) >= MOST_WAITING:
            self._is_behind = True
            self.set_timer(CATCH_UP_S, self._catch_up)
        return self._is_behind

    def _catch_up(self) -> None:
        if waiting_writes(self._driver):
            self.set_timer(CATCH_UP_S, self._catch_up)
        else:
            self._is_behind = False
            self.refresh(layout=True)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Paint a frame, unless the terminal has not taken those before."""
        if not self.holds_back():
            super()._display(screen, renderable)

    def on_mount(self) -> None:
        """Let the garbage collector work once the first frame is there, on what comes from then on."""
        self.set_timer(COLLECT_AFTER_S, collector.spare_what_is_loaded)
        self.set_timer(COMPLAIN_AFTER_S, self._complain)
        self._tell_driver(self.current_theme)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        # Textual 8.2.8 does not paint again after SIGCONT, as it does after an editor.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen, and let Textual forget how it was drawn.

        Textual 8.2.8 keeps the caches of the last 1,024 widgets, with every line that they painted, as keys of an ``lru_cache``.
        """
        StylesCache.get_inner_outer.cache_clear()
        return super().pop_screen()

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
        self._tell_driver(theme)
        if not self._is_choosing_theme:
            self._keep_theme()

    def _tell_driver(self, theme: Theme) -> None:
        colours = getattr(self._driver, "colours", None)
        if colours is not None:
            colours.learn(theme)

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

    async def on_event(self, event: Event) -> None:
        """Deal with one key after the other."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_order.admit(event):
            target = self.focused or self.screen
            await super().on_event(event)
            self._key_order.follow(target)

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

    def _handle_exception(self, error: Exception) -> None:
        """End with one line in place of a crash page: Textual's prints locals, and they may hold a key."""
        log.error("the screen failed", exc_info=error)
        # The first one: those after it may come of the screen being torn down.
        self.failure = self.failure or inert(mask_text(f"{type(error).__name__}: {error}"))
        if self.is_headless:
            super()._handle_exception(error)
        else:
            self.exit(70)


@contextmanager
def _environment_for_textual(look: Look) -> Iterator[None]:
    """Let Textual paint in colours that ``PlainDriver`` takes out, by their meaning, where the user wants none.

    Textual 8.2.8 looks at the environment while an app is made. It would turn colours to grey, which is colour too, and does so
    even where ``NO_COLOR`` is empty. What we start (an editor) gets the environment as the user has it.
    """
    before = {name: os.environ.get(name) for name in ("NO_COLOR", "COLORTERM")}
    os.environ.pop("NO_COLOR", None)
    if not look.has_colour:
        os.environ["COLORTERM"] = "truecolor"  # so that what a colour meant can be told
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def waiting_writes(driver: Driver | None) -> int:
    """Return how many writes the terminal has not taken; a frame is three."""
    thread = getattr(driver, "_writer_thread", None)  # that Textual has no public way to
    return thread._queue.qsize() if isinstance(thread, WriterThread) else 0  # noqa: SLF001


def _driver(look: Look) -> type[Driver] | None:
    """Return a driver for a terminal that lacks something; None where Textual's own will do."""
    is_ascii = chosen_glyphs() is ASCII
    if look.has_colour and not is_ascii:
        return None
    from inspector.tui.terminal.plain_driver import ColourFilter, plain_driver

    colours = None if look.has_colour else ColourFilter()
    return plain_driver(is_ascii=is_ascii, colours=colours)


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
    from inspector.tui.home.screen import HomeScreen

    async with Host() as host:
        return await _run(InspectorApp(HomeScreen(host, launcher, chosen_glyphs()), look))


async def run_session(host: Host, engine: Engine, look: Look) -> int:
    """Show a live session until the user quits; return the exit status."""
    from inspector.tui.session.live import session_workspace

    return await _run(InspectorApp(session_workspace(host, engine, chosen_glyphs()), look))


async def run_proxy(proxy: Proxy, look: Look) -> int:
    """Show the sessions of a proxy whose port is open until the user quits; return the exit status."""
    from inspector.tui.proxy.screen import ProxyScreen

    async with Host():
        return await _run(InspectorApp(ProxyScreen(proxy, chosen_glyphs()), look))


async def run_replay(replay: Replay, look: Look) -> int:
    """Show a recording until the user quits; return the exit status."""
    from inspector.tui.session.replay import replay_workspace

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
