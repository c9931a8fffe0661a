"""Layouts of recorded lines: learned from one line, and verified byte by byte for other lines that look the same.

Parsing every line of a large recording takes too long, but most lines differ only in a few values. A layout is exact: a line
that fits it is valid JSON, and equals the line that the layout was learned from except for its free values. ``EventLayout.learn``
finds out with the functions that read single events which of these values affect the columns, and how. A line that fits no layout
is parsed.
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
"""The longest stamp that gets a layout, a whole number of eight-byte words."""
MAX_ID = 64
"""The longest id that is hashed word by word."""
MAX_FIXED_BYTES = 4096
"""The limit of a layout's fixed text. Longer lines, mostly whole sessions, are too few to be worth a layout."""
MAX_SEGMENTS = 25
NUMBER_BYTES = 16
"""Bytes compared from the start of a free number. An integer of fewer digits is exact in every JSON reader, floats included."""
PADDING = ord("=")
COLON = ord(":")
_STAMP = re.compile(rb'\{"seq":(\d{1,12}),"t":(\d{1,9})\.(\d{6}),')
_HEAD = re.compile(
    rb'"dir":"(?P<dir>[a-z]+)","origin":"(?P<origin>[a-z]+)","type":"[ !#-\[\]-~]{1,96}","event":(?=\{)'
)
_TOKEN = re.compile(rb'"(?P<text>[^"]*)"(?P<is_key>\s*:)?|(?<=[: ])(?P<number>\d+)(?=[,}])')
_WORD = re.compile(rb"[A-Za-z0-9_.\-]{1,40}")
"""A text that may be one of a closed set, such as a status: lines with different ones get different layouts."""
_FREE_TEXTS = frozenset({b"delta", b"audio", b"transcript", b"obfuscation", b"text", b"arguments"})
_PROBE_MARK = b'"~'
"""The beginning of a text that is a probe; lines that contain it get no layout."""
# Far above any count, index or time in an event, so that a number equal to a probe is that probe.
_PROBE_NUMBER = 900_000_000_000_000
_ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF


# A worked example
#
#   {"seq":7,"t":1.234567,"dir":"server","origin":"wire","type":"response.output_text.delta","event":{"type":"response.output_text.delta","event_id":"ev_7","item_id":"item_9","content_index":0,"delta":"Hel lo"}}
#
# 1. The stamp is `{"seq":7,"t":1.234567,`, 22 bytes. In a `DigitSpan` of STAMP_BYTES the digits 7, 1 and 234567 are free: XOR with the
#    pattern leaves each digit's value in its byte. The value is too large if the byte is not a digit, and is not 0 if fixed text differs.
#    So t_us = 1234567 for this line, and in the same numpy calls for every line of the chunk whose numbers have as many digits.
# 2. The head is the HEAD_BYTES from `"dir"` on; lines are grouped by its hash. Each group is matched with the layouts that lines with
#    this hash had before (`match_layouts`); a group of fewer than FEW_LINES is parsed.
# 3. If none fits, one is learned from the first line that is left. Its values that may differ, with positions counted from `"dir"`:
#
#      124..128  ev_7      an id: its bytes are free, its length is not             probe ~3~
#      141..147  item_9    an id                                                    probe ~5~
#      176..182  Hel lo    a text of any length: a gap                              probe ~9~
#
#    Everything else is fixed. So is a text that looks like a word (`completed`), because it may be one of a closed set.
# 4. Each free value is replaced by its probe, and the functions that read single events are called:
#
#      {"type":"response.output_text.delta","event_id":"~3~","item_id":"~5~","content_index":0,"delta":"~9~"}
#
#    `part_key` returns ("response.output_text.delta", "~5~", 0): the id at 141 is that of the content part, and is read from each
#    line. If a probe appeared in the type, the outcome (`outcome_of`) or any other value that the columns hold, that value would
#    affect more than a layout can read: it would become fixed, and the functions would be called again. Here none does.
# 5. So the layout is two segments with a gap between them: 176 bytes (22 words of eight bytes, with the two ids masked out), then
#    the text up to the next quote, then the 3 bytes `"}}`.
# 6. Each line of the group is compared with it: the 22 words at `"dir"` are equal under the mask, the ids contain no quote, the
#    next quote is found, the 3 bytes follow, and the line ends there. A line that fits gets direction, origin, type and flags from the
#    layout, and its own time, size (of the event, from `{` to its last brace) and part key, hashed from item_9.
#
# tests/recording/test_layout_example.py checks these figures.


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """The layout of a line's beginning, ``{"seq":…,"t":…,``."""

    span: DigitSpan
    """The fixed text with free digits."""
    time: tuple[int, ...]
    """The byte positions of the digits of ``t``: seconds, then microseconds."""
    length: int
    """The length in bytes."""

    @classmethod
    def learn(cls, line: bytes) -> Stamp | None:
        """Return the stamp of a line; None if it does not begin with one of at most ``STAMP_BYTES``."""
        found = _STAMP.match(line)
        if found is None or found.end() > STAMP_BYTES:
            return None
        digits = (found.span(1), found.span(2), found.span(3))
        time = (*range(*found.span(2)), *range(*found.span(3)))
        return cls(DigitSpan.of(found.group(), digits, STAMP_BYTES), time, found.end())

    def read(self, words: WordColumn) -> tuple[LineMask, Ints]:
        """Return which rows fit, and their times in µs; the times of other rows are undefined."""
        fits, values = self.span.read(words)
        t_us = np.zeros(words.shape[1], np.uint64)
        for column in self.time:
            t_us *= np.uint64(10)
            t_us += byte(values, column)
        return fits, t_us.astype(np.int64)


