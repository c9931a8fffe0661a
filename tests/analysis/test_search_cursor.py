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
    ("expression", "from_row", "step", "row", "has_wrapped"),
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
def test_a_search_wraps_around_at_the_end(
    expression: str, from_row: int, step: int, row: int, has_wrapped: bool
) -> None:
    search = search_cursor(expression, from_row, step)

    assert search.advance(lambda: False) == row
    assert search.has_wrapped is has_wrapped
    assert search.is_finished or row >= 0


def test_a_search_resumes_after_its_deadline() -> None:
    search = search_cursor("nowhere", 0, 1)
    slices = 0
    while not search.is_finished:
        assert search.advance(lambda: True) == -1
        slices += 1
        assert slices < 100

    assert search.progress == 1.0
