from __future__ import annotations

import pytest

from inspector.analysis.marks import MARK_KINDS, MarkKind, Marks


@pytest.fixture
def marks() -> Marks:
    found = Marks()
    for t_us, row, kind in (
        (1000, 3, MarkKind.SPEECH_STARTED),
        (2000, 5, MarkKind.COMMITTED),
        (2050, 6, MarkKind.ERROR),
        (9000, 8, MarkKind.TRUNCATED),
    ):
        found.add(t_us, row, kind)
    return found


def test_marks_keep_their_kind(marks: Marks) -> None:
    assert len(marks) == 4
    assert [MARK_KINDS[kind] for kind in marks.kind][2] is MarkKind.ERROR


@pytest.mark.parametrize(
    ("from_us", "to_us", "found"),
    [(0, 1000, []), (1000, 2000, [0]), (1000, 2001, [0, 1]), (0, 10_000, [0, 1, 2, 3])],
)
def test_marks_within_a_span(marks: Marks, from_us: int, to_us: int, found: list[int]) -> None:
    assert marks.within(from_us, to_us) == found


@pytest.mark.parametrize(
    ("t_us", "step", "found"),
    [
        (0, 1, 1000),
        (1000, 1, 2000),
        # 2050 lies in the same cell of 100 as 2000.
        (2000, 1, 9000),
        (9000, 1, None),
        (9000, -1, 2050),
        (2050, -1, 1000),
        (1000, -1, None),
    ],
)
def test_the_next_mark_is_in_another_cell(
    marks: Marks, t_us: int, step: int, found: int | None
) -> None:
    assert marks.next(t_us, step, cell_us=100) == found


@pytest.mark.parametrize(
    ("t_us", "within_us", "row"), [(1100, 100, 3), (1101, 100, -1), (2030, 100, 6), (8000, 1000, 8)]
)
def test_the_row_of_the_mark_nearest_to_a_time(
    marks: Marks, t_us: int, within_us: int, row: int
) -> None:
    assert marks.row_near(t_us, within_us) == row
    assert Marks().row_near(t_us, within_us) == -1
