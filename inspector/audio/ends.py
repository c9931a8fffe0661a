"""SoundInput and SoundOutput, the protocols of a microphone and a speaker, and implementations without a sound card.

The implementations follow the clock that the caller passes in, so that a file plays in real time and tests control the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.sound_file import WavReader, WavWriter
from inspector.core.units import NS_PER_S
from inspector.errors import SoundFileError


class SoundInput(Protocol):
    """Source of the user's audio: mono, at ``rate_hz``. Times are session time in nanoseconds."""

    name: str
    rate_hz: int
    failure: str
    """Why it delivers nothing any longer; ``""`` while it works."""
    supports_backpressure: bool
    """True if audio that cannot be sent now may be sent later, as from a file; a live microphone's would be stale."""

    @property
    def is_finished(self) -> bool:
        """Return whether the source has ended, so that only silence follows."""
        ...

    def start(self, now_ns: int) -> None:
        """Start to deliver audio, from now on."""
        ...

    def read(self, now_ns: int) -> Samples:
        """Return the audio since the last call."""
        ...

    def close(self) -> None:
        """Release the device or file."""
        ...


class SoundOutput(Protocol):
    """Destination of the assistant's audio: mono, at ``rate_hz``. Times are session time in nanoseconds."""

    name: str
    rate_hz: int
    failure: str
    """Why it plays nothing any longer; ``""`` while it works."""

    def wanted(self, now_ns: int) -> int:
        """Return how many samples it needs now."""
        ...

    def write(self, samples: Samples) -> None:
        """Queue samples for playback."""
        ...

    @property
    def unheard(self) -> int:
        """Return how many queued samples have not been played yet."""
        ...

    def flush(self) -> None:
        """Discard the queued samples."""
        ...

    def close(self) -> None:
        """Release the device or file."""
        ...


class FileInput:
    """A sound file delivered in real time, followed by silence."""

    supports_backpressure = True

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            SoundFileError: the file cannot be read, or contains no audio.
        """
        self._reader = WavReader(path)
        self.name = path.name
        self.rate_hz = self._reader.rate_hz
        self.failure = ""
        self._start_ns = 0
        self._delivered = 0
        self._is_finished = True

    @property
    def is_finished(self) -> bool:
        """Return whether the file was read to its end."""
        return self._is_finished

    def start(self, now_ns: int) -> None:
        """Start to deliver the file from its beginning."""
        self._reader.rewind()
        self._start_ns, self._delivered, self._is_finished = now_ns, 0, False

    def read(self, now_ns: int) -> Samples:
        """Return the audio due since the last call."""
        # Counted from the start rather than from the last call, so that rounding never accumulates.
        count = (now_ns - self._start_ns) * self.rate_hz // NS_PER_S - self._delivered
        if count <= 0:
            return np.zeros(0, np.int16)
        self._delivered += count
        found = np.zeros(0, np.int16) if self._is_finished else self._reader.read(count)
        self._is_finished = self._is_finished or len(found) < count
        # Silence follows the file: turn detection needs it to notice the end of the speech.
        return np.concatenate((found, np.zeros(count - len(found), np.int16)))

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class ClockOutput:
    """Playback in real time without a sound card, optionally written to a file with its silences.

    The clock must run even without a file: truncation and barge-in depend on how much the user would have heard.
    """

    def __init__(self, rate_hz: int, writer: WavWriter | None = None) -> None:
        self.name = writer.path.name if writer is not None else "none"
        self.rate_hz = rate_hz
        self.failure = ""
        self._writer = writer
        self._start_ns: int | None = None
        self._delivered = 0

    def wanted(self, now_ns: int) -> int:
        """Return how many samples are due since the last ``write``; the first call starts the clock."""
        if self._start_ns is None:
            self._start_ns = now_ns
        return max(0, (now_ns - self._start_ns) * self.rate_hz // NS_PER_S - self._delivered)

    def write(self, samples: Samples) -> None:
        """Count samples as played, and write them to the file."""
        self._delivered += len(samples)
        if self._writer is None:
            return
        try:
            self._writer.write(samples)
        except SoundFileError as error:
            self.failure = error.message
            self._writer.close()
            self._writer = None

    @property
    def unheard(self) -> int:
        """Return 0: only samples that are already due are written."""
        return 0

    def flush(self) -> None:
        """Do nothing, as no samples are queued."""

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
