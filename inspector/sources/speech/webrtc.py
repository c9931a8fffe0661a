"""WebrtcDetector: tells speech from silence, hiss and tones for almost nothing, with ``webrtcvad-wheels``.

webrtcvad alone takes white noise and pure tones for speech. Both are told by their spectrum: noise is flat, a tone is one line.
A hum with overtones and dull noise still pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from inspector.sim.vad import WINDOW_MS, LoudnessDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MODE = 3
"""The strictest."""
_KNOWN_HZ = (8_000, 16_000, 32_000, 48_000)
_USUAL_HZ = 16_000
_FRAME_MS, _FRAMES = 10, 3
"""It judges 10, 20 or 30 ms: of each window of 32 ms the first 30."""
_FAINT = 0.1
"""Loudness (as a probability) below which nothing is speech."""
_BAND_HZ = (125.0, 3_900.0)
_FLATTEST = 0.4
"""Spectral flatness: white noise has 0.56, vowels 0.01 to 0.2."""
_NARROWEST = 0.95
"""Share of the energy in the five bins around the strongest: a tone has 1.0, a vowel at most 0.93."""


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
        if max(loud, default=0.0) < _FAINT:
            return [0.0] * len(loud)
        windows = np.frombuffer(pcm16, "<i2").reshape(len(loud), -1)
        voices = _are_voices(windows, rate_hz)
        return [
            self._share(window, rate_hz) if is_voice and level >= _FAINT else 0.0
            for window, is_voice, level in zip(windows, voices, loud, strict=True)
        ]

    def close(self) -> None:
        """Do nothing: it holds nothing that is scarce."""

    def _share(self, window: npt.NDArray[np.int16], rate_hz: int) -> float:
        import numpy as np

        if rate_hz not in _KNOWN_HZ:
            count = _USUAL_HZ * WINDOW_MS // 1000
            at = np.arange(count) * (len(window) / count)
            window = np.interp(at, np.arange(len(window)), window).astype("<i2")
            rate_hz = _USUAL_HZ
        data, size = window.tobytes(), rate_hz * _FRAME_MS // 500
        frames = (data[at : at + size] for at in range(0, _FRAMES * size, size))
        return sum(bool(self._vad.is_speech(frame, rate_hz)) for frame in frames) / _FRAMES


def _are_voices(windows: npt.NDArray[np.int16], rate_hz: int) -> list[bool]:
    """Tell of each window whether its spectrum may be that of a voice."""
    import numpy as np

    taper, band = _shape(windows.shape[1], rate_hz)
    power = np.abs(np.fft.rfft(windows * taper, axis=1)[:, band]) ** 2 + 1e-3
    total = power.sum(axis=1)
    flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
    peaks = power.argmax(axis=1)
    narrow = [
        row[max(0, peak - 2) : peak + 3].sum() / whole
        for row, peak, whole in zip(power, peaks, total, strict=True)
    ]
    found: list[bool] = ((flatness < _FLATTEST) & (np.array(narrow) < _NARROWEST)).tolist()
    return found


@lru_cache(maxsize=8)
def _shape(count: int, rate_hz: int) -> tuple[npt.NDArray[np.float64], slice]:
    """Return the taper of a window of so many samples, and the bins of its spectrum that are looked at."""
    import numpy as np

    low_hz, high_hz = _BAND_HZ
    bin_hz = rate_hz / count
    return np.hanning(count), slice(round(low_hz / bin_hz), round(high_hz / bin_hz) + 1)
