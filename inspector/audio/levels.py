"""Audio levels in dBFS: RMS, peak, held peak and clips, over a window that ends now.

0 dBFS is the level of a sine whose peaks reach full scale (AES17, IEC 61606-3): a full-scale sine has 0 dBFS RMS and 0 dBFS
peak, a full-scale square wave +3.01 dBFS RMS. Digital silence is ``-inf``. Times are session time in nanoseconds.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from inspector.audio.pcm import Samples
from inspector.core.units import NS_PER_MS

FULL_SCALE = 32768
WINDOW_MS = 300
"""Integration time of a VU meter (IEC 60268-17), quick enough to follow speech and steady enough to read."""
BLOCK_MS = 10
"""Resolution at which the window slides."""
HOLD_MS = 2000
"""How long the highest peak stays visible."""
CLIP_RUN = 3
"""Consecutive samples at full scale that count as a clip; one or two may be a peak that just fits."""


@dataclass(frozen=True, slots=True)
class Level:
    """Loudness of a window of audio, in dBFS; ``-inf`` for silence."""

    rms_dbfs: float = -math.inf
    """Root mean square; 0 for a full-scale sine."""
    peak_dbfs: float = -math.inf
    """The highest sample of the window."""
    held_dbfs: float = -math.inf
    """The highest sample of the last ``HOLD_MS``."""
    clips: int = 0
    """Number of clips since the meter started or was reset."""


def clip_count(samples: Samples) -> int:
    """Return the number of runs of at least ``CLIP_RUN`` samples at full scale."""
    is_full = (samples == FULL_SCALE - 1) | (samples == -FULL_SCALE)
    if not is_full.any():
        return 0
    # Padded with False, so that runs at either end have both edges; they alternate between rising and falling.
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_full, [False])).astype(np.int8)))
    return int(np.count_nonzero(edges[1::2] - edges[::2] >= CLIP_RUN))


@dataclass(frozen=True, slots=True)
class _Block:
    end_ns: int
    energy: float
    count: int
    peak: int


class LevelMeter:
    """Level of an audio stream at any moment."""

    def __init__(self) -> None:
        self._blocks: deque[_Block] = deque()
        self._peaks: deque[tuple[int, int]] = deque()
        """Time and value of peaks in descending order of value, so that the first one is the held peak."""
        self._clips = 0

    def feed(self, samples: Samples, rate_hz: int, end_ns: int) -> None:
        """Add audio whose last sample is heard at ``end_ns``; the cost is bounded by the window, however much is added."""
        if not len(samples):
            return
        self._clips += clip_count(samples)
        self._hold(end_ns, _peak(samples))
        size = max(1, rate_hz * BLOCK_MS // 1000)
        recent = samples[-rate_hz * WINDOW_MS // 1000 :]
        for start in range(0, len(recent), size):
            block = recent[start : start + size]
            behind = len(recent) - start - len(block)
            at_ns = end_ns - behind * 1_000_000_000 // rate_hz
            self._blocks.append(_Block(at_ns, _energy(block), len(block), _peak(block)))
        self._forget(end_ns)

    def read(self, now_ns: int) -> Level:
        """Return the level of the window that ends at ``now_ns``."""
        self._forget(now_ns)
        count = sum(block.count for block in self._blocks)
        if not count and not self._peaks:
            return Level(clips=self._clips)
        energy = sum(block.energy for block in self._blocks)
        peak = max((block.peak for block in self._blocks), default=0)
        held = max((peak for _, peak in self._peaks), default=0)
        return Level(_rms_dbfs(energy, count), _peak_dbfs(peak), _peak_dbfs(held), self._clips)

    def reset(self) -> None:
        """Discard all levels, peaks and clips."""
        self._blocks.clear()
        self._peaks.clear()
        self._clips = 0

    def _hold(self, end_ns: int, peak: int) -> None:
        """Add a peak and remove the earlier, lower ones, which can no longer become the held peak."""
        while self._peaks and self._peaks[-1][1] <= peak:
            self._peaks.pop()
        self._peaks.append((end_ns, peak))

    def _forget(self, now_ns: int) -> None:
        while self._blocks and self._blocks[0].end_ns <= now_ns - WINDOW_MS * NS_PER_MS:
            self._blocks.popleft()
        while self._peaks and self._peaks[0][0] <= now_ns - HOLD_MS * NS_PER_MS:
            self._peaks.popleft()


def _energy(samples: Samples) -> float:
    wide = samples.astype(np.float64)
    return float(np.dot(wide, wide))


def _peak(samples: Samples) -> int:
    return max(int(samples.max()), -int(samples.min())) if len(samples) else 0


def _rms_dbfs(energy: float, count: int) -> float:
    # The mean square of a full-scale sine is half of full scale squared.
    return (
        10 * math.log10(2 * energy / count / FULL_SCALE**2) if energy > 0 and count else -math.inf
    )


def _peak_dbfs(peak: int) -> float:
    return 20 * math.log10(peak / FULL_SCALE) if peak else -math.inf
