"""Token usage of items and responses."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.billing import (
    IMAGE_TOKENS,
    ITEM_TOKENS,
    Prompt,
    SimulatedTokens,
    billed_tokens,
    reasoning_tokens,
)
from inspector.sim.items import SimItem

SECOND = 48_000
"""Bytes of one second of PCM16."""


def message(role: str, *parts: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"id": "i", "type": "message", "role": role, "content": list(parts), **members}


@pytest.mark.parametrize(
    ("wire", "audio_bytes", "text", "audio", "images"),
    [
        (message("user", {"type": "input_text", "text": "12345678"}), 0, 2, 0, 0),
        (message("user", {"type": "input_text", "text": "123456789"}), 0, 3, 0, 0),
        (message("user", {"type": "input_audio", "transcript": "12345678"}), SECOND, 0, 10, 0),
        (message("assistant", {"type": "output_audio", "transcript": "12345678"}), SECOND, 2, 20, 0),
        (message("system", {"type": "input_audio", "transcript": "12345678"}), SECOND, 0, 10, 0),
        ({"id": "i", "type": "x", "content": [{"type": "x", "transcript": "12345678"}]}, 0, 0, 0, 0),
        (message("user", {"type": "input_image"}), 0, 0, 0, 1),
        ({"id": "i", "type": "function_call", "name": "abcd", "arguments": "efgh"}, 0, 2, 0, 0),
        ({"id": "i", "type": "function_call_output", "output": "12345678"}, 0, 2, 0, 0),
    ],
)  # fmt: skip
def test_an_item_costs_its_words_sound_and_images(
    wire: dict[str, Any], audio_bytes: int, text: int, audio: int, images: int
) -> None:
    expected = SimulatedTokens(ITEM_TOKENS + text, audio, images * IMAGE_TOKENS)

    assert billed_tokens(SimItem(wire, audio_bytes=audio_bytes)) == expected


@pytest.mark.parametrize(
    ("mine", "theirs", "shared"),
    [
        ([("a", 64), ("b", 64)], [("a", 64), ("b", 64), ("c", 9)], 128),
        ([("a", 64), ("b", 64)], [("a", 64), ("x", 64)], 64),
        ([("a", 100)], [("a", 100)], 64),
        ([("a", 63)], [("a", 63)], 0),
        ([("x", 64), ("b", 64)], [("a", 64), ("b", 64)], 0),
    ],
)
def test_what_is_the_same_from_the_front_is_cached_in_steps(
    mine: list[tuple[str, int]], theirs: list[tuple[str, int]], shared: int
) -> None:
    one, other = (
        Prompt(tuple((key, SimulatedTokens(n)) for key, n in side)) for side in (mine, theirs)
    )

    assert one.shared_with(other).total == shared


@pytest.mark.parametrize(
    ("model", "effort", "tokens"),
    [
        ("gpt-realtime-2.1", "none", 0),
        ("gpt-realtime-2.1", "high", 160),
        ("gpt-realtime-2.1-mini", "unheard of", 27),
        ("gpt-realtime", "high", None),
    ],
)
def test_only_models_that_think_are_charged_for_it(
    model: str, effort: str, tokens: int | None
) -> None:
    assert reasoning_tokens(model, effort) == tokens
