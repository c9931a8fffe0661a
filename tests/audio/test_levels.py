from __future__ import annotations

import math

import numpy as np
import pytest

from inspector.audio.levels import (
    CLIP_RUN,
    HOLD_MS,
    WINDOW_MS,
    Level,
    LevelMeter,
    clip_count,
)
from inspector.audio.pcm import Samples

RATE_HZ = 24_000
MS = 1_000_000


def tone(peak: float, ms: float = 300, hz: float = 997) -> Samples:
    """Return a sine; 997 Hz is AES17's, which shares no factor with the rate."""
    time_s = np.arange(int(RATE_HZ * ms / 1000)) / RATE_HZ
    wave: Samples = np.rint(peak * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)
    return wave


def level_of(samples: Samples) -> Level:
    meter = LevelMeter()
    meter.feed(samples, RATE_HZ, MS)
    return meter.read(MS)


def test_a_full_scale_sine_is_0_dbfs_by_rms_and_by_peak() -> None:
    level = level_of(tone(32767, ms=1000))

    assert level.rms_dbfs == pytest.approx(0, abs=0.01)
    assert level.peak_dbfs == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("peak", "dbfs"), [(3276.7, -20), (327.67, -40), (16384, -6.02)])
def test_levels_are_logarithmic(peak: float, dbfs: float) -> None:
    level = level_of(tone(peak, ms=1000))

    assert level.rms_dbfs == pytest.approx(dbfs, abs=0.05)
    assert level.peak_dbfs == pytest.approx(dbfs, abs=0.05)


def test_a_full_scale_square_wave_is_3_db_above_the_sine() -> None:
    square = np.where(np.arange(4800) % 48 < 24, 32767, -32768).astype(np.int16)

    assert level_of(square).rms_dbfs == pytest.approx(3.01, abs=0.01)


def test_silence_and_no_samples_have_no_level() -> None:
    assert level_of(np.zeros(480, np.int16)) == Level()
    assert level_of(np.zeros(0, np.int16)) == Level()
    assert LevelMeter().read(0) == Level()


def test_the_lowest_sample_counts_as_full_scale() -> None:
    level = level_of(np.array([-32768], np.int16))

    assert level.peak_dbfs == 0
    assert math.isfinite(level.rms_dbfs)


def test_clips_are_runs_at_full_scale() -> None:
    full = [32767] * CLIP_RUN
    low = [-32768] * (CLIP_RUN + 4)
    touched = [32767] * (CLIP_RUN - 1)

    assert clip_count(np.array([0, *full, 0, *low, 5, *touched, 0], np.int16)) == 2
    assert clip_count(np.array(full, np.int16)) == 1
    assert clip_count(tone(32000)) == 0


def test_the_meter_reads_the_window_that_ends_now() -> None:
    meter = LevelMeter()
    for number in range(1, 11):
        meter.feed(tone(3276.7, ms=40), RATE_HZ, number * 40 * MS)

    assert meter.read(400 * MS).rms_dbfs == pytest.approx(-20, abs=0.2)
    assert meter.read((400 + WINDOW_MS + 1) * MS).rms_dbfs == -math.inf


def test_the_peak_is_held_and_then_released() -> None:
    meter = LevelMeter()
    meter.feed(tone(16384, ms=40), RATE_HZ, 40 * MS)
    meter.feed(tone(1638, ms=40), RATE_HZ, 80 * MS)

    held = meter.read((WINDOW_MS + 100) * MS)
    assert held.peak_dbfs == -math.inf
    assert held.held_dbfs == pytest.approx(-6.02, abs=0.05)
    assert meter.read((41 + HOLD_MS) * MS).held_dbfs == pytest.approx(-26, abs=0.1)
    assert meter.read((81 + HOLD_MS) * MS).held_dbfs == -math.inf


def test_ten_minutes_at_once_keep_only_the_window() -> None:
    meter = LevelMeter()
    meter.feed(np.resize(tone(3276.7, ms=1000), RATE_HZ * 600), RATE_HZ, 600_000 * MS)

    assert meter.read(600_000 * MS).rms_dbfs == pytest.approx(-20, abs=0.2)
    assert len(meter._blocks) <= WINDOW_MS // 10 + 1


def test_clips_add_up_until_reset() -> None:
    meter = LevelMeter()
    loud = np.full(100, 32767, np.int16)
    meter.feed(loud, RATE_HZ, 10 * MS)
    meter.feed(loud, RATE_HZ, 20 * MS)

    assert meter.read(10_000 * MS).clips == 2
    meter.reset()
    assert meter.read(10_000 * MS).clips == 0
