"""The input audio buffer, with voice activity detection by loudness.

The real server detects speech with a model that ignores tones and noise; this one only measures how loud it is. It is good
enough for speech in a quiet room, and says so in the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspector.audio.pcm import alaw_to_pcm16, samples_of, ulaw_to_pcm16
from inspector.core.formats import AudioFormat
from inspector.sim.refusals import commit_empty

MIN_COMMIT_MS = 100
WINDOW_MS = 20
SPEECH_RMS = 150.0
"""Loudness of a window that counts as speech at the default threshold of 0.5, about -47 dBFS."""
MIN_SPEECH_WINDOWS = 3
"""A click is not speech: 60 ms must be loud."""
MAX_BUFFER_BYTES = 128 << 20
_DECODERS = {"pcm16": samples_of, "pcmu": ulaw_to_pcm16, "pcma": alaw_to_pcm16}


@dataclass(frozen=True, slots=True)
class Speech:
    """A change of voice activity, at a time on the session's audio clock."""

    is_start: bool
    at_ms: int


class InputBuffer:
    """Audio since the last commit."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._undetected = bytearray()
        self.total_ms = 0.0
        """All audio appended in this session."""
        self.speech_item_id = ""
        """The id announced at the start of the open speech."""
        self._is_open = False
        self._loud = 0
        self._quiet_ms = 0

    def append(
        self, data: bytes, audio: AudioFormat, detection: dict[str, Any] | None
    ) -> list[Speech]:
        """Add audio; return the changes of voice activity in it, none where turn detection is off."""
        self._data += data
        del self._data[: max(0, len(self._data) - MAX_BUFFER_BYTES)]
        if detection is None:
            self.total_ms += len(data) / audio.bytes_per_ms
            return []
        self._undetected += data
        window = int(WINDOW_MS * audio.bytes_per_ms)
        changes = []
        while len(self._undetected) >= window:
            chunk = bytes(self._undetected[:window])
            del self._undetected[:window]
            self.total_ms += WINDOW_MS
            change = self._detect(_loudness(chunk, audio), detection)
            if change is not None:
                changes.append(change)
        return changes

    def check_commit(self, audio: AudioFormat) -> None:
        """Raise a ``Refusal`` where there is too little to commit."""
        have_ms = len(self._data) / audio.bytes_per_ms
        if have_ms < MIN_COMMIT_MS:
            raise commit_empty(have_ms)

    def take(self) -> bytes:
        """Return what is buffered, and start anew."""
        data = bytes(self._data)
        self.clear()
        return data

    def clear(self) -> None:
        """Forget what is buffered."""
        self._data.clear()
        self._undetected.clear()
        self._is_open, self._loud, self._quiet_ms = False, 0, 0
        self.speech_item_id = ""

    def _detect(self, loudness: float, detection: dict[str, Any]) -> Speech | None:
        threshold = SPEECH_RMS * 2 * float(detection.get("threshold") or 0.5)
        is_loud = loudness >= threshold
        if not self._is_open:
            self._loud = self._loud + 1 if is_loud else 0
            if self._loud < MIN_SPEECH_WINDOWS:
                return None
            self._is_open, self._quiet_ms = True, 0
            padding = int(detection.get("prefix_padding_ms") or 0)
            return Speech(
                True, max(0, int(self.total_ms) - MIN_SPEECH_WINDOWS * WINDOW_MS - padding)
            )
        self._quiet_ms = 0 if is_loud else self._quiet_ms + WINDOW_MS
        if self._quiet_ms < silence_ms(detection):
            return None
        self._is_open, self._loud = False, 0
        return Speech(False, int(self.total_ms))


def silence_ms(detection: dict[str, Any]) -> int:
    """Return how much silence ends a turn."""
    if detection.get("type") == "semantic_vad":
        return {"low": 1200, "high": 300}.get(str(detection.get("eagerness")), 600)
    return int(detection.get("silence_duration_ms") or 200)


def _loudness(chunk: bytes, audio: AudioFormat) -> float:
    import numpy as np

    samples = _DECODERS[audio.encoding](chunk).astype(np.float64)
    return float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0
