"""Changing the sample rate of a stream, piece by piece, through soxr."""

from __future__ import annotations

import numpy as np
import soxr

from inspector.audio.pcm import Samples

_LOUDEST = 32767


class Resampler:
    """One stream on its way from one rate to another; what comes out is aligned with what went in."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz, self.to_hz = from_hz, to_hz
        self._stream: soxr.ResampleStream | None = None
        if from_hz != to_hz:
            # Floats, since soxr dithers integers: silence must stay digital silence.
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    def feed(self, samples: Samples, *, is_last: bool = False) -> Samples:
        """Return what is ready; a filter's length stays behind until ``is_last``, after which nothing may follow."""
        if self._stream is None:
            return samples
        resampled = self._stream.resample_chunk(samples.astype(np.float32), last=is_last)
        rounded: Samples = np.clip(np.rint(resampled), -_LOUDEST - 1, _LOUDEST).astype(np.int16)
        return rounded
