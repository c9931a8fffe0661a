"""Speculation about where things stand in a line: learned from one line of a type, verified for every other.

A template says at which column, counted from the start of the event's JSON, a member stands. Lines that do not fit it are
left to the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from inspector.core.groups import AUDIO_KEYS
from inspector.core.kinds import KindTable

if TYPE_CHECKING:
    from inspector.recording.scan import Rows

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

HEAD_BYTES = 160
"""Columns gathered at once: the longest head is shorter, and so are an id and what follows it."""
PART_ABSENT = np.uint64(0)
MAX_ID = 64
TAIL_BYTES = 96
"""How far before the end of an audio event other members are looked for."""
_ITEM = b'"item_id":"'
_INDEX = re.compile(rb'[^{}]*?"content_index":(\d)[,}]')
_WORDS = MAX_ID // 8
_PRIMES = np.array(
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
    ],
    np.uint64,
)


def hash_rows(text: npt.NDArray[np.uint8], length: Ints) -> Hashes:
    """Hash the first ``length`` bytes of each row (at most 72 are looked at), 64 bits."""
    width = min(text.shape[1], len(_PRIMES) * 8) // 8 * 8
    kept = np.where(np.arange(width) < length[:, None], text[:, :width], 0).astype(np.uint8)
    words = np.ascontiguousarray(kept).view(np.uint64)
    mixed = (words ^ (words >> np.uint64(29))) * _PRIMES[: words.shape[1]]
    summed: Hashes = (mixed ^ (mixed >> np.uint64(32))).sum(
        axis=1, dtype=np.uint64
    ) + length.astype(np.uint64) * _PRIMES[0]
    return summed


def combine(ids: Hashes, index: npt.NDArray[np.int64], code: int) -> Hashes:
    """Join an id's hash with a content index and a type; never 0."""
    salt = np.uint64((code + 1) * int(_PRIMES[1]) & 0xFFFFFFFFFFFFFFFF)
    mixed = (ids ^ salt) + index.astype(np.uint64) * _PRIMES[2]
    return np.asarray(mixed | np.uint64(1), np.uint64)


def hash_text(item_id: str, index: int, code: int) -> np.uint64:
    """Hash one content part as ``PartTemplates`` does many."""
    raw = item_id.encode("utf-8", "replace")[: MAX_ID + 8]
    row = np.zeros((1, MAX_ID), np.uint8)
    row[0, : min(len(raw), MAX_ID)] = np.frombuffer(raw[:MAX_ID], np.uint8)
    ids = hash_rows(row, np.array([len(raw)]))
    with np.errstate(over="ignore"):
        return np.uint64(combine(ids, np.array([index], np.int64), code)[0])


@dataclass(frozen=True, slots=True)
class _Part:
    column: int
    """Where ``"item_id":"`` stands, from the start of the event."""
    suffix: bytes
    """What follows the id, up to and including the content index; empty where there is none."""


class PartTemplates:
    """Where deltas of each type have their ``item_id`` and ``content_index``."""

    def __init__(self) -> None:
        self._learned: dict[int, _Part | None] = {}

    def apply(self, rows: Rows, at: Ints, code: int) -> Bools:
        """Set ``rows.part`` of deltas of one type; tell which fitted."""
        fits = np.zeros(len(at), bool)
        if code not in self._learned:
            first = int(at[0])
            self._learned[code] = self._learn(rows.line(first)[int(rows.payload[first]) :])
        template = self._learned[code]
        if template is None:
            return fits
        position = rows.starts[at] + rows.payload[at] + template.column
        inside = position + HEAD_BYTES < len(rows.text)
        window = rows.windows[np.where(inside, position, 0)]
        marker = np.frombuffer(_ITEM, np.uint8)
        fits = np.asarray(inside & (window[:, : len(marker)] == marker).all(axis=1), bool)
        ids = window[:, len(marker) : len(marker) + MAX_ID]
        length = (ids == 34).argmax(axis=1)
        fits &= (length > 0) & ~(ids == 92).any(axis=1)
        index = np.zeros(len(at), np.int64)
        if template.suffix:
            fits &= self._index(window, len(marker) + length, template.suffix, index)
        rows.part[at[fits]] = combine(hash_rows(ids[fits], length[fits]), index[fits], code)
        return np.asarray(fits, bool)

    def _index(
        self, window: npt.NDArray[np.uint8], start: Ints, suffix: bytes, index: Ints
    ) -> Bools:
        """Compare what follows the id; every digit is free, the last one is the content index."""
        wanted = np.frombuffer(suffix, np.uint8)
        columns = np.minimum(start[:, None] + np.arange(len(wanted) + 1), window.shape[1] - 1)
        got = np.take_along_axis(window, columns, axis=1)
        is_digit = (wanted >= 48) & (wanted <= 57)
        same = (got[:, :-1] == wanted) | (is_digit & (got[:, :-1] >= 48) & (got[:, :-1] <= 57))
        index[:] = got[:, len(wanted) - 1].astype(np.int64) - 48
        ends = (got[:, -1] == 44) | (got[:, -1] == 125)
        return np.asarray(same.all(axis=1) & ends, bool)

    def _learn(self, event: bytes) -> _Part | None:
        column = event.find(_ITEM)
        end = event.find(b'"', column + len(_ITEM))
        if column < 0 or end < 0 or event.count(_ITEM) != 1:
            return None
        if b'"content_index":' not in event:
            return _Part(column, b"")
        found = _INDEX.match(event, end)
        if found is None or found.end(1) - end > HEAD_BYTES - MAX_ID - len(_ITEM) - 2:
            return None
        return _Part(column, event[end : found.end(1)])


