"""Token usage of responses, and the rate limit that remains.

Audio rates are those of https://developers.openai.com/api/docs/guides/realtime-costs: one token per 100 ms of user audio, one per
50 ms of model audio. Text is estimated at four characters a token. Each response is billed for the whole conversation as
input; the prefix that it shares with the previous response counts as cached, in steps of 64 tokens.
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
"""Overhead of an item beside its content."""
IMAGE_TOKENS = 85
"""The price of a low-detail image in OpenAI's vision guide; the simulator does not decode images, so it charges no tiles."""
CACHE_STEP = 64
RATE_LIMIT_TOKENS = 15_000_000
"""Tokens per minute, as in recorded ``rate_limits.updated`` events."""
# Made up, but rising with the effort, so that a client can see the setting take effect.
_REASONING_TOKENS = {"none": 0, "minimal": 8, "low": 27, "medium": 64, "high": 160, "xhigh": 320}
_CONTENT_KEYS = ("name", "arguments", "output")


@dataclass(frozen=True, slots=True)
class SimulatedTokens:
    """Token counts by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        """Return the sum over all modalities."""
        return self.text + self.audio + self.image

    def __add__(self, other: SimulatedTokens) -> SimulatedTokens:
        return SimulatedTokens(
            self.text + other.text, self.audio + other.audio, self.image + other.image
        )

    def first(self, count: int) -> SimulatedTokens:
        """Return the first ``count`` tokens, taking text before audio before images."""
        text = min(self.text, count)
        audio = min(self.audio, count - text)
        return SimulatedTokens(text, audio, min(self.image, count - text - audio))

    def details(self) -> Json:
        """Return the per-modality members that every usage object has."""
        return {
            "text_tokens": self.text,
            "audio_tokens": self.audio,
            "image_tokens": self.image,
        }


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of one response, reduced to what the prompt cache compares."""

    entries: tuple[tuple[str, SimulatedTokens], ...]
    """(key, tokens) of the instructions with tools, then of each item in order."""

    @property
    def tokens(self) -> SimulatedTokens:
        """Return the token counts of the whole input."""
        return sum((tokens for _, tokens in self.entries), SimulatedTokens())

    def shared_with(self, other: Prompt) -> SimulatedTokens:
        """Return the tokens of the common prefix, rounded down to a cache step."""
        shared = SimulatedTokens()
        for (mine, tokens), (theirs, _) in zip(self.entries, other.entries, strict=False):
            if mine != theirs:
                break
            shared += tokens
        return shared.first(shared.total // CACHE_STEP * CACHE_STEP)


def text_tokens(text: str) -> int:
    """Return the estimated token count of a text."""
    return -(-len(text) // CHARS_PER_TOKEN)  # negated twice: rounds up


def prompt_of(instructions: str, tools: Sequence[object], items: Sequence[SimItem]) -> Prompt:
    """Return the prompt that a response with these instructions, tools and items is billed for."""
    described = f"{instructions}{list(tools) or ''}"
    entries = [(described, SimulatedTokens(text_tokens(described)))]
    # A truncated item keeps its id but not its length, and must miss the cache.
    entries += [(f"{item.id}/{item.audio_ms}", billed_tokens(item)) for item in items]
    return Prompt(tuple(entries))


def billed_tokens(item: SimItem) -> SimulatedTokens:
    """Return the tokens that an item costs as input."""
    written = " ".join(str(part.get("text") or "") for part in item.parts)
    spoken = " ".join(str(part.get("transcript") or "") for part in item.parts)
    if item.role == "assistant":  # the user's transcript is billed by the transcription event
        written += spoken
    written += "".join(str(item.wire.get(key, "")) for key in _CONTENT_KEYS)
    ms_per_token = MODEL_MS_PER_TOKEN if item.role == "assistant" else USER_MS_PER_TOKEN
    audio = item.audio_ms // ms_per_token
    return SimulatedTokens(
        ITEM_TOKENS + text_tokens(written), audio, len(item.images) * IMAGE_TOKENS
    )


def reasoning_tokens(model: str, effort: str) -> int | None:
    """Return the reasoning tokens of a response; None for a model that does not report them."""
    return _REASONING_TOKENS.get(effort, 27) if model.startswith("gpt-realtime-2.1") else None


class UsageMeter:
    """Count the tokens of a session's responses."""

    def __init__(self) -> None:
        self._last = Prompt(())
        self._last_total = 0
        self.is_low = False
        """Report a nearly exhausted rate limit (fault ``rate-limits-low``)."""

    def usage(self, prompt: Prompt, output: SimulatedTokens, reasoning: int | None) -> Json:
        """Return the ``usage`` of a response in the server's key order, and remember its prompt for the cache.

        Args:
            prompt: the input; empty for a response that ended before its first item.
            output: the tokens of the output without reasoning.
            reasoning: reasoning tokens, counted as text; None if the model does not report them.
        """
        input_tokens, cached = prompt.tokens, prompt.shared_with(self._last)
        if prompt.entries:
            self._last = prompt
        written = output.text + (reasoning or 0)
        output_details: Json = {"text_tokens": written, "audio_tokens": output.audio}
        if reasoning is not None:
            output_details["reasoning_tokens"] = reasoning
        self._last_total = input_tokens.total + written + output.audio
        return {
            "total_tokens": self._last_total,
            "input_tokens": input_tokens.total,
            "output_tokens": written + output.audio,
            "input_token_details": {
                **input_tokens.details(),
                "cached_tokens": cached.total,
                "cached_tokens_details": cached.details(),
            },
            "output_token_details": output_details,
        }

    # The prompt cache is not updated: its figures come from the model, too.
    def reported_usage(self, tokens: TokenCount) -> Json:
        """Return the ``usage`` of a response from the model's own count, in the server's key order.

        All tokens count as text: the model behind the brain reads and writes text only, and the simulator adds the audio.
        """
        self._last_total = tokens.input + tokens.output
        cached = SimulatedTokens(tokens.cached)
        return {
            "total_tokens": self._last_total,
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "input_token_details": {
                **SimulatedTokens(tokens.input).details(),
                "cached_tokens": cached.total,
                "cached_tokens_details": cached.details(),
            },
            "output_token_details": {"text_tokens": tokens.output, "audio_tokens": 0},
        }

    def rate_limits(self) -> list[Json]:
        """Return the ``rate_limits`` after the last response."""
        # Only the last response is charged: at 15 million tokens a minute, the limit refills within milliseconds.
        used = min(RATE_LIMIT_TOKENS, self._last_total)
        if self.is_low:
            used = RATE_LIMIT_TOKENS - RATE_LIMIT_TOKENS // 400  # 0.25 % left
        seconds = used / (RATE_LIMIT_TOKENS / 60)
        remaining = RATE_LIMIT_TOKENS - used
        limit = {"name": "tokens", "limit": RATE_LIMIT_TOKENS, "remaining": remaining}
        return [{**limit, "reset_seconds": round(seconds, 3)}]
