"""What a response costs in tokens, and what is left of the rate limit.

Rates of the API: one token for 100 ms of the user's audio, one for 50 ms of the model's. Text is estimated at four
characters a token. The whole conversation is input to each response; what it shares with the response before, counted
from the front in steps of 64 tokens, is cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inspector.sim.brain import TokenCount
from inspector.sim.items import SimItem
from inspector.sim.server_outbox import Json

USER_MS_PER_TOKEN, MODEL_MS_PER_TOKEN = 100, 50
CHARS_PER_TOKEN = 4
ITEM_TOKENS = 3
"""What an item costs beside its content."""
IMAGE_TOKENS = 85
CACHE_STEP = 64
RATE_LIMIT_TOKENS = 15_000_000
_REASONING_TOKENS = {"none": 0, "minimal": 8, "low": 27, "medium": 64, "high": 160, "xhigh": 320}
_CONTENT_KEYS = ("name", "arguments", "output")


@dataclass(frozen=True, slots=True)
class BilledTokens:
    """A number of tokens, by what they stand for."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.text + self.audio + self.image

    def __add__(self, other: BilledTokens) -> BilledTokens:
        return BilledTokens(
            self.text + other.text, self.audio + other.audio, self.image + other.image
        )

    def first(self, count: int) -> BilledTokens:
        """Return ``count`` of them, text before audio before images."""
        text = min(self.text, count)
        audio = min(self.audio, count - text)
        return BilledTokens(text, audio, min(self.image, count - text - audio))

    def details(self) -> Json:
        """Return the members that usage objects share."""
        return {
            "text_tokens": self.text,
            "audio_tokens": self.audio,
            "image_tokens": self.image,
        }


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of one response, as far as the cache tells inputs apart."""

    entries: tuple[tuple[str, BilledTokens], ...]
    """A key and a number of tokens for each piece, from the front."""

    @property
    def tokens(self) -> BilledTokens:
        """Return all of the input."""
        return sum((tokens for _, tokens in self.entries), BilledTokens())

    def shared_with(self, other: Prompt) -> BilledTokens:
        """Return what two inputs have in common from the front."""
        shared = BilledTokens()
        for (mine, tokens), (theirs, _) in zip(self.entries, other.entries, strict=False):
            if mine != theirs:
                break
            shared += tokens
        return shared.first(shared.total // CACHE_STEP * CACHE_STEP)


def text_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    return -(-len(text) // CHARS_PER_TOKEN)


def prompt_of(instructions: str, tools: Sequence[object], items: Sequence[SimItem]) -> Prompt:
    """Return the input of a response."""
    described = f"{instructions}{list(tools) or ''}"
    entries = [(described, BilledTokens(text_tokens(described)))]
    entries += [(f"{item.id}/{item.audio_ms}", billed_tokens(item)) for item in items]
    return Prompt(tuple(entries))


def billed_tokens(item: SimItem) -> BilledTokens:
    """Return what an item costs as input."""
    written = " ".join(str(part.get("text") or "") for part in item.parts)
    spoken = " ".join(str(part.get("transcript") or "") for part in item.parts)
    if item.role == "assistant":  # the transcript of the user's audio is billed apart
        written += spoken
    written += "".join(str(item.wire.get(key, "")) for key in _CONTENT_KEYS)
    ms_per_token = MODEL_MS_PER_TOKEN if item.role == "assistant" else USER_MS_PER_TOKEN
    audio = item.audio_ms // ms_per_token
    return BilledTokens(ITEM_TOKENS + text_tokens(written), audio, len(item.images) * IMAGE_TOKENS)


def reasoning_tokens(model: str, effort: str) -> int | None:
    """Return how many tokens the model thinks; None for a model that reports none."""
    return _REASONING_TOKENS.get(effort, 27) if model.startswith("gpt-realtime-2.1") else None


class UsageMeter:
    """Counts the tokens of a session's responses."""

    def __init__(self) -> None:
        self._last = Prompt(())
        self._last_total = 0
        self.is_low = False
        """Say that hardly any tokens are left."""

    def usage(self, prompt: Prompt, output: BilledTokens, reasoning: int | None) -> Json:
        """Return the ``usage`` of a response, in the server's key order; remembers its input for the cache.

        Args:
            prompt: the input; empty for a response that ended before it began.
            output: what the response says, without its thoughts.
            reasoning: tokens of thought, counted as text; None where the model reports none.
        """
        given, cached = prompt.tokens, prompt.shared_with(self._last)
        if prompt.entries:
            self._last = prompt
        written = output.text + (reasoning or 0)
        made: Json = {"text_tokens": written, "audio_tokens": output.audio}
        if reasoning is not None:
            made["reasoning_tokens"] = reasoning
        self._last_total = given.total + written + output.audio
        return {
            "total_tokens": self._last_total,
            "input_tokens": given.total,
            "output_tokens": written + output.audio,
            "input_token_details": {
                **given.details(),
                "cached_tokens": cached.total,
                "cached_tokens_details": cached.details(),
            },
            "output_token_details": made,
        }

    def counted(self, tokens: TokenCount) -> Json:
        """Return the ``usage`` of a response by its model's own count, in the server's key order.

        The model reads and writes text: what its words sound like is the simulator's, and costs nothing.
        """
        self._last_total = tokens.given + tokens.made
        cached = BilledTokens(tokens.cached)
        return {
            "total_tokens": self._last_total,
            "input_tokens": tokens.given,
            "output_tokens": tokens.made,
            "input_token_details": {
                **BilledTokens(tokens.given).details(),
                "cached_tokens": cached.total,
                "cached_tokens_details": cached.details(),
            },
            "output_token_details": {"text_tokens": tokens.made, "audio_tokens": 0},
        }

    def rate_limits(self) -> list[Json]:
        """Return the limit after the last response; it fills up again within milliseconds, as the real one does."""
        missing = min(RATE_LIMIT_TOKENS, self._last_total)
        if self.is_low:
            missing = RATE_LIMIT_TOKENS - RATE_LIMIT_TOKENS // 400
        seconds = missing / (RATE_LIMIT_TOKENS / 60)
        remaining = RATE_LIMIT_TOKENS - missing
        limit = {"name": "tokens", "limit": RATE_LIMIT_TOKENS, "remaining": remaining}
        return [{**limit, "reset_seconds": round(seconds, 3)}]