@dataclass(frozen=True, slots=True)
class _Audio:
    column: int
    """Where the base64 text begins, from the start of the event."""
    marker: bytes
    tail: bytes
    """What follows the base64 text up to the end of the line."""


class AudioTemplates:
    """Where events of each type have their audio."""

    def __init__(self) -> None:
        self._learned: dict[int, _Audio | None] = {}

    def measure(self, rows: Rows, kinds: KindTable) -> None:
        """Set ``rows.audio`` to the decoded size of every event's audio."""
        for code in np.unique(rows.kind).tolist():
            keys = AUDIO_KEYS.get(kinds[code].name)
            if keys is None:
                continue
            at = np.flatnonzero(rows.is_fast & (rows.kind == code))
            if not len(at):
                continue
            if self._learned.get(code) is None:
                self._learned[code] = self._learn(rows, int(at[0]), keys)
            template = self._learned[code]
            fits = (
                self._apply(rows, at, template) if template is not None else np.zeros(len(at), bool)
            )
            for misfit in at[~fits].tolist():
                rows.audio[misfit] = _audio_in(
                    rows.line(misfit), int(rows.payload[misfit]), kinds[code].name
                )

    def _apply(self, rows: Rows, at: Ints, template: _Audio) -> Bools:
        begin = rows.starts[at] + rows.payload[at] + template.column
        end = rows.starts[at] + rows.lengths[at] - len(template.tail)
        marker, tail = (
            np.frombuffer(template.marker, np.uint8),
            np.frombuffer(template.tail, np.uint8),
        )
        fits = end > begin
        safe = np.where(fits, begin, len(template.marker))
        fits &= (rows.text[safe[:, None] - len(marker) + np.arange(len(marker))] == marker).all(
            axis=1
        )
        stop = np.where(fits, end, TAIL_BYTES)
        fits &= (
            rows.text[np.minimum(stop[:, None] + np.arange(len(tail)), len(rows.text) - 1)] == tail
        ).all(axis=1)
        # Another member after the audio would show as a quote shortly before the end.
        before = np.maximum(
            stop[:, None] - 1 - np.arange(TAIL_BYTES), np.where(fits, begin, 0)[:, None]
        )
        fits &= ~(rows.text[before] == 34).any(axis=1)
        characters = end - begin
        padding = (rows.text[stop - 1] == 61).astype(np.int64) + (rows.text[stop - 2] == 61)
        rows.audio[at[fits]] = (characters * 3 // 4 - padding)[fits]
        return np.asarray(fits, bool)

    def _learn(self, rows: Rows, at: int, keys: tuple[str, ...]) -> _Audio | None:
        payload = int(rows.payload[at])
        event = rows.line(at)[payload:]
        for key in keys:
            marker = f'"{key}":"'.encode()
            found = event.find(marker)
            if found >= 0:
                begin = found + len(marker)
                end = event.find(b'"', begin)
                return _Audio(begin, marker, event[end:]) if len(event) - end < TAIL_BYTES else None
        return None


def _audio_in(line: bytes, payload: int, kind: str) -> int:
    import orjson

    from inspector.core.groups import base64_size

    try:
        body = orjson.loads(line[payload:-1])
    except ValueError:
        return 0
    for key in AUDIO_KEYS[kind]:
        if isinstance(body.get(key), str):
            return base64_size(body[key])
    return 0
