"""What moves is painted straight to the terminal where it can be seen, and by Textual where something lies over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Offset, Region, Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from inspector.tui.terminal.direct_renderer import CellUpdate, DirectRenderer


class Moving(Widget):
    """One line that says what it is told to."""

    DEFAULT_CSS = "Moving { height: 1; }"
    words = "before"

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the line."""
        line = Strip([Segment(self.words)]).adjust_cell_length(self.size.width)
        return [line.crop(crop.x, crop.right)] * crop.height

    def say(self, words: str) -> list[CellUpdate]:
        """Change the line; return what has changed."""
        self.words = words
        return [CellUpdate(2, 0, Strip([Segment(words[2:])]))]


class Terminal(HeadlessDriver):
    """Keeps what is written."""

    written = ""

    @property
    def is_headless(self) -> bool:
        """Pretend that somebody looks."""
        return False

    def write(self, data: str) -> None:
        """Keep it."""
        self.written += data


class Painted(App[None]):
    """Something that moves, below a line that may go away and under a notice that may come."""

    CSS = """
    Screen { layers: base notices; }
    #over { layer: notices; offset: 40 1; width: 10; height: 1; display: none; }
    """

    def compose(self) -> ComposeResult:
        """Lay out all three."""
        yield Static("above", id="above")
        yield Moving()
        yield Static("over", id="over")


class Bench:
    """An app whose terminal can be read."""

    def __init__(self, app: Painted, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.moving = app.query_one(Moving)
        self.renderer = DirectRenderer(app.screen)
        self.terminal = Terminal(app, size=(80, 24))
        app._driver = self.terminal

    def paint(self, words: str) -> str:
        """Paint other words; return what went to the terminal at once."""
        self.terminal.written = ""
        self.moving._exchange_repaint_regions()
        self.renderer.paint([(self.moving, self.moving.say(words))])
        return self.terminal.written

    def is_left_to_textual(self) -> bool:
        """Tell whether Textual was asked to paint the same cells."""
        return self.moving._exchange_repaint_regions() == {Region(2, 0, 3, 1)}


def painting(scenario: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        app = Painted()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await scenario(Bench(app, pilot))

    asyncio.run(run())


def test_what_can_be_seen_is_painted_at_once() -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.paint("after") == "\x1b[2;3Hter\x1b[1;1H"
        assert not bench.is_left_to_textual()

    painting(scenario)


def test_it_is_painted_where_a_new_layout_has_put_it() -> None:
    async def scenario(bench: Bench) -> None:
        bench.paint("after")
        bench.app.query_one("#above").display = False
        await bench.pilot.pause()
        assert bench.paint("again") == "\x1b[1;3Hain\x1b[1;1H"

    painting(scenario)


def test_a_text_field_keeps_the_cursor_of_the_terminal() -> None:
    async def scenario(bench: Bench) -> None:
        bench.app.cursor_position = Offset(7, 4)
        assert bench.paint("after").endswith("\x1b[5;8H")

    painting(scenario)


def test_what_lies_over_it_stays() -> None:
    async def scenario(bench: Bench) -> None:
        bench.paint("after")
        bench.app.query_one("#over").display = True
        await bench.pilot.pause()
        assert bench.paint("again") == ""
        assert bench.is_left_to_textual()

    painting(scenario)


def test_a_screen_below_another_does_not_shine_through() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.app.push_screen(Screen())
        assert bench.paint("after") == ""
        assert bench.is_left_to_textual()

    painting(scenario)


def test_nothing_is_painted_while_the_terminal_is_lent() -> None:
    async def scenario(bench: Bench) -> None:
        with bench.app.batch_update():
            assert bench.paint("after") == ""
            assert bench.is_left_to_textual()

    painting(scenario)


def test_what_is_not_shown_whole_is_left_to_textual() -> None:
    async def scenario(bench: Bench) -> None:
        bench.moving.styles.width = 90
        await bench.pilot.pause()
        assert bench.moving.size == Size(90, 1)
        assert bench.paint("after") == ""
        assert bench.is_left_to_textual()
        bench.moving.display = False
        await bench.pilot.pause()
        assert bench.paint("again") == ""

    painting(scenario)
