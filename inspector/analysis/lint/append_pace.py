"""AppendPace: how fast a session's audio was sent, compared with real time, and where sending stalled.

Only stretches count in which appends follow each other closely: push to talk, a muted microphone and an app that sends only while
somebody speaks are pauses, and no sign of a slow sender.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

from inspector.core.units import NS_PER_MS, NS_PER_S

PAUSE_NS = 600 * NS_PER_MS
"""A longer time without an append is a pause; chunks of half a second are the longest that apps send live."""
WINDOW_NS = NS_PER_S
"""The rate is measured in windows of this length: long enough for timers of 20 ms and for a burst per chunk."""
MAX_WINDOWS = 600
"""Windows that are kept: ten minutes tell the rate."""
REGULAR = 1.3
"""An append that comes after at most so many times its own length is in time."""
LEAST_STALL_NS = NS_PER_S
STALL_SHARE = (0.8, 1.2)
"""What comes at once after a stall is as long as the stall."""
CATCH_UP_NS = 500 * NS_PER_MS
"""A backlog is sent within this time."""
LIVE_SPEEDS = (0.8, 1.2)
"""Only of an app that had sent in real time is a gap a stall; files come in bursts."""
NEAR_SEQS = 200
"""A stall within so many events of a window belongs to it."""
MAX_STALLS = 256
STEADY_SHARE, STEADY_WITHIN = 0.7, 0.15
"""So many of the windows lie as near to the common rate if a clock paces them; a file that is pushed in bursts does not."""
MOST_OVER, MOST_UNDER = 1.03, 0.90
"""A loop that sleeps between chunks sends up to a tenth less than its audio needs, and hardly ever more."""


class PaceWindow(NamedTuple):
    """The appends of about one second."""

    first_seq: int
    last_seq: int
    wall_ns: int
    bytes: int
    audio_ns: int
    """How long they last in the session's format."""
    regular_ns: int
    """The part of ``wall_ns`` before appends that were in time."""

    @property
    def speed(self) -> float:
        """Return how many times faster than real time the window was sent."""
        return self.audio_ns / self.wall_ns


class Stall(NamedTuple):
    """A time without appends, after which as much sound came at once."""

    before_seq: int
    seq: int
    gap_ns: int
    t_ns: int
    audio_ns: int = 0


class AppendPace:
    """The windows and stalls of a session; ``add`` is called for every append, in order."""

    def __init__(self) -> None:
        self.windows: list[PaceWindow] = []
        self.stalls: list[Stall] = []
        self._stall: Stall | None = None
        """A stall of which is not known yet whether the sound of it comes."""
        self._last_seq = 0
        self._last_ns: int | None = None
        self._begin_ns = 0
        self._first_seq = 0
        self._bytes = self._audio_ns = self._regular_ns = 0

    @property
    def is_full(self) -> bool:
        """Return whether enough was measured, so that further appends change nothing."""
        return len(self.windows) >= MAX_WINDOWS

    def restart(self) -> None:
        """Forget the windows: the format has changed."""
        self.windows = []
        self._last_ns = None

    def add(self, seq: int, t_ns: int, size: int, length_ns: int) -> None:
        """Take an append in.

        Args:
            seq: the event.
            t_ns: session time.
            size: decoded size in bytes.
            length_ns: how long it lasts in the session's format.
        """
        last_ns, self._last_ns = self._last_ns, t_ns
        gap_ns = PAUSE_NS if last_ns is None else t_ns - last_ns
        if self._stall is not None or gap_ns >= PAUSE_NS:
            if last_ns is not None and gap_ns >= LEAST_STALL_NS and gap_ns > 2 * length_ns:
                self._stop(seq, t_ns, gap_ns)
            self._catch_up(t_ns, length_ns)
        self._last_seq = seq
        if gap_ns >= PAUSE_NS:
            self._begin(seq, t_ns)
            return
        self._bytes += size
        self._audio_ns += length_ns
        if gap_ns <= REGULAR * length_ns:
            self._regular_ns += gap_ns
        wall_ns = t_ns - self._begin_ns
        if wall_ns >= WINDOW_NS and len(self.windows) < MAX_WINDOWS:
            self.windows.append(
                PaceWindow(
                    self._first_seq, seq, wall_ns, self._bytes, self._audio_ns, self._regular_ns
                )
            )
            self._begin(seq, t_ns)

    def _stop(self, seq: int, t_ns: int, gap_ns: int) -> None:
        windows, (low, high) = self.windows, LIVE_SPEEDS
        is_live = bool(windows) and low <= windows[-1].speed <= high
        is_near = is_live and windows[-1].last_seq >= self._last_seq - NEAR_SEQS
        self._stall = Stall(self._last_seq, seq, gap_ns, t_ns) if is_near else None

    def _catch_up(self, t_ns: int, length_ns: int) -> None:
        stall = self._stall
        if stall is None:
            return
        if t_ns - stall.t_ns <= CATCH_UP_NS:
            self._stall = stall._replace(audio_ns=stall.audio_ns + length_ns)
            return
        low, high = STALL_SHARE
        # What is spoken while the backlog is sent comes on top.
        is_backlog = low * stall.gap_ns <= stall.audio_ns <= high * stall.gap_ns + CATCH_UP_NS
        if is_backlog and len(self.stalls) < MAX_STALLS:
            self.stalls.append(stall)
        self._stall = None

    def _begin(self, seq: int, t_ns: int) -> None:
        self._first_seq, self._begin_ns = seq, t_ns
        self._bytes = self._audio_ns = self._regular_ns = 0

    @property
    def wall_ns(self) -> int:
        """Return how much time the windows span."""
        return sum(one.wall_ns for one in self.windows)

    @property
    def bytes_per_s(self) -> float:
        """Return the rate over all windows; 0 without any."""
        wall_ns = self.wall_ns
        return sum(one.bytes for one in self.windows) * NS_PER_S / wall_ns if wall_ns else 0.0

    @property
    def is_steady(self) -> bool:
        """Return whether nearly all windows have the same rate."""
        rate = self.bytes_per_s
        near = sum(
            abs(one.bytes * NS_PER_S / one.wall_ns - rate) <= STEADY_WITHIN * rate
            for one in self.windows
        )
        return bool(self.windows) and near >= STEADY_SHARE * len(self.windows)

    def copy(self) -> AppendPace:
        """Return an independent copy."""
        clone = copy.copy(self)
        clone.windows, clone.stalls = list(self.windows), list(self.stalls)
        return clone
