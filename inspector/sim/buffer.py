"""The input audio buffer: the bytes since the last commit, with their position on the session's audio clock.

The audio clock counts appended audio, not wall time, as ``audio_start_ms`` and ``audio_end_ms`` of the API do.
"""

from __future__ import annotations

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.sim.refusals import commit_empty

MIN_COMMIT_MS = 100  # as the API's own error message says
MAX_BUFFER_BYTES = 64 << 20
"""23 minutes of PCM16 at 24 kHz; beyond that the oldest audio is dropped, so that a client cannot exhaust memory."""


class InputBuffer:
    """Audio that has not been committed yet."""

    def __init__(self) -> None:
        self.format: AudioFormat = PCM16_24K
        self.end_ms = 0.0
        """Audio appended in this session so far; the current time of the audio clock."""
        self._data = bytearray()

    @property
    def have_ms(self) -> float:
        """Return the length of the uncommitted audio in milliseconds."""
        return len(self._data) / self.format.bytes_per_ms

    @property
    def start_ms(self) -> float:
        """Return the time on the audio clock at which the uncommitted audio starts."""
        return self.end_ms - self.have_ms

    def append(self, data: bytes, audio: AudioFormat) -> None:
        """Append audio, discarding what was appended in another format."""
        if audio != self.format:
            self.format = audio
            self.clear()
        self._data += data
        self.end_ms += len(data) / audio.bytes_per_ms
        # ``end_ms`` includes the dropped audio, so ``start_ms`` follows by itself.
        del self._data[: max(0, len(self._data) - MAX_BUFFER_BYTES)]

    def check_commit(self) -> None:
        """Check that the buffer is long enough to commit.

        Raises:
            ApiRefusal: the buffer has less than 100 ms.
        """
        if self.have_ms < MIN_COMMIT_MS:
            raise commit_empty(self.have_ms)

    def pop(self, from_ms: float | None = None, to_ms: float | None = None) -> bytes:
        """Return the audio between two times of the audio clock, and discard everything before ``to_ms``.

        None means the start or the end of the uncommitted audio.
        """
        begin = 0 if from_ms is None else self._at(from_ms)
        end = len(self._data) if to_ms is None else self._at(to_ms)
        data = bytes(self._data[begin:end])
        del self._data[:end]
        return data

    def peek(self, from_ms: float) -> bytes:
        """Return the audio from a time of the audio clock onwards, without removing it."""
        return bytes(memoryview(self._data)[self._at(from_ms) :])

    def clear(self) -> None:
        """Discard the uncommitted audio; the audio clock keeps its time."""
        self._data.clear()

    def _at(self, at_ms: float) -> int:
        frame = 2 if self.format.encoding == "pcm16" else 1  # never cut a 16-bit sample in half
        at = round((at_ms - self.start_ms) * self.format.bytes_per_ms / frame) * frame
        return min(len(self._data), max(0, at))
