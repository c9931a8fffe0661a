"""Is the user's sentence over? Judged by its last words, or, where nobody knows them, by how the voice ends.

The real server asks a model. Here a list of words after which nobody stops is enough for the usual cases, and without words a
sound that is held ("um…") tells an unfinished sentence from one whose voice falls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import StrEnum


class Completeness(StrEnum):
    """What is known of the end of a sentence."""

    COMPLETE = "complete"
    TRAILING = "trailing"
    UNKNOWN = "unknown"
    """Nobody can tell by the words."""
    PENDING = "pending"
    """The words are being recognised."""


Judge = Callable[[], Completeness]
"""Gives the verdict on the words so far; may be asked again while it is pending."""

_DANGLING_TEXT = (
    "um umm uh uhh uhm er erm hmm hm mm and or but so because like the a an to of in on at with for from by about into "
    "than my your his her its our their this these those is are am was were be if when while whether although though "
    "unless until i we he she they that which who whose what well then also plus maybe perhaps basically actually "
    "i'm you're we're they're i'd i'll i've can could would should will want need let very really just not"
)
_DANGLING = frozenset(_DANGLING_TEXT.split())
_PHRASES = re.compile(
    r"\b(?:you know|i mean|i think|i guess|let me (?:see|think)|hold on|wait|how about|kind of|sort of|such as|for example|going to)$"
)
_ENDS = re.compile(
    r"\b(?:who i am|what i am|how i am|what it is|who you are|how you are|what that is|i am|it is|you are|they are|it was|i was)$"
)
_QUESTION = re.compile(
    r"^(?:what|who|where|how|when|why|which|do|does|did|is|are|can|could|would|will)\b"
)


def completeness_of(words: str) -> Completeness:
    """Return whether a sentence is over by its words; ``UNKNOWN`` where there are none."""
    text = " ".join(words.lower().split())[-200:]
    if not text:
        return Completeness.UNKNOWN
    if text.endswith(("...", "…", ",", "-", "—", ":")):
        return Completeness.TRAILING
    if text.endswith((".", "!", "?")):
        return Completeness.COMPLETE
    if _PHRASES.search(text):
        return Completeness.TRAILING
    last = text.split()[-1].strip("\"'")
    is_whole = _ENDS.search(text) or (last in _FINAL_IN_QUESTIONS and _QUESTION.match(text))
    return Completeness.TRAILING if last in _DANGLING and not is_whole else Completeness.COMPLETE


_FINAL_IN_QUESTIONS = frozenset(
    [
        "for",
        "to",
        "from",
        "about",
        "with",
        "in",
        "on",
        "at",
        "of",
        "like",
        "that",
        "this",
        "is",
        "are",
        "was",
        "i",
        "we",
        "he",
        "she",
        "they",
    ]
)
"""``What is it for`` is over; ``I am waiting for`` is not."""

SHORTEST_HOLD, LONGEST_HOLD = 11, 38
"""In windows of 32 ms: a held sound lasts 0.35 s at least; one of more than 1.3 s is a tone."""
LEAST_BEFORE = 3
"""What is nothing but steady is no speech."""
_STEADY = 0.1
"""As loudness probability: 4 dB."""


def is_held(levels: Collection[float]) -> bool:
    """Tell whether a voice ends on a held sound; ``levels`` are loudness probabilities of its last windows, in order."""
    ordered = list(levels)[::-1]
    low = high = ordered[0] if ordered else 0.0
    count = 0
    for level in ordered:
        low, high = min(low, level), max(high, level)
        if high - low > _STEADY:
            break
        count += 1
    return SHORTEST_HOLD <= count <= LONGEST_HOLD and count + LEAST_BEFORE <= len(ordered)
