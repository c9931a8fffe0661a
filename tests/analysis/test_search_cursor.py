from __future__ import annotations

import pytest

from inspector.analysis.query import parse
from inspector.analysis.row_list import RowList
from inspector.analysis.search_cursor import SearchCursor
from inspector.core.event import Direction
from tests.analysis.test_waveform import log_of
from tests.support import client, numbered, server

EVENTS = [
    server("session.created"),
    client("response.create"),
    server("response.created"),
    server("error", error={"message": "paris"}),
    server("response.done"),
]


def search_cursor(expression: str, from_row: int, step: int) -> SearchCursor:
    rows = RowList(log_of(numbered(EVENTS))[0], (Direction.SERVER,))
    rows.refresh()
    return SearchCursor(rows, parse(expression), from_row, step)


@pytest.mark.parametrize(
    ("expression", "from_row", "step", "row", "came_round"),
    [
        ("type:response.*", 0, 1, 1, False),
        ("type:response.*", 2, 1, 4, False),
        ("type:response.*", 4, 1, 1, True),
        ("type:response.*", 4, -1, 2, False),
        ("type:response.*", 1, -1, 4, True),
        ("paris", 3, 1, 3, True),
        ("nowhere", 0, 1, -1, True),
    ],
)
def test_the_next_row_is_found_past_the_end_from_the_other_end_on(
    expression: str, from_row: int, step: int, row: int, came_round: bool
) -> None:
    search = search_cursor(expression, from_row, step)

    assert search.advance(lambda: False) == row
    assert search.came_round is came_round
    assert search.is_over or row >= 0


def test_a_search_that_is_out_of_time_goes_on_where_it_stopped() -> None:
    search = search_cursor("nowhere", 0, 1)
    slices = 0
    while not search.is_over:
        assert search.advance(lambda: True) == -1
        slices += 1
        assert slices < 100

    assert search.progress == 1.0
