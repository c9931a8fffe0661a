"""Two sessions compared: settings, turns side by side, texts, tools, order of events, figures and findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from inspector.analysis.comparison import (
    Comparison,
    FigurePair,
    compare,
    cost_pair,
    median_pair,
    rise_percent,
)
from inspector.analysis.comparison_json import comparison_json
from inspector.analysis.form.values import ABSENT
from inspector.analysis.latency import NO_TIMES, latency_of
from inspector.analysis.ledger import CostLedger
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_run import LintReport
from inspector.analysis.prices import shipped_prices
from inspector.analysis.session_outline import (
    OutlinedTurn,
    OutlineReading,
    SessionOutline,
    ToolUse,
    WireStep,
)
from inspector.analysis.turn_alignment import MOST_PAIRS, aligned
from inspector.core.event import Direction, Event
from inspector.core.state import SessionState
from inspector.core.turn_counter import TurnKind
from tests.billed import usage
from tests.support import client, local, numbered, server

SESSION = {"id": "s", "model": "gpt-realtime", "audio": {"output": {"voice": "marin"}}}


@dataclass(frozen=True)
class Said:
    """A turn to build: what the user writes, and what the model does."""

    user: str
    answer: str = "yes"
    tools: Sequence[tuple[str, str]] = ()
    has_usage: bool = True


def session(
    *turns: Said, ids: str = "x", config: dict[str, Any] | None = SESSION
) -> Iterator[Event]:
    """Yield a session with these turns; ``ids`` begins every id."""
    if config is not None:
        yield server("session.created", session={**config, "id": ids})
    for number, turn in enumerate(turns):
        content = [{"type": "input_text", "text": turn.user}]
        item = {"id": f"{ids}u{number}", "type": "message", "role": "user", "content": content}
        yield client("conversation.item.create", item=item)
        yield client("response.create")
        yield server("conversation.item.added", item=item)
        response = {"id": f"{ids}r{number}"}
        yield server("response.created", response=response)
        for call, (name, arguments) in enumerate(turn.tools):
            called = {"id": f"{ids}c{number}{call}", "type": "function_call", "name": name}
            called |= {"call_id": f"{ids}k{number}{call}", "arguments": arguments}
            yield server("response.output_item.done", response_id=response["id"], item=called)
        where = {"response_id": response["id"], "item_id": f"{ids}a{number}", "content_index": 0}
        for word in turn.answer:
            yield server("response.output_text.delta", **where, delta=word)
        yield server("response.output_text.done", **where, text=turn.answer)
        used = {"usage": usage(400, 0, 40, 0)} if turn.has_usage else {}
        yield server("response.done", response={**response, "status": "completed", **used})


def outline(
    events: Iterable[Event], *, findings: Sequence[Finding] = (), has_times: bool = True
) -> SessionOutline:
    """Return the outline of a session."""
    state, reading = SessionState(), OutlineReading()
    for event in numbered(events):
        if not has_times:
            event = replace(event, t_ns=None)
        if state.begins(event):
            reading.end_session(state)
        state.apply(event, strict=True)
        reading.apply(event, state)
    ledger = CostLedger(shipped_prices(), None)
    ledger.update(state.usage)
    return reading.outline("x.jsonl", state, ledger, LintReport(tuple(findings), ()), latency_of)


def compared(a: Iterable[Event], b: Iterable[Event]) -> Comparison:
    return compare(outline(a), outline(b))


def found(rule: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(rule, severity, (1,), "text with ids")


def test_a_session_does_not_differ_from_itself_under_other_ids() -> None:
    turns = Said("hello", "hi"), Said("weather?", "fine", [("look", '{"a":1,"b":2}')])

    comparison = compared(session(*turns), session(*turns, ids="y"))

    assert comparison.differences == {}
    assert not comparison.shares_nothing
    assert [one.likeness for one in comparison.turns] == [1, 1]
    assert all(one.difference == 0 for one in comparison.usage)


def test_settings_differ_member_by_member_and_tools_by_name() -> None:
    look: dict[str, Any] = {"type": "function", "name": "look", "parameters": {}}
    book = {**look, "name": "book"}
    vad = {"type": "server_vad", "silence_duration_ms": 500}
    a = {**SESSION, "temperature": 1, "turn_detection": vad, "tools": [look, book]}
    tools = [{**book, "parameters": {"x": 1}}, {"name": "cancel"}, {"name": "cancel"}, 7]
    cedar = {"output": {"voice": "cedar"}}
    b = {**SESSION, "audio": cedar, "turn_detection": None, "tools": tools}

    changes = compared(session(config=a), session(config=b)).settings

    assert {".".join(one.path): (one.a, one.b) for one in changes} == {
        "audio.output.voice": ("marin", "cedar"),
        "temperature": (1, ABSENT),
        "turn_detection": (vad, None),
        "tools.look": (look, ABSENT),
        "tools.book.parameters.x": (ABSENT, 1),
        "tools.cancel": (ABSENT, {"name": "cancel"}),
        "tools.cancel#3": (ABSENT, {"name": "cancel"}),
        "tools.#4": (ABSENT, 7),
    }


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [(None, SESSION, "in A"), (SESSION, None, "in B"), (None, None, "in A and B")],
)
def test_settings_that_no_event_describes_are_not_compared(a: Any, b: Any, why: str) -> None:
    comparison = compared(session(Said("hi"), config=a), session(Said("hi"), config=b))

    assert comparison.settings == ()
    assert comparison.no_settings == f"no event describes the session {why}"


def test_the_settings_are_those_of_the_last_session_and_all_turns_have_their_words() -> None:
    later = {**SESSION, "model": "gpt-realtime-mini"}
    both = [*session(Said("one", "1")), *session(Said("two", "2"), ids="y", config=later)]

    told = outline(both)

    assert told.model == "gpt-realtime-mini"
    assert [(one.said, one.answer) for one in told.turns] == [("one", "1"), ("two", "2")]


def test_texts_and_tools_that_differ_are_told_with_their_turn() -> None:
    a = Said("what is the weather in Paris", "fog", [("look", '{"b":1, "a":2}'), ("book", "{")])
    b = Said("what is the weather in Rome", "sun", [("look", '{"a":2,"b":9}'), ("drop", "{}")])

    comparison = compared(session(a), session(b))

    (one,) = comparison.turns
    assert (one.is_said_different, one.is_answer_different) == (True, True)
    assert one.likeness == pytest.approx(5 / 6)
    assert [(each.a, each.b) for each in one.tools] == [
        (ToolUse("look", '{"a":2,"b":1}'), ToolUse("look", '{"a":2,"b":9}')),
        (ToolUse("book", "{"), None),
        (None, ToolUse("drop", "{}")),
    ]
    assert comparison.differences == {"texts": 2, "tools": 3}


def test_a_turn_more_shifts_no_other_and_adds_no_event_to_the_one_before() -> None:
    turns = Said("one"), Said("two")

    comparison = compared(session(*turns), session(turns[0], Said("between"), turns[1]))

    numbers = [(one.a and one.a.number, one.b and one.b.number) for one in comparison.turns]
    assert numbers == [(1, 1), (None, 2), (2, 3)]
    assert comparison.differences == {"turns": 1}
    assert [one.is_different for one in comparison.turns] == [False, True, False]


def test_the_first_event_that_differs_is_told_and_what_runs_beside_is_not_looked_at() -> None:
    begin, *rest = session(Said("hi"))
    end = rest.pop()
    beside = [
        client("input_audio_buffer.append", audio=""),
        server("conversation.item.input_audio_transcription.delta", item_id="u", delta="h"),
        local("inspector.playing"),
    ]

    same = compared([begin, *rest, end], [begin, *rest, *beside, end])
    other = compared([begin, *rest, end], [begin, *rest, server("error"), end])
    opening = compared([begin, *rest], [begin, server("session.updated", session=SESSION), *rest])

    assert same.differences == {}
    order = other.turns[0].order
    assert order is not None
    assert (order.a, order.b) == (
        WireStep(Direction.SERVER, "response.done"),
        WireStep(Direction.SERVER, "error"),
    )
    assert opening.opening is not None
    assert opening.opening.a is None
    assert opening.differences == {"order": 1}


def test_sessions_without_a_like_turn_share_nothing() -> None:
    comparison = compared(session(Said("good morning")), session(Said("buy ten shares")))

    assert comparison.shares_nothing
    assert comparison.differences == {"turns": 2}
    assert not compared(session(), session()).shares_nothing


def test_what_is_unknown_has_its_reason() -> None:
    events = list(session(Said("hi", has_usage=False), config={"model": "nobody-s"}))

    comparison = compare(outline(events, has_times=False), outline(session(Said("hi"))))

    wait, *_ = comparison.turns[0].latency
    assert (wait.a, wait.why_a, wait.why_b) == (None, NO_TIMES, "")
    assert comparison.no_spreads == "no times in A"
    assert median_pair(comparison) is None
    assert cost_pair(comparison).a is None
    assert cost_pair(comparison).why_a == "no price"
    assert comparison.usage[0].why_a == "no usage reported"


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ([], [Said("hi")], "no turns in A"),
        ([Said("hi")], [], "no turns in B"),
        ([], [], "no turns in A and B"),
    ],
)
def test_latency_that_cannot_be_compared_has_its_reason(
    a: list[Said], b: list[Said], why: str
) -> None:
    assert compared(session(*a), session(*b)).no_spreads == why


def test_waits_of_other_kinds_are_not_compared() -> None:
    text = outline(session(Said("hi")))
    speech = replace(
        text,
        measured=tuple(
            replace(one, turn=replace(one.turn, kind=TurnKind.SPEECH)) for one in text.measured
        ),
    )

    assert "differ in kind" in compare(text, speech).no_spreads
    assert compare(text, replace(text, measured=())).no_spreads == "no wait is known in B"


def test_a_limit_is_about_medians_and_cost() -> None:
    comparison = compared(session(Said("hi")), session(Said("hi"), Said("there")))

    median, cost = median_pair(comparison), cost_pair(comparison)
    assert median is not None
    assert median.key == "wait_ms"
    assert rise_percent(median) == pytest.approx(0)
    assert rise_percent(cost) == pytest.approx(100)
    assert rise_percent(FigurePair("usd", 0, 1)) == float("inf")
    assert rise_percent(FigurePair("usd", 0, 0)) == 0


def test_findings_are_new_gone_or_not_judged() -> None:
    events = list(session(Said("hi")))
    a = outline(events, findings=[found("old"), found("more"), found("blind")])
    b = outline(events, findings=[found("more"), found("more"), found("new", Severity.ERROR)])

    comparison = compare(a, replace(b, unjudged=frozenset({"blind"})))

    assert [(one.rule, one.a, one.b, one.unjudged) for one in comparison.findings] == [
        ("new", 0, 1, ""),
        ("blind", 1, 0, "B"),
        ("more", 1, 2, ""),
        ("old", 1, 0, ""),
    ]
    assert comparison.differences == {"findings": 3}


def test_as_json_absent_and_unknown_are_told_apart() -> None:
    a = outline(
        session(Said("hi", "yes", [("look", "{}")]), Said("only here")), findings=[found("old")]
    )
    b = outline(session(Said("hi", "no"), ids="y", config={**SESSION, "temperature": None}))

    told = comparison_json(compare(a, b))

    assert told["settings"] == [{"path": "temperature", "only": "b", "a": None, "b": None}]
    one, lone = told["turns"]
    assert one["differs"] == ["answer", "tools", "order"]
    assert one["tools"] == [{"a": {"name": "look", "arguments": "{}"}, "b": None}]
    assert one["order"]["b"] == {"dir": "server", "type": "response.output_text.done"}
    assert (lone["differs"], lone["b"]) == (["turn"], None)
    assert told["latency"][0]["a"]["n"] == 2
    assert told["findings"][0]["rule"] == "old"
    assert told["differences"] == dict.fromkeys(
        ("settings", "turns", "texts", "tools", "order", "findings"), 1
    )


# ── turns side by side ───────────────────────────────────────────────────────────────────────────────────────────────

BLANK = outline(session(Said("x"))).turns[0]


def turns(*said: str | None, kind: TurnKind = TurnKind.SPEECH) -> list[OutlinedTurn]:
    return [replace(BLANK, said=words, kind=kind) for words in said]


def sides(a: Sequence[OutlinedTurn], b: Sequence[OutlinedTurn]) -> list[tuple[Any, Any]]:
    return [(pair.a, pair.b) for pair in aligned(a, b)]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (["a b c", "d e f"], ["A, b c!", "d e f"], [(0, 0), (1, 1)]),
        (["a b c", "d e f"], ["d e f"], [(0, None), (1, 0)]),
        (["a b c", "q", "d e f"], ["d e f", "z"], [(0, None), (1, None), (2, 0), (None, 1)]),
        (["a b c d", "e f g h"], ["e f x z", "a b c y"], [(None, 0), (0, 1), (1, None)]),
        (["今日は天気", "q"], ["今日は雨天", "r"], [(0, 0), (1, None), (None, 1)]),
        ([None, "hello"], [None, None], [(0, 0), (1, 1)]),
        ([], [], []),
    ],
)
def test_turns_stand_beside_what_is_like_them(
    a: list[str | None], b: list[str | None], expected: list[tuple[Any, Any]]
) -> None:
    found = sides(turns(*a), turns(*b))

    assert sorted(found, key=str) == sorted(expected, key=str)
    for side in (0, 1):
        numbers = [pair[side] for pair in found if pair[side] is not None]
        assert numbers == sorted(numbers)


def test_without_words_only_turns_of_the_same_kind_stand_beside_each_other() -> None:
    greeting = turns(None, kind=TurnKind.GREETING)

    assert sides(greeting, turns(None)) == [(0, None), (None, 0)]
    assert aligned(greeting, greeting)[0].likeness is None


def test_many_turns_that_all_differ_are_compared_in_order() -> None:
    count = int(MOST_PAIRS**0.5) + 2
    a = turns(*(f"a{number} same same" for number in range(count)))
    b = turns(*(f"b{number} same same" for number in range(count)))

    assert sides(a, b) == [(number, number) for number in range(count)]
