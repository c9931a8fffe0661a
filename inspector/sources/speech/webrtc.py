"""Fast speech detection with ``webrtcvad-wheels``.

webrtcvad alone takes white noise and pure tones for speech. Both are recognized by their spectrum: noise is flat, a tone is a
single line. A hum with overtones and low-frequency noise are still taken for speech.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from inspector.analysis.server_vad import WINDOW_MS
from inspector.sim.vad import LoudnessDetector
from inspector.sources.speech.silero import FAINT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MODE = 3
"""The most aggressive mode at filtering out non-speech."""
_SUPPORTED_HZ = (8_000, 16_000, 32_000, 48_000)
_FALLBACK_HZ = 16_000
_FRAME_MS, _FRAMES = 10, 3
"""webrtcvad accepts frames of 10, 20 or 30 ms only, so the last 2 ms of each window are ignored."""
_BAND_HZ = (125.0, 3_900.0)
_FLATTEST = 0.4
"""Spectral flatness: white noise has 0.56, vowels 0.01 to 0.2."""
_NARROWEST = 0.95
"""Share of the energy in the five bins around the strongest: a tone has 1.0, a vowel at most 0.93."""

_LEAST_POWER = 1e-3
"""Added to every bin, to avoid the logarithm of 0."""


class WebrtcDetector:
    """Detect speech in one session."""

    def __init__(self) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(_MODE)
        self._loudness = LoudnessDetector()

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech in each window of 32 ms: the share of its frames with speech."""
        import numpy as np

        loud = self._loudness.probabilities(pcm16, rate_hz)
        if max(loud, default=0.0) < FAINT:
            return [0.0] * len(loud)
        windows = np.frombuffer(pcm16, "<i2").reshape(len(loud), -1)
        return [
            self._probability(window, rate_hz) if level >= FAINT else 0.0
            for window, level in zip(windows, loud, strict=True)
        ]

    def close(self) -> None:
        """Do nothing: the detector has no resources to release."""

    def _probability(self, window: npt.NDArray[np.int16], rate_hz: int) -> float:
        import numpy as np

        if (
            rate_hz not in _SUPPORTED_HZ
        ):  # such as 24 kHz, the API's own; interpolation is good enough
            count = _FALLBACK_HZ * WINDOW_MS // 1000
            targets, sources = _positions(count, len(window))
            window = np.interp(targets, sources, window).astype("<i2")
            rate_hz = _FALLBACK_HZ
        data, size = window.tobytes(), rate_hz * _FRAME_MS // 500
        frames = [data[at : at + size] for at in range(0, _FRAMES * size, size)]
        count = sum(bool(self._vad.is_speech(frame, rate_hz)) for frame in frames)
        return count / _FRAMES if count and _may_be_voice(window, rate_hz) else 0.0


def _may_be_voice(window: npt.NDArray[np.int16], rate_hz: int) -> bool:
    """Return True if the spectrum of a window may be that of a voice."""
    import numpy as np

    taper, low, high = _shape(len(window), rate_hz)
    spectrum = np.fft.rfft(window * taper)[low:high]
    power = spectrum.real**2 + spectrum.imag**2 + _LEAST_POWER
    total = float(power.sum())
    flatness = math.exp(float(np.log(power).sum()) / len(power)) * len(power) / total
    peak = int(power.argmax())
    narrow = float(power[max(0, peak - 2) : peak + 3].sum()) / total
    return flatness < _FLATTEST and narrow < _NARROWEST


@lru_cache(maxsize=8)
def _positions(count: int, have: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the positions of ``count`` resampled samples, and those of the ``have`` original ones."""
    import numpy as np

    targets = np.linspace(0.0, have, count, endpoint=False, dtype=np.float64)
    return targets, np.arange(have, dtype=np.float64)


@lru_cache(maxsize=8)
def _shape(count: int, rate_hz: int) -> tuple[npt.NDArray[np.float64], int, int]:
    """Return the taper of a window of ``count`` samples, and the range of spectral bins within ``_BAND_HZ``."""
    import numpy as np

    low_hz, high_hz = _BAND_HZ
    bin_hz = rate_hz / count
    return np.hanning(count), round(low_hz / bin_hz), round(high_hz / bin_hz) + 1
