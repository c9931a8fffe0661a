"""BilledTokens: a ``usage`` object parsed without guessing: an unreported count is None and listed as missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspector.core.read import Body, object_at

MOST = 10**12
"""Larger counts of tokens or seconds are mistakes, and would spoil every sum."""
INPUT_MODALITIES = ("text", "audio", "image")
OUTPUT_MODALITIES = ("text", "audio")


@dataclass(frozen=True, slots=True)
class BilledTokens:
    """Token counts by modality; None is unknown, never 0. Source: the SDK's ``RealtimeResponseUsage`` and its details."""

    input: int | None
    """All modalities, including cached tokens."""
    input_by: Mapping[str, int | None]
    """By ``INPUT_MODALITIES``."""
    cached: int | None
    """Part of ``input``."""
    cached_by: Mapping[str, int | None]
    """By ``INPUT_MODALITIES``; each is part of the count in ``input_by``."""
    output: int | None
    output_by: Mapping[str, int | None]
    """By ``OUTPUT_MODALITIES``."""
    reasoning: int | None
    """Part of the output text tokens."""
    missing: tuple[str, ...]
    """Members that are absent or not a valid count."""
    odd: tuple[str, ...]
    """Contradictions, in words."""


def amount_at(body: Body, key: str) -> float | None:
    """Return a member as an amount; None if it is absent, negative, not a number, or implausibly large."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def billed_tokens(
    usage: Body, *, is_text_only: bool = False, is_text_asked: bool = False
) -> BilledTokens:
    """Parse a usage object.

    Args:
        usage: as received; xAI, Azure, Qwen and the beta API leave out different members.
        is_text_only: the output can only be text.
        is_text_asked: the input can only be text.
    """
    reading = _Reading(usage)
    given = reading.details("input")
    made = reading.details("output")
    total_in, total_out = (
        reading.count(usage, "input_tokens"),
        reading.count(usage, "output_tokens"),
    )
    input_by = reading.by_modality(given, "input", INPUT_MODALITIES)
    output_by = reading.by_modality(made, "output", OUTPUT_MODALITIES)
    if is_text_asked and not any(input_by.values()):
        input_by = {"text": total_in, "audio": 0, "image": 0}
    if is_text_only and not any(output_by.values()):
        output_by = {"text": total_out, "audio": 0}
    total_in, input_by = _settled(total_in, input_by)
    total_out, output_by = _settled(total_out, output_by)
    cached, cached_by = reading.cached(given, input_by, total_in)
    for side, total, parts in (("input", total_in, input_by), ("output", total_out, output_by)):
        known = sum(count or 0 for count in parts.values())
        if total is not None and known > total:
            reading.odd.append(f"{known:,} {side} tokens by modality, {total:,} in all")
    return BilledTokens(
        total_in,
        input_by,
        cached,
        cached_by,
        total_out,
        output_by,
        reading.plain(made, "reasoning_tokens"),
        tuple(reading.missing),
        tuple(reading.odd),
    )


class _Reading:
    """One pass over a usage object, which collects its faults."""

    def __init__(self, usage: Body) -> None:
        self._usage = usage
        self.missing: list[str] = []
        self.odd: list[str] = []

    def details(self, side: str) -> Body | None:
        """Return the details of one side; None if missing."""
        # Qwen and the Responses API use the plural.
        found = object_at(self._usage, f"{side}_token_details") or object_at(
            self._usage, f"{side}_tokens_details"
        )
        if not found:
            self.missing.append(f"{side}_token_details")
            return None
        return found

    def count(self, body: Body, key: str, place: str = "") -> int | None:
        """Return a count; a missing one is listed."""
        found = self.plain(body, key)
        if found is None:
            self.missing.append(f"{place}{key}")
        return found

    def plain(self, body: Body | None, key: str) -> int | None:
        """Return a count."""
        found = amount_at(body, key) if body is not None else None
        return None if found is None else int(found)

    def by_modality(
        self, details: Body | None, side: str, modalities: Sequence[str]
    ) -> dict[str, int | None]:
        """Return the counts by modality; absent images are not listed as missing, since few servers report them."""
        if details is None:
            return dict.fromkeys(modalities)
        place = f"{side}_token_details."
        return {
            name: self.plain(details, f"{name}_tokens")
            if name == "image"
            else self.count(details, f"{name}_tokens", place)
            for name in modalities
        }

    def cached(
        self, given: Body | None, input_by: Mapping[str, int | None], total_in: int | None
    ) -> tuple[int | None, dict[str, int | None]]:
        """Return the cached tokens, in total and by modality."""
        unknown: dict[str, int | None] = dict.fromkeys(INPUT_MODALITIES)
        if not total_in and not any(input_by.values()) and total_in is not None:
            return 0, dict.fromkeys(INPUT_MODALITIES, 0)
        if given is None:
            return None, unknown
        inner = object_at(given, "cached_tokens_details")
        cached = self.plain(given, "cached_tokens")
        parts = {name: self.plain(inner, f"{name}_tokens") for name in INPUT_MODALITIES}
        if cached is None and parts["text"] is None and parts["audio"] is None:
            self.missing.append("input_token_details.cached_tokens")
            return None, unknown
        if cached and not inner:
            self.missing.append("input_token_details.cached_tokens_details")
        cached, parts = _settled(cached, parts)
        if any(
            part is not None and whole is not None and part > whole
            for part, whole in ((cached, total_in), *((parts[m], input_by[m]) for m in parts))
        ):
            self.odd.append(f"{cached or 0:,} tokens cached of {total_in or 0:,}")
            return None, unknown
        # In a prompt of one modality, all cached tokens have that modality.
        there = [name for name, count in input_by.items() if count != 0]
        if len(there) == 1:
            parts = {name: cached if name == there[0] else 0 for name in INPUT_MODALITIES}
        return cached, parts


def _settled(
    total: int | None, parts: dict[str, int | None]
) -> tuple[int | None, dict[str, int | None]]:
    """Return a total and its parts, completed where one value follows from the others."""
    known = sum(count for count in parts.values() if count is not None)
    unknown = [name for name, count in parts.items() if count is None]
    if total is None:
        # Servers report image tokens only if the prompt has images.
        if not unknown or unknown == ["image"]:
            return known, {**parts, **dict.fromkeys(unknown, 0)}
        return None, parts
    if total <= known:
        return total, {**parts, **dict.fromkeys(unknown, 0)}
    if len(unknown) == 1:
        return total, {**parts, unknown[0]: total - known}
    return total, parts