@dataclass(slots=True)
class _Token:
    """A free value in the line that a layout is learned from."""

    start: int
    """The position of its first byte in the line, without the quote."""
    end: int
    """The position after its last byte, without the quote."""
    is_id: bool
    """True if its bytes are free but its length is fixed."""
    probe: str | int
    """The value that replaces it while the event is read, of the same JSON type."""


class LayoutGap(Enum):
    """The type of a value of any length between two segments of a line."""

    TEXT = auto()
    """A text up to the next quote."""
    NUMBER = auto()
    """An integer of fewer than ``NUMBER_BYTES`` digits."""


@dataclass(frozen=True, slots=True, eq=False)
class LayoutSegment:
    """The part of a line between two gaps."""

    span: ByteSpan
    """The fixed text, with the ids masked out."""
    ids: WordColumn | None
    """A mask of the bytes of the ids; None without ids."""

    @classmethod
    def of(cls, text: bytes, ids: tuple[tuple[int, int], ...]) -> LayoutSegment:
        """Return the segment of a text; ``ids`` holds the start and end of each id in it."""
        span = ByteSpan.of(text, ids)
        return cls(span, mask_of(span.width, ids) if ids else None)

    def fits(self, words: WordColumn) -> LineMask:
        """Return which lines have this segment; an id with a quote in it does not fit."""
        fits = self.span.fits(words)
        return fits if self.ids is None else fits & ~have_byte(words, self.ids, QUOTE)


@dataclass(frozen=True, slots=True)
class FreeId:
    """The id of the content part, if its bytes are free."""

    segment: int
    """The index of the segment that contains it."""
    column: int
    """The position of its first byte in the segment."""
    length: int
    """The length in bytes."""
    salt: int
    """The event type's share of the part key (``salt_of``)."""
    content_index: int


