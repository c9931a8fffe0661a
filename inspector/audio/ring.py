"""Ring: a lock-free queue of samples from one thread to another.

A lock could block PortAudio's callback and cause audible gaps. One thread writes and one reads; each changes only its own counter,
after it has accessed the samples. In CPython both are single attribute stores, so the other thread sees either the old or the new
state, both of which are valid.
"""

from __future__ import annotations

import numpy as np

from inspector.audio.pcm import Samples


class Ring:
    """Bounded queue of samples between one writing and one reading thread."""

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, np.int16)
        self._written = 0
        """Samples written in total; changed by the writer only."""
        self._read = 0
        """Samples read in total; changed by the reader only."""
        self._skip_to = 0
        """Position up to which the reader skips; changed by the writer only, as it may not touch ``_read``."""
        self.dropped = 0
        """Samples that did not fit; changed by the writer only."""

    def __len__(self) -> int:
        return max(0, self._written - max(self._read, self._skip_to))

    def write(self, samples: Samples) -> int:
        """Write the samples that fit; return their number. Only the writing thread may call this."""
        room = len(self._samples) - (self._written - self._read)
        taken = samples[: max(0, room)]
        at = self._written % len(self._samples)
        first = min(len(taken), len(self._samples) - at)
        self._samples[at : at + first] = taken[:first]
        self._samples[: len(taken) - first] = taken[first:]
        self._written += len(taken)
        self.dropped += len(samples) - len(taken)
        return len(taken)

    def read(self, count: int) -> Samples:
        """Return up to ``count`` samples and remove them. Only the reading thread may call this."""
        start = max(self._read, self._skip_to)
        count = min(count, self._written - start)
        at = start % len(self._samples)
        first = min(count, len(self._samples) - at)
        taken = np.concatenate((self._samples[at : at + first], self._samples[: count - first]))
        self._read = start + count
        return taken

    def clear(self) -> None:
        """Make the reader skip all samples in the ring. Only the writing thread may call this."""
        self._skip_to = self._written
