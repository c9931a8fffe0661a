"""When the lines of a foreign file happened: what stands under its keys of time, as nanoseconds since the file's start.

A file's times are of one sort: since some start, since the epoch (in seconds, milliseconds, microseconds or nanoseconds,
told apart by their size), or a local date without a zone. The first time that can be read settles which; it is where times
since the epoch and dates are counted from. What cannot be read, or is of another sort, is unknown: no line gets a time that it does
not say. Pure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from inspector.core.units import NS_PER_S

TIME_KEYS = ("t", "ts", "time", "timestamp", "at", "created_at", "received_at")
"""Keys under which loggers put the time of a line, the likeliest first."""
MOST_START_S = 1e8
"""A number nearer to 0 than this is seconds since the start, of three years at most; seconds since the epoch reached it in 1973."""
_EPOCH_UNITS = ((1e11, NS_PER_S), (1e14, 1_000_000), (1e17, 1_000), (1e20, 1))
"""Bounds below which a number counts seconds, milliseconds, microseconds or nanoseconds since the epoch, until the year 5138."""
_NUMBER = re.compile(r"[+-]?\d{1,25}(?:\.\d{1,25})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHOWN_CHARS = 40

OWN_TIMES: Mapping[str, tuple[str, ...]] = {
    "ping": ("timestamp",),
    "response.output_audio.delta": ("ts",),
    "input_audio_buffer.dtmf_event_received": ("received_at",),
    "realtime.call.incoming": ("created_at",),
}
"""Keys of ``TIME_KEYS`` that servers send themselves (xAI; telephone tones; the webhook): of their clock, in these events only."""


class Sort(Enum):
    """What a file's times count from."""

    START = "seconds since a start"
    EPOCH = "a date with its zone"
    LOCAL = "a date without its zone"


class ForeignTimes:
    """Reads the times of one file, line by line; a line reads the same whenever it is read again."""

    def __init__(self) -> None:
        self.problem = ""
        """Why the line that was read last has no time, where it seems to say one; ``""`` where nothing is wrong."""
        self._sort: Sort | None = None
        self._origin_ns = 0

    @property
    def started_at(self) -> str:
        """Return the date that times are counted from, UTC, ISO 8601; ``""`` where the file does not say."""
        if self._sort is not Sort.EPOCH:
            return ""
        started = _EPOCH + timedelta(microseconds=self._origin_ns // 1000)
        return started.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def of(self, body: Mapping[str, Any], own: tuple[str, ...] = ()) -> int | None:
        """Return the time of a line in nanoseconds, whole microseconds; None where it has none that can be used.

        Args:
            body: the line.
            own: keys that are the server's own and not the logger's.
        """
        there = [
            (key, body[key])
            for key in TIME_KEYS
            if key in body and key not in own and body[key] is not None
        ]
        problems = []
        self.problem = ""
        for key, value in there:
            found = _read(value)
            if found is None:
                problems.append(f"{key} {_shown(value)} is no time that can be read")
                continue
            sort, ns = found
            if self._sort is None:
                self._sort, self._origin_ns = sort, 0 if sort is Sort.START else ns
            if sort is self._sort:
                return (ns - self._origin_ns) // 1000 * 1000
            problems.append(
                f"{key} {_shown(value)} is {sort.value}, and those before it are {self._sort.value}"
            )
        self.problem = problems[0] if problems else ""
        return None


def _shown(value: object) -> str:
    # No digits of an integer that has too many for Python to write down.
    text = json.dumps(value) if isinstance(value, str | float) else type(value).__name__
    text = str(value) if isinstance(value, int) and abs(value) < 10**_SHOWN_CHARS else text
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _read(value: object) -> tuple[Sort, int] | None:
    """Return what a time counts from, and how far, in nanoseconds; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            return _read_date(value)
        value = float(value) if "." in value else int(value)
    if isinstance(value, int | float):
        return _read_number(value)
    return None


def _read_number(number: float) -> tuple[Sort, int] | None:
    # Compared before anything else is done with it: an integer of JSON may have any number of digits.
    if not -MOST_START_S < number < _EPOCH_UNITS[-1][0]:
        return None
    if number < MOST_START_S:
        return Sort.START, round(number * 1_000_000) * 1000
    unit = next(unit for bound, unit in _EPOCH_UNITS if number < bound)
    whole = math.floor(number)
    # The fraction apart: a float has not the digits for nanoseconds since 1970.
    return Sort.EPOCH, whole * unit + round((number - whole) * unit)


def _read_date(text: str) -> tuple[Sort, int] | None:
    # A time of day alone does not say on which side of midnight it is, nor a date alone when.
    if len(text) < len("2026-01-01T00") or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    sort = Sort.EPOCH if moment.tzinfo is not None else Sort.LOCAL
    try:
        since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    except OverflowError:
        return None
    ns = since // _MICROSECOND * 1000
    # As far as numbers reach: what is outside is no clock's.
    return (sort, ns) if 0 <= ns < _EPOCH_UNITS[-1][0] else None
