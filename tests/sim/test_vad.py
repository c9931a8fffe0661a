"""The turn detector, with scripted speech probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inspector.analysis.server_vad import WINDOW_MS
from inspector.core.audio_formats import PCM16_24K
from inspector.sim.completeness import Completeness, Judge
from inspector.sim.vad import SpeechStarted, SpeechStopped, TurnDetector

LOUD, QUIET = "x", "."
SEMANTIC = {"type": "semantic_vad", "eagerness": "high"}
PAUSE = QUIET * 10
"""320 ms: with eagerness ``high``, the sentence is judged after 300 ms."""


class Told:
    """A detector that returns scripted probabilities."""

    def __init__(self, windows: str) -> None:
        self._windows = windows

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        return [0.9 if window == LOUD else 0.0 for window in self._windows]

    def close(self) -> None:
        pass


class Judges:
    """Return one judge per pause, with scripted verdicts."""

    def __init__(self, *verdicts: Completeness) -> None:
        self._verdicts = list(verdicts)

    def __call__(self) -> Judge:
        verdict = self._verdicts.pop(0)
        return lambda: verdict


def changes(windows: str, detection: dict[str, Any], judges: Judges | None = None) -> list[Any]:
    """Return the changes detected in windows, with times as numbers of windows."""
    detector = TurnDetector(Told(windows), judges)
    sound = bytes(round(len(windows) * WINDOW_MS * PCM16_24K.bytes_per_ms))
    return [
        (type(change), change.at_ms / WINDOW_MS)
        for change in detector.feed(sound, PCM16_24K, detection)
    ]


@pytest.mark.parametrize(
    ("windows", "silence_ms", "expected"),
    [
        ("..xx..xx..", 0, []),
        ("..xxx", 0, [(SpeechStarted, 2)]),
        ("..xxx.", 0, [(SpeechStarted, 2), (SpeechStopped, 6)]),
        ("..xxx..x..", 96, [(SpeechStarted, 2)]),
        ("..xxx...xx", 96, [(SpeechStarted, 2), (SpeechStopped, 8)]),
        ("xxx.xxx.", 0, [(SpeechStarted, 0), (SpeechStopped, 4), (SpeechStarted, 4), (SpeechStopped, 8)]),
    ],
)  # fmt: skip
def test_server_vad(windows: str, silence_ms: int, expected: list[Any]) -> None:
    assert changes(windows, {"type": "server_vad", "silence_duration_ms": silence_ms}) == expected


@pytest.mark.parametrize(
    ("windows", "verdicts", "expected"),
    [
        (f"xxx{PAUSE}", [Completeness.COMPLETE], [(SpeechStarted, 0), (SpeechStopped, 13)]),
        (f"xxx{PAUSE}", [Completeness.TRAILING], [(SpeechStarted, 0)]),
        # What is said after a pause is judged anew: the verdict on the first words is not that on the last.
        (f"xxx{PAUSE}xx{PAUSE}", [Completeness.TRAILING, Completeness.COMPLETE], [(SpeechStarted, 0), (SpeechStopped, 25)]),
        # An eager judge has waited for two seconds of silence long enough.
        (f"xxx{QUIET * 63}", [Completeness.TRAILING], [(SpeechStarted, 0), (SpeechStopped, 66)]),
        # A verdict that does not come is not waited for longer than 700 ms.
        (f"xxx{QUIET * 32}", [Completeness.PENDING], [(SpeechStarted, 0), (SpeechStopped, 35)]),
        (f"xxx{QUIET * 31}", [Completeness.PENDING], [(SpeechStarted, 0)]),
    ],
)  # fmt: skip
def test_semantic_vad(windows: str, verdicts: list[Completeness], expected: list[Any]) -> None:
    assert changes(windows, SEMANTIC, Judges(*verdicts)) == expected
