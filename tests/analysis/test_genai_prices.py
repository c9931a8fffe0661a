"""Our prices against those of genai-prices, on every model that both know; each difference has its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from inspector.analysis.prices import ModelPrice, shipped_prices

genai = pytest.importorskip("genai_prices", reason="genai-prices is a development dependency")

TABLE = shipped_prices()
PROVIDERS = {"openai": "openai", "grok": "x-ai"}
"""Providers there by how a model's name begins; all but xAI's are OpenAI's."""
MEMBERS = {
    ("text", "in"): "input_mtok",
    ("text", "cached"): "cache_read_mtok",
    ("text", "out"): "output_mtok",
    ("audio", "in"): "input_audio_mtok",
    ("audio", "cached"): "cache_audio_read_mtok",
    ("audio", "out"): "output_audio_mtok",
    ("image", "in"): "input_image_mtok",
    ("image", "cached"): "cache_image_read_mtok",
}
"""Where they have which price."""
OLD_TRANSCRIBER = "they have the price of before spring 2026"
FIRST_PREVIEW = "they give it the price of its family; it was dearer"
ALLOWED = {
    ("gpt-4o-transcribe", "audio in"): OLD_TRANSCRIBER,
    ("gpt-4o-transcribe-diarize", "audio in"): OLD_TRANSCRIBER,
    ("gpt-4o-mini-transcribe", "audio in"): OLD_TRANSCRIBER,
    ("gpt-4o-realtime-preview-2024-10-01", "audio in"): FIRST_PREVIEW,
    ("gpt-4o-realtime-preview-2024-10-01", "audio cached"): FIRST_PREVIEW,
    ("gpt-4o-realtime-preview-2024-10-01", "audio out"): FIRST_PREVIEW,
    ("gpt-4o-realtime-preview-2024-10-01", "context"): "they give it that of its family",
}
"""Differences by model and price, each with its reason."""
LACKING = {
    "gpt-live-1.1": "not there yet",
    "gpt-4o-mini-transcribe-2025-03-20": "no dated name there",
    "gpt-4o-mini-transcribe-2025-12-15": "no dated name there",
    "grok-voice": "ours, for all names of the family",
}
"""Models that they do not know, each with its reason."""


def theirs(name: str) -> Any:
    """Return their model; None where they do not know it."""
    wanted = next((one for start, one in PROVIDERS.items() if name.startswith(start)), "openai")
    from genai_prices.data import providers

    provider = next(one for one in providers if one.id == wanted)
    return provider.find_model(name)


def cases() -> list[tuple[str, ModelPrice]]:
    return [(name, row) for row in TABLE.rows for name in (row.model, *row.also)]


def day_of(row: ModelPrice) -> date:
    """Return a day on which a price holds."""
    return row.begins or (TABLE.as_of if row.ends is None else date(2025, 11, 1))


def differences(name: str, row: ModelPrice, model: Any) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Return what differs, ours and theirs."""
    prices = model.get_prices(datetime.combine(day_of(row), time(), UTC))
    found: dict[str, tuple[float | None, float | None]] = {}
    for (modality, part), member in MEMBERS.items():
        ours = getattr(row, f"{modality}_{part}")
        other = getattr(prices, member)
        # They leave out what costs the same as text.
        found[f"{modality} {part}"] = ours, _number(other)
    hours = getattr(prices, "audio_hours", None) or getattr(prices, "input_audio_hours", None)
    found["minute"] = row.per_minute, None if hours is None else _number(hours / 60)
    messages = getattr(prices, "input_text_messages_kcount", None)
    found["message"] = row.per_text_item, None if messages is None else _number(messages / 1000)
    found["context"] = row.context, model.context_window
    return {
        (name, what): pair
        for what, pair in found.items()
        if None not in pair and pair[0] != pytest.approx(pair[1])
    }


def _number(value: Any) -> float | None:
    base = getattr(value, "base", value)
    return None if base is None else float(base)


@pytest.mark.parametrize(("name", "row"), cases(), ids=lambda one: str(one)[:40])
def test_a_price_is_theirs_or_differs_for_a_reason(name: str, row: ModelPrice) -> None:
    model = theirs(name)
    if name in LACKING:
        assert model is None, f"{name} is there by now"
        return

    assert model is not None
    there = set(differences(name, row, model))
    allowed = set(ALLOWED) if row.ends is None else set()
    assert there - allowed == set()


def test_every_allowed_difference_is_one() -> None:
    found = {
        key
        for name, row in cases()
        if row.ends is None and (model := theirs(name)) is not None
        for key in differences(name, row, model)
    }

    assert set(ALLOWED) - found == set()
