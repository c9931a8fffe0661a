"""The table of filter words: help, README, completion and error messages say what the parser takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.analysis.columns import Columns
from inspector.analysis.filter_words import (
    HELP_WIDTH,
    WORDS,
    FilterUsage,
    FilterWord,
    Form,
    completed,
    filter_usages,
)
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.proofs import Proofs
from inspector.analysis.query import EventFacts, LogFacts, QueryRun, parse, parse_for_frames
from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Direction, Event
from inspector.core.log import EventLog
from inspector.errors import FilterError
from inspector.recording.opening import open_recording
from inspector.shipped import shipped_folder
from tests.support import client, frame_event, local, logged, server

README = Path(__file__).parents[2] / "README.md"
FLAGGED: list[Event] = [
    server("session.created", session={"id": "sess_1"}),
    server("error", error={"code": "invalid_value"}),
    server("response.done", response={"status": "incomplete"}),
    server("response.done", response={"status": "failed"}),
    frame_event(Direction.SERVER, b"{nope"),
    frame_event(Direction.CLIENT, b"{nope"),
    local("inspector.closed", code=1006),
    client("response.create"),
]
"""Events with and without each of the flags of a row, which the shipped recordings lack."""
PROOFS = Proofs(
    [
        Finding("tool-result-unspoken", Severity.WARNING, (3, 2, 3), "get_weather"),
        Finding("benign-red", Severity.HARMLESS, (2, 5, 9_999), "harmless"),
    ]
)
"""What two rules have found in the first events, and in one that a log does not have."""


def written(usage: FilterUsage) -> str:
    """Return a line of the README's table."""
    examples = " ".join(f"`{one}`".replace("|", "\\|") for one in usage.examples)
    return f"| {examples} | {usage.means} |"


def test_the_readme_has_the_table_of_the_program() -> None:
    table = "\n".join(["| write | to see |", "|---|---|", *map(written, filter_usages())])

    if f"\n{table}\n\n" not in README.read_text():
        pytest.fail(f"the table in README.md must be:\n\n{table}", pytrace=False)


@pytest.mark.parametrize("usage", filter_usages(), ids=lambda usage: usage.examples[0])
def test_what_help_shows_parses_and_fits(usage: FilterUsage) -> None:
    assert len(usage.means) <= HELP_WIDTH
    for example in usage.examples:
        if example != "( )":
            assert parse(example)


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_a_word_answers_by_column_what_it_answers_of_each_event(word: FilterWord) -> None:
    opening = open_recording(shipped_folder("sessions") / "example-truncated-answer.jsonl")
    found = sum(agreed_rows(word, log) for log in (opening.log, logged(FLAGGED)))
    opening.close()

    assert found or word.form is not Form.FLAG, "add an event that it finds to FLAGGED"


def agreed_rows(word: FilterWord, log: EventLog) -> int:
    """Return how many rows match; fail where columns, rows and events differ."""
    query, turns = parse(word.example), TurnIndex(log)
    sure, maybe = query.term.bounds(Columns(log, 0, len(log), turns, PROOFS))
    previous, found = None, 0
    for row in range(len(log)):
        event = log.event(row)
        one = query.test(EventFacts(event, previous, turns.number(row), PROOFS.of(row + 1)))
        previous = event
        assert one == query.test(LogFacts(log, row, turns, PROOFS))
        assert maybe[row] if one else not sure[row]
        found += one
    assert (sure == maybe).all() == (word.mask is not None)
    return found


@pytest.mark.parametrize(
    "word", [word for word in WORDS.values() if word.form is not Form.FLAG], ids=lambda w: w.name
)
def test_a_word_without_its_value_says_how_it_is_written(word: FilterWord) -> None:
    begun = word.prefix if word.form is Form.FIELD else f"{word.name}>"
    with pytest.raises(FilterError) as raised:
        parse(begun)

    assert word.example in raised.value.hint
    assert raised.value.message.startswith(word.name)


def test_an_unknown_field_is_told_which_there_are() -> None:
    with pytest.raises(FilterError) as raised:
        parse("nope:x")

    fields = [word.prefix for word in WORDS.values() if word.form is Form.FIELD]
    assert ", ".join(fields) in raised.value.hint


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("", ""),
        ("ty", "type:"),
        ("!si", "!size"),
        ("paris (di", "paris (dir:"),
        ("err | or", "err | origin:"),
        ("er", "err"),
        ("err", ""),
        ("dir:", ""),
        ("dir:se", "dir:server"),
        ("dir:client,lo", "dir:client,local"),
        ("type:session.up", "type:session.update"),
        ("nope:x", ""),
        ("rule:benign-", "rule:benign-red"),
        ("sev:error,w", "sev:error,warning"),
        ("turn:3", ""),
        ('"di', ""),
        ("~di", ""),
        ('"two words" di', '"two words" dir:'),
    ],
)
def test_the_last_word_is_completed(typed: str, whole: str) -> None:
    assert completed(typed) == whole


def test_no_event_is_of_a_field_by_chance() -> None:
    event = server("session.created", session={"id": "sess_1"})

    found = [word.name for word in WORDS.values() if parse(word.example).test(EventFacts(event))]

    assert found == []


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("rule:tool-result-unspoken", [1, 2]),
        ("rule:tool-*,benign-red", [1, 2, 4]),
        ("rule:truncate-*", []),
        ("sev:warning", [1, 2]),
        ("sev:harmless,error", [1, 4]),
        ("sev:warning !sev:harmless", [2]),
        ("sev:warning | type:response.create", [1, 2, 7]),
    ],
)
def test_events_are_found_by_what_they_prove(expression: str, rows: list[int]) -> None:
    log, query = logged(FLAGGED), parse(expression)
    run = QueryRun(query, log, 0, len(log), proofs=PROOFS)

    assert list(run.advance(lambda: False)) == rows
    sure, maybe = query.term.bounds(Columns(log, 0, len(log), None, PROOFS))
    assert list(np.flatnonzero(sure)) == list(np.flatnonzero(maybe)) == rows


def test_a_rule_that_does_not_exist_is_refused_with_one_that_is_like_it() -> None:
    with pytest.raises(FilterError) as raised:
        parse("err rule:tool-unspoken")

    assert "'tool-unspoken'" in raised.value.message
    assert "tool-result-unspoken" in raised.value.hint
    assert raised.value.position == len("err rule:")


@pytest.mark.parametrize("expression", ["rule:*", "!sev:error", "type:error | (sev:note turn:1)"])
def test_frames_that_have_not_passed_are_not_asked_for_findings(expression: str) -> None:
    with pytest.raises(FilterError, match="cannot stop or change a frame"):
        parse_for_frames(expression)


def test_a_rule_that_is_like_no_other_is_refused_with_an_example() -> None:
    with pytest.raises(FilterError) as raised:
        parse("rule:zzzzzz")

    assert WORDS["rule"].example in raised.value.hint
