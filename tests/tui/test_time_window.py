"""Zooming, moving and selecting in session time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.views.timeline.time_window import CELL_US, TimeWindow

HOUR_US = 3_600_000_000
TIMES = st.integers(0, 10 * HOUR_US)
COLUMNS = st.integers(8, 300)


def at(cursor_us: int, columns: int) -> TimeWindow:
    window = TimeWindow()
    window.cursor_us = cursor_us
    window.reveal(cursor_us, columns, ahead=2)
    return window


def is_shown(window: TimeWindow, columns: int) -> bool:
    return window.left <= window.cursor_us // window.cell_us < window.left + columns


@given(TIMES, COLUMNS, st.lists(st.sampled_from((-1, 1)), max_size=30))
def test_zooming_keeps_the_cursor_in_view(t_us: int, columns: int, steps: list[int]) -> None:
    window = at(t_us, columns)
    for step in steps:
        window.zoom_by(step, columns)

        assert is_shown(window, columns)


@given(st.integers(1, CELL_US[-1] * 8), COLUMNS)
def test_fitting_uses_the_smallest_possible_cells(end_us: int, columns: int) -> None:
    window = TimeWindow()
    window.fit(end_us, columns)

    assert window.left == 0
    assert end_us <= window.cell_us * columns
    assert window.cell_us == CELL_US[0] or end_us > (window.cell_us - CELL_US[0]) * columns


@given(TIMES, TIMES)
def test_a_selection_covers_whole_cells_in_either_direction(one: int, other: int) -> None:
    window = TimeWindow()
    window.cursor_us = one
    window.select_from_here()
    window.cursor_us = other
    first, end = window.selection or (-1, -1)

    assert first % window.cell_us == end % window.cell_us == 0
    assert first <= min(one, other) < max(one, other) + 1 <= end


def test_a_time_in_view_scrolls_nothing() -> None:
    window = at(10_000_000, 80)
    left = window.left
    for t_us in range(left * window.cell_us, (left + 78) * window.cell_us, window.cell_us):
        window.reveal(t_us, 80, ahead=2)

        assert window.left == left
