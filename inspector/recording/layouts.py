"""Where things stand in a line: learned from one line, verified for every other that should look the same.

A layout is a span of bytes that lines of one kind share, but for the places that are free (digits, ids); what fits no
layout is left to the parser.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inspector.core.event import Direction, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.log import DIRECTION_CODE, ORIGIN_CODE
from inspector.recording.chunk_file import MARGIN
from inspector.recording.spans import (
    PRIMES,
    Bools,
    Bytes,
    Ints,
    Span,
    Words,
    are_digits,
    have_byte,
    mask_of,
    mixed,
    windows,
)

WINDOW = 64
"""Bytes from ``"dir"`` on by which lines are sorted into buckets: the direction, origin and most of the type."""
STAMP_BYTES = 40
MAX_ID = 64
MAX_TYPE = 96
QUOTE, BACKSLASH, PADDING = b'"\\='
TAIL_BYTES = 96
"""How far before the end of an audio event other members are looked for."""
_STAMP = re.compile(rb'\{"seq":(\d{1,12}),"t":(\d{1,9})\.(\d{6}),')
_HEAD = re.compile(
    rb'"dir":"(?P<dir>[a-z]+)","origin":"(?P<origin>[a-z]+)","type":"(?P<type>[ !#-\[\]-~]{1,%d})","event":\{'
    % MAX_TYPE
)
_ITEM = b'"item_id":"'
_INDEX = re.compile(rb'[^{}]*?"content_index":(\d)[,}]')


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """Layout of ``{"seq":…,"t":…,``."""

    span: Span
    """The whole beginning."""
    digits: Words
    """Mask of the digits."""
    time: tuple[int, ...]
    """Columns of the digits of ``t``, seconds and microseconds."""
    length: int
    """Bytes of it."""

    @classmethod
    def learn(cls, line: bytes) -> Stamp | None:
        """Return the layout of a line's beginning, None where it has none."""
        found = _STAMP.match(line)
        if found is None or found.end() > STAMP_BYTES:
            return None
        digits = (found.span(1), found.span(2), found.span(3))
        time = (*range(*found.span(2)), *range(*found.span(3)))
        return cls(Span.of(found.group(), digits), mask_of(STAMP_BYTES, digits), time, found.end())

    def read(self, words: Words) -> tuple[Bools, Ints]:
        """Return which rows fit, and their times in µs."""
        fits = self.span.fits(words) & are_digits(words, self.digits)
        text = words.view(np.uint8)
        t_us = np.zeros(len(words), np.int64)
        for column in self.time:
            t_us *= 10
            t_us += text[:, column]
        return fits, t_us - ord("0") * int("1" * len(self.time))


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Layout of a line from ``"dir"`` to the ``{`` of its event."""

    first: Span
    """The first ``WINDOW`` bytes, or all where there are fewer."""
    rest: Span | None
    """What lies beyond the first ``WINDOW`` bytes."""
    length: int
    """Bytes up to and including the ``{``."""
    direction: int
    """Code of the direction."""
    origin: int
    """Code of the origin."""
    type: str
    """The event type."""

    @classmethod
    def learn(cls, text: bytes) -> Head | None:
        """Return the layout of a text that begins with ``"dir"``, None where the parser has to look at it."""
        found = _HEAD.match(text)
        if found is None:
            return None
        try:
            direction = DIRECTION_CODE[Direction(found["dir"].decode())]
            origin = ORIGIN_CODE[Origin(found["origin"].decode())]
        except ValueError:
            return None
        head, name = found.group(), found["type"].decode()
        rest = Span.of(head[WINDOW:]) if len(head) > WINDOW else None
        return cls(Span.of(head[:WINDOW]), rest, len(head), direction, origin, name)

    def fits(self, text: Bytes, at: Ints, words: Words) -> Bools:
        """Tell which lines have this head; ``words`` are their first ``WINDOW`` bytes from ``at`` on."""
        fits = self.first.fits(words)
        if self.rest is not None:
            fits &= self.rest.fits(windows(text, at + WINDOW, self.rest.width))
        return fits


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Layout of a delta's ``item_id`` and ``content_index``."""

    column: int
    """Where ``"item_id":"`` stands, from the ``{`` of the event."""
    span: Span
    """From ``item_id`` to the content index."""
    id_end: int
    """Where the id ends, from ``column``."""
    digits: tuple[int, ...]
    """Columns in which any digit may stand; the last is the content index. Empty where there is none."""
    id_mask: Words
    """Ones in the bytes of the id."""

    @classmethod
    def learn(cls, event: bytes) -> Part | None:
        """Return the layout of one event, None where the parser has to look at it."""
        column = event.find(_ITEM)
        begin = column + len(_ITEM)
        end = event.find(b'"', begin)
        if column < 0 or not 0 < end - begin <= MAX_ID or event.count(_ITEM) != 1:
            return None
        if b"\\" in event[begin:end]:
            return None
        text = event[column : end + 1]
        digits: tuple[int, ...] = ()
        if b'"content_index":' in event:
            found = _INDEX.match(event, end)
            if found is None or found.end() - column > MARGIN:
                return None
            text = event[column : found.end()]
            digits = tuple(
                at - column for at in range(end, found.end()) if event[at : at + 1].isdigit()
            )
        free = ((len(_ITEM), end - column), *((at, at + 1) for at in digits))
        span = Span.of(text, free)
        mask = mask_of(span.width, ((len(_ITEM), end - column),))
        return cls(column, span, end - column, digits, mask)

    def read(self, text: Bytes, event_at: Ints, salt: int) -> tuple[Bools, npt.NDArray[np.uint64]]:
        """Return which events fit, and the key of each one's part."""
        at = np.minimum(event_at + self.column, len(text) - self.span.width)
        words = windows(text, at, self.span.width)
        fits = self.span.fits(words)
        raw = words.view(np.uint8)
        fits &= ~have_byte(words, self.id_mask, QUOTE)
        fits &= ~have_byte(words, self.id_mask, BACKSLASH)
        index = np.zeros(len(at), np.uint64)
        for column in self.digits:
            index = raw[:, column].astype(np.uint64) - np.uint64(48)
            fits &= index <= 9
        used = -(-self.id_end // 8)
        return fits, combined(mixed(words[:, :used] & self.id_mask[:used]), index, salt)


def combined(
    ids: npt.NDArray[np.uint64], index: npt.NDArray[np.uint64], salt: int
) -> npt.NDArray[np.uint64]:
    """Join ids' hashes with content indexes and a type's salt; never 0."""
    keys: npt.NDArray[np.uint64] = ((ids ^ np.uint64(salt)) + index * PRIMES[2]) | np.uint64(1)
    return keys


def salt_of(name: str) -> int:
    """Return a number that stands for a type in the keys of its parts, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def part_key_of(item_id: str, index: int, salt: int) -> int:
    """Return the key of one part, as ``Part.read`` works out many."""
    raw = item_id.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_ID:
        whole = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())
        ids = np.array([whole], np.uint64)
    else:
        row = np.zeros(-(-(len(_ITEM) + MAX_ID) // 8) * 8, np.uint8)
        row[len(_ITEM) : len(_ITEM) + len(raw)] = np.frombuffer(raw, np.uint8)
        ids = mixed(row.view(np.uint64)[None, :])
    with np.errstate(over="ignore"):
        number = np.array([index & 0xFFFFFFFFFFFFFFFF], np.uint64)
        return int(combined(ids, number, salt)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Layout of an event's base64 audio."""

    column: int
    """Where the base64 text begins, from the ``{`` of the event."""
    marker: Bytes
    """The key and the quote before the base64 text."""
    tail: Bytes
    """What follows the base64 text up to the end of the line."""

    @classmethod
    def learn(cls, event: bytes, name: str) -> Audio | None:
        """Return the layout of one event (with the rest of its line), None where the parser has to look at it."""
        for key in AUDIO_KEYS[name]:
            marker = f'"{key}":"'.encode()
            found = event.find(marker)
            if found >= 0:
                begin = found + len(marker)
                tail = event[event.find(b'"', begin) :]
                if len(tail) > TAIL_BYTES - 2:
                    return None
                return cls(begin, np.frombuffer(marker, np.uint8), np.frombuffer(tail, np.uint8))
        return None

    def read(self, text: Bytes, event_at: Ints, line_end: Ints) -> tuple[Bools, Ints]:
        """Return which events fit, and the size of each one's audio in bytes."""
        begin = event_at + self.column
        end = line_end - len(self.tail)
        fits = (end >= begin) & (line_end >= TAIL_BYTES)
        safe = np.where(fits, begin, len(self.marker))
        marker_at = safe[:, None] - len(self.marker) + np.arange(len(self.marker))
        fits &= (text[marker_at] == self.marker).all(axis=1)
        last = windows(text, np.maximum(line_end - TAIL_BYTES, 0), TAIL_BYTES).view(np.uint8)
        room = TAIL_BYTES - len(self.tail)
        fits &= (last[:, room:] == self.tail).all(axis=1)
        # Another member after the audio would show as a quote shortly before its end.
        characters = end - begin
        is_quote = last[:, :room] == QUOTE
        short = np.flatnonzero(characters < room)
        is_quote[short] &= np.arange(room) >= (room - characters[short])[:, None]
        fits &= ~is_quote.any(axis=1)
        padding = (last[:, room - 1] == PADDING).astype(np.int64) + (last[:, room - 2] == PADDING)
        return fits, np.maximum(0, characters * 3 // 4 - padding)