@dataclass(frozen=True, slots=True, eq=False)
class EventLayout:
    """The layout of a line from ``"dir"`` on: fixed segments that contain free ids, with gaps of any length between them."""

    direction: int
    """The code of the direction."""
    origin: int
    """The code of the origin."""
    code: int
    """The code of the event's own ``type``."""
    flags: int
    """The flag bits of the event."""
    event_at: int
    """The position of the event, counted from ``"dir"``."""
    segments: tuple[LayoutSegment, ...]
    """The text before, between and after the gaps."""
    gaps: tuple[LayoutGap, ...]
    """One gap after each segment except the last."""
    part: int
    """The key of the content part, if its id is fixed; otherwise ``NO_PART``."""
    item_id: FreeId | None
    """The id of the content part, if it is free."""
    audio_bytes: int
    """The decoded size of the audio, if that is fixed; otherwise 0."""
    audio: int | None
    """The index of the gap that is base64 audio; None without one."""

    @classmethod
    def learn(cls, rows: Rows, row: int, begin: int, kinds: KindTable) -> EventLayout | None:
        """Return the layout of one row; None if rows like it must be parsed.

        Args:
            rows: all rows of a chunk.
            row: the row to learn from.
            begin: the position of ``"dir"`` in its line.
            kinds: the type table, to which the row's type is added.
        """
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
        # The content of a repeated event decides which events it is grouped with, and a layout does not read content.
        if event is None or event.type in REPEATED:
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
        """Fill in the columns of the rows that fit; return which rows did, shape (len(at),).

        Args:
            rows: all rows of a chunk.
            at: the indices of the rows to try.
            begins: the position in the chunk where ``"dir"`` of each of these rows is expected.
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
        """Return the part keys made from the ids in a segment; clear ``fits`` of rows whose id contains an escape."""
        width = whole_words(item_id.length)
        words = rows.windows(starts + item_id.column, width, fits)
        if words is None:
            return None
        mask = mask_of(width, ((0, item_id.length),))
        fits &= ~have_byte(words, mask, BACKSLASH)
        return combined(mixed(words & mask[:, None]), item_id.content_index, item_id.salt)


def _tokens(line: bytes, event_at: int) -> list[_Token]:
    """Return the values of an event that may be free, in order of position."""
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
        # An array element is not preceded by a key; it stays fixed.
        if key and is_free:
            probe = f"~{number}~" if is_text else _PROBE_NUMBER + number
            tokens.append(_Token(start, end, is_id, probe))
        key = b""
    return tokens


def _probed(
    line: bytes, event_at: int, tokens: list[_Token], direction: Direction, origin: Origin
) -> Event | None:
    """Return the event with each free value replaced by its probe; None if it cannot be decoded.

    Values whose probes appear in the event's columns are removed from ``tokens``, which makes them fixed.
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
        deciding = [token for token in tokens if token.probe in _column_values(event, token)]
        if not deciding:
            return event
        for token in deciding:
            tokens.remove(token)


def _column_values(event: Event, token: _Token) -> tuple[object, ...]:
    """Return the values from which an event's columns are derived, except the one that a layout can read for this token."""
    _, item_id, content_index = part_key(event) or ("", None, None)
    decides = audio_of(event) if token.is_id else item_id
    return event.type, *outcome_of(event), content_index, decides


def _segments(
    line: bytes, begin: int, tokens: list[_Token]
) -> tuple[tuple[LayoutSegment, ...] | None, dict[object, tuple[int, int, int]]]:
    """Return the segments around the gaps (None if there is too much text), and segment, column and length of each free id."""
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
    """Return the length of the JSON integer at each position; 0 if there is no integer or it is too long."""
    words = rows.windows(starts, NUMBER_BYTES, among)
    if words is None:
        return np.zeros(len(starts), np.int64)
    digits = np.ascontiguousarray(words.T).view(np.uint8) - ord("0")
    lengths: Ints = (digits > 9).argmax(axis=1)
    lengths[(digits[:, 0] == 0) & (lengths > 1)] = 0  # JSON does not allow leading zeros
    return lengths


def _audio_bytes(rows: Rows, starts: Ints, stops: Ints, fits: LineMask) -> Ints:
    """Return the decoded size of each base64 text; the vectorized form of ``core.groups.base64_size``."""
    characters = stops - starts
    last, before = (rows.text.take(np.where(fits, stops - back, 0)) == PADDING for back in (1, 2))
    is_padded = last & (characters > 0)
    is_padded_twice = is_padded & before & (characters > 1)
    sizes: Ints = np.maximum(0, characters * 3 // 4 - is_padded - is_padded_twice)
    fifth = rows.text.take(np.where(fits & (characters > 4), starts + 4, 0))
    sizes[(characters > 4) & (fifth == COLON)] = 0  # a data URL ("data:…"), not plain base64
    return sizes


def combined(ids: WordColumn, index: int, salt: int) -> WordColumn:
    """Combine hashes of ids with a content index and a type's salt into part keys, which are never 0 (``NO_PART``)."""
    shift = np.uint64(index * int(PRIMES[2]) & _ALL_ONES)
    keys: WordColumn = ((ids ^ np.uint64(salt)) + shift) | np.uint64(1)
    return keys


def salt_of(name: str) -> int:
    """Return the hash of a type for its part keys, the same in every process (unlike ``hash``)."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def part_key_of(item_id: str, index: int, salt: int) -> int:
    """Return the key of one part, equal to the one that ``EventLayout.read`` computes for many rows."""
    raw = item_id.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_ID:
        whole = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())
        ids = np.array([whole], np.uint64)
    else:
        ids = mixed(np.frombuffer(raw.ljust(MAX_ID, b"\0"), WORD)[:, None])
    return int(combined(ids, index, salt)[0])
