"""Every view and state of the screen looks as it did: characters and styles, cell by cell.

Each screen is kept whole once; of a view, a dialog and a state only what they are about (``Play.parts``), so that what stands around
all of them, as the line of tabs does, is in few snapshots.

UPDATE_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py -n auto     accepts what the screens look like now

A snapshot is a text file: the screen's lines, then for each line the styles of its cells as runs, then what the styles are. What
changed can be read in the difference. ``tests/tui/stages.py`` draws the same as pictures.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
from rich.style import Style
from textual.strip import Strip

from tests.tui.stages import STAGES, capture, still

FOLDER = Path(__file__).with_name("snapshots")
IS_UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


def drawn(app: Any, parts: Sequence[str] = ()) -> str:
    """Return a screen, or the parts of it, as text."""
    names: dict[str, str] = {}
    lines, runs = [], []
    for strip in cut(app.screen, parts):
        lines.append(still("".join(segment.text for segment in strip)).rstrip())
        cells = [
            (_letter(names, segment.style), segment.cell_length)
            for segment in strip
            if segment.cell_length
        ]
        runs.append(
            "".join(
                f"{letter}{sum(width for _, width in group)}"
                for letter, group in groupby(cells, key=lambda cell: cell[0])
            )
        )
    legend = [f"{letter} {words}" for words, letter in names.items()]
    return "\n".join([*lines, "", *runs, "", *legend, ""])


def cut(screen: Any, parts: Sequence[str]) -> Iterator[Strip]:
    """Yield the lines of a screen; where it is in parts those of each part, as wide as that is."""
    strips: list[Strip] = screen._compositor.render_strips()
    for region in [screen.query_one(part).region for part in parts] or [screen.region]:
        for strip in strips[region.y : region.bottom]:
            yield strip.crop(region.x, region.right)


def _letter(names: dict[str, str], style: Style | None) -> str:
    style = style or Style.null()
    attributes = [name for name in ATTRIBUTES if getattr(style, name)]
    colours = [
        colour.triplet.hex if colour is not None and colour.triplet is not None else "-"
        for colour in (style.color, style.bgcolor)
    ]
    words = " ".join((" on ".join(colours), *attributes))
    return names.setdefault(words, ascii_letters[len(names)])


SNAPSHOTS = {
    f"{name}-{width}x{height}": (name, (width, height))
    for name, play in STAGES.items()
    for width, height in play.sizes
}
"""By the name of the file: a stage and the size of the screen."""


@pytest.mark.parametrize("file", SNAPSHOTS)
def test_a_screen_looks_as_it_did(file: str) -> None:
    taken: list[str] = []
    name, size = SNAPSHOTS[file]
    asyncio.run(capture(name, size, lambda app: taken.append(drawn(app, STAGES[name].parts))))
    path = FOLDER / f"{file}.txt"
    if IS_UPDATE:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(taken[0], "utf-8")

    assert taken[0] == path.read_text("utf-8")


def test_no_snapshot_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SNAPSHOTS)


def test_what_another_tab_would_change_is_in_two_snapshots() -> None:
    tabs = " 2 Conversation"
    files = [path.stem for path in FOLDER.glob("*.txt") if tabs in path.read_text("utf-8")]

    assert sorted(files) == ["session-live-120x40", "session-live-80x24"]
