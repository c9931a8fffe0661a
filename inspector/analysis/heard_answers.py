"""HeardAnswer: how much of an answer was generated, received, played and kept, and which words the user and the model have of it.

Three clocks disagree: audio is generated faster than it comes, comes faster than it plays, and what the model remembers ends where the
item was truncated, which over a WebSocket is the client's word. That word is judged: by a player that reports what it played, else by
the clock, since nobody can hear more than the time since the first delta. Words are aligned to audio by its share of the transcript,
because the API sends no times of words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.core.output_audio import ItemAudio
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS, NS_PER_S
from inspector.core.usage import tokens_of

MS_PER_TOKEN = 50
"""Length of one token of output audio; the API's guide to managing costs."""
SAME_MS = 100
"""Differences between heard and truncated audio up to this come from ticks and rounding."""
EARLY_MS = 1000
"""A client that reports this much less than can have been heard measures wrongly; buffering explains about half of it."""
LATE_MS = 100
"""A client that reports this much more than had time to play is wrong."""
COARSE_MS = 1000
"""The same, in a recording whose times are whole seconds."""


class Claim(StrEnum):
    """What a client's truncation says of what was heard, judged."""

    POSSIBLE = "possible"
    """The player or the clock allows it."""
    TOO_EARLY = "too early"
    """More was heard, or is likely to have been."""
    TOO_LATE = "too late"
    """So much cannot have been heard."""
    BEYOND = "beyond the item"
    """The item has no such place."""
    UNKNOWN = "unknown"
    """The recording has no times."""


@dataclass(frozen=True, slots=True)
class HeardAnswer:
    """One assistant item with audio. Lengths are in ms; None if unknown."""

    item_id: str
    """The item."""
    response_id: str
    """The response that produced it."""
    generated_ms: int | None
    """By its audio tokens; None if they were not reported, or belong to several items."""
    received_ms: int | None
    """What came; None if a recorder has cut audio out."""
    least_played_ms: int | None
    """What the user has heard at least."""
    most_played_ms: int | None
    """What the user can have heard at most."""
    is_measured: bool
    """True if a player reported it, so that both bounds are usually the same; False if only the clock bounds it."""
    claimed_ms: int | None
    """``audio_end_ms`` of the client's last truncation, accepted or not; None without one, and where the server truncates by itself."""
    claim: Claim | None
    """What that is worth; None without a claim."""
    truncated_ms: int | None
    """Where the item ends in the conversation since its truncation; None if it was not truncated."""
    remembered_ms: int | None
    """What the model believes was heard: all that was generated, or as far as it was truncated."""
    text: str
    """The transcript, whole."""
    slack_ms: int
    """Differences up to this prove nothing."""

    @property
    def unheard_ms(self) -> int:
        """Return how much the model remembers that nobody can have heard; 0 if that is not certain."""
        if self.remembered_ms is None or self.most_played_ms is None:
            return 0
        beyond_ms = self.remembered_ms - self.most_played_ms
        return beyond_ms if beyond_ms > self.slack_ms else 0

    @property
    def forgotten_ms(self) -> int:
        """Return how much was heard that the model does not remember; 0 if that is not certain."""
        if self.remembered_ms is None or self.least_played_ms is None:
            return 0
        short_ms = self.least_played_ms - self.remembered_ms
        return short_ms if short_ms > self.slack_ms else 0

    @property
    def is_desynced(self) -> bool:
        """Return whether the model certainly believes something else than what was heard."""
        return bool(self.unheard_ms or self.forgotten_ms)

    def words(self, ms: int | None) -> str | None:
        """Return the words that were spoken up to a place; None if that is unknown."""
        if ms is None or self.received_ms is None:
            return None
        return self.text[: cut_at(self.text, ms, self.received_ms)].strip() if ms else ""

    def words_between(self, begin_ms: int, end_ms: int) -> str:
        """Return the words between two places; ``""`` if they are unknown."""
        if self.received_ms is None:
            return ""
        begin = cut_at(self.text, begin_ms, self.received_ms) if begin_ms else 0
        return self.text[begin : cut_at(self.text, end_ms, self.received_ms)].strip()


def heard_answers(state: SessionState, now_ns: int | None = None) -> Iterator[HeardAnswer]:
    """Yield the answers with audio, oldest first.

    Args:
        state: of the session.
        now_ns: session time; None after its end.
    """
    items = state.output_audio.items.values()
    count = Counter(item.response_id for item in items)
    for item in items:
        yield heard_answer(item, state, now_ns, is_alone=count[item.response_id] == 1)


