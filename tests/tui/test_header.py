from __future__ import annotations

import pytest
from rich.cells import cell_len

from inspector.tui.common.header import HeaderPart, header_line

PARTS = (
    HeaderPart("● live"),
    HeaderPart("a-model-with-a-long-name", rank=2, shortest=10),
    HeaderPart("sim", rank=4),
    HeaderPart(""),
    HeaderPart("⏺ 2026-11-21-recording.jsonl", rank=3, shortest=12),
    HeaderPart("! 3 errors"),
)


def test_everything_is_shown_if_it_fits() -> None:
    expected = (
        " ● live   a-model-with-a-long-name   sim   ⏺ 2026-11-21-recording.jsonl   ! 3 errors"
    )

    assert header_line(PARTS, 120) == expected


@pytest.mark.parametrize("width", [80, 70, 60, 50, 45])
def test_the_least_important_parts_are_dropped_and_errors_never_are(width: int) -> None:
    line = header_line(PARTS, width)

    assert cell_len(line) <= width
    assert line.startswith(" ● live  a-model-w")
    assert "⏺ 2026-11" in line
    assert line.endswith("! 3 errors")


def test_long_text_from_the_wire_does_not_hide_the_errors() -> None:
    line = header_line([HeaderPart("x" * 5000, rank=1, shortest=5), HeaderPart("! 1 error")], 40)

    assert line == f" {'x' * 27}…  ! 1 error"


def test_a_screen_too_narrow_for_anything_is_survived() -> None:
    assert header_line(PARTS, 1).startswith(" ● live")
