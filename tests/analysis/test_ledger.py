"""The priced records of a log: sums, context, what was billed again, what broke the cache, what nobody heard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.analysis.charges import Money
from inspector.analysis.context_use import ContextUse, next_response
from inspector.analysis.cost_rows import cost_row, csv_columns, summary_object
from inspector.analysis.cost_words import (
    COST_DEFINITIONS,
    context_text,
    cost_verdict,
    line_text,
    money_text,
    short_count,
    short_money,
    usd_text,
)
from inspector.analysis.ledger import CostLedger, CostSummary, turns_by_id
from inspector.analysis.prices import read_prices, shipped_prices
from inspector.core.event import Event
from inspector.core.state import SessionState
from tests.billed import (
    DAY,
    answer,
    clock_in_the_instructions,
    ledger_of,
    session,
    state_of,
    update,
    usage,
)
from tests.core.test_state import any_event, event_from
from tests.core.test_usage_records import COMPLETED, cut_answer
from tests.support import client, local, numbered, server


def summary_of(*events: Event, turns: dict[str, int] | None = None, **options: Any) -> CostSummary:
    state = state_of(events)
    turn_of = None if turns is None else turns_by_id(turns)
    return ledger_of(state, **options).summary(state.usage, turn_of)


def uses(*events: Event) -> list[ContextUse | None]:
    return [line.context for line in ledger_of(state_of(events)).lines]


def last_use(*events: Event) -> ContextUse:
    found = uses(*events)[-1]
    assert found is not None
    return found


# ── a lesson with a clock in its instructions, by hand ──────────────────────────────────────────────────────────────────


def test_a_clock_in_the_instructions_is_what_a_lesson_costs() -> None:
    events = clock_in_the_instructions()
    turns = {f"resp_{n}": n for n in range(1, 15)}
    found = summary_of(*events, turns=turns)

    # 23,940 × 32, 3,360 × 64, 30,660 × 4 and 840 × 16 millionths
    assert found.total == Money(1.1172, 1.1172)
    assert found.by_part["audio in"].exact == pytest.approx(0.76608)
    assert found.by_part["audio out"].exact == pytest.approx(0.21504)
    assert found.by_part["text in"].exact == pytest.approx(0.12264)
    assert found.by_part["text out"].exact == pytest.approx(0.01344)
    assert (found.cached_tokens, found.input_tokens) == (0, 54_600)
    (broken,) = found.breaks
    assert (broken.kind, broken.character, len(broken.seqs)) == ("instructions", 29, 13)
    assert (broken.before, broken.after) == ("10:00:07", "10:01:07")
    assert events[broken.seqs[0] - 1].type == "session.update"
    # All of the 13 prompts before: 22 × … tokens of text at 3.60 less, of sound at 31.60 less
    assert broken.tokens == 48_620
    assert broken.money is not None
    assert broken.money.exact == pytest.approx((28_080 * 3.6 + 20_540 * 31.6) / 1e6)
    assert found.growth is not None
    first, most = found.growth
    assert (first.key, most.key) == (1, 14)
    assert most.money is not None
    assert first.money is not None
    assert most.money.middle / first.money.middle == pytest.approx(5.606, abs=0.001)


def test_the_lesson_in_words_begins_with_the_worst() -> None:
    turns = {f"resp_{n}": n for n in range(1, 15)}
    words = list(cost_verdict(summary_of(*clock_in_the_instructions(), turns=turns)))

    assert words == [
        "$1.12",
        "instructions differ at character 29 (10:00:07 became 10:01:07), 13 times from #9 on: about $0.75 more",
        "turn 14 costs 5.6× turn 1",
    ]


def test_without_turns_a_response_is_compared_with_the_first() -> None:
    words = list(cost_verdict(summary_of(*clock_in_the_instructions()), unit="response"))

    assert words[-1] == "response #99 costs 5.6× response #8"


# ── context, cache, and what was billed again ──────────────────────────────────────────────────────────────────────────


def test_the_context_is_the_last_prompt_against_the_models_limit() -> None:
    found = last_use(session(), *answer("a", usage(3000, 100, cached=(2048, 0))))

    assert (found.tokens, found.limit) == (3100, 32_000)
    assert found.share == pytest.approx(0.096875)
    assert found.cached_share == pytest.approx(0.6606, abs=0.0001)
    assert found.rebilled is None
    assert context_text(found) == "3.1k/32k"
    assert context_text(None) == ""


def test_what_azures_newest_models_take_is_not_known() -> None:
    opened = local("inspector.opened", url="wss://x.openai.azure.com/openai/v1/realtime")
    found = last_use(opened, session(model="gpt-realtime-2"), *answer("a", usage(3000)))

    assert found.limit is None
    assert found.share is None
    assert context_text(found) == "3k"


def test_what_the_prompt_before_had_is_billed_again() -> None:
    first, second = usage(100, 50, 20, 40), usage(130, 90, 10, 10, (64, 0))
    found = last_use(session(), *answer("a", first), *answer("b", second))

    assert found.rebilled == 150
    # 64 × 0.40 + 36 × 4 + 50 × 32
    assert found.rebilled_money is not None
    assert found.rebilled_money.exact == pytest.approx(0.0017696)


def test_what_was_billed_again_is_bounded_where_the_cache_is_not_told() -> None:
    told = usage(130, 90)
    del told["input_token_details"]["cached_tokens"]
    del told["input_token_details"]["cached_tokens_details"]
    found = last_use(session(), *answer("a", usage(100, 50)), *answer("b", told))

    # (100 + 50) × 0.40, or 100 × 4 + 50 × 32
    assert found.rebilled_money == Money(0.00006, 0.002)


def test_without_modalities_only_tokens_are_billed_again() -> None:
    bare = {"input_tokens": 80, "output_tokens": 1}
    found = last_use(session(), *answer("a", usage(100)), *answer("b", bare))

    assert found.rebilled == 80
    assert found.rebilled_money is None


def test_a_prompt_apart_is_not_the_conversation() -> None:
    apart = answer("o", usage(9000), conversation_id=None)
    found = uses(session(), *answer("a", usage(100)), *apart, *answer("b", usage(120)))

    assert found[1] is None
    assert found[2] is not None
    assert found[2].rebilled == 100


def test_another_session_begins_anew() -> None:
    found = uses(
        *[session(), *answer("a", usage(100))], *[session(id="t"), *answer("b", usage(100))]
    )

    assert found[1] is not None
    assert found[1].rebilled is None


def test_tools_that_change_break_the_cache_once() -> None:
    tools = [
        client("session.update", session={"tools": [{"name": "t"}]}),
        server("session.updated", session={"tools": [{"name": "t"}], "model": "gpt-realtime"}),
    ]
    found = summary_of(
        session(tools=[]),
        *answer("a", usage(2000)),
        *tools,
        *answer("b", usage(2100)),
        *answer("c", usage(2200, cached=(2048, 0))),
    )

    (broken,) = found.breaks
    assert (broken.kind, broken.seqs, broken.tokens) == ("tools", (4,), 2000)
    assert broken.money is not None
    assert broken.money.exact == pytest.approx(0.0072)


def test_a_change_that_cost_nothing_broke_nothing() -> None:
    events = [
        session(instructions="a"),
        *answer("a", usage(2000)),
        *update("b"),
        *answer("b", usage(2000, cached=(1920, 0))),
    ]

    assert summary_of(*events).breaks == ()


def test_a_deleted_item_breaks_what_follows_it() -> None:
    found = last_use(
        session(),
        server("conversation.item.added", item={"id": "u"}),
        *answer("a", usage(2000)),
        server("conversation.item.deleted", item_id="u"),
        *answer("b", usage(1800, cached=(640, 0))),
    )

    assert [one.kind for one in found.breaks] == ["delete"]
    assert found.lost == 1160


def test_a_prompt_that_shrinks_by_itself_was_trimmed() -> None:
    found = last_use(session(), *answer("a", usage(100, 28_124)), *answer("b", usage(100, 24_000)))

    assert [(one.kind, one.seq) for one in found.breaks] == [("trim", 5)]
    assert found.lost == 24_100


def test_shorter_instructions_are_no_trimming() -> None:
    found = last_use(
        session(instructions="x" * 90),
        *answer("a", usage(2000, 50)),
        *update("x"),
        *answer("b", usage(1000, 60)),
    )

    assert [one.kind for one in found.breaks] == ["instructions"]


def test_xai_bills_no_prompts() -> None:
    grok = session(model="grok-voice-latest", enable_noise_suppression=True)
    done = server(
        "response.done",
        response={"id": "r", "status": "completed", "usage": {}},
        usage={"input_tokens": 5, "billable_audio_seconds": 3},
    )

    assert uses(grok, done) == [None]


# ── the next response ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_response_pays_for_all_that_is_there() -> None:
    found = summary_of(*clock_in_the_instructions()).next

    assert found is not None
    # text 2,580 + 60 and as much as came before: nothing; sound 3,400 + 240 + 20
    assert (found.input_tokens, found.output_tokens) == (6300, 300)
    assert found.likely == pytest.approx((2640 * 4 + 3660 * 32 + 60 * 16 + 240 * 64) / 1e6)
    assert found.money.high == pytest.approx(found.likely)
    assert found.money.low == pytest.approx(
        (2580 * 0.4 + 60 * 4 + 3400 * 0.4 + 260 * 32 + 60 * 16 + 240 * 64) / 1e6
    )


def test_reasoning_does_not_stay_in_the_conversation() -> None:
    found = summary_of(session(), *answer("a", usage(100, 0, 44, 16, reasoning_tokens=31))).next

    assert found is not None
    assert found.input_tokens == 100 + 13 + 16


@pytest.mark.parametrize(
    "events",
    [
        [],
        [session(model="mine"), *answer("a", usage(100))],
        [session(), *answer("a", {"input_tokens": 7, "output_tokens": 3})],
        [session(model="grok-voice-latest"), *answer("a", usage(5))],
    ],
)
def test_where_too_little_is_known_there_is_no_estimate(events: list[Event]) -> None:
    assert summary_of(*events).next is None
    assert next_response([]) is None


# ── sound that nobody heard ────────────────────────────────────────────────────────────────────────────────────────────


def test_sound_that_nobody_heard_was_paid_for() -> None:
    found = summary_of(session(), *cut_answer("a", "x"))

    (cut,) = found.unheard
    # 990 of 1,000 ms of 20 tokens
    assert (cut.response_id, cut.unheard_ms, cut.tokens, cut.basis) == ("a", 990, 20, "estimated")
    assert cut.money is not None
    assert cut.money.exact == pytest.approx(0.00126720)
    assert "about $0.0013 for 1.0 s nobody heard" in list(cost_verdict(found))


def test_without_a_price_unheard_sound_has_tokens_only() -> None:
    (cut,) = summary_of(session(model="mine"), *cut_answer("a", "x")).unheard

    assert cut.money is None


# ── what is not known ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_has_no_price_makes_the_sum_a_least() -> None:
    voiceless = server(COMPLETED, item_id="i")
    found = summary_of(session(), *answer("a", usage(1000)), voiceless)

    assert found.total == Money(0.004, None)
    assert found.reasons == {"the transcription model is not known": 1}
    assert list(cost_verdict(found)) == ["at least $0.0040"]


def test_a_log_without_use_says_nothing() -> None:
    found = summary_of(session())

    assert found.total is None
    assert (found.input_tokens, found.cached_tokens, found.context) == (None, None, None)
    assert list(cost_verdict(found)) == ["no price"]


def test_without_a_day_the_newest_prices_are_taken_and_that_is_said() -> None:
    found = summary_of(session(), *answer("a", usage(1000)), day=None)

    assert found.total == Money(0.004, 0.004)
    assert found.remarks == ("the recording has no date: prices of 2026-11-27",)


def test_the_header_names_the_model_where_no_event_does() -> None:
    events = answer("a", usage(1000))

    assert summary_of(*events).total is None
    assert summary_of(*events, model="gpt-realtime").total == Money(0.004, 0.004)


def test_a_deployment_is_priced_as_its_model() -> None:
    events = [session(model="mine"), *answer("a", usage(1000))]

    assert summary_of(*events, priced_as="gpt-realtime").total == Money(0.004, 0.004)


def test_a_zone_is_found_by_the_host() -> None:
    table = read_prices('[zones]\n"x.openai.azure.com" = "eu"\n', "mine").over(shipped_prices())
    opened = local("inspector.opened", url="wss://x.openai.azure.com/openai/v1/realtime")
    state = state_of([opened, session(), *answer("a", usage(1000))])
    ledger = CostLedger(table, DAY)
    ledger.update(state.usage)

    assert ledger.total == Money(0.0044, 0.0044)


def test_the_sum_is_told_by_what_it_is_of() -> None:
    grok = session(model="grok-voice-latest", enable_noise_suppression=True)
    item = {"type": "message", "content": [{"type": "input_text", "text": "hi"}]}
    put = client("conversation.item.create", item=item)
    live = server("session.started", session={"id": "L", "model": "gpt-live-1"})
    metered = server("session.usage.updated", usage={"seconds": 60})
    audio = {"input": {"transcription": {"model": "whisper-1"}}}
    heard = server(COMPLETED, item_id="u", usage={"seconds": 60})
    found = summary_of(grok, put, session(id="t", audio=audio), heard, live, metered)

    assert found.by_part == {
        "text messages": Money(0.004, 0.004),
        "transcription": Money(0.006, 0.006),
        "time": Money(0.05, 0.05),
    }


# ── groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lines_are_grouped_by_what_the_caller_says() -> None:
    audio = {"input": {"transcription": {"model": "whisper-1"}}}
    events = [
        session(audio=audio),
        server(COMPLETED, item_id="u1", usage={"seconds": 60}),
        *answer("a", usage(1000)),
        *answer("b", usage(2000)),
        *answer("c", None),
    ]
    ledger = ledger_of(state_of(events))
    groups = ledger.grouped(turns_by_id({"a": 1, "b": 1, "c": 2}, {"u1": 1}))
    by_session = ledger.grouped(lambda record: record.source.session)

    assert [(one.key, one.money, len(one.lines)) for one in groups] == [
        (1, Money(0.018, 0.018), 3),
        (2, None, 1),
    ]
    assert groups[0].rebilled == Money(0.004, 0.004)
    assert groups[1].reasons == ("the response reports no usage",)
    assert [(one.key, one.money) for one in by_session] == [(1, Money(0.018, None))]
    assert turns_by_id({})(ledger.lines[0].record) is None


# ── live, in replay, headless ──────────────────────────────────────────────────────────────────────────────────────────


def told(ledger: CostLedger, state: SessionState) -> Any:
    """Return all that a ledger says, in a form that can be compared."""
    rows = [cost_row(line) for line in ledger.lines]
    return rows, summary_object(ledger.summary(state.usage), unit="response"), ledger.total


EVENTS = numbered(
    [
        *clock_in_the_instructions(4),
        *cut_answer("cut", "x"),
        local("inspector.opened", url="wss://h/v1/realtime?model=gpt-realtime"),
        session(id="t"),
        server(COMPLETED, item_id="u"),
        *answer("again", usage(50)),
    ]
)


def test_at_each_event_a_ledger_that_follows_says_what_a_new_one_says() -> None:
    state, live = SessionState(), ledger_of(SessionState())
    for event in EVENTS:
        state.apply(event, strict=True)
        live.update(state.usage)

        assert told(live, state) == told(ledger_of(state), state)


def test_a_cursor_that_goes_back_finds_what_was_said_there() -> None:
    state, at = SessionState(), {}
    for event in EVENTS:
        state.apply(event, strict=True)
        at[event.seq] = state.copy(), told(ledger_of(state), state)
    ledger = ledger_of(state)
    for seq in (3, len(EVENTS), 10, 30, 1, 30):
        there, expected = at[seq]
        ledger.update(there.usage)

        assert told(ledger, there) == expected


def test_a_ledger_is_told_apart_from_another_logs() -> None:
    one, other = state_of(answer("a", usage(1000))), state_of(answer("b", usage(2000)))
    ledger = ledger_of(one, model="gpt-realtime")

    assert not ledger.update(one.usage)
    assert ledger.update(other.usage)
    assert ledger.total == Money(0.008, 0.008)
    assert len(ledger) == 1


@given(st.lists(any_event, max_size=14))
@settings(max_examples=150, deadline=None)
def test_no_event_breaks_a_ledger(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    events = [event_from(seq, one) for seq, one in enumerate(drawn, 1)]
    state = SessionState()
    for event in events:
        state.apply(event, strict=True)
    ledger = ledger_of(state, model="gpt-realtime")
    rows, found, _ = told(ledger, state)

    assert set(csv_columns()) - {"recording"} <= set(rows[0]) if rows else True
    assert isinstance(found["usd"], float | None)
    assert list(cost_verdict(ledger.summary(state.usage)))


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0, "$0"),
        (0.00001, "<$0.0001"),
        (0.0042, "$0.0042"),
        (0.0213, "$0.021"),
        (0.766, "$0.77"),
        (1234.5, "$1,234.50"),
    ],
)
def test_an_amount_has_the_digits_that_matter(usd: float, words: str) -> None:
    assert usd_text(usd) == words


@pytest.mark.parametrize(
    ("money", "long", "short"),
    [
        (None, "no price", ""),
        (Money(1, 1), "$1.00", "$1.00"),
        (Money(0.01, None), "at least $0.010", "≥$0.010"),
        (Money(0.00001, None), "at least $0", "≥$0"),
        (Money(1, 2), "between $1.00 and $2.00", "$1.00–2.00"),
        (Money(1.001, 1.002), "$1.00", "$1.00"),
    ],
)
def test_money_says_between_what_it_is(money: Money | None, long: str, short: str) -> None:
    assert money_text(money) == long
    assert short_money(money) == short


@pytest.mark.parametrize(
    ("count", "words"),
    [(7, "7"), (3100, "3.1k"), (3000, "3k"), (128_000, "128k"), (12_340, "12.3k")],
)
def test_tokens_in_a_header_are_short(count: int, words: str) -> None:
    assert short_count(count) == words


def test_a_line_of_the_formula_has_its_numbers() -> None:
    (first, *_) = ledger_of(state_of([session(), *answer("a", usage(23))])).lines
    bounded = ledger_of(state_of([session(), *answer("a", {"input_tokens": 10})])).lines[0]
    words = [line_text(line) for line in bounded.charge.lines]

    assert line_text(first.charge.lines[0]) == "23 tokens × $4 / 1M = $0.000092"
    assert words[0] == "0 tokens × $32 / 1M = $0, or 10 tokens × $32 / 1M = $0.00032"
    assert words[-1].startswith("at least ")


def test_every_number_has_a_definition() -> None:
    assert {"cost", "cached", "context", "rebilled", "break", "unheard", "next"} <= set(
        COST_DEFINITIONS
    )
