"""Timing of appends and deltas, in the terms of Wireshark's RTP analysis."""

from __future__ import annotations

import random

import pytest

from inspector.analysis.packet_timing import PacketTiming

MS = 1_000_000


def timing(*packets: tuple[float, float]) -> PacketTiming:
    """Return the timing of (time, length) pairs in ms."""
    found = PacketTiming()
    for seq, (t_ms, length_ms) in enumerate(packets, 1):
        found.add(seq, int(t_ms * MS), int(length_ms * MS))
    return found


def paced(count: int, every_ms: float, length_ms: float, jitter_ms: float = 0.0) -> PacketTiming:
    chance = random.Random(7)
    return timing(*((n * every_ms + chance.uniform(0, jitter_ms), length_ms) for n in range(count)))


def test_a_sender_in_time_has_neither_jitter_nor_skew_nor_drift() -> None:
    found = paced(600, 20, 20)

    drift = found.drift()
    assert found.delta_mean_ns == pytest.approx(20 * MS)
    assert found.jitter_max.value == 0
    assert found.skew.value == pytest.approx(0, abs=1000)
    assert (found.gaps, found.pauses) == (0, 0)
    assert drift is not None
    assert drift.ppm == pytest.approx(0, abs=0.1)


def test_jitter_is_the_running_mean_of_rfc_3550() -> None:
    found = timing((0, 20), (20, 20), (50, 20), (60, 20))

    # |D| is 0, 10 and 10 ms.
    second = 10 / 16
    third = second + (10 - second) / 16
    assert found.jitter_max.value == pytest.approx(third * MS)
    assert found.jitter_max.seq == 4
    assert found.jitter_mean_ns == pytest.approx((0 + second + third) / 3 * MS)


def test_a_clock_that_is_100_ppm_fast_is_seen_through_timers_of_a_few_ms() -> None:
    found = paced(15_000, 20 / 1.0001, 20, jitter_ms=3)

    drift = found.drift()
    assert drift is not None
    assert drift.ppm == pytest.approx(100, abs=max(5, drift.error * 1e6))
    assert drift.error * 1e6 < 10


def test_a_wrong_rate_shows_as_drift() -> None:
    drift = paced(400, 20, 20 / 3).drift()

    assert drift is not None
    assert drift.speed == pytest.approx(1 / 3, abs=0.001)


def test_pauses_are_no_delta_and_begin_the_drift_anew() -> None:
    first = [(n * 20.0, 20.0) for n in range(200)]
    second = [(60_000 + n * 20.0, 20.0) for n in range(200)]
    found = timing(*first, *second)

    drift = found.drift()
    assert found.pauses == 1
    assert found.delta_max.value == 20 * MS
    assert drift is not None
    assert drift.ppm == pytest.approx(0, abs=0.1)


def test_a_late_event_is_a_gap_and_the_audio_falls_behind() -> None:
    found = timing((0, 20), (20, 20), (320, 20), (340, 20))

    assert (found.gaps, found.gap_max.seq) == (1, 3)
    assert found.gap_max.value == 280 * MS
    assert found.skew.value == pytest.approx(-280 * MS)


def test_time_that_runs_backwards_is_no_step() -> None:
    found = timing((1000, 20), (0, 20), (20, 20))

    assert found.deltas == 1
    assert found.pauses == 0


def test_nothing_is_known_without_times() -> None:
    found = PacketTiming()
    found.add(1, None, 20 * MS)

    assert (found.packets, found.untimed) == (0, 1)
    assert found.wall_ns is None
    assert found.delta_mean_ns is None
    assert found.drift() is None


def test_a_second_does_not_tell_a_drift() -> None:
    assert paced(50, 20, 20).drift() is None
