"""Track: the audio of one item between its receipt in bursts and its playback in real time; it can be cut at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from inspector.audio.pcm import Samples, decoded
from inspector.audio.resample import Resampler
from inspector.audio.stream import NO_SAMPLES
from inspector.core.audio_formats import AudioFormat

PIECE_MS = 100
"""Audio that is decoded and resampled at a time, just before it plays, so that ten minutes received at once cost nothing yet."""


@dataclass(slots=True, eq=False)
class Track:
    """Audio of one content part of one item."""

    item_id: str
    """The item's id; ``""`` for audio that belongs to no item."""
    content_index: int
    """Index of the item's audio part."""
    response_id: str
    """The response that produced the item."""
    format: AudioFormat
    """Format of its first delta; a session does not change it within an item."""
    rate_hz: int
    """Sample rate of what ``read`` returns."""
    received_bytes: int = 0
    """Bytes received in total, in ``format``."""
    is_complete: bool = False
    """True once all audio was received."""
    is_cut: bool = False
    """True once playback was stopped; audio received later is not played."""
    is_queued: bool = False
    """True while it waits or plays."""
    is_started: bool = False
    """True once playback has started."""
    first_ns: int = 0
    """When the oldest waiting audio was received."""
    stalled_ns: int | None = None
    """Since when playback has been waiting for audio; None while it is not."""
    taken: int = 0
    """Samples read, at ``rate_hz``."""
    end: int | None = None
    """Sample at which playback ends, if the item was truncated."""
    _chunks: deque[memoryview] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _ready: Samples = field(default_factory=lambda: NO_SAMPLES)
    _tail: bytes = b""
    """First byte of a sample that is split between two deltas."""
    _resampler: Resampler | None = None
    _is_flushed: bool = False

    @property
    def received_ms(self) -> int:
        """Return the length of the audio received."""
        return self.format.ms(self.received_bytes)

    @property
    def waiting_bytes(self) -> int:
        """Return the size of the audio not yet decoded, in ``format``."""
        return self._waiting_bytes

    @property
    def waiting_ms(self) -> float:
        """Return the length of the audio not yet read."""
        return self._waiting_bytes / self.format.bytes_per_ms + len(self._ready) * 1000 / (
            self.rate_hz
        )

    @property
    def is_finished(self) -> bool:
        """Return whether all audio to be played was read."""
        if self.end is not None and self.taken >= self.end:
            return True
        is_empty = not self._waiting_bytes and not len(self._ready)
        return self.is_complete and is_empty and (self._is_flushed or self._resampler is None)

    def receive(self, data: bytes) -> None:
        """Add audio; a track that was cut only counts its length."""
        self.received_bytes += len(data)
        if self.is_cut or not data:
            return
        # Audio after "done" reopens the track; a flushed resampler accepts no further input, so a new one is needed.
        if self.is_complete:
            self.is_complete = False
            if self._is_flushed:
                self._resampler, self._is_flushed = None, False
        self._chunks.append(memoryview(data))
        self._waiting_bytes += len(data)

    def read(self, count: int) -> Samples:
        """Return up to ``count`` samples; fewer if less audio is available."""
        if self.end is not None:
            count = min(count, max(0, self.end - self.taken))
        pieces = []
        missing = count
        while missing > 0 and (len(self._ready) or self._prepare()):
            piece = self._ready[:missing]
            self._ready = self._ready[missing:]
            pieces.append(piece)
            missing -= len(piece)
        self.taken += count - missing
        return np.concatenate(pieces) if pieces else NO_SAMPLES

    def stop(self) -> None:
        """Stop playback and discard the waiting audio."""
        self.is_cut = True
        self._chunks.clear()
        self._waiting_bytes = 0
        self._ready = NO_SAMPLES

    def heard_ms(self, unheard: int) -> int:
        """Return how much was heard if the last ``unheard`` samples read were not; at most what was received."""
        # Resampling may add a fraction of a millisecond, hence the limit.
        return min((self.taken - unheard) * 1000 // self.rate_hz, self.received_ms)

    def _prepare(self) -> bool:
        """Decode and resample the next piece; return False if no audio is waiting. The piece may come out empty."""
        data = self._next_piece()
        if not data and (not self.is_complete or self._is_flushed or self._resampler is None):
            return False
        samples = decoded(data, self.format.encoding)
        if self._resampler is None:
            if self.format.rate_hz == self.rate_hz:
                self._ready = samples
                return True
            self._resampler = Resampler(self.format.rate_hz, self.rate_hz)
        self._is_flushed = self.is_complete and not self._waiting_bytes
        self._ready = self._resampler.feed(samples, is_last=self._is_flushed)
        return True

    def _next_piece(self) -> bytes:
        size = int(PIECE_MS * self.format.bytes_per_ms)
        data = self._tail
        while self._chunks and len(data) < size:
            chunk = self._chunks.popleft()
            room = size - len(data)
            if len(chunk) > room:
                self._chunks.appendleft(chunk[room:])
                chunk = chunk[:room]
            self._waiting_bytes -= len(chunk)
            data += chunk
        is_torn = self.format.encoding == "pcm16" and len(data) % 2
        self._tail = data[-1:] if is_torn else b""
        return data[:-1] if is_torn else data
