"""The rows of a pane: complete, ordered, folded, and independent of how they were found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.query import parse
from inspector.analysis.row_list import RowList
from inspector.core.event import Direction, Event
from inspector.core.log import EventLog
from inspector.recording.format import parse as parse_line
from tests.support import client, numbered, server, silence

BOTH = tuple(Direction)
KINDS = [
    server("ping"),
    server("error", error={}),
    client("response.create"),
    client("input_audio_buffer.append", audio="AAAA"),
    server("response.output_text.delta", item_id="a", delta="x"),
    server("response.output_text.delta", item_id="b", delta="y"),
]


class Nowhere:
    def read(self, offset: int, length: int) -> bytes:
        return b""


def log_of(events: list[Event]) -> EventLog:
    log = EventLog(Nowhere(), parse_line)
    for event in numbered(events):
        log.append(event, 0, 0)
    return log


events_lists = st.lists(st.sampled_from(KINDS), max_size=40)


@given(events_lists, st.sampled_from([BOTH, (Direction.CLIENT,), (Direction.SERVER,)]))
def test_with_and_without_a_query_the_same_rows_are_shown(
    events: list[Event], directions: tuple[Direction, ...]
) -> None:
    log = log_of(events)
    plain, queried = RowList(log, directions), RowList(log, directions)
    plain.refresh()
    queried.filter(parse("!nothing-has-this-in-it"))
    queried.refresh()

    assert list(plain.rows) == list(queried.rows)
    assert plain.total == queried.total


@given(events_lists, events_lists)
def test_growing_is_the_same_as_starting_over(first: list[Event], more: list[Event]) -> None:
    log = log_of(first)
    grown = RowList(log, BOTH)
    grown.refresh()
    for seq, event in enumerate(more, len(first) + 1):
        log.append(numbered([event], start=seq)[0], 0, 0)
    grown.refresh()
    fresh = RowList(log, BOTH)
    fresh.refresh()

    assert list(grown.rows) == list(fresh.rows)


@pytest.fixture
def folded() -> RowList:
    rows = RowList(log_of([KINDS[0], KINDS[4], KINDS[5], KINDS[4], KINDS[1], KINDS[4]]), BOTH)
    rows.refresh()
    return rows


def test_deltas_of_one_part_are_one_row(folded: RowList) -> None:
    assert list(folded.rows) == [0, 1, 2, 4]


def test_a_group_unfolds_to_every_payload_and_folds_again(folded: RowList) -> None:
    assert folded.toggle_group(1)
    assert list(folded.rows) == [0, 1, 2, 3, 4, 5]
    assert folded.toggle_group(3)
    assert list(folded.rows) == [0, 1, 2, 4]
    assert not folded.toggle_group(0)


def test_a_filter_counts_what_it_hides(folded: RowList) -> None:
    folded.filter(parse("err"))
    folded.refresh()

    assert (list(folded.rows), folded.total) == ([4], 6)


def test_the_next_error_is_found_in_both_directions(folded: RowList) -> None:
    error = parse("err")

    def found(row: int, step: int) -> list[int]:
        return list(folded.finder(error, row, step).advance(lambda: False))

    assert found(0, 1) == [4]
    assert found(4, 1) == []
    assert found(5, -1) == [4]


def test_a_row_found_in_a_folded_group_is_unfolded(folded: RowList) -> None:
    folded.unfold_to(5)

    assert list(folded.rows) == [0, 1, 2, 3, 4, 5]


def test_work_is_done_in_slices() -> None:
    rows = RowList(log_of([KINDS[0]] * 5000), BOTH)
    rows.filter(parse("!paris"))
    rows.refresh(lambda: True)

    assert 0 < rows.scanned < 5000
    while not rows.is_complete:
        rows.refresh(lambda: True)
    assert len(rows) == 5000


def test_a_filter_that_matches_part_of_a_group_counts_that_part() -> None:
    log = log_of([client("input_audio_buffer.append", audio=silence(20)) for _ in range(6)])
    rows = RowList(log, (Direction.CLIENT,))
    rows.filter(parse("t>=0.03 t<0.05"))
    rows.refresh()

    assert list(rows.rows) == [2]
    assert rows.matches_in(log.group[2]) == 2
    assert rows.lets_through(3)
    assert not rows.lets_through(4)


def test_a_list_of_findings_follows_what_the_rules_find() -> None:
    log = log_of(KINDS)
    found, plain = RowList(log, BOTH), RowList(log, BOTH)
    found.filter(parse("sev:error"))
    for rows in (found, plain):
        rows.refresh()
    assert list(found.rows) == []
    for seqs, shown in (((2,), [1]), ((2, 3), [1, 2]), ((), [])):
        proofs = Proofs([Finding("a", Severity.ERROR, seqs, "")])
        for rows in (found, plain):
            rows.follow(proofs)
            rows.refresh()
        assert list(found.rows) == shown
    assert list(plain.rows) == list(range(len(log)))
