"""Where things stand in a line: learned from one line, verified byte by byte for every other that looks the same.

A layout is exact: a line that fits is JSON and says what the line says that the layout was learned from, but for the values that
are free. Which of these matter, and for what, is asked of the functions that read events one by one (``EventLayout.learn``). What
fits no layout is left to the parser.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import audio_of, base64_size, part_key
from inspector.core.kinds import REPEATED, KindTable
from inspector.core.log import DIRECTION_CODE, ORIGIN_CODE, flags_of, outcome_of
from inspector.recording.chunk_rows import BACKSLASH, NO_PART, QUOTE, Rows
from inspector.recording.spans import (
    PRIMES,
    WORD,
    ByteSpan,
    DigitSpan,
    Ints,
    LineMask,
    WordColumn,
    byte,
    have_byte,
    mask_of,
    mixed,
    whole_words,
)

STAMP_BYTES = 40
MAX_ID = 64
MAX_FIXED_BYTES = 4096
"""Of a layout; a longer line, mostly a whole session, is one of few."""
MAX_SEGMENTS = 25
NUMBER_BYTES = 16
"""Looked at of a number that is free, and of what follows it: an integer of fewer digits is one for every reader."""
PADDING = ord("=")
COLON = ord(":")
_STAMP = re.compile(rb'\{"seq":(\d{1,12}),"t":(\d{1,9})\.(\d{6}),')
_HEAD = re.compile(
    rb'"dir":"(?P<dir>[a-z]+)","origin":"(?P<origin>[a-z]+)","type":"[ !#-\[\]-~]{1,96}","event":(?=\{)'
)
_TOKEN = re.compile(rb'"(?P<text>[^"]*)"(?P<is_key>\s*:)?|(?<=[: ])(?P<number>\d+)(?=[,}])')
_WORD = re.compile(rb"[A-Za-z0-9_.\-]{1,40}")
"""A text that looks like one of a closed set: what differs in it is better another layout."""
_FREE_TEXTS = frozenset({b"delta", b"audio", b"transcript", b"obfuscation", b"text", b"arguments"})
_PROBE_MARK = b'"~'
"""How a text begins that is a probe, and no other."""
_PROBE_NUMBER = 900_000_000_000_000
_ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF


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

    def read(self, words: WordColumn) -> tuple[LineMask, Ints]:
        """Return which rows fit, and their times in µs."""
        fits, values = self.span.read(words)
        t_us = np.zeros(words.shape[1], np.uint64)
        for column in self.time:
            t_us *= np.uint64(10)
            t_us += byte(values, column)
        return fits, t_us.astype(np.int64)


@dataclass(slots=True)
class _Token:
    """A value of the line that a layout is learned from."""

    start: int
    """Where its first byte is in the line; of a text, after the quote."""
    end: int
    """Where it ends."""
    is_id: bool
    """Whether only its bytes are free, not how many they are."""
    probe: str | int
    """What stands in its place while the readers of events are asked; a text for a text."""


class LayoutGap(Enum):
    """A value of any length between two segments of a line."""

    TEXT = auto()
    """It ends at the next quote."""
    NUMBER = auto()
    """It is an integer of a few digits."""


@dataclass(frozen=True, slots=True, eq=False)
class LayoutSegment:
    """A stretch of a line between two gaps."""

    span: ByteSpan
    """The text; free where ids are."""
    ids: WordColumn | None
    """Ones in the bytes of the ids; None where there are none."""

    @classmethod
    def of(cls, text: bytes, ids: tuple[tuple[int, int], ...]) -> LayoutSegment:
        """Return the segment of a text; ``ids`` holds ``(from, to)`` of those in it."""
        span = ByteSpan.of(text, ids)
        return cls(span, mask_of(span.width, ids) if ids else None)

    def fits(self, words: WordColumn) -> LineMask:
        """Tell which lines have this segment, with texts where it has ids."""
        fits = self.span.fits(words)
        return fits if self.ids is None else fits & ~have_byte(words, self.ids, QUOTE)


@dataclass(frozen=True, slots=True)
class FreeId:
    """The id of a content part, whose bytes are free."""

    segment: int
    """Number of the segment in which it stands."""
    column: int
    """Where it begins there."""
    length: int
    """Bytes of it."""
    salt: int
    """Of the type, in the key of the part."""
    content_index: int


@dataclass(frozen=True, slots=True, eq=False)
class EventLayout:
    """Layout of a line from ``"dir"`` on: fixed segments with free ids in them, and values of any length between these."""

    direction: int
    """Code of the direction."""
    origin: int
    """Code of the origin."""
    code: int
    """Of the type that the event gives itself."""
    flags: int
    """Flag bits of the event."""
    event_at: int
    """Where the event begins, from ``"dir"`` on."""
    segments: tuple[LayoutSegment, ...]
    """What stands before, between and after the gaps."""
    gaps: tuple[LayoutGap, ...]
    """One after every segment but the last."""
    part: int
    """Key of the content part, where its id is not free."""
    item_id: FreeId | None
    """Where the id of the content part stands, if it is free."""
    audio_bytes: int
    """Decoded size of the audio, where that is not free."""
    audio: int | None
    """Number of the gap that is base64 audio; None where there is none."""

    @classmethod
    def learn(cls, rows: Rows, row: int, begin: int, kinds: KindTable) -> EventLayout | None:
        """Return the layout of one row, whose ``"dir"`` stands at ``begin`` of its line; None where the parser has to look."""
        line = rows.plain_line(row)
        head = _HEAD.match(line, begin)
        if head is None or not line.endswith(b"}") or _PROBE_MARK in line:
            return None
        try:
            direction, origin = Direction(head["dir"].decode()), Origin(head["origin"].decode())
        except ValueError:
            return None
        tokens = _tokens(line, head.end())
        event = _probed(rows.line(row), head.end(), tokens, direction, origin)
        if (
            event is None or event.type in REPEATED
        ):  # where what it says decides with which it folds
            return None
        code = kinds.code(event.type)
        key = part_key(event) if kinds[code].fold == "part" else None
        sound = audio_of(event)
        gaps = [token for token in tokens if not token.is_id]
        audio = next((at for at, token in enumerate(gaps) if token.probe == sound), None)
        segments, places = _segments(line, begin, tokens)
        if segments is None:
            return None
        item_id = None
        part = int(NO_PART)
        if key is not None:
            salt = salt_of(key[0])
            part = part_key_of(key[1], key[2], salt)
            if key[1] in places:
                item_id = FreeId(*places[key[1]], salt, key[2])
        return cls(
            DIRECTION_CODE[direction],
            ORIGIN_CODE[origin],
            code,
            flags_of(event, kinds[code].flags),
            head.end() - begin,
            segments,
            tuple(
                LayoutGap.TEXT if isinstance(token.probe, str) else LayoutGap.NUMBER
                for token in gaps
            ),
            part,
            item_id,
            base64_size(sound) if audio is None else 0,
            audio,
        )

    def read(self, rows: Rows, at: Ints, begins: Ints) -> LineMask:
        """Fill in the rows that fit; tell which did.

        Args:
            rows: all rows of a chunk.
            at: those to look at.
            begins: where the ``"dir"`` of each of these should stand.
        """
        fits = rows.is_literal[at] if self.audio is not None else np.ones(len(at), bool)
        ends = rows.ends[at]
        starts, found_part, found_audio = begins, None, None
        for number, segment in enumerate(self.segments):
            stops = starts + segment.span.length
            fits &= stops <= ends
            words = rows.windows(starts, segment.span.width, fits)
            if words is None:
                return fits
            fits &= segment.fits(words)
            if self.item_id is not None and self.item_id.segment == number:
                found_part = self._parts(self.item_id, rows, starts, fits)
            if number == len(self.gaps):
                fits &= stops == ends
                break
            if self.gaps[number] is LayoutGap.TEXT:
                starts = rows.next_quotes(stops, ends, fits)
            else:
                lengths = _number_lengths(rows, stops, fits)
                fits &= lengths > 0
                starts = stops + lengths
            if number == self.audio:
                found_audio = _audio_bytes(rows, stops, starts, fits)
        self._fill(rows, at[fits], begins[fits])
        here = at[fits]
        rows.part[here] = self.part if found_part is None else found_part[fits]
        rows.audio[here] = self.audio_bytes if found_audio is None else found_audio[fits]
        return fits

    def _fill(self, rows: Rows, here: Ints, begins: Ints) -> None:
        rows.is_fast[here] = True
        rows.direction[here] = self.direction
        rows.origin[here] = self.origin
        rows.kind[here] = self.code
        rows.flags[here] = self.flags
        rows.size[here] = rows.ends[here] - 1 - begins - self.event_at

    def _parts(
        self, item_id: FreeId, rows: Rows, starts: Ints, fits: LineMask
    ) -> WordColumn | None:
        """Return the keys of the content parts whose ids stand in a segment; let go of rows whose id has an escape."""
        width = whole_words(item_id.length)
        words = rows.windows(starts + item_id.column, width, fits)
        if words is None:
            return None
        mask = mask_of(width, ((0, item_id.length),))
        fits &= ~have_byte(words, mask, BACKSLASH)
        return combined(mixed(words & mask[:, None]), item_id.content_index, item_id.salt)


def _tokens(line: bytes, event_at: int) -> list[_Token]:
    """Return the values of an event that may be free, in their order."""
    tokens = []
    key = b""
    for number, found in enumerate(_TOKEN.finditer(line, event_at, len(line) - 1)):
        if found["is_key"] is not None:
            key = found["text"]
            continue
        is_text = found["text"] is not None
        start, end = found.span("text" if is_text else "number")
        is_id = is_text and key.endswith(b"id") and 0 < end - start <= MAX_ID
        is_word = is_text and not is_id and _WORD.fullmatch(found["text"]) is not None
        is_free = key in _FREE_TEXTS or not is_word if is_text else not key.endswith(b"index")
        # The element of an array has no key of its own.
        if key and is_free:
            probe = f"~{number}~" if is_text else _PROBE_NUMBER + number
            tokens.append(_Token(start, end, is_id, probe))
        key = b""
    return tokens


def _probed(
    line: bytes, event_at: int, tokens: list[_Token], direction: Direction, origin: Origin
) -> Event | None:
    """Return the event with a probe for every free value; values that decide about more than a size are made fixed.

    Those are the ones that turn up in what the readers of events answer.
    """
    while True:
        parts, done = [], event_at
        for token in tokens:
            probe = token.probe.encode() if isinstance(token.probe, str) else b"%d" % token.probe
            parts += [line[done : token.start], probe]
            done = token.end
        data = b"".join([*parts, line[done:-1]])
        name, body, problem = decode(data)
        if body is None or problem is not None:
            return None
        event = Event(0, 0, direction, origin, name, data, True, body)
        deciding = [token for token in tokens if token.probe in _told(event, token)]
        if not deciding:
            return event
        for token in deciding:
            tokens.remove(token)


def _told(event: Event, token: _Token) -> tuple[object, ...]:
    """Return what the columns tell of an event, but for the values of a token that a layout can read."""
    _, item_id, content_index = part_key(event) or ("", None, None)
    decides = audio_of(event) if token.is_id else item_id
    return event.type, *outcome_of(event), content_index, decides


def _segments(
    line: bytes, begin: int, tokens: list[_Token]
) -> tuple[tuple[LayoutSegment, ...] | None, dict[object, tuple[int, int, int]]]:
    """Return what stands around the gaps, and where the free ids are: segment, column and length."""
    segments: list[LayoutSegment] = []
    places: dict[object, tuple[int, int, int]] = {}
    free: list[tuple[int, int]] = []
    start = begin
    for token in [*tokens, None]:
        if token is not None and token.is_id:
            column, length = token.start - start, token.end - token.start
            places[token.probe] = len(segments), column, length
            free.append((column, column + length))
            continue
        text = line[start : len(line) if token is None else token.start]
        segments.append(LayoutSegment.of(text, tuple(free)))
        if token is not None:
            start, free = token.end, []
    fixed = sum(segment.span.length for segment in segments)
    if fixed > MAX_FIXED_BYTES or len(segments) > MAX_SEGMENTS:
        return None, places
    return tuple(segments), places


def _number_lengths(rows: Rows, starts: Ints, among: LineMask) -> Ints:
    """Return how long the integers are, as JSON has them, that stand at some positions; 0 where there is none or a long one."""
    words = rows.windows(starts, NUMBER_BYTES, among)
    if words is None:
        return np.zeros(len(starts), np.int64)
    digits = np.ascontiguousarray(words.T).view(np.uint8) - ord("0")
    lengths: Ints = (digits > 9).argmax(axis=1)
    lengths[(digits[:, 0] == 0) & (lengths > 1)] = 0
    return lengths


def _audio_bytes(rows: Rows, starts: Ints, stops: Ints, fits: LineMask) -> Ints:
    """Return the decoded size of each base64 text, as ``core.groups.base64_size`` does of one."""
    characters = stops - starts
    last, before = (rows.text.take(np.where(fits, stops - back, 0)) == PADDING for back in (1, 2))
    is_padded = last & (characters > 0)
    is_padded_twice = is_padded & before & (characters > 1)
    sizes: Ints = np.maximum(0, characters * 3 // 4 - is_padded - is_padded_twice)
    fifth = rows.text.take(np.where(fits & (characters > 4), starts + 4, 0))
    sizes[(characters > 4) & (fifth == COLON)] = 0  # a data URL is no base64 text
    return sizes


def combined(ids: WordColumn, index: int, salt: int) -> WordColumn:
    """Join ids' hashes with a content index and a type's salt; never 0."""
    shift = np.uint64(index * int(PRIMES[2]) & _ALL_ONES)
    keys: WordColumn = ((ids ^ np.uint64(salt)) + shift) | np.uint64(1)
    return keys


def salt_of(name: str) -> int:
    """Return a number that stands for a type in the keys of its parts, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def part_key_of(item_id: str, index: int, salt: int) -> int:
    """Return the key of one part, as ``EventLayout.read`` works out many."""
    raw = item_id.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_ID:
        whole = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())
        ids = np.array([whole], np.uint64)
    else:
        ids = mixed(np.frombuffer(raw.ljust(MAX_ID, b"\0"), WORD)[:, None])
    return int(combined(ids, index, salt)[0])
