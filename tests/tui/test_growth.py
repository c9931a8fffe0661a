"""What comes and goes on a screen leaves nothing behind, however often it comes."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

import pytest
from textual._styles_cache import StylesCache
from textual.css.styles import StylesBase
from textual.message_pump import MessagePump

from inspector.engine.live_engine import Engine
from inspector.engine.replay import Replay
from tests.tui.session_stage import Stage, on_stage
from tests.tui.test_home_screen import Home, at_home

KEPT = (MessagePump, StylesBase, StylesCache, Engine, Replay)
"""What a screen is made of: widgets, their styles, and the timers and callbacks that are tied to them."""
COMING_AND_GOING = {
    "help": ("question_mark", "escape"),
    "palette": ("ctrl+p", "escape"),
    "send editor": ("s", "escape"),
    "form": ("u", "escape"),
    "create": ("c", "escape"),
    "devices": ("A", "escape"),
    "themes": ("f2", "escape"),
}


def kept() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KEPT))


@pytest.mark.real_time  # a closed screen is freed by its own last timers
def test_nothing_grows_with_what_comes_and_goes(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        async def all_once() -> Counter[str]:
            for what, keys in COMING_AND_GOING.items():
                await stage.pilot.press(*keys)
                assert stage.pilot.app.screen is stage.screen, what
            await stage.settle()
            return kept()

        await all_once()
        first, second = await all_once(), await all_once()

        # As many after each round: what is remembered until the next one comes is in both.
        assert (second - first, first - second) == (Counter(), Counter())

    on_stage(scenario, tmp_path)


def test_sessions_that_come_and_go_leave_nothing_but_their_recordings(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    async def scenario(home: Home) -> None:
        async def one_more(option: str) -> tuple[Counter[str], int]:
            await home.point_at(option)
            await home.press("enter")
            await home.until(lambda: home.screen_now == "Workspace")
            await home.press("q")
            await home.until(lambda: home.screen_now == "HomeScreen")
            await home.pilot.pause(0.1)
            return kept(), open_files()

        for option in ("simulator", "example-0"):
            await one_more(option)
            first, files = await one_more(option)
            second, more_files = await one_more(option)

            assert second - first == Counter()
            assert more_files == files
        assert len(list((tmp_path / "sessions").iterdir())) == 3

    at_home(scenario, tmp_path)
