"""PacketTiming: when the audio of one side travelled, compared with how long it lasts: Wireshark's RTP analysis for appends and deltas.

An audio event stands for an RTP packet, and the end of its audio for the packet's timestamp: sound is sent after it was recorded.
A pause begins a new stretch: push to talk, a muted microphone and the time between two answers do not count as jitter. All times are
nanoseconds of session time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from inspector.analysis.lint.append_pace import PAUSE_NS
from inspector.core.units import NS_PER_MS, NS_PER_S

GAP_NS = 60 * NS_PER_MS
"""An event that is later than this leaves a gap: a player's usual buffer is empty by then."""
JITTER_SHARE = 16
"""Divisor of the running mean in RFC 3550, section 6.4.1."""
LEAST_DRIFT_NS = 2 * NS_PER_S
"""Time over which a rate must be seen: enough for a wrong rate. Of a few seconds the error is 1,000 ppm, since timers are late."""
LEAST_DRIFT_EVENTS = 20


class WorstPacket(NamedTuple):
    """The largest value of a quantity, and where it was."""

    value: float
    seq: int
    """The event; 0 without any."""


_NONE = WorstPacket(0.0, 0)


class Drift(NamedTuple):
    """The rate of audio compared with the clock."""

    speed: float
    """Seconds of audio per second of time, in the declared format."""
    error: float
    """Two standard errors of ``speed``."""

    @property
    def ppm(self) -> float:
        """Return the deviation from the declared rate in parts per million."""
        return (self.speed - 1) * 1e6


class PacketTiming:
    """The timing of one side; ``add`` is called for every event with audio, in order."""

    def __init__(self) -> None:
        self.packets = 0
        """Events with a time."""
        self.untimed = 0
        """Events whose time is unknown."""
        self.deltas = 0
        """Steps from one event to the next, without pauses."""
        self.delta_sum_ns = 0
        self.delta_max = _NONE
        """Longest step, in ns."""
        self.jitter_sum_ns = 0.0
        self.jitter_max = _NONE
        """Highest running jitter, in ns."""
        self.skew = _NONE
        """Largest distance of the audio from the clock since a stretch began, in ns; positive if it is ahead."""
        self.gaps = 0
        """Events that came later than the audio before them lasts, by more than ``GAP_NS``."""
        self.gap_max = _NONE
        """Longest gap, in ns."""
        self.pauses = 0
        self.first_seq = 0
        self._first_t_ns: int | None = None
        self._last_t_ns: int | None = None
        self._first_length_ns = 0
        self._stretch = _Stretch(0)
        self._pooled = _Pooled()
        self._jitter_ns = 0.0

    @property
    def wall_ns(self) -> int | None:
        """Return the time from the beginning of the first audio to the last event; None without times."""
        if self._first_t_ns is None or self._last_t_ns is None:
            return None
        return max(0, self._last_t_ns - self._first_t_ns) + self._first_length_ns

    @property
    def delta_mean_ns(self) -> float | None:
        """Return the mean step; None with fewer than two events."""
        return self.delta_sum_ns / self.deltas if self.deltas else None

    @property
    def jitter_mean_ns(self) -> float | None:
        """Return the mean of the running jitter; None with fewer than two events."""
        return self.jitter_sum_ns / self.deltas if self.deltas else None

    def add(self, seq: int, t_ns: int | None, length_ns: int) -> None:
        """Take an event in.

        Args:
            seq: the event.
            t_ns: its time; None if the recording has none.
            length_ns: how long its audio lasts in the declared format.
        """
        if t_ns is None:
            self.untimed += 1
            return
        self.packets += 1
        before_ns, self._last_t_ns = self._last_t_ns, t_ns
        if before_ns is None:
            self.first_seq, self._first_t_ns, self._first_length_ns = seq, t_ns, length_ns
            self._begin(t_ns)
            return
        step_ns = t_ns - before_ns
        # A recording may have been edited or joined, so a step back in time is ignored.
        if step_ns < 0 or step_ns >= max(PAUSE_NS, 2 * length_ns):
            self.pauses += step_ns >= 0
            self._begin(t_ns)
            return
        self._step(seq, step_ns, length_ns)
        self._stretch.add(t_ns, length_ns)
        skew_ns = self._stretch.skew_ns
        if abs(skew_ns) > abs(self.skew.value):
            self.skew = WorstPacket(skew_ns, seq)

    def drift(self) -> Drift | None:
        """Return the rate of the audio by linear regression over all stretches; None if too little was seen."""
        pooled = self._pooled.with_more(self._stretch)
        if pooled.span_ns < LEAST_DRIFT_NS or pooled.events < LEAST_DRIFT_EVENTS or not pooled.xx:
            return None
        speed = pooled.xy / pooled.xx
        rest = max(0.0, pooled.yy - speed * pooled.xy)
        freedom = max(1, pooled.events - pooled.stretches - 1)
        return Drift(speed, 2 * math.sqrt(rest / freedom / pooled.xx))

    def _begin(self, t_ns: int) -> None:
        self._pooled = self._pooled.with_more(self._stretch)
        self._stretch = _Stretch(t_ns)
        self._jitter_ns = 0.0

    def _step(self, seq: int, step_ns: int, length_ns: int) -> None:
        self.deltas += 1
        self.delta_sum_ns += step_ns
        if step_ns > self.delta_max.value:
            self.delta_max = WorstPacket(step_ns, seq)
        late_ns = step_ns - length_ns
        self._jitter_ns += (abs(late_ns) - self._jitter_ns) / JITTER_SHARE
        self.jitter_sum_ns += self._jitter_ns
        if self._jitter_ns > self.jitter_max.value:
            self.jitter_max = WorstPacket(self._jitter_ns, seq)
        if late_ns > GAP_NS:
            self.gaps += 1
            if late_ns > self.gap_max.value:
                self.gap_max = WorstPacket(late_ns, seq)


class _Stretch:
    """Sums of one stretch: x is time and y is audio since it began, in seconds."""

    __slots__ = ("_begin_ns", "audio", "count", "span", "x", "xx", "xy", "y", "yy")

    def __init__(self, begin_ns: int) -> None:
        self._begin_ns = begin_ns
        self.count = 1
        """Events; the first stands at the origin and so adds nothing to the sums."""
        self.x = self.y = self.xx = self.xy = self.yy = 0.0
        self.span = self.audio = 0.0

    @property
    def skew_ns(self) -> float:
        """Return how far the audio is ahead of the clock."""
        return (self.audio - self.span) * NS_PER_S

    def add(self, t_ns: int, length_ns: int) -> None:
        """Add an event."""
        self.span = x = (t_ns - self._begin_ns) / NS_PER_S
        self.audio = y = self.audio + length_ns / NS_PER_S
        self.count += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.xy += x * y
        self.yy += y * y


class _Pooled(NamedTuple):
    """Sums over stretches, each about its own mean: what they share is the slope."""

    events: int = 0
    stretches: int = 0
    span_ns: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def with_more(self, one: _Stretch) -> _Pooled:
        """Return the sums with another stretch."""
        if one.count < 2:
            return self
        return _Pooled(
            self.events + one.count,
            self.stretches + 1,
            self.span_ns + one.span * NS_PER_S,
            self.xx + one.xx - one.x * one.x / one.count,
            self.xy + one.xy - one.x * one.y / one.count,
            self.yy + one.yy - one.y * one.y / one.count,
        )
