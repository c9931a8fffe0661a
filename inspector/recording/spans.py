"""Bytes of many lines looked at at once, eight at a time: as rows of 64-bit words.

A ``Span`` is a text that many lines are to have at one place, but for the bytes that are free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

PRIMES = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
        0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3,
        0x1D8E4E27C47D124F,
        0xEB44ACCAB455D165,
    ],
    np.uint64,
)
"""Odd numbers whose bits look like chance, one a column: what rows of words are hashed with."""


def windows(text: Bytes, at: Ints, width: int) -> Words:
    """Return the ``width`` bytes (a multiple of 8) from each position on, as rows of 64-bit words."""
    # Of one element per window, so that each is copied as a whole.
    every = np.ndarray(len(text) - width + 1, f"V{width}", text, strides=(1,))
    found: Words = every[at].view(np.uint64).reshape(len(at), width // 8)
    return found


# Column by column: numpy reduces along a short row ten times as slowly.


def mixed(words: Words) -> npt.NDArray[np.uint64]:
    """Hash rows of at most ten words, 64 bits; words of zeros add nothing."""
    summed = np.zeros(len(words), np.uint64)
    for column, prime in zip(words.T, PRIMES, strict=False):
        part = (column ^ (column >> np.uint64(29))) * prime
        summed += part ^ (part >> np.uint64(32))
    return summed


def sorted_by(words: Words) -> npt.NDArray[np.uint64]:
    """Return numbers that are equal for equal rows of at most ten words, and mostly for these alone."""
    summed = np.zeros(len(words), np.uint64)
    for column, prime in zip(words.T, PRIMES, strict=False):
        summed += column * prime
    return summed


def are_digits(words: Words, mask: Words) -> Bools:
    """Tell which rows have nothing but digits in the bytes of a mask."""
    bad = np.zeros(len(words), np.uint64)
    for column, free in zip(words.T, mask, strict=False):
        if free:
            text = (column & free) | (_ZEROS & ~free)
            high = (text & _HIGH) | (((text + _SIXES) & _HIGH) >> np.uint64(4))
            bad |= high ^ _THREES
    result: Bools = bad == 0
    return result


def have_byte(words: Words, mask: Words, byte: int) -> Bools:
    """Tell which rows have a byte among those of a mask."""
    found = np.zeros(len(words), np.uint64)
    for column, looked_at in zip(words.T, mask, strict=False):
        if looked_at:
            # Zero where the byte is, in what is looked at; a byte is zero where taking one borrows from its top bit.
            differs = ((column ^ _ONES * np.uint64(byte)) & looked_at) | (_ONES & ~looked_at)
            found |= (differs - _ONES) & ~differs & _TOPS
    result: Bools = found != 0
    return result


def _repeated(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


_ONES, _THREES, _SIXES = _repeated(1), _repeated(0x33), _repeated(6)
_ZEROS, _HIGH, _TOPS = _repeated(ord("0")), _repeated(0xF0), _repeated(0x80)


def mask_of(width: int, spans: tuple[tuple[int, int], ...]) -> Words:
    """Return words that are ones in some bytes, and zeros in all others."""
    mask = np.zeros(width, np.uint8)
    for start, end in spans:
        mask[start:end] = 255
    return mask.view(np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Bytes that every line of a layout has at one place, but for those that are free."""

    pattern: Words
    """The text, with zeros where it is free."""
    mask: Words
    """Ones in the bytes that must be equal."""
    width: int
    """Bytes of both, a multiple of 8."""

    @classmethod
    def of(cls, text: bytes, free: tuple[tuple[int, int], ...] = ()) -> Span:
        """Return the span of a text; ``free`` holds ``(from, to)`` of what may differ."""
        width = -(-len(text) // 8) * 8
        pattern = np.frombuffer(text.ljust(width, b"\0"), np.uint64)
        mask = mask_of(width, ((0, len(text)),)) & ~mask_of(width, free)
        return cls(pattern & mask, mask, width)

    def fits(self, words: Words) -> Bools:
        """Tell which rows of words begin as this span does."""
        differs = np.zeros(len(words), np.uint64)
        for column, mask, pattern in zip(words.T, self.mask, self.pattern, strict=False):
            if mask:
                differs |= (column & mask) ^ pattern
        result: Bools = differs == 0
        return result
