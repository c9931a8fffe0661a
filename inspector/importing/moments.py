"""Times in foreign files: of keys and at the head of a line, and their way to nanoseconds since a recording's start.

No time is invented: what cannot be read, or is of another kind than the file's other times, is unknown, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

from inspector.core.units import NS_PER_MS, NS_PER_S
from inspector.recording.foreign_times import EPOCH, TIME_KEYS, Sort, read_time

_MS_KEYS = (
    "t_ms",
    "ts_ms",
    "time_ms",
    "timestamp_ms",
    "elapsed_ms",
    "offset_ms",
    "at_ms",
    "relative_ms",
)
"""Keys that say milliseconds."""
_MORE_KEYS = (
    "asctime",
    "@timestamp",
    "datetime",
    "date",
    "startedDateTime",
    "elapsed",
    "offset",
    "elapsed_s",
    "timeStamp",
    "Time",
    "Timestamp",
    "eventTime",
    "logged_at",
    "sent_at",
)
KEYS = (*TIME_KEYS, *_MORE_KEYS)
_ALL_KEYS = frozenset((*KEYS, *_MS_KEYS))
DAY_NS = 86_400 * NS_PER_S

_ISO = re.compile(
    r"(\d{4}[-/]\d\d[-/]\d\d[T _]\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?(?![\d:])"
)
_CLOCK = re.compile(
    r"(?<![\d:.])(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?([AaPp]\.?[Mm]\.?)?(?![\d:])"
)
_NUMBER = re.compile(r"^\W{0,3}\+?(\d{1,19}(?:\.\d{1,9})?)(\s?(?:ms|s)\b)?(?=[\s\])|:,;])")
"""A number at the head of a line, which may stand in brackets."""
SEARCHED = 160
"""Characters of a line's head that are searched for a time."""


class Kind(Enum):
    """What a time counts from."""

    EPOCH = "epoch"
    LOCAL = "local"
    CLOCK = "clock"
    """A time of day; after midnight it begins again."""
    START = "start"


_KIND = {Sort.EPOCH: Kind.EPOCH, Sort.LOCAL: Kind.LOCAL, Sort.START: Kind.START}


@dataclass(slots=True)
class FoundTime:
    """A time as a file states it."""

    kind: Kind
    ns: int
    """Nanoseconds since the epoch, midnight or a start, by ``kind``."""
    source: str
    """Where it stands: a key, or ``""`` for the head of the line."""
    form: str
    """How it is written, in words: ``epoch ms``."""
    has_unit: bool = True
    """False for a number without a unit, which may be seconds or milliseconds since a start."""


@dataclass(frozen=True, slots=True)
class UnreadTime:
    """A value that is meant to be a time, and cannot be read as one."""

    source: str


_EPOCH_FORMS = ((1e11, "epoch s"), (1e14, "epoch ms"), (1e17, "epoch µs"), (1e20, "epoch ns"))


def keyed_time(
    record: Mapping[str, Any], own: tuple[str, ...] = ()
) -> FoundTime | UnreadTime | None:
    """Return the time that a logger stored beside or in an event.

    Args:
        record: the members.
        own: keys whose times are the server's.
    """
    if _ALL_KEYS.isdisjoint(record):
        return None
    unread: UnreadTime | None = None
    for key in KEYS:
        value = record.get(key)
        if value is None or key in own or isinstance(value, dict | list):
            continue
        found = value_time(value, key)
        if found is not None:
            return found
        unread = unread or UnreadTime(key)
    for key in _MS_KEYS:
        value = record.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11:
            return FoundTime(Kind.START, round(value * NS_PER_MS), key, "ms since a start")
    return unread


def value_time(value: object, source: str) -> FoundTime | None:
    """Return the time that the value of a key means; None if it is not a time."""
    found = read_time(value)
    if found is not None:
        sort, ns = found
        kind = _KIND[sort]
        number = _number(value)
        if number is None:
            return FoundTime(kind, ns, source, "ISO 8601")
        # Floats lack the digits for nanoseconds: .1 s is not .099999905 s.
        ns = (ns + 500) // 1000 * 1000
        if kind is Kind.START:
            return FoundTime(kind, ns, source, "seconds since a start", has_unit=False)
        form = next((name for bound, name in _EPOCH_FORMS if number < bound), "epoch")
        return FoundTime(kind, ns, source, form)
    return text_time(value, source) if isinstance(value, str) and len(value) <= SEARCHED else None


def _number(value: object) -> float | None:
    if isinstance(value, int | float):
        return value
    try:
        return float(str(value))
    except ValueError:
        return None


