"""What a record costs: sums worked out by hand, and bounds where the record leaves it open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.charges import NOTHING, Charge, CostLine, Money, Product, charge, total
from inspector.analysis.prices import PriceQuote, read_prices, shipped_prices
from inspector.core.billed_tokens import billed_tokens
from inspector.core.usage import (
    ResponseUsage,
    TextItemUsage,
    TimeUsage,
    TranscriptionUsage,
    UsageSource,
)
from tests.billed import DAY, usage

TABLE = shipped_prices()


def quote(model: str, dialect: str = "", zone: str = "") -> PriceQuote:
    return TABLE.quote(model, DAY, dialect, zone)


def source(model: str) -> UsageSource:
    return UsageSource(1, model, "", "")


def of_response(model: str, used: dict[str, Any] | None, **more: Any) -> Charge:
    tokens = billed_tokens(used) if used is not None else None
    record = ResponseUsage(1, 0, source(model), "r", "completed", tokens, **more)
    return charge(record, quote(model))


def of_transcript(model: str, used: dict[str, Any] | None, seconds: float | None = None) -> Charge:
    tokens = billed_tokens(used, is_text_only=True) if used is not None else None
    record = TranscriptionUsage(1, 0, source(model), "i", tokens, seconds)
    return charge(record, quote(model))


def exact(cost: Charge) -> float | None:
    assert cost.money is not None
    return cost.money.exact


def test_the_example_of_the_small_model() -> None:
    cost = of_response("gpt-realtime-2.1-mini", usage(23, 0, 44, 16, reasoning_tokens=31))

    assert exact(cost) == 0.0004394
    assert [(line.name, line.low.quantity, line.low.price) for line in cost.lines] == [
        ("text in", 23, 0.6),
        ("text out", 44, 2.4),
        ("audio out", 16, 20),
    ]


def test_cached_tokens_are_inside_the_input() -> None:
    # 28 × 4 + 42 × 0.40 + 153 × 32 + 22 × 0.40 + 24 × 16 + 125 × 64 millionths
    cost = of_response("gpt-realtime", usage(70, 175, 24, 125, (42, 22)))

    assert exact(cost) == pytest.approx(0.0134176)


def test_images_have_a_price_of_their_own() -> None:
    used = usage(10)
    used["input_tokens"] = 110
    used["input_token_details"]["image_tokens"] = 100
    used["input_token_details"]["cached_tokens_details"]["image_tokens"] = 40
    used["input_token_details"]["cached_tokens"] = 40

    # 10 × 4 + 60 × 5 + 40 × 0.50
    assert exact(of_response("gpt-realtime", used)) == pytest.approx(0.00036)


def test_a_modality_without_a_price_bounds_nothing() -> None:
    used = usage(10)
    used["input_tokens"] = 20
    used["input_token_details"]["image_tokens"] = 10
    cost = of_response("gpt-4o-realtime-preview", used)

    assert cost.money == Money(0.00005, None)
    assert cost.reasons == ("gpt-4o-realtime-preview has no price for image in",)


def test_without_details_of_the_cache_the_cost_lies_between() -> None:
    used = {
        "input_tokens": 900,
        "output_tokens": 10,
        "input_token_details": {"text_tokens": 500, "audio_tokens": 400, "cached_tokens": 320},
        "output_token_details": {"text_tokens": 10, "audio_tokens": 0},
    }
    cost = of_response("gpt-realtime", used)

    # all 320 of the sound: 500 × 4 + 80 × 32 + 320 × 0.40 + 10 × 16; all of the text: 180 × 4 + 320 × 0.40 + 400 × 32 + 10 × 16
    assert cost.money == Money(0.004848, 0.013808)
    assert cost.reasons == ("input_token_details.cached_tokens_details is missing",)


def test_without_any_details_text_is_the_least_and_sound_the_most() -> None:
    cost = of_response("gpt-realtime", {"input_tokens": 100, "output_tokens": 10})

    # cached text and text out; sound in and sound out
    assert cost.money == Money(0.0002, 0.00384)


def test_without_an_output_there_is_no_upper_bound() -> None:
    cost = of_response("gpt-realtime", {"input_tokens": 10})

    assert cost.money is not None
    assert cost.money.high is None
    assert "the output is not reported" in cost.reasons
    assert "the input is not reported" in of_response("gpt-realtime", {"output_tokens": 1}).reasons


def test_no_usage_has_no_price() -> None:
    cost = of_response("gpt-realtime", None)

    assert cost.money is None
    assert cost.reasons == ("the response reports no usage",)


def test_a_model_that_is_not_known_has_tokens_only() -> None:
    cost = of_response("mine", usage(5))

    assert cost.money is None
    assert cost.lines == ()
    assert cost.reasons == ("no known price for mine",)


def test_what_contradicts_itself_is_said_and_bounded() -> None:
    cost = of_response("gpt-realtime", usage(119, 8, 36, 112, (128, 256)))

    # all of the 127 cached, or nothing: 127 × 0.40, or 119 × 4 + 8 × 32; and 36 × 16 + 112 × 64
    assert cost.money == Money(0.0077948, 0.008476)
    assert cost.reasons == ("384 tokens cached of 127",)


def test_a_data_zone_costs_a_tenth_more() -> None:
    tokens = billed_tokens(usage(1000, 0, 100))
    record = ResponseUsage(1, 0, source("gpt-realtime"), "r", "completed", tokens)
    listed = charge(record, quote("gpt-realtime", "azure"))
    zoned = charge(record, quote("gpt-realtime", "azure", "eu"))

    assert exact(listed) == pytest.approx(0.0056)
    assert exact(zoned) == pytest.approx(0.00616)
    assert [line.low.price for line in zoned.lines] == [4.4, 17.6]


def test_xai_is_billed_by_the_minute_and_the_message() -> None:
    answer = of_response("grok-voice-latest", {"output_tokens": 42}, seconds=30.0)
    message = charge(TextItemUsage(1, 0, source("grok-voice-latest")), quote("grok-voice-latest"))

    assert exact(answer) == pytest.approx(0.04)
    assert exact(message) == 0.004
    assert of_response("grok-voice-latest", {"output_tokens": 42}).money is None
    nothing = charge(TextItemUsage(1, 0, source("x")), quote("gpt-realtime"))
    assert nothing.money == NOTHING


@pytest.mark.parametrize(
    ("seconds", "active", "paused", "expected"),
    [(60.0, None, None, 0.05), (90.0, 60.0, 30.0, 0.06), (60.0, 60.0, 0.0, 0.05)],
)
def test_a_live_session_is_billed_by_the_second(
    seconds: float, active: float | None, paused: float | None, expected: float
) -> None:
    record = TimeUsage(1, 0, source("gpt-live-1.1"), seconds, active, paused, None)

    assert exact(charge(record, quote("gpt-live-1.1"))) == pytest.approx(expected)
    assert charge(record, quote("gpt-realtime")).money is None


def test_transcribers_are_billed_by_what_they_are_billed_by() -> None:
    by_tokens = usage(10, 28, 10)

    # 10 × 2.50 + 28 × 2.50 + 10 × 10
    assert exact(of_transcript("gpt-4o-transcribe", by_tokens)) == pytest.approx(0.000195)
    assert exact(of_transcript("whisper-1", None, 30)) == pytest.approx(0.003)
    assert of_transcript("whisper-1", None).money is None
    assert of_transcript("gpt-4o-transcribe", None).money is None


def test_a_transcriber_by_the_minute_that_reports_tokens_is_not_free() -> None:
    cost = of_transcript("whisper-1", usage(0, 300, 20))

    # 300 tokens are 30 s
    assert exact(cost) == pytest.approx(0.003)
    assert "counted as 10 tokens per second" in cost.reasons[0]
    assert exact(of_transcript("whisper-1", {"input_tokens": 300})) == pytest.approx(0.003)
    assert of_transcript("whisper-1", {"output_tokens": 3}).money is None


def test_a_transcriber_by_tokens_that_reports_seconds_costs_at_least_its_sound() -> None:
    cost = of_transcript("gpt-4o-mini-transcribe", None, 2)

    # 20 tokens × 1.25, and its text
    assert cost.money == Money(0.000025, None)


def test_a_price_for_no_sound_has_nothing_to_say_of_a_transcript() -> None:
    table = read_prices('[[price]]\nmodel = "m"\nper_text_item = 1\n', "x")
    record = TranscriptionUsage(1, 0, source("m"), "i", None, 1.0)

    assert charge(record, table.quote("m", None)).money is None


def test_money_adds_up_and_keeps_its_bounds() -> None:
    assert total([]) == NOTHING
    assert Money(1, 2) + Money(1, 1) == Money(2, 3)
    assert Money(1, None) + Money(1, 1) == Money(2, None)
    assert Money(1, None).times(2) == Money(2, None)
    assert Money(1, 3).middle == 2
    assert Money(1, None).middle == 1
    assert Money(1, 3).exact is None


counts = st.none() | st.integers(0, 10**7)
details = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "text_tokens": counts,
        "audio_tokens": counts,
        "image_tokens": counts,
        "cached_tokens": counts,
        "cached_tokens_details": st.none()
        | st.fixed_dictionaries({}, optional={"text_tokens": counts, "audio_tokens": counts}),
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "input_tokens": counts,
            "output_tokens": counts,
            "input_token_details": details,
            "output_token_details": details,
        },
    ),
    st.sampled_from(["gpt-realtime", "gpt-realtime-2.1-mini", "gpt-4o-realtime-preview"]),
)
def test_the_lines_add_up_and_the_ends_are_in_order(used: dict[str, Any], model: str) -> None:
    cost = of_response(model, used)

    assert cost.money is not None
    assert sum(line.money.low for line in cost.lines) == pytest.approx(cost.money.low)
    if cost.money.high is not None:
        assert 0 <= cost.money.low <= cost.money.high + 1e-12
        highs = [line.money.high for line in cost.lines]
        assert sum(high for high in highs if high is not None) == pytest.approx(cost.money.high)
    assert cost.money.is_exact or cost.reasons


def test_a_line_of_the_formula_comes_to_its_product() -> None:
    line = CostLine("sound", "s", 60, Product(30, 0.006), None)

    assert line.money == Money(0.003, None)
