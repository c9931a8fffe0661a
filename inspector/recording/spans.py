"""Comparison of many lines at once: eight bytes of every line in one column of 64-bit words.

Arrays of words have the shape (columns, lines), so that an operation on all lines runs along memory. A ``ByteSpan`` is a text that
lines must have at one place, except for its free bytes; a ``DigitSpan`` also allows any digit at some positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
LineMask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
WordColumn = npt.NDArray[np.uint64]

WORD = np.dtype("<u8")
"""Little-endian on every machine, so that the first of eight bytes is always the lowest."""
WORD_BYTES = 8

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
"""Odd multipliers with random-looking bits, one per column, for hashing words (mostly the primes of xxHash64 and wyhash)."""


def windows(text: Bytes, at: Ints, width: int) -> WordColumn:
    """Return the ``width`` bytes (a multiple of 8) from each position on, shape (width / 8, positions)."""
    # Transposed, so that a question about all lines of a chunk is one numpy call along memory.
    return np.ascontiguousarray(pieces(text, at, width).T)


def pieces(text: Bytes, at: Ints, width: int) -> WordColumn:
    """Return the bytes from each position on, shape (positions, width / 8)."""
    # Overlapping elements of type void: numpy copies each one as a whole instead of byte by byte.
    every = np.ndarray(len(text) - width + 1, f"V{width}", text, strides=(1,))
    return every[at].view(WORD).reshape(len(at), width // WORD_BYTES)


def mixed(words: WordColumn) -> WordColumn:
    """Return a 64-bit hash of at most ten words per line; words of zeros do not change it."""
    parts = (words ^ (words >> np.uint64(29))) * PRIMES[: len(words), None]
    hashes: WordColumn = np.add.reduce(parts ^ (parts >> np.uint64(32)), axis=0)
    return hashes


def alike(words: WordColumn) -> WordColumn:
    """Return numbers that are equal for equal lines of at most ten words, and rarely equal for others; cheaper than ``mixed``."""
    sums: WordColumn = np.add.reduce(words * PRIMES[: len(words), None], axis=0)
    return sums


def byte(words: WordColumn, at: int) -> WordColumn:
    """Return one byte of every line."""
    shift = np.uint64(8 * (at % WORD_BYTES))
    values: WordColumn = (words[at // WORD_BYTES] >> shift) & np.uint64(0xFF)
    return values


def have_byte(words: WordColumn, mask: WordColumn, value: int) -> LineMask:
    """Return the lines that have a given byte among those of a mask."""
    columns = np.flatnonzero(mask)
    inside = mask[columns, None]
    differs = ((words[columns] ^ _repeated(value)) & inside) | (_ONES & ~inside)
    # The classic test for a zero byte in a word: subtracting 1 borrows into the top bit only of a byte that was 0.
    return _any((differs - _ONES) & ~differs & _TOPS)


def _any(words: WordColumn) -> LineMask:
    result: LineMask = np.bitwise_or.reduce(words, axis=0) != 0
    return result


def _repeated(value: int) -> np.uint64:
    return np.uint64(value * 0x0101010101010101)


_ONES, _TOPS = _repeated(1), _repeated(0x80)


def whole_words(size: int) -> int:
    """Return ``size`` rounded up to a multiple of a word."""
    return -(-size // WORD_BYTES) * WORD_BYTES


def mask_of(width: int, spans: tuple[tuple[int, int], ...]) -> WordColumn:
    """Return words with all bits set in the bytes of ``spans``, and none elsewhere."""
    mask = np.zeros(width, np.uint8)
    for start, end in spans:
        mask[start:end] = 255
    return mask.view(WORD)


@dataclass(frozen=True, slots=True, eq=False)
class ByteSpan:
    """Bytes that every line of a layout has at one place, except for the free ones."""

    pattern: WordColumn
    """The text, with zeros in its free bytes."""
    mask: WordColumn
    """All bits set in the bytes that must be equal."""
    width: int
    """Bytes of both, a multiple of 8."""
    length: int
    """Bytes of the text."""

    @classmethod
    def of(cls, text: bytes, free: tuple[tuple[int, int], ...] = ()) -> ByteSpan:
        """Return the span of a text; ``free`` contains ``(from, to)`` of the bytes that may differ."""
        width = whole_words(len(text))
        pattern = np.frombuffer(text.ljust(width, b"\0"), WORD)
        mask = mask_of(width, ((0, len(text)),)) & ~mask_of(width, free)
        return cls(pattern & mask, mask, width, len(text))

    def fits(self, words: WordColumn) -> LineMask:
        """Return which lines match the span."""
        return ~_any((words & self.mask[:, None]) ^ self.pattern[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class DigitSpan:
    """Bytes that every line of a layout has at one place, except for some that may be any digit."""

    pattern: WordColumn
    """The text, with the digit 0 where any digit is allowed."""
    mask: WordColumn
    """All bits set in its bytes."""
    room: WordColumn
    """Added to a byte's difference from the pattern: the sum stays below 128 only for an allowed difference (0, or 0 to 9)."""

    @classmethod
    def of(cls, text: bytes, digits: tuple[tuple[int, int], ...], width: int) -> DigitSpan:
        """Return the span of a text; ``digits`` contains ``(from, to)`` of the digits, ``width`` is the bytes read of a line."""
        line = np.frombuffer(text.ljust(width, b"\0"), WORD)
        free = mask_of(width, digits)
        room = np.where(free.view(np.uint8), 127 - 9, 127).astype(np.uint8)
        return cls(
            (line & ~free) | (_repeated(ord("0")) & free),
            mask_of(width, ((0, len(text)),)),
            room.view(WORD),
        )

    def read(self, words: WordColumn) -> tuple[LineMask, WordColumn]:
        """Return which lines match, and their words with each digit replaced by its value."""
        # XOR with "0" (0x30) turns a digit into its value, and any other character into more than 9.
        values = (words ^ self.pattern[:, None]) & self.mask[:, None]
        return ~_any(((values & ~_TOPS) + self.room[:, None] | values) & _TOPS), values