def head_time(head: str) -> tuple[FoundTime | None, int]:
    """Return the time at the head of a line and the position behind it; None and 0 if there is none."""
    head = head[:SEARCHED]
    if ":" in head:
        found, behind = _searched(head, "")
        if found is not None:
            return found, behind
    number = _NUMBER.match(head)
    if number is None:
        return None, 0
    text, unit = number.group(1), (number.group(2) or "").strip()
    if unit == "ms":
        ns = round(float(text) * NS_PER_MS)
        return FoundTime(Kind.START, ns, "", "ms since a start"), number.end()
    read = value_time(float(text) if "." in text else int(text), "")
    # A plain small integer is rather a number of the line, a port or a level.
    if read is None or (read.kind is Kind.START and "." not in text and not unit):
        return None, 0
    time = read if not unit else FoundTime(read.kind, read.ns, "", read.form)
    return time, number.end()


def text_time(text: str, source: str) -> FoundTime | None:
    """Return the first date with a time in a text, else the first time of day; None if it has neither."""
    return _searched(text, source)[0] if ":" in text else None


def _searched(text: str, source: str) -> tuple[FoundTime | None, int]:
    iso = _ISO.search(text)
    if iso is not None:
        return _dated(iso, source), iso.end()
    clock = _CLOCK.search(text)
    if clock is None:
        return None, 0
    hour, minute, second = (int(part) for part in clock.groups()[:3])
    half = (clock.group(5) or "").lower().replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            return None, 0
        hour = hour % 12 + 12 * (half == "pm")
    if hour > 23 or minute > 59 or second > 60:
        return None, 0
    ns = (hour * 3600 + minute * 60 + second) * NS_PER_S + _fraction(clock.group(4))
    return FoundTime(Kind.CLOCK, ns, source, "time of day"), clock.end()


def _dated(found: re.Match[str], source: str) -> FoundTime | None:
    date, second, fraction, zone = found.groups()
    begun = _minute_ns(date, zone or "")
    if begun is None or int(second) > 60:
        return None
    kind = Kind.EPOCH if zone else Kind.LOCAL
    words = "ISO 8601" if zone else "date without a zone"
    return FoundTime(kind, begun + int(second) * NS_PER_S + _fraction(fraction), source, words)


@lru_cache(maxsize=64)
def _minute_ns(date: str, zone: str) -> int | None:
    """Return the nanoseconds since the epoch at which a minute begins, which many lines of a log share; None if there is none."""
    year, month, day, hour, minute = (int(part) for part in re.findall(r"\d+", date))
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    ns = ((moment - EPOCH) // timedelta(seconds=1) - _offset_s(zone)) * NS_PER_S
    return ns if ns >= 0 else None


def _offset_s(zone: str | None) -> int:
    if not zone or zone in ("Z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


@dataclass(slots=True)
class TimeLine:
    """The times of one file: one kind, one origin, and what does not fit counted."""

    unread: int = 0
    """Times that cannot be read, or are of another kind than those before them."""
    backwards: int = 0
    """Times before an earlier one."""
    first: FoundTime | None = None
    """The first time, which determines the kind of all; None before it."""
    sources: dict[str, int] = field(default_factory=dict)
    """Where the times stand: key to count."""
    is_ms: bool = False
    """Whether numbers without a unit are milliseconds."""
    _latest_ns: int = 0
    _days_ns: int = 0

    def at(self, found: FoundTime | None) -> int | None:
        """Return nanoseconds since the start of the recording, in whole microseconds; None if unknown."""
        if found is None:
            return None
        if self.first is None:
            self.first = found
            self._latest_ns = found.ns
        elif found.kind is not self.first.kind:
            self.unread += 1
            return None
        ns = found.ns
        if found.kind is Kind.CLOCK:
            # A log that passes midnight; an hour less is rather a clock that was set.
            if ns + self._days_ns < self._latest_ns - DAY_NS // 2:
                self._days_ns += DAY_NS
            ns += self._days_ns
        self.sources[found.source] = self.sources.get(found.source, 0) + 1
        if ns < self._latest_ns:
            self.backwards += 1
        self._latest_ns = max(ns, self._latest_ns)
        if found.kind is Kind.START:
            return (ns // 1000 if self.is_ms and not found.has_unit else ns) // 1000 * 1000
        return (ns - self.first.ns) // 1000 * 1000

    @property
    def started_at(self) -> str:
        """Return the date from which times count, UTC, ISO 8601; ``""`` if it is unknown."""
        if self.first is None or self.first.kind is not Kind.EPOCH:
            return ""
        started = EPOCH + timedelta(microseconds=self.first.ns // 1000)
        return started.isoformat(timespec="microseconds").replace("+00:00", "Z")


DELTA_GAP_NS = NS_PER_S
"""Deltas of a response follow each other within a fraction of a second; a larger number counts milliseconds."""
EVENT_GAP_NS = 20 * NS_PER_S
"""The same for events of all kinds."""


def are_milliseconds(gaps_ns: list[int], deltas_ns: list[int]) -> bool:
    """Return whether numbers without a unit, read as seconds, are rather milliseconds.

    Args:
        gaps_ns: distances between neighbouring events.
        deltas_ns: those between deltas, which follow each other within a second.
    """
    told = sorted(deltas_ns) or sorted(gaps_ns)
    if not told:
        return False
    return told[len(told) // 2] > (DELTA_GAP_NS if deltas_ns else EVENT_GAP_NS)
