"""Totals of a session: tokens, rate limits and audio quality, as JSON for programs and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from inspector.analysis.heard_answers import heard_answers, heard_row
from inspector.analysis.summary import duration_text, size_text
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS
from inspector.core.usage import RateLimit, Tokens

LOW_SHARE = 0.1
"""Share of a rate limit below which it is flagged: the next turns may be rejected."""


class Tally(NamedTuple):
    """One total, as text."""

    name: str
    """What was counted."""
    words: str
    """The amount."""
    is_trouble: bool = False
    """True if it indicates a problem."""
    seq: int = 0
    """The event to show for it; 0 for none."""


Losses = Mapping[str, int]
"""Audio that the inspector itself did not send or play: names of ``LOSS_WORDS`` to counts, zeros left out."""
LOSS_WORDS: Mapping[str, str] = {
    "dropped_appends": "{} of the microphone's appends dropped: the connection did not keep up",
    "underruns": "{} underruns: audio arrived too late",
    "dropped_bytes": "{} not played: the server was more than 45 minutes ahead",
    "unreadable_deltas": "{} deltas not played: their audio is not base64",
}
"""Name of a loss to its text."""


def totals(state: SessionState) -> dict[str, Any]:
    """Return tokens by modality, rate limits, lengths of audio and what was heard of each answer; None for totals that no event reported."""
    usage, output, sent = state.usage, state.output_audio, state.input_audio
    gaps = [gap for item in output.items.values() for gap in item.underruns]
    records = (*output.items.values(), *output.tracks.values())
    return {
        "tokens": _tokens(usage.responses),
        "context_tokens": usage.context_tokens or None,
        "transcription_tokens": _tokens(usage.transcription),
        "transcription_seconds": usage.transcription_seconds or None,
        "rate_limits": [asdict(limit) for limit in state.rate_limits.limits],
        "input_audio": {
            "appends": sent.appends,
            "ms": state.session.input_format.ms(sent.total_bytes),
            "refused_appends": sent.refused,
            "wav_headers": sent.wav_appends,
        },
        "output_audio": {
            "ms": sum(record.received_ns for record in records) // NS_PER_MS,
            "underruns": len(gaps),
            "silent_ms": sum(gap.to_ns - gap.from_ns for gap in gaps) // NS_PER_MS,
            "items": [heard_row(answer) for answer in heard_answers(state)],
        },
    }


def low_limits(state: SessionState) -> list[str]:
    """Return texts for the rate limits that are nearly used up."""
    limits = state.rate_limits.limits
    return [f"{one.name} {one.remaining / one.limit:.0%} left" for one in limits if _is_low(one)]


def used(state: SessionState) -> Iterator[Tally]:
    """Yield the usage so far and the remaining limits, as far as events reported them."""
    usage = state.usage
    # Transcription is billed separately and by another model, so its tokens are not added to the responses'.
    for name, tokens in (("tokens", usage.responses), ("transcription", usage.transcription)):
        if tokens != Tokens():
            yield Tally(name, _token_words(tokens))
    if usage.transcription_seconds:
        yield Tally("transcription", f"{usage.transcription_seconds:,} s of audio")
    if usage.context_tokens:
        yield Tally("context", f"{usage.context_tokens:,} tokens went into the last response")
    for limit in state.rate_limits.limits:
        yield Tally(f"{limit.name} limit", _limit_words(limit), _is_low(limit))


def sounded(state: SessionState, losses: Losses) -> Iterator[Tally]:
    """Yield the totals and problems of audio; ``losses`` are those of the inspector itself."""
    sent, output = state.input_audio, state.output_audio
    if sent.appends:
        length = duration_text(state.session.input_format.ms(sent.total_bytes))
        yield Tally("input audio", f"{length} in {_count(sent.appends, 'append')}")
    if sent.refused:
        words = f"{_count(sent.refused, 'append')} rejected by the server, not part of the input"
        yield Tally("input audio", words, True, sent.first_refused_seq)
    if sent.wav is not None:
        words = (
            f"{_count(sent.wav_appends, 'append')} with a {sent.wav}; the API treats it as audio"
        )
        yield Tally("input audio", words, True, sent.first_wav_seq)
    received_ms = sum(item.received_ns for item in output.items.values()) // NS_PER_MS
    if received_ms:
        length = duration_text(received_ms)
        yield Tally("output audio", f"{length} in {_count(len(output.items), 'item')}")
    gaps = [gap for item in output.items.values() for gap in item.underruns]
    if gaps:
        silent = duration_text(sum(gap.to_ns - gap.from_ns for gap in gaps) / 1e6)
        words = f"{_count(len(gaps), 'underrun')}: silent for {silent} in the middle of items"
        yield Tally("output audio", words, True, gaps[0].seq)
    for name, count in losses.items():
        if name != "underruns" or not gaps:  # the gaps above say more about the same underruns
            yield Tally("inspector", loss_words(name, count), True)


def loss_words(name: str, count: int) -> str:
    """Return the text of a loss."""
    shown = size_text(count) if name.endswith("_bytes") else f"{count:,}"
    return LOSS_WORDS[name].format(shown)


def _tokens(tokens: Tokens) -> dict[str, int] | None:
    return asdict(tokens) if tokens != Tokens() else None


def _token_words(tokens: Tokens) -> str:
    inputs = _parts(
        ("text", tokens.input_text), ("audio", tokens.input_audio), ("image", tokens.input_image)
    )
    outputs = _parts(("text", tokens.output_text), ("audio", tokens.output_audio))
    cached = f", {tokens.cached:,} of it cached" if tokens.cached else ""
    reasoning = f", {tokens.reasoning:,} of the text reasoning" if tokens.reasoning else ""
    return (
        f"{tokens.total:,}: input {tokens.input:,}{inputs}{cached}"
        f"; output {tokens.output:,}{outputs}{reasoning}"
    )


def _parts(*parts: tuple[str, int]) -> str:
    words = ", ".join(f"{name} {count:,}" for name, count in parts if count)
    return f" ({words})" if words else ""


def _limit_words(limit: RateLimit) -> str:
    return f"{limit.remaining:,} of {limit.limit:,} left, full again in {limit.reset_seconds:g} s"


def _is_low(limit: RateLimit) -> bool:
    return limit.limit > 0 and limit.remaining < limit.limit * LOW_SHARE


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
