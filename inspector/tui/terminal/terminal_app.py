"""TerminalApp: the changes to Textual 8.2.8 that its public interface does not allow, in one place.

Each workaround says what it is for. To try a newer Textual, run the tests with it and repair what fails here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from textual._styles_cache import StylesCache
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.theme import Theme

from inspector.analysis.sanitize import sanitized
from inspector.errors import EXIT_FAULT
from inspector.secret import mask_text
from inspector.tui.terminal.key_order import KeyOrder

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.notifications import SeverityLevel

MOST_WAITING = 6
"""Unwritten chunks before painting stops: two frames. Textual itself blocks at 30."""
CATCH_UP_S = 0.05
"""Interval for checking whether the terminal has caught up."""
log = logging.getLogger(__name__)


class TerminalApp(App[int]):
    """An app that never blocks on its terminal, handles keys in order, and ends without a crash page."""

    def __init__(self, styles: Sequence[Path], *, has_colour: bool, is_ascii: bool) -> None:
        """Create the app.

        Args:
            styles: the initial style sheets.
            has_colour: False for no colour.
            is_ascii: True for a terminal that shows only ASCII.
        """
        with _environment_for_textual(has_colour=has_colour):
            driver = _driver(has_colour=has_colour, is_ascii=is_ascii)
            super().__init__(driver_class=driver, css_path=list(styles))
        self._key_order = KeyOrder(self)
        self.failure = ""
        """The error that ended the app; ``""`` for a normal exit."""
        self._is_behind = False
        """Whether the terminal has yet to read what was painted."""

    def latest_notice(self) -> tuple[str, SeverityLevel] | None:
        """Return the last notification that has not expired, with its severity; None if there is none."""
        shown = list(self._notifications)  # Textual 8.2.8 has no public access to them
        return (shown[-1].message, shown[-1].severity) if shown else None

    def holds_back(self) -> bool:
        """Return whether the terminal is too slow for another frame; a whole frame follows once it has caught up.

        Textual 8.2.8 would block on the terminal, and with it everything in this event loop: the session, and a proxy's apps.
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
            # A layout repaints everything, whatever was skipped meanwhile.
            self.refresh(layout=True)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Paint a frame, unless the terminal has not read the previous ones."""
        if not self.holds_back():
            super()._display(screen, renderable)

    def pop_screen(self) -> AwaitComplete:
        """Close a screen, and drop the cached drawing of its widgets.

        Textual 8.2.8 keeps the caches of the last 1,024 widgets, with every line that they painted, as keys of an ``lru_cache``.
        """
        StylesCache.get_inner_outer.cache_clear()
        return super().pop_screen()

    def tell_driver(self, theme: Theme) -> None:
        """Pass the theme to a driver that replaces colours by attributes."""
        colours = getattr(self._driver, "colours", None)
        if colours is not None:
            colours.learn(theme)

    async def on_event(self, event: Event) -> None:
        """Handle keys one after the other."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_order.admit(event):
            target = self.focused or self.screen
            await super().on_event(event)
            self._key_order.follow(target)

    def _handle_exception(self, error: Exception) -> None:
        """End with one line in place of Textual's crash page, which prints local variables that may hold a key."""
        log.error("the screen failed", exc_info=error)
        # Keep the first error: later ones may come from tearing down the screen.
        self.failure = self.failure or sanitized(mask_text(f"{type(error).__name__}: {error}"))
        # In tests the exception must reach the test.
        if self.is_headless:
            super()._handle_exception(error)
        else:
            self.exit(EXIT_FAULT)


@contextmanager
def _environment_for_textual(*, has_colour: bool) -> Iterator[None]:
    """Let Textual paint in full colour even for ``NO_COLOR``; ``PlainDriver`` replaces colours by their meaning.

    Textual 8.2.8 reads the environment when an app is created. It would turn colours to grey, which is colour too, and does so even
    if ``NO_COLOR`` is empty. The variables are restored, so that child processes (an editor) see what the user has set.
    """
    before = {name: os.environ.get(name) for name in ("NO_COLOR", "COLORTERM")}
    os.environ.pop("NO_COLOR", None)
    if not has_colour:
        os.environ["COLORTERM"] = "truecolor"  # PlainDriver tells colours apart by their 24 bits
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def waiting_writes(driver: Driver | None) -> int:
    """Return how many chunks the terminal has not read; a frame takes three."""
    thread = getattr(driver, "_writer_thread", None)  # Textual has no public access to it
    return thread._queue.qsize() if isinstance(thread, WriterThread) else 0  # noqa: SLF001


def _driver(*, has_colour: bool, is_ascii: bool) -> type[Driver] | None:
    """Return a driver class for a limited terminal; None to use Textual's own."""
    if has_colour and not is_ascii:
        return None
    from inspector.tui.terminal.plain_driver import ColourFilter, plain_driver

    return plain_driver(is_ascii=is_ascii, colours=None if has_colour else ColourFilter())
