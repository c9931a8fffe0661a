"""The lines of one event: the meaning of a field is never cut."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from inspector.core.audio_formats import PCM16_24K
from inspector.core.event import Event
from inspector.tui.views.events.event_lines import (
    TALL,
    DetailLine,
    columns_of,
    json_lines,
    tree_lines,
    trouble_lines,
)
from tests.support import server

EVENT = server(
    "session.updated",
    event_id="event_JkhzL2I4a6DOjxnWMjRKc",
    session={
        "type": "realtime",
        "instructions": "You are a friendly voice agent. " * 9,
        "turn_detection": {"type": "server_vad", "interrupt_response": True},
        "appended_text_after_truncation": None,
    },
)


def lines_of(event: Event, width: int, height: int = TALL) -> list[DetailLine]:
    assert event.body is not None
    return tree_lines(event, event.body, PCM16_24K, width, height, str)


@pytest.mark.parametrize("width", [40, 66, 80, 120, 200])
def test_a_meaning_is_shown_in_full_beside_or_below_its_value(width: int) -> None:
    lines = lines_of(EVENT, width)
    whole = [line for line in lines_of(EVENT, 1000) if line.note]
    beside = {line.note for line in lines if line.note}
    below = {line.raw: line for line in lines if not line.key and line.kind == "note"}

    assert {line.note for line in whole} == beside | below.keys()
    for line in lines:
        key, value, note = columns_of(line, width)
        assert key + value + note == width
        assert note >= cell_len(line.note)
        assert line.key or cell_len(line.value) <= width


@pytest.mark.parametrize("width", [66, 120, 200])
def test_a_value_is_cut_only_for_its_meaning_and_not_below_its_minimum(
    width: int,
) -> None:
    for line in lines_of(EVENT, width):
        _, value, note = columns_of(line, width)
        gap = 2 if note else 0
        assert value - gap >= min(cell_len(line.value), 24)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_long_value_continues_below_and_its_meaning_after_it(width: int) -> None:
    lines = lines_of(EVENT, width)
    start = next(n for n, line in enumerate(lines) if line.key == "instructions")
    words = EVENT.body["session"]["instructions"] if EVENT.body else ""
    shown = [lines[start].value]
    for line in lines[start + 1 :]:
        if line.key or line.kind == "note":
            break
        shown.append(line.value.strip())

    assert all(cell_len(line.value) <= width for line in lines)
    together = " ".join(" ".join(shown).split())
    assert together.rstrip("…").strip() in " ".join(words.split())
    assert width < 80 or "…" not in together


def test_indented_json_is_the_event_and_each_line_fits() -> None:
    assert EVENT.body is not None
    lines = json_lines(EVENT.body, 60)

    assert all(len(line.value) <= 60 for line in lines)
    assert json.loads("".join(line.value for line in lines)) == EVENT.body


def test_what_went_wrong_is_whole_and_first() -> None:
    message = "You exceeded your current quota, please check your plan. " * 5
    lines = trouble_lines(server("error", error={"message": message, "code": "c"}), 60)

    assert all(len(line.value) <= 58 for line in lines)
    assert " ".join(line.value for line in lines) == f"{message}c".replace(".c", ". c")
    assert {line.raw for line in lines} == {message, "c"}


def test_a_low_pane_has_one_line_per_field_and_cuts_only_meanings() -> None:
    lines = lines_of(EVENT, 80, height=10)

    assert all(line.key for line in lines)
    assert [line.key for line in lines] == [line.key for line in lines_of(EVENT, 80) if line.key]
    for line in lines:
        _, value, note = columns_of(line, 80)
        assert not line.note or note >= min(cell_len(line.note), 80 - 28 - 24 - 2)
        assert value >= min(cell_len(line.value), 24)


def test_short_meanings_begin_in_one_column() -> None:
    ends = {
        width
        for line in lines_of(EVENT, 200)
        if 0 < cell_len(line.note) <= 56 and cell_len(line.value) <= 24
        for width in [columns_of(line, 200)[2]]
    }

    assert len(ends) == 1