def heard_answer(
    item: ItemAudio, state: SessionState, now_ns: int | None = None, *, is_alone: bool = False
) -> HeardAnswer:
    """Return what is known of one answer.

    Args:
        item: its audio.
        state: of the session.
        now_ns: session time; None after its end.
        is_alone: whether its response has no other item with audio, so that the tokens of the response are its own.
    """
    is_whole = not state.output_audio.is_elided
    received_ms = item.received_ms if is_whole else None
    truncated_ms = item.claimed_ms
    least_ms, most_ms = _played(item, now_ns) if is_whole else (None, None)
    remembered_ms = received_ms
    if truncated_ms is not None and received_ms is not None:
        remembered_ms = max(0, min(truncated_ms, received_ms))
    claimed_ms = item.asked_ms
    if claimed_ms is None and not state.session.detection.get("auto_truncate"):
        claimed_ms = item.claimed_ms  # a recording of the server's events alone
    response = state.responses.all.get(item.response_id)
    if truncated_ms is None and response is not None and not response.done_seq:
        remembered_ms = None  # more may come
    described = state.conversation.items.get(item.item_id)
    parts = described.parts if described is not None else ()
    return HeardAnswer(
        item.item_id,
        item.response_id,
        _generated_ms(item, state) if is_alone else None,
        received_ms,
        least_ms,
        most_ms,
        item.is_measured and is_whole,
        claimed_ms,
        _judged(item, claimed_ms, is_whole=is_whole),
        truncated_ms,
        remembered_ms,
        "".join(part.text for part in parts if part.kind == "audio"),
        _slack_ms(item),
    )


def heard_row(answer: HeardAnswer) -> dict[str, Any]:
    """Return an answer as plain JSON values."""
    bounds = (answer.least_played_ms, answer.most_played_ms)
    return {
        "item_id": answer.item_id,
        "response_id": answer.response_id or None,
        "generated_ms": answer.generated_ms,
        "received_ms": answer.received_ms,
        "played_ms": {
            "least": bounds[0],
            "most": bounds[1],
            "basis": "measured" if answer.is_measured else "clock" if None not in bounds else None,
        },
        "claimed_ms": answer.claimed_ms,
        "claim": answer.claim,
        "truncated_ms": answer.truncated_ms,
        "remembered_ms": answer.remembered_ms,
        "unheard_ms": answer.unheard_ms,
        "forgotten_ms": answer.forgotten_ms,
        "words": {
            "remembered": answer.words(answer.remembered_ms),
            "heard_at_least": answer.words(answer.least_played_ms),
            "heard_at_most": answer.words(answer.most_played_ms),
        },
    }


def cut_at(text: str, kept_ms: int, total_ms: int) -> int:
    """Estimate how many characters of a transcript were spoken within ``kept_ms`` of ``total_ms``.

    The estimate assumes an even pace, as the API sends no word times, and leaves out an unfinished word.
    """
    if total_ms <= 0 or kept_ms >= total_ms:
        return len(text)
    at = max(0, len(text) * kept_ms // total_ms)
    while 0 < at < len(text) and not text[at].isspace() and not text[at - 1].isspace():
        at -= 1
    return at


def _played(item: ItemAudio, now_ns: int | None) -> tuple[int | None, int | None]:
    """Return what was played at least and at most."""
    received_ms = item.received_ms
    if item.is_measured:
        least_ms = min(item.played_ms or 0, received_ms)
        return least_ms, item.heard_ms(now_ns) if item.is_playing else least_ms
    if item.came_t_ns is None:
        return 0, received_ms
    # An app that does not truncate may go on playing, and so may one whose truncation was refused.
    until_ns = item.truncated_t_ns if item.claimed_ms is not None else now_ns
    if until_ns is None:
        return 0, received_ms
    return 0, max(0, min(received_ms, (until_ns - item.came_t_ns) // NS_PER_MS))


def _judged(item: ItemAudio, claimed_ms: int | None, *, is_whole: bool) -> Claim | None:
    if claimed_ms is None:
        return None
    if not is_whole:
        return Claim.UNKNOWN
    slack_ms, received_ms = _slack_ms(item), item.received_ms
    if claimed_ms > received_ms + slack_ms and item.claimed_ms is None:
        return Claim.BEYOND
    # What the server accepted was there, even if the recording lacks it.
    claimed_ms = min(claimed_ms, received_ms)
    if item.is_measured:
        played_ms = item.heard_ms(item.truncated_t_ns)
        if claimed_ms > played_ms + slack_ms:
            return Claim.TOO_LATE
        return Claim.TOO_EARLY if claimed_ms < played_ms - slack_ms else Claim.POSSIBLE
    most_ns, possible_ns = item.most_ns, item.possible_ns
    if most_ns is None or possible_ns is None:
        return Claim.UNKNOWN
    if most_ns < (claimed_ms - slack_ms) * NS_PER_MS:
        return Claim.TOO_LATE
    is_early = possible_ns > (claimed_ms + EARLY_MS) * NS_PER_MS
    return Claim.TOO_EARLY if is_early else Claim.POSSIBLE


def _slack_ms(item: ItemAudio) -> int:
    if item.is_measured:
        return SAME_MS
    times = (item.came_t_ns, item.truncated_t_ns)
    is_coarse = all(t_ns is not None and t_ns % NS_PER_S == 0 for t_ns in times)
    return COARSE_MS if is_coarse else LATE_MS


def _generated_ms(item: ItemAudio, state: SessionState) -> int | None:
    response = state.responses.all.get(item.response_id)
    if response is None:
        return None
    return tokens_of(response.usage).output_audio * MS_PER_TOKEN or None
