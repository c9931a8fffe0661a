"""Semantic VAD's judgement whether the user's sentence is complete, from its last words or from how the voice ends.

The real server asks a model. A list of words that do not end a sentence ("and", "um") covers the usual cases. Without
speech recognition, a held sound ("um…") marks an unfinished sentence and a fading voice a finished one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import StrEnum


class Completeness(StrEnum):
    """The verdict on a sentence."""

    COMPLETE = "complete"
    TRAILING = "trailing"
    UNKNOWN = "unknown"
    """There are no words to judge by."""
    PENDING = "pending"
    """The recognizer has not finished."""


Judge = Callable[[], Completeness]
"""Returns the verdict on the words so far; is called again while the verdict is ``PENDING``."""

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
    """Return the verdict on a sentence from its words; ``UNKNOWN`` for an empty text."""
    text = " ".join(words.lower().split())[-200:]  # only the end matters; bounds the regexes
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
"""Dangling words that may end a question: "What is it for" is complete, "I am waiting for" is not."""

SHORTEST_HOLD, LONGEST_HOLD = 11, 38
"""In windows of 32 ms: a held sound lasts at least 0.35 s; beyond 1.2 s it is a tone, not a voice."""
LEAST_BEFORE = 3
"""Windows of speech required before the held sound; steady sound alone is a tone or noise."""
_STEADY = 0.1
"""Largest variation within a held sound, as a loudness probability; 0.1 is 4 dB."""


def is_held(levels: Collection[float]) -> bool:
    """Return True if a voice ends on a held sound; ``levels`` are the loudness probabilities of its last windows, oldest first."""
    ordered = list(levels)[::-1]
    low = high = ordered[0] if ordered else 0.0
    count = 0
    for level in ordered:
        low, high = min(low, level), max(high, level)
        if high - low > _STEADY:
            break
        count += 1
    return SHORTEST_HOLD <= count <= LONGEST_HOLD and count + LEAST_BEFORE <= len(ordered)
