"""The clocks, as a protocol that tests can replace. The only module that calls ``time``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from inspector.core.units import NS_PER_S


class Clock(Protocol):
    """A monotonic clock and a wall clock."""

    def now_ns(self) -> int:
        """Return monotonic nanoseconds; only differences between two readings mean anything."""
        ...

    def utc_now(self) -> datetime:
        """Return the wall-clock time, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Return ``time.monotonic_ns()``."""
        return time.monotonic_ns()

    def utc_now(self) -> datetime:
        """Return the current UTC time."""
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()


def time_is_up(after_s: float, clock: Clock = SYSTEM_CLOCK) -> Callable[[], bool]:
    """Return a predicate that is True once a number of seconds has passed, for work done in slices."""
    until_ns = clock.now_ns() + int(after_s * NS_PER_S)
    return lambda: clock.now_ns() > until_ns
