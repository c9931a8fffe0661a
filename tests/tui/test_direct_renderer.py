"""Changed cells are painted straight to the terminal if visible, and by Textual if covered."""

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
    """A line of text that the test sets."""

    DEFAULT_CSS = "Moving { height: 1; }"
    words = "before"

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the line."""
        line = Strip([Segment(self.words)]).adjust_cell_length(self.size.width)
        return [line.crop(crop.x, crop.right)] * crop.height

    def say(self, words: str) -> list[CellUpdate]:
        """Set the text; return what has changed."""
        self.words = words
        return [CellUpdate(2, 0, Strip([Segment(words[2:])]))]


class Terminal(HeadlessDriver):
    """A driver that collects what is written."""

    written = ""

    @property
    def is_headless(self) -> bool:
        """Behave like a real terminal."""
        return False

    def write(self, data: str) -> None:
        """Collect the data."""
        self.written += data


class Painted(App[None]):
    """A changing line, below a line that may disappear and under a notice that may appear."""

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
        """Set another text; return what was written to the terminal at once."""
        self.terminal.written = ""
        self.moving._exchange_repaint_regions()
        self.renderer.paint([(self.moving, self.moving.say(words))])
        return self.terminal.written

    def is_left_to_textual(self) -> bool:
        """Return whether Textual was asked to paint the same cells."""
        return self.moving._exchange_repaint_regions() == {Region(2, 0, 3, 1)}


def painting(scenario: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        app = Painted()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await scenario(Bench(app, pilot))

    asyncio.run(run())


def test_visible_widgets_are_painted_at_once() -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.paint("after") == "\x1b[2;3Hter\x1b[1;1H"
        assert not bench.is_left_to_textual()

    painting(scenario)


def test_a_widget_is_painted_at_its_new_place_after_a_layout() -> None:
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


def test_a_covering_widget_is_not_painted_over() -> None:
    async def scenario(bench: Bench) -> None:
        bench.paint("after")
        bench.app.query_one("#over").display = True
        await bench.pilot.pause()
        assert bench.paint("again") == ""
        assert bench.is_left_to_textual()

    painting(scenario)


def test_a_covered_screen_is_not_painted() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.app.push_screen(Screen())
        assert bench.paint("after") == ""
        assert bench.is_left_to_textual()

    painting(scenario)


def test_nothing_is_painted_while_an_editor_has_the_terminal() -> None:
    async def scenario(bench: Bench) -> None:
        with bench.app.batch_update():
            assert bench.paint("after") == ""
            assert bench.is_left_to_textual()

    painting(scenario)


def test_a_clipped_widget_is_painted_by_textual() -> None:
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
