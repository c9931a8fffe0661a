"""WebrtcDetector: tells speech from silence, hiss and tones for almost nothing, with ``webrtcvad-wheels``.

webrtcvad alone takes white noise and pure tones for speech. Both are told by their spectrum: noise is flat, a tone is one line.
A hum with overtones and dull noise still pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from inspector.sim.vad import WINDOW_MS, LoudnessDetector
from inspector.sources.speech.silero import FAINT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MODE = 3
"""The strictest."""
_KNOWN_HZ = (8_000, 16_000, 32_000, 48_000)
_USUAL_HZ = 16_000
_FRAME_MS, _FRAMES = 10, 3
"""It judges 10, 20 or 30 ms: of each window of 32 ms the first 30."""
_BAND_HZ = (125.0, 3_900.0)
_FLATTEST = 0.4
"""Spectral flatness: white noise has 0.56, vowels 0.01 to 0.2."""
_NARROWEST = 0.95
"""Share of the energy in the five bins around the strongest: a tone has 1.0, a vowel at most 0.93."""

_LEAST_POWER = 1e-3
"""Added to every bin: there is no logarithm of 0."""


class WebrtcDetector:
    """Speech detection for one session."""

    def __init__(self) -> None:
        import webrtcvad

        self._vad = webrtcvad.Vad(_MODE)
        self._loudness = LoudnessDetector()

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return how likely each window of 32 ms holds speech: the share of its frames that do."""
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
        """Do nothing: it holds nothing that is scarce."""

    def _probability(self, window: npt.NDArray[np.int16], rate_hz: int) -> float:
        import numpy as np

        if rate_hz not in _KNOWN_HZ:
            count = _USUAL_HZ * WINDOW_MS // 1000
            at, have = _places(count, len(window))
            window = np.interp(at, have, window).astype("<i2")
            rate_hz = _USUAL_HZ
        data, size = window.tobytes(), rate_hz * _FRAME_MS // 500
        frames = [data[at : at + size] for at in range(0, _FRAMES * size, size)]
        count = sum(bool(self._vad.is_speech(frame, rate_hz)) for frame in frames)
        return count / _FRAMES if count and _may_be_voice(window, rate_hz) else 0.0


def _may_be_voice(window: npt.NDArray[np.int16], rate_hz: int) -> bool:
    """Tell whether the spectrum of a window may be that of a voice."""
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
def _places(count: int, have: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where so many samples lie between others, and where those are."""
    import numpy as np

    between = np.linspace(0.0, have, count, endpoint=False, dtype=np.float64)
    return between, np.arange(have, dtype=np.float64)


@lru_cache(maxsize=8)
def _shape(count: int, rate_hz: int) -> tuple[npt.NDArray[np.float64], int, int]:
    """Return the taper of a window of so many samples, and the bins of its spectrum that are looked at."""
    import numpy as np

    low_hz, high_hz = _BAND_HZ
    bin_hz = rate_hz / count
    return np.hanning(count), round(low_hz / bin_hz), round(high_hz / bin_hz) + 1
