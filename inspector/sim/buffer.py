"""The input audio buffer: bytes since the last commit, and where they lie on the session's audio clock."""

from __future__ import annotations

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.sim.refusals import commit_empty

MIN_COMMIT_MS = 100
MAX_BUFFER_BYTES = 64 << 20
"""23 minutes of PCM16; above it the oldest audio is forgotten."""


class InputBuffer:
    """Audio that waits to be committed."""

    def __init__(self) -> None:
        self.format: AudioFormat = PCM16_24K
        self.end_ms = 0.0
        """All audio appended in this session."""
        self._data = bytearray()

    @property
    def have_ms(self) -> float:
        """Return how much waits."""
        return len(self._data) / self.format.bytes_per_ms

    @property
    def start_ms(self) -> float:
        """Return where what waits begins on the session's audio clock."""
        return self.end_ms - self.have_ms

    def append(self, data: bytes, audio: AudioFormat) -> None:
        """Add audio; what was appended in another format is forgotten."""
        if audio != self.format:
            self.format = audio
            self.clear()
        self._data += data
        self.end_ms += len(data) / audio.bytes_per_ms
        del self._data[: max(0, len(self._data) - MAX_BUFFER_BYTES)]

    def check_commit(self) -> None:
        """Make sure that there is enough to commit.

        Raises:
            Refusal: there is less than 100 ms.
        """
        if self.have_ms < MIN_COMMIT_MS:
            raise commit_empty(self.have_ms)

    def take(self, from_ms: float | None = None, to_ms: float | None = None) -> bytes:
        """Return the audio between two times of the audio clock, and forget all up to the second.

        None stands for the start and the end of what waits.
        """
        begin = 0 if from_ms is None else self._at(from_ms)
        end = len(self._data) if to_ms is None else self._at(to_ms)
        data = bytes(self._data[begin:end])
        del self._data[:end]
        return data

    def peek(self, from_ms: float) -> bytes:
        """Return the audio from a time of the audio clock on; it stays."""
        return bytes(memoryview(self._data)[self._at(from_ms) :])

    def clear(self) -> None:
        """Forget what waits; the audio clock stays."""
        self._data.clear()

    def _at(self, at_ms: float) -> int:
        frame = 2 if self.format.encoding == "pcm16" else 1
        at = round((at_ms - self.start_ms) * self.format.bytes_per_ms / frame) * frame
        return min(len(self._data), max(0, at))
