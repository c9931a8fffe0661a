"""ForeignTimes: the times of a foreign file's lines, as nanoseconds since the file's start.

All times of a file have one origin: a start of its own, the Unix epoch (in seconds, milliseconds, microseconds or nanoseconds,
distinguished by their magnitude), or local dates without a zone. The first readable time determines the origin; times since the
epoch and dates are then counted from that first time. A time that cannot be read or has another origin is unknown: no line gets a
time that it does not contain. Pure.
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
"""Keys under which loggers store the time of a line, most likely first."""
MOST_START_S = 1e8
"""Smaller numbers are seconds since a start, of at most three years; as seconds since the epoch they would be before 1973."""
_EPOCH_UNITS = ((1e11, NS_PER_S), (1e14, 1_000_000), (1e17, 1_000), (1e20, 1))
"""Bounds below which a number counts seconds, milliseconds, microseconds or nanoseconds since the epoch; valid until the year 5138."""
_NUMBER = re.compile(r"[+-]?\d{1,25}(?:\.\d{1,25})?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHOWN_CHARS = 40

OWN_TIMES: Mapping[str, tuple[str, ...]] = {
    "ping": ("timestamp",),
    "response.output_audio.delta": ("ts",),
    "input_audio_buffer.dtmf_event_received": ("received_at",),
    "realtime.call.incoming": ("created_at",),
}
"""Event type to the members among ``TIME_KEYS`` that the server sends itself; they are not the logger's times."""


class Sort(Enum):
    """Origin of a file's times."""

    START = "seconds since a start"
    EPOCH = "a date with a time zone"
    LOCAL = "a date without a time zone"


class ForeignTimes:
    """Reader of one file's times, line by line. A line always yields the same time, because the origin never changes."""

    def __init__(self) -> None:
        self.problem = ""
        """Why the apparent time of the last line cannot be used; ``""`` if it can, or if the line has none."""
        self._sort: Sort | None = None
        self._origin_ns = 0

    @property
    def started_at(self) -> str:
        """Return the date from which times are counted, UTC, ISO 8601; ``""`` if it is unknown."""
        if self._sort is not Sort.EPOCH:
            return ""
        started = EPOCH + timedelta(microseconds=self._origin_ns // 1000)
        return started.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def of(self, body: Mapping[str, Any], own: tuple[str, ...] = ()) -> int | None:
        """Return the time of a line in nanoseconds, rounded down to microseconds; None if it has no usable time.

        Args:
            body: the line.
            own: keys that hold the server's times rather than the logger's.
        """
        present = [
            (key, body[key])
            for key in TIME_KEYS
            if key in body and key not in own and body[key] is not None
        ]
        problems = []
        self.problem = ""
        for key, value in present:
            found = read_time(value)
            if found is None:
                problems.append(f"{key} {_shown(value)} is not a readable time")
                continue
            sort, ns = found
            if self._sort is None:
                self._sort, self._origin_ns = sort, 0 if sort is Sort.START else ns
            if sort is self._sort:
                return (ns - self._origin_ns) // 1000 * 1000
            problems.append(
                f"{key} {_shown(value)} is {sort.value}, but earlier times are {self._sort.value}"
            )
        self.problem = problems[0] if problems else ""
        return None


def _shown(value: object) -> str:
    # str() raises on an integer with more than 4,300 digits, so only short ones are converted.
    text = json.dumps(value) if isinstance(value, str | float) else type(value).__name__
    text = str(value) if isinstance(value, int) and abs(value) < 10**_SHOWN_CHARS else text
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def read_time(value: object) -> tuple[Sort, int] | None:
    """Return the origin of a time and its distance in nanoseconds; None if the value is not a time."""
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
    # Compared before any arithmetic: an integer in JSON may be too large for a float.
    if not -MOST_START_S < number < _EPOCH_UNITS[-1][0]:
        return None
    if number < MOST_START_S:
        return Sort.START, round(number * 1_000_000) * 1000
    unit = next(unit for bound, unit in _EPOCH_UNITS if number < bound)
    whole = math.floor(number)
    # The fraction is converted separately, because a float lacks the digits for nanoseconds since 1970.
    return Sort.EPOCH, whole * unit + round((number - whole) * unit)


def _read_date(text: str) -> tuple[Sort, int] | None:
    # A time of day without a date is ambiguous around midnight, and a date without a time says too little.
    if len(text) < len("2026-01-01T00") or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    sort = Sort.EPOCH if moment.tzinfo is not None else Sort.LOCAL
    try:
        since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - EPOCH
    except OverflowError:
        return None
    ns = since // _MICROSECOND * 1000
    # The same range as for numbers; a date outside it does not come from a clock.
    return (sort, ns) if 0 <= ns < _EPOCH_UNITS[-1][0] else None
