"""Where things stand in a line: learned from one line, verified for every other that should look the same.

A layout is a span of bytes that lines of one kind share, but for the places that are free (digits, ids); what fits no
layout is left to the parser.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from inspector.core.event import Direction, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.log import DIRECTION_CODE, ORIGIN_CODE
from inspector.recording.chunk_file import MARGIN
from inspector.recording.spans import (
    PRIMES,
    WORD,
    WORD_BYTES,
    Bools,
    Bytes,
    DigitSpan,
    Ints,
    Span,
    Words,
    byte,
    have_byte,
    mask_of,
    mixed,
    stretches,
    whole_words,
    windows,
)

STAMP_BYTES = 40
MAX_ID = 64
MAX_TYPE = 96
QUOTE, BACKSLASH, PADDING = b'"\\='
TAIL_BYTES = 96
"""How far before the end of an audio event other members are looked for; events with less audio are parsed."""
MAX_PADDING = 2
_COLON = ord(":")
_FAILURES = (b"failed", b"incomplete")
_STAMP = re.compile(rb'\{"seq":(\d{1,12}),"t":(\d{1,9})\.(\d{6}),')
_HEAD = re.compile(
    rb'"dir":"(?P<dir>[a-z]+)","origin":"(?P<origin>[a-z]+)","type":"(?P<type>[ !#-\[\]-~]{1,%d})","event":\{'
    % MAX_TYPE
)
_ITEM = b'"item_id":"'
_OUTCOME = re.compile(
    rb'\{(?:"[a-z_]+": ?"[^"\\]{0,64}", ?)*"response": ?\{(?:"[a-z_]+": ?"[^"\\]{0,64}", ?)*"status": ?"([a-z_]+)"'
)
_VALUE = re.compile(rb'": ?"([^"]*)"')
_INDEX = re.compile(rb'[^{}]*?"content_index":(\d)[,}]')


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """Layout of ``{"seq":…,"t":…,``."""

    span: DigitSpan
    """The whole beginning."""
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
        return cls(DigitSpan.of(found.group(), digits, STAMP_BYTES), time, found.end())

    def read(self, words: Words) -> tuple[Bools, Ints]:
        """Return which rows fit, and their times in µs."""
        fits, values = self.span.read(words)
        t_us = np.zeros(words.shape[1], np.uint64)
        for column in self.time:
            t_us *= np.uint64(10)
            t_us += byte(values, column)
        return fits, t_us.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Head:
    """A line from ``"dir"`` to the ``{`` of its event: what all lines of one type have in common."""

    text: bytes
    """Up to and including the ``{``."""
    direction: int
    """Code of the direction."""
    origin: int
    """Code of the origin."""
    type: str
    """The event type."""

    @classmethod
    def learn(cls, text: bytes) -> Head | None:
        """Return the head of a text that begins with ``"dir"``, None where the parser has to look at it."""
        found = _HEAD.match(text)
        if found is None:
            return None
        try:
            direction = DIRECTION_CODE[Direction(found["dir"].decode())]
            origin = ORIGIN_CODE[Origin(found["origin"].decode())]
        except ValueError:
            return None
        return cls(found.group(), direction, origin, found["type"].decode())


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
    length: int
    """Bytes of the text."""

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
        id_mask = mask_of(span.width, ((len(_ITEM), end - column),))
        return cls(column, span, end - column, digits, id_mask, len(text))

    def read(self, text: Bytes, event_at: Ints, salt: int) -> tuple[Bools, Words]:
        """Return which events fit, and the key of each one's part."""
        at = np.minimum(event_at + self.column, len(text) - self.span.width)
        first, counts = stretches(text, at, self.length)
        fits, keys = self._read(windows(text, at[first], self.span.width), salt)
        return np.repeat(fits, counts), np.repeat(keys, counts)

    def _read(self, words: Words, salt: int) -> tuple[Bools, Words]:
        fits = self.span.fits(words)
        fits &= ~have_byte(words, self.id_mask, QUOTE)
        fits &= ~have_byte(words, self.id_mask, BACKSLASH)
        index = np.zeros(words.shape[1], np.uint64)
        for column in self.digits:
            index = byte(words, column) - np.uint64(ord("0"))
            fits &= index <= 9
        used = whole_words(self.id_end) // WORD_BYTES
        return fits, combined(mixed(words[:used] & self.id_mask[:used, None]), index, salt)


def combined(ids: Words, index: Words, salt: int) -> Words:
    """Join ids' hashes with content indexes and a type's salt; never 0."""
    keys: Words = ((ids ^ np.uint64(salt)) + index * PRIMES[2]) | np.uint64(1)
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
        line = (bytes(len(_ITEM)) + raw).ljust(whole_words(len(_ITEM) + MAX_ID), b"\0")
        ids = mixed(np.frombuffer(line, WORD)[:, None])
    with np.errstate(over="ignore"):
        number = np.array([index & 0xFFFFFFFFFFFFFFFF], np.uint64)
        return int(combined(ids, number, salt)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Layout of an event's base64 audio, to the end of its line."""

    column: int
    """Where the key stands, from the ``{`` of the event."""
    marker: Span
    """The key and the quote before the base64 text."""
    marker_bytes: int
    """Bytes of these."""
    tail: Span
    """The last ``TAIL_BYTES`` of the line: free where they are base64, then what follows it."""
    room: int
    """How many of these are base64."""

    @classmethod
    def learn(cls, event: bytes, name: str) -> Audio | None:
        """Return the layout of one event (with the rest of its line), None where the parser has to look at it."""
        for key in AUDIO_KEYS[name]:
            marker = f'"{key}":"'.encode()
            found = event.find(marker)
            if found >= 0:
                end = event.find(b'"', found + len(marker))
                tail = event[end:]
                room = TAIL_BYTES - len(tail)
                if room < MAX_PADDING or b"\\" in event[:end]:
                    return None
                ending = Span.of(bytes(room) + tail, ((0, room),))
                return cls(found, Span.of(marker), len(marker), ending, room)
        return None

    def read(self, text: Bytes, event_at: Ints, line_end: Ints) -> tuple[Bools, Ints]:
        """Return which events fit, and the size of each one's audio in bytes."""
        at = event_at + self.column
        characters = line_end - (TAIL_BYTES - self.room) - at - self.marker_bytes
        fits = characters >= self.room
        fits &= self.marker.fits(windows(text, np.where(fits, at, 0), self.marker.width))
        last = windows(text, np.where(fits, line_end - TAIL_BYTES, 0), TAIL_BYTES)
        fits &= self.tail.fits(last)
        # A data URL is no base64 text; only its fifth character needs to be looked at (``base64_size``).
        fifth = np.where(fits, at + self.marker_bytes + 4, 0)
        fits &= text[fifth] != _COLON
        # Another member after the audio would show as a quote shortly before its end.
        ending = mask_of(TAIL_BYTES, ((0, self.room),))
        fits &= ~have_byte(last, ending, QUOTE)
        # Who escapes a "/" or "+" does so everywhere, and one is in most endings: then lengths do not tell the size.
        if (fits & have_byte(last, ending, BACKSLASH)).any():
            fits[:] = False
        is_padded = byte(last, self.room - 1) == PADDING
        is_padded_twice = is_padded & (byte(last, self.room - 2) == PADDING)
        return fits, np.maximum(0, characters * 3 // 4 - is_padded - is_padded_twice)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Layout of a ``response.done`` up to the status of its response, which is one that is no failure."""

    span: Span
    """From the ``{`` of the event to its status, whose members before it are texts."""
    values: Words
    """Ones in the bytes of these."""

    @classmethod
    def learn(cls, event: bytes) -> Outcome | None:
        """Return the layout of one event, None where the parser has to look at it."""
        found = _OUTCOME.match(event)
        if found is None or found.end() > MARGIN or found[1] in _FAILURES:
            return None
        free = tuple(value.span(1) for value in _VALUE.finditer(event, 0, found.start(1) - 1))
        span = Span.of(found.group(), free)
        return cls(span, mask_of(span.width, free))

    def read(self, text: Bytes, event_at: Ints) -> Bools:
        """Return which events fit."""
        words = windows(text, event_at, self.span.width)
        fits = self.span.fits(words)
        fits &= ~have_byte(words, self.values, QUOTE)
        fits &= ~have_byte(words, self.values, BACKSLASH)
        return fits
