"""Words, sentences and numbers in English text. All patterns take linear time, and long texts are shortened first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_CHARS = 2_000
"""Length to which texts are shortened, so that patterns take bounded time."""
MAX_NUMBER = 10**15
"""Limit of results; larger floats would lose digits."""

_STOP_TEXT = (
    "a about again all am an and any are as ask asked at be been but by can could did do "
    "does for from get give given going had has have he her his how i if in into is it its "
    "just know like me mean mentioned my name's now of on or our over please recall remember "
    "remind said say says she should so some tell than that the their them then there these "
    "they thing this those time to told up us use want was we were what what's when where "
    "which who whom whose why will with would you your yours earlier before also really call "
    "called let's im i'm it's going think guess repeat answer reply question"
)
_STOP = frozenset(_STOP_TEXT.split())
_SAME = {
    "colour": "color",
    "favourite": "favorite",
    "codeword": "code",
    "password": "code",
    "passphrase": "code",
    "passcode": "code",
    "pin": "code",
    "keyword": "word",
    "phrase": "word",
    "codename": "code",
    "hometown": "town",
    "birthday": "birth",
    "born": "birth",
    "telephone": "phone",
    "mobile": "phone",
    "residence": "live",
    "living": "live",
    "job": "work",
    "profession": "work",
    "occupation": "work",
    "meal": "food",
    "dish": "food",
}
_ONES_TEXT = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_ONES = _ONES_TEXT.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_UNITS = {
    **{word: number for number, word in enumerate(_ONES)},
    **{word: 10 * (number + 2) for number, word in enumerate(_TENS)},
}
_NUMBER_WORD = "|".join(sorted({*_UNITS, *_SCALES}, key=len, reverse=True))
_SPOKEN = re.compile(
    rf"\b(?:{_NUMBER_WORD})\b(?:(?:[ -]| and )(?:{_NUMBER_WORD})\b)*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as a sentence and as a bare value."""

    text: str
    """The whole answer."""
    short: str = ""
    """The value in it, for one-word answers; ``""`` if it has none."""


def cut(text: str) -> str:
    """Return a text shortened to ``MAX_CHARS``, on one line, with ASCII apostrophes and quotes."""
    plain = text[:MAX_CHARS].translate(_PLAIN)
    return " ".join(plain.split())


_PLAIN = str.maketrans("’‘“”", "''\"\"")


def sentences(text: str) -> list[str]:
    """Split a text into sentences and lines; a period without a space after it, as in 3.5, does not split."""
    pieces = re.split(r"(?<=[.!?])[\"']?\s+|\n+", text)
    return [piece.strip() for piece in pieces if piece.strip()]


def stem(word: str) -> str:
    """Return a word's stem: without possessive, plural and verb endings, and with synonyms unified."""
    word = word.lower().strip("'").removesuffix("'s")
    word = _SAME.get(word, word)
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            return word.removesuffix(ending).removesuffix("e")
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 4 else word


def content(text: str, *, keeps_all: bool = False) -> list[str]:
    """Return the stems of the words in order, without stop words unless ``keeps_all``."""
    found = re.findall(r"[^\W_]+(?:'[a-z]+)?", text.lower())
    return [stem(word) for word in found if keeps_all or word not in _STOP]


def proper_nouns(text: str) -> list[str]:
    """Return the runs of capitalized words that do not start a sentence."""
    found = re.findall(r"(?<![.!?] )(?<!^)\b[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", text)
    return [name.removesuffix("'s") for name in found if name not in _NOT_NAMES]


_NOT_NAMES = frozenset(["I", "I'm", "I'd", "I'll", "I've", "OK", "Mr", "Mrs", "Ms"])


def plain_number(value: float) -> str:
    """Return a number without a trailing ``.0`` and with at most six significant digits if it is not whole."""
    if abs(value) < MAX_NUMBER and float(value).is_integer():
        return str(int(value))
    return f"{value:.6g}"


@lru_cache(maxsize=1024)
def with_digits(text: str) -> str:
    """Return a text with its spelled-out numbers as digits: "twenty-one apples" becomes "21 apples"."""
    return _SPOKEN.sub(lambda found: str(_spoken_number(found.group())), text)


def _spoken_number(text: str) -> int:
    total = part = 0
    previous = -1
    for word in re.findall(r"[a-z]+", text.lower()):
        if word == "and":
            continue
        scale = _SCALES.get(word)
        if scale is None:
            value = _UNITS[word]
            # "four two" is read out digit by digit and means 42; "forty two" is a sum.
            is_sequence = previous >= 0 and not (20 <= previous < 100 and 0 < value < 10)
            part = part * 10 ** len(str(value)) + value if is_sequence else part + value
            previous = value
        elif scale == 100:
            part, previous = max(1, part) * 100, -1
        else:
            total, part, previous = total + max(1, part) * scale, 0, -1
        if total + part > MAX_NUMBER:
            return MAX_NUMBER
    return total + part


def swap_persons(text: str) -> str:
    """Return a text from the other speaker's perspective: "my" becomes "your", "I am" becomes "you are"."""
    return re.sub(
        r"\b(?:I am|I'm|I've|I'd|I'll|I was|you are|you're|you were|I|me|my|mine|myself|you|your|yours|yourself|am)\b",
        lambda found: _SWAPPED.get(found.group().lower(), found.group()),
        text,
        flags=re.IGNORECASE,
    )


_SWAPPED = {
    "i am": "you are",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "i was": "you were",
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "you are": "I am",
    "you're": "I'm",
    "you were": "I was",
    "you": "I",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
}
