"""server_vad as arithmetic: the same turns as the simulator's detector, window by window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.analysis.server_vad import (
    WINDOW_MS,
    DetectedTurn,
    SettingsFrom,
    VadSettings,
    detected_turns,
    settings_of,
)
from inspector.core.audio_formats import PCM16_24K
from inspector.sim.vad import SpeechStarted, TurnDetector

PROBABILITIES = st.lists(st.sampled_from((0.0, 0.2, 0.34, 0.36, 0.45, 0.5, 0.6, 0.9)), max_size=80)


class Scripted:
    """A detector that returns scripted probabilities."""

    def __init__(self, found: Sequence[float]) -> None:
        self._found = found

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        return self._found

    def close(self) -> None:
        pass


def turns(found: Sequence[float], *changes: SettingsFrom, begin_ms: float = 0) -> list[DetectedTurn]:  # fmt: skip
    return list(detected_turns(np.array(found, np.float32), changes, begin_ms))


@settings(max_examples=150, deadline=None)
@given(
    PROBABILITIES,
    st.sampled_from((0.0, 0.3, 0.5, 0.9, 1.0)),
    st.sampled_from((0, 32, 100, 500)),
    st.sampled_from((0, 200, 300)),
)
def test_turns_are_those_of_the_simulator(
    found: list[float], threshold: float, silence_ms: int, padding_ms: int
) -> None:
    exact = np.array(found, np.float32).tolist()
    tried = VadSettings(threshold, padding_ms, silence_ms)
    sound = bytes(round(len(found) * WINDOW_MS * PCM16_24K.bytes_per_ms))
    detection = {"type": "server_vad", **tried.detection}
    changes = list(TurnDetector(Scripted(exact)).feed(sound, PCM16_24K, detection))

    told = turns(exact, SettingsFrom(0, tried))
    starts = [one.at_ms for one in changes if isinstance(one, SpeechStarted)]
    stops = [one.at_ms for one in changes if not isinstance(one, SpeechStarted)]
    assert [one.start_ms for one in told] == starts
    assert [one.stop_ms for one in told if one.stop_ms is not None] == stops


def test_settings_that_change_in_between_hold_from_their_window_on() -> None:
    found = [0.9] * 4 + [0.0] * 10 + [0.9] * 4 + [0.0] * 10
    short, long = VadSettings(0.5, 0, 64), VadSettings(0.5, 0, 256)

    first, second = turns(found, SettingsFrom(0, short), SettingsFrom(14, long))
    assert first == DetectedTurn(0, 6 * WINDOW_MS, 0, 4 * WINDOW_MS)
    assert second == DetectedTurn(14 * WINDOW_MS, 26 * WINDOW_MS, 14 * WINDOW_MS, 18 * WINDOW_MS)


def test_the_padding_does_not_reach_before_the_span() -> None:
    (turn,) = turns([0.9] * 5, SettingsFrom(0, VadSettings()), begin_ms=1000)

    assert (turn.start_ms, turn.stop_ms) == (1000, None)


@pytest.mark.parametrize("found", [[], [0.9, 0.9]])
def test_nothing_or_a_click_is_no_turn(found: list[float]) -> None:
    assert turns(found, SettingsFrom(0, VadSettings())) == []
    assert turns(found) == []


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ({"type": "server_vad"}, VadSettings()),
        ({"type": "server_vad", "threshold": 0.7, "prefix_padding_ms": 0, "silence_duration_ms": 200}, VadSettings(0.7, 0, 200)),
        ({"type": "server_vad", "threshold": "high", "silence_duration_ms": 1e300, "prefix_padding_ms": True}, VadSettings()),
        ({"type": "semantic_vad"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_settings_are_read_from_the_session(
    detection: dict[str, object], expected: VadSettings | None
) -> None:
    assert settings_of(detection) == expected
