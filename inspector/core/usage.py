"""UsageFold and RateLimitsFold: tokens by modality, and what is left of the limits.

Cached tokens are a part of the input tokens, and reasoning tokens a part of the output text tokens: never add them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspector.core.event import Event
from inspector.core.read import int_at, object_at, objects_at, text_at


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one response, or of all. Source: the SDK's ``RealtimeResponseUsage`` and its details."""

    total: int = 0
    input: int = 0
    output: int = 0
    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached: int = 0
    """Part of ``input``."""
    output_text: int = 0
    output_audio: int = 0
    reasoning: int = 0
    """Part of ``output_text``."""

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*(getattr(self, name) + getattr(other, name) for name in Tokens.__slots__))


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Read a ``usage`` object; what it does not say counts as 0 (xAI and failed responses say little)."""
    given, made = object_at(usage, "input_token_details"), object_at(usage, "output_token_details")
    return Tokens(
        int_at(usage, "total_tokens"),
        int_at(usage, "input_tokens"),
        int_at(usage, "output_tokens"),
        int_at(given, "text_tokens"),
        int_at(given, "audio_tokens"),
        int_at(given, "image_tokens"),
        int_at(given, "cached_tokens"),
        int_at(made, "text_tokens"),
        int_at(made, "audio_tokens"),
        int_at(made, "reasoning_tokens"),
    )


class UsageFold:
    """What the session has used so far."""

    name = "usage"

    def __init__(self) -> None:
        self.responses = Tokens()
        self.transcription = Tokens()
        self.transcription_seconds = 0
        self.context_tokens = 0
        """Input of the last response: how much of the context is in use."""

    def apply(self, event: Event) -> None:
        """Take one event in."""
        body = event.body
        if body is None:
            return
        if event.type == "response.done":
            usage = object_at(object_at(body, "response"), "usage") or object_at(body, "usage")
            if usage:
                tokens = tokens_of(usage)
                self.responses += tokens
                self.context_tokens = tokens.input or self.context_tokens
        elif event.type == "conversation.item.input_audio_transcription.completed":
            usage = object_at(body, "usage")
            self.transcription += tokens_of(usage)
            self.transcription_seconds += int_at(usage, "seconds")
        elif event.type == "inspector.opened":
            self.context_tokens = 0

    def copy(self) -> UsageFold:
        """Return an independent copy."""
        clone = UsageFold()
        clone.__dict__.update(self.__dict__)
        return clone


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit after the last response. Source: the SDK's ``RateLimitsUpdatedEvent``."""

    name: str
    """``requests`` or ``tokens``."""
    limit: int
    """The most that is allowed."""
    remaining: int
    """What is left of it."""
    reset_seconds: float
    """Until it is whole again, from the event on."""


class RateLimitsFold:
    """The limits as last reported."""

    name = "rate_limits"

    def __init__(self) -> None:
        self.limits: tuple[RateLimit, ...] = ()

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if event.type == "rate_limits.updated" and event.body is not None:
            self.limits = tuple(
                RateLimit(
                    text_at(entry, "name"),
                    int_at(entry, "limit"),
                    int_at(entry, "remaining"),
                    _seconds(entry),
                )
                for entry in objects_at(event.body, "rate_limits")
            )

    def copy(self) -> RateLimitsFold:
        """Return an independent copy."""
        clone = RateLimitsFold()
        clone.limits = self.limits
        return clone


def _seconds(entry: Mapping[str, Any]) -> float:
    value = entry.get("reset_seconds")
    return float(value) if isinstance(value, int | float) and abs(value) < 1e12 else 0.0
