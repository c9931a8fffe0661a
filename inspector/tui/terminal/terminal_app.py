"""TerminalApp: what the program needs of Textual 8.2.8 that Textual does not offer in public, in one place.

Each workaround says what it is for. A newer Textual is tried by running the tests with it; what fails here is mended here.
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
from inspector.secret import mask_text
from inspector.tui.terminal.key_order import KeyOrder

if TYPE_CHECKING:
    from rich.console import RenderableType

EXIT_FAULT = 70
MOST_WAITING = 6
"""Writes that the terminal may have before it, two frames; Textual blocks at 30."""
CATCH_UP_S = 0.05
"""Between two looks at what the terminal has taken."""
log = logging.getLogger(__name__)


class TerminalApp(App[int]):
    """An app that never waits for its terminal, takes keys in order, and ends without a crash page."""

    def __init__(self, styles: Sequence[Path], *, has_colour: bool, is_ascii: bool) -> None:
        """Prepare the app.

        Args:
            styles: the style sheets to begin with.
            has_colour: False where the user wants none.
            is_ascii: whether the terminal shows nothing but ASCII.
        """
        with _environment_for_textual(has_colour=has_colour):
            driver = _driver(has_colour=has_colour, is_ascii=is_ascii)
            super().__init__(driver_class=driver, css_path=list(styles))
        self._key_order = KeyOrder(self)
        self.failure = ""
        """What broke the app; ``""`` where it ended well."""
        self._is_behind = False
        """Whether the terminal has yet to take what was painted."""

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

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen, and let Textual forget how it was drawn.

        Textual 8.2.8 keeps the caches of the last 1,024 widgets, with every line that they painted, as keys of an ``lru_cache``.
        """
        StylesCache.get_inner_outer.cache_clear()
        return super().pop_screen()

    def tell_driver(self, theme: Theme) -> None:
        """Let a driver that takes colours out know what they mean."""
        colours = getattr(self._driver, "colours", None)
        if colours is not None:
            colours.learn(theme)

    async def on_event(self, event: Event) -> None:
        """Deal with one key after the other."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_order.admit(event):
            target = self.focused or self.screen
            await super().on_event(event)
            self._key_order.follow(target)

    def _handle_exception(self, error: Exception) -> None:
        """End with one line in place of a crash page: Textual's prints locals, and they may hold a key."""
        log.error("the screen failed", exc_info=error)
        # The first one: those after it may come of the screen being torn down.
        self.failure = self.failure or sanitized(mask_text(f"{type(error).__name__}: {error}"))
        if self.is_headless:
            super()._handle_exception(error)
        else:
            self.exit(EXIT_FAULT)


@contextmanager
def _environment_for_textual(*, has_colour: bool) -> Iterator[None]:
    """Let Textual paint in colours that ``PlainDriver`` takes out, by their meaning, where the user wants none.

    Textual 8.2.8 looks at the environment while an app is made. It would turn colours to grey, which is colour too, and does so
    even where ``NO_COLOR`` is empty. What we start (an editor) gets the environment as the user has it.
    """
    before = {name: os.environ.get(name) for name in ("NO_COLOR", "COLORTERM")}
    os.environ.pop("NO_COLOR", None)
    if not has_colour:
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


def _driver(*, has_colour: bool, is_ascii: bool) -> type[Driver] | None:
    """Return a driver for a terminal that lacks something; None where Textual's own will do."""
    if has_colour and not is_ascii:
        return None
    from inspector.tui.terminal.plain_driver import ColourFilter, plain_driver

    return plain_driver(is_ascii=is_ascii, colours=None if has_colour else ColourFilter())
