"""Ring: samples handed from one thread to another without a lock.

One thread writes and one reads. Each moves only its own counter, and moves it after it has touched the samples; under
CPython both are single stores of whole numbers, so the other side sees either the old or the new state, both valid.
"""

from __future__ import annotations

import numpy as np

from inspector.audio.pcm import Samples


class Ring:
    """A bounded queue of samples between two threads."""

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, np.int16)
        self._written = 0
        self._read = 0
        self._skip_to = 0
        self.dropped = 0
        """Samples that did not fit; counted by the writer."""

    def __len__(self) -> int:
        return max(0, self._written - max(self._read, self._skip_to))

    def write(self, samples: Samples) -> int:
        """Put in what fits; return how much that was. Only the writing thread calls this."""
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
        """Take out up to ``count`` samples. Only the reading thread calls this."""
        start = max(self._read, self._skip_to)
        count = min(count, self._written - start)
        at = start % len(self._samples)
        first = min(count, len(self._samples) - at)
        taken = np.concatenate((self._samples[at : at + first], self._samples[: count - first]))
        self._read = start + count
        return taken

    def clear(self) -> None:
        """Let the reader skip all that is in the ring now. Only the writing thread calls this."""
        self._skip_to = self._written
