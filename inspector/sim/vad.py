"""Voice activity detection: when the user speaks, and when a turn ends.

The real server detects speech with a model that ignores tones and noise. ``LoudnessDetector`` measures loudness only, which is
good enough for speech in a quiet room. Padding, silence and thresholds work as in the API:
https://developers.openai.com/api/docs/guides/realtime-vad.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from inspector.analysis.server_vad import (
    HYSTERESIS,
    LEAST_THRESHOLD,
    MIN_SPEECH_WINDOWS,
    WINDOW_MS,
)
from inspector.core.audio_formats import AudioFormat
from inspector.sim.completeness import LEAST_BEFORE, LONGEST_HOLD, Completeness, Judge, is_held
from inspector.sim.server_outbox import Json

_EVEN_DBFS, _SPAN_DB = -47.0, 40.0
"""Loudness at probability 0.5, the default threshold, and the range of loudness from probability 0 to 1."""
_PAUSE_MS = {"low": 1600, "high": 300}
_DEFAULT_PAUSE_MS = 800
"""By eagerness: silence before the sentence is judged. Not documented; chosen to feel like the API."""
_MAX_PAUSE_MS = {"low": 8000, "high": 2000}
_DEFAULT_MAX_PAUSE_MS = 4000
"""By eagerness: silence that ends the turn even after an incomplete sentence (the documented maximum timeouts)."""
_VERDICT_MS = 700
"""How long to wait for the verdict on the words after the pause; then the sound decides."""


class SpeechDetector(Protocol):
    """Distinguish speech from everything else."""

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech, 0..1, in each window of ``WINDOW_MS``; ``pcm16`` is a whole number of windows."""
        ...

    def close(self) -> None:
        """Release this session's resources; ``probabilities`` must not be called afterwards."""
        ...


class LoudnessDetector:
    """Treat loud audio as speech."""

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech in each window, from its RMS level."""
        import numpy as np  # here: a session without audio input starts without NumPy

        count = rate_hz * WINDOW_MS // 1000
        samples = np.frombuffer(pcm16, "<i2").astype(np.float64).reshape(-1, count)
        rms = np.sqrt(np.einsum("ij,ij->i", samples, samples) / count)
        dbfs = 20 * np.log10(np.maximum(rms, 1.0) / 32768.0)
        found: list[float] = np.clip(0.5 + (dbfs - _EVEN_DBFS) / _SPAN_DB, 0.0, 1.0).tolist()
        return found

    def close(self) -> None:
        """Do nothing: the detector has no resources."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user started to speak; ``at_ms`` is on the session's audio clock and includes the padding."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user's turn ended; ``at_ms`` includes the silence after it."""

    at_ms: int


SpeechChange = SpeechStarted | SpeechStopped


class TurnDetector:
    """Detect turns in a stream of audio."""

    def __init__(
        self, detector: SpeechDetector, at_pause: Callable[[], Judge] | None = None
    ) -> None:
        """Start in silence.

        Args:
            detector: returns speech probabilities.
            at_pause: called when the user pauses under ``semantic_vad``; returns the judge of the sentence so far.
        """
        self.is_open = False
        """True between the start and the end of speech."""
        self._at_pause = at_pause
        self._judge: Judge | None = None
        self._loudness = LoudnessDetector()
        self._levels: deque[float] = deque(maxlen=LONGEST_HOLD + LEAST_BEFORE + 1)
        """Loudness of the last windows of speech, as ``is_held`` needs it."""
        self._detector = detector
        self._pending = bytearray()
        """Audio of an incomplete window."""
        self._at_ms = 0.0
        """End of the last window on the audio clock."""
        self._earliest_ms = 0.0
        """End of the previous turn, which the padding of the next one must not reach into."""
        self._loud = 0
        self._quiet_ms = 0

    def restart(self, at_ms: float) -> None:
        """Restart in silence at a time of the audio clock."""
        self._pending.clear()
        self._at_ms = self._earliest_ms = at_ms
        self.is_open, self._loud, self._quiet_ms = False, 0, 0
        self._judge = None
        self._levels.clear()

    def feed(self, data: bytes, audio: AudioFormat, detection: Json) -> Iterator[SpeechChange]:
        """Process audio; yield the changes of voice activity in it."""
        self._pending += data
        window = int(WINDOW_MS * audio.bytes_per_ms)
        whole = len(self._pending) // window * window
        chunk = bytes(self._pending[:whole])
        del self._pending[:whole]
        if not chunk:
            return
        pcm16 = as_pcm16(chunk, audio)
        is_semantic = detection.get("type") == "semantic_vad"
        levels = self._loudness.probabilities(pcm16, audio.rate_hz) if is_semantic else ()
        for index, probability in enumerate(self._detector.probabilities(pcm16, audio.rate_hz)):
            self._at_ms += WINDOW_MS
            change = self._step(probability, detection)
            if is_semantic and self.is_open and not self._quiet_ms:
                self._levels.append(levels[index])
            if change is not None:
                yield change

    def _step(self, probability: float, detection: Json) -> SpeechChange | None:
        configured = detection.get("threshold")
        threshold = max(LEAST_THRESHOLD, 0.5 if configured is None else float(configured))
        if not self.is_open:
            self._loud = self._loud + 1 if probability >= threshold else 0
            if self._loud < MIN_SPEECH_WINDOWS:
                return None
            self.is_open, self._quiet_ms = True, 0
            padding_ms = int(detection.get("prefix_padding_ms") or 0)
            onset_ms = self._at_ms - MIN_SPEECH_WINDOWS * WINDOW_MS - padding_ms
            return SpeechStarted(round(max(self._earliest_ms, onset_ms)))
        is_quiet = probability < max(LEAST_THRESHOLD, threshold - HYSTERESIS)
        self._quiet_ms = self._quiet_ms + WINDOW_MS if is_quiet else 0
        if not is_quiet:
            self._judge = None
        if not self._has_turn_ended(detection):
            return None
        self.is_open, self._loud, self._earliest_ms = False, 0, self._at_ms
        self._judge = None
        self._levels.clear()
        return SpeechStopped(round(self._at_ms))

    def _has_turn_ended(self, detection: Json) -> bool:
        """Return True if the silence so far ends the turn."""
        if detection.get("type") != "semantic_vad":
            silence_ms = int(detection.get("silence_duration_ms") or 0)
            return self._quiet_ms >= max(WINDOW_MS, silence_ms)
        eagerness = str(detection.get("eagerness"))
        pause_ms = _PAUSE_MS.get(eagerness, _DEFAULT_PAUSE_MS)
        if self._quiet_ms < pause_ms:
            return False
        if self._quiet_ms >= _MAX_PAUSE_MS.get(eagerness, _DEFAULT_MAX_PAUSE_MS):
            return True
        if self._judge is None and self._at_pause is not None:
            self._judge = self._at_pause()
        verdict = Completeness.UNKNOWN if self._judge is None else self._judge()
        if verdict is Completeness.PENDING:
            if self._quiet_ms < pause_ms + _VERDICT_MS:
                return False
            verdict = Completeness.UNKNOWN
        if verdict is Completeness.UNKNOWN:
            return not is_held(self._levels)
        return verdict is Completeness.COMPLETE


def as_pcm16(data: bytes, audio: AudioFormat) -> bytes:
    """Return audio converted to PCM16 at the same rate."""
    if audio.encoding == "pcm16":
        return data
    from inspector.audio.pcm import decoded

    return decoded(data, audio.encoding).astype("<i2").tobytes()
