"""Usage objects of all dialects, read without guessing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.billed_tokens import MOST, amount_at, billed_tokens
from tests.billed import usage

XAI = {
    "input_tokens": 5,
    "input_token_details": {"text_tokens": 5, "audio_tokens": 0, "grok_tokens": 0},
    "output_tokens": 42,
    "output_token_details": {"text_tokens": 3, "audio_tokens": 39, "grok_tokens": 0},
    "total_tokens": 47,
}
BETA = {
    "input_token_details": {
        "audio_tokens": 48,
        "cached_tokens": 128,
        "text_tokens": 139,
        "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 0},
    },
    "input_tokens": 187,
    "output_token_details": {"audio_tokens": 55, "text_tokens": 24},
    "output_tokens": 79,
}


def test_a_whole_report_is_read_as_it_stands() -> None:
    found = billed_tokens(usage(70, 175, 24, 125, (42, 22), reasoning_tokens=7))

    assert (found.input, found.cached, found.output, found.reasoning) == (245, 64, 149, 7)
    assert found.input_by == {"text": 70, "audio": 175, "image": 0}
    assert found.cached_by == {"text": 42, "audio": 22, "image": 0}
    assert found.output_by == {"text": 24, "audio": 125}
    assert found.missing == found.odd == ()


def test_beta_has_no_images() -> None:
    found = billed_tokens(BETA)

    assert found.input_by == {"text": 139, "audio": 48, "image": 0}
    assert found.cached_by == {"text": 128, "audio": 0, "image": 0}
    assert found.missing == ()


def test_xai_does_not_say_what_was_cached() -> None:
    found = billed_tokens(XAI)

    assert found.cached is None
    assert found.missing == ("input_token_details.cached_tokens",)
    assert found.output_by == {"text": 3, "audio": 39}


def test_qwen_has_the_plural() -> None:
    told = {"input_tokens": 3, "input_tokens_details": {"text_tokens": 1, "audio_tokens": 2}}

    assert billed_tokens(told).input_by == {"text": 1, "audio": 2, "image": 0}


def test_missing_details_are_unknown_and_not_zero() -> None:
    told = {"input_tokens": 72, "output_tokens": 79, "input_token_details": None}
    found = billed_tokens(told)

    assert (found.input, found.output, found.cached) == (72, 79, None)
    assert set(found.input_by.values()) == set(found.output_by.values()) == {None}
    assert found.missing == ("input_token_details", "output_token_details")


def test_a_text_answer_needs_no_details() -> None:
    found = billed_tokens({"input_tokens": 7, "output_tokens": 79}, is_text_only=True)

    assert found.output_by == {"text": 79, "audio": 0}
    assert billed_tokens({"input_tokens": 7}, is_text_asked=True).input_by["text"] == 7


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"text_tokens": 10}, {"text": 10, "audio": None, "image": None}),
        ({"text_tokens": 10, "audio_tokens": 5}, {"text": 10, "audio": 5, "image": 15}),
        ({"text_tokens": 30}, {"text": 30, "audio": 0, "image": 0}),
        ({"audio_tokens": 10, "image_tokens": 2}, {"text": 18, "audio": 10, "image": 2}),
    ],
)
def test_what_follows_from_the_sum_is_known(
    details: dict[str, int], expected: dict[str, int | None]
) -> None:
    assert billed_tokens({"input_tokens": 30, "input_token_details": details}).input_by == expected


def test_a_sum_that_is_not_told_is_added_up() -> None:
    told = {"input_token_details": {"text_tokens": 3, "audio_tokens": 4}}
    found = billed_tokens(told)

    assert found.input == 7
    assert found.output is None


def test_what_is_cached_of_one_modality_alone_is_of_it() -> None:
    told = {
        "input_tokens": 900,
        "input_token_details": {"text_tokens": 900, "audio_tokens": 0, "cached_tokens": 320},
    }
    found = billed_tokens(told)

    assert found.cached_by == {"text": 320, "audio": 0, "image": 0}


def test_more_cached_than_there_is_counts_for_nothing() -> None:
    told = usage(119, 8, 36, 112, (128, 256))
    found = billed_tokens(told)

    assert found.cached is None
    assert found.odd == ("384 tokens cached of 127",)


def test_parts_that_are_more_than_the_whole_are_said() -> None:
    told = {"input_tokens": 5, "input_token_details": {"text_tokens": 4, "audio_tokens": 4}}

    assert billed_tokens(told).odd == ("8 input tokens by modality, 5 in all",)


def test_a_prompt_of_nothing_has_nothing_cached() -> None:
    assert billed_tokens({"input_tokens": 0, "output_tokens": 0}).cached == 0


@pytest.mark.parametrize(
    "value", [None, True, -1, "7", [7], {}, 1e300, float("nan"), float("inf"), 10**400, MOST + 1]
)
def test_what_is_no_amount_is_missing(value: Any) -> None:
    assert amount_at({"n": value}, "n") is None
    found = billed_tokens({"input_tokens": value})
    assert found.input is None
    assert "input_tokens" in found.missing


hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text_tokens",
                    "audio_tokens",
                    "cached_tokens",
                    "cached_tokens_details",
                    "image_tokens",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["input_tokens", "output_tokens", "input_token_details", "output_token_details"]
        ),
        hostile,
    )
)
def test_no_usage_breaks_the_reading(told: dict[str, Any]) -> None:
    found = billed_tokens(told)

    for whole, part in zip(found.input_by.values(), found.cached_by.values(), strict=True):
        assert whole is None or part is None or 0 <= part <= whole
