"""Every view and state of the screen looks as it did: characters and styles, cell by cell.

UPDATE_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py -n auto     accepts what the screens look like now

A snapshot is a text file: the screen's lines, then for each line the styles of its cells as runs, then what the styles are. What
changed can be read in the difference. ``tests/tui/stages.py`` draws the same as pictures.
"""

from __future__ import annotations

import asyncio
import os
from itertools import groupby
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
from rich.style import Style

from tests.tui.stages import SIZES, STAGES, Size, capture, still

FOLDER = Path(__file__).with_name("snapshots")
IS_UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


def drawn(app: Any) -> str:
    """Return a screen as text."""
    names: dict[str, str] = {}
    lines, runs = [], []
    for strip in app.screen._compositor.render_strips():
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


def _letter(names: dict[str, str], style: Style | None) -> str:
    style = style or Style.null()
    attributes = [name for name in ATTRIBUTES if getattr(style, name)]
    colours = [
        colour.triplet.hex if colour is not None and colour.triplet is not None else "-"
        for colour in (style.color, style.bgcolor)
    ]
    words = " ".join((" on ".join(colours), *attributes))
    return names.setdefault(words, ascii_letters[len(names)])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STAGES)
def test_a_screen_looks_as_it_did(name: str, size: Size) -> None:
    taken: list[str] = []
    asyncio.run(capture(name, size, lambda app: taken.append(drawn(app))))
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if IS_UPDATE:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(taken[0], "utf-8")

    assert taken[0] == path.read_text("utf-8")


def test_no_snapshot_is_left_over() -> None:
    wanted = {f"{name}-{width}x{height}" for name in STAGES for width, height in SIZES}

    assert {path.stem for path in FOLDER.glob("*.txt")} == wanted
