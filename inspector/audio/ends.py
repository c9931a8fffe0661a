"""The two ends of the sound: where the user's comes from and where the assistant's goes to, when neither is a sound card.

Both follow the clock that their owner passes in, so that a file is spoken and heard in real time, and so that tests own the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.sound_file import WavReader, WavWriter
from inspector.errors import SoundFileError

_NS_PER_S = 1_000_000_000


class SoundInput(Protocol):
    """Where the user's sound comes from: mono, at ``rate_hz``. Times are session time in nanoseconds."""

    name: str
    rate_hz: int
    failure: str
    """Why nothing comes any more; ``""`` while all is well."""
    supports_backpressure: bool
    """True where sound that cannot be sent now may be sent later, as that of a file."""

    @property
    def is_over(self) -> bool:
        """Tell whether what there was to say was said; only silence follows."""
        ...

    def start(self, now_ns: int) -> None:
        """Begin to deliver, from now on."""
        ...

    def read(self, now_ns: int) -> Samples:
        """Return what came since the last call."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SoundOutput(Protocol):
    """Where the assistant's sound goes to: mono, at ``rate_hz``. Times are session time in nanoseconds."""

    name: str
    rate_hz: int
    failure: str
    """Why nothing is heard any more; ``""`` while all is well."""

    def wanted(self, now_ns: int) -> int:
        """Return how many samples it takes now."""
        ...

    def write(self, samples: Samples) -> None:
        """Hand samples over."""
        ...

    @property
    def unheard(self) -> int:
        """Return how many samples were handed over and have not been heard."""
        ...

    def flush(self) -> None:
        """Throw away what was handed over and has not been heard."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FileInput:
    """A sound file, as if spoken, then silence."""

    supports_backpressure = True

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            SoundFileError: it cannot be read, or holds no sound.
        """
        self._reader = WavReader(path)
        self.name = path.name
        self.rate_hz = self._reader.rate_hz
        self.failure = ""
        self._start_ns = 0
        self._given = 0
        self._is_over = True

    @property
    def is_over(self) -> bool:
        """Tell whether the file was read to its end."""
        return self._is_over

    def start(self, now_ns: int) -> None:
        """Speak the file from its beginning."""
        self._reader.rewind()
        self._start_ns, self._given, self._is_over = now_ns, 0, False

    def read(self, now_ns: int) -> Samples:
        """Return what is spoken until now."""
        count = (now_ns - self._start_ns) * self.rate_hz // _NS_PER_S - self._given
        if count <= 0:
            return np.zeros(0, np.int16)
        self._given += count
        found = np.zeros(0, np.int16) if self._is_over else self._reader.read(count)
        self._is_over = self._is_over or len(found) < count
        return np.concatenate((found, np.zeros(count - len(found), np.int16)))

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()


class ClockOutput:
    """Nobody's ear, or a file of what the user would have heard, silence included; plays in real time either way."""

    def __init__(self, rate_hz: int, writer: WavWriter | None = None) -> None:
        self.name = writer.path.name if writer is not None else "none"
        self.rate_hz = rate_hz
        self.failure = ""
        self._writer = writer
        self._start_ns: int | None = None
        self._given = 0

    def wanted(self, now_ns: int) -> int:
        """Return how many samples were played since the last call; the first call starts the clock."""
        if self._start_ns is None:
            self._start_ns = now_ns
        return max(0, (now_ns - self._start_ns) * self.rate_hz // _NS_PER_S - self._given)

    def write(self, samples: Samples) -> None:
        """Take samples as heard."""
        self._given += len(samples)
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
        """Return 0: what is handed over was due."""
        return 0

    def flush(self) -> None:
        """Nothing is on its way."""

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
