"""What comes and goes on a screen leaves nothing behind, however often it comes."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

import pytest
from textual._styles_cache import StylesCache
from textual.css.styles import StylesBase
from textual.message_pump import MessagePump

from tests.tui.session_stage import Stage, on_stage

KEPT = (MessagePump, StylesBase, StylesCache)
"""What a screen is made of: widgets, their styles, and the timers and callbacks that are tied to them."""
COMING_AND_GOING = {
    "help": ("question_mark", "escape"),
    "palette": ("ctrl+p", "escape"),
    "send editor": ("s", "escape"),
    "form": ("u", "escape"),
    "create": ("c", "escape"),
    "devices": ("A", "escape"),
    "themes": ("f2", "escape"),
    "command line": ("colon", "escape"),
    "filter line": ("slash", "escape"),
    "views": ("2", "3", "4", "1"),
}
TIMES = 2


def kept() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KEPT))


@pytest.mark.real_time  # a closed screen is freed by its own last timers
def test_nothing_grows_with_what_comes_and_goes(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        async def often() -> Counter[str]:
            for _ in range(TIMES):
                for what, keys in COMING_AND_GOING.items():
                    await stage.pilot.press(*keys)
                    assert stage.pilot.app.screen is stage.screen, what
            await stage.settle()
            return kept()

        await often()
        first, second = await often(), await often()

        # As many after each round: what is remembered until the next one comes is in both.
        assert (second - first, first - second) == (Counter(), Counter())

    on_stage(scenario, tmp_path)
