"""Track: the audio of one item on its way to the ear: received in bursts, played at its own pace, cut off at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from inspector.audio.pcm import Samples, decoded
from inspector.audio.resample import Resampler
from inspector.core.audio_formats import AudioFormat

PIECE_MS = 100
"""Decoded and resampled at a time, when its turn comes: ten minutes that arrive at once cost nothing until they play."""
_NOTHING = np.zeros(0, np.int16)


@dataclass(slots=True, eq=False)
class Track:
    """One content part of one item."""

    item_id: str
    """The item that is heard."""
    content_index: int
    """The part of the item that is audio."""
    response_id: str
    """The response that the item belongs to."""
    format: AudioFormat
    """That of its first delta; a session does not change it within an item."""
    rate_hz: int
    """Rate of what ``take`` returns."""
    received_bytes: int = 0
    """All that came, as it came."""
    is_complete: bool = False
    """No more is to come."""
    is_cut: bool = False
    """Playing was stopped; what comes later is not played."""
    is_queued: bool = False
    """True while it waits or plays."""
    is_started: bool = False
    """True once it has begun to play."""
    first_ns: int = 0
    """When the first of what waits now came."""
    stalled_ns: int | None = None
    """Since when there has been nothing to play, in the middle of it."""
    taken: int = 0
    """Samples handed out, at ``rate_hz``."""
    end: int | None = None
    """Samples after which it ends, where it was truncated."""
    _chunks: deque[memoryview] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _ready: Samples = field(default_factory=lambda: _NOTHING)
    _tail: bytes = b""
    """The first half of a sample that was torn between two deltas."""
    _resampler: Resampler | None = None
    _is_flushed: bool = False

    @property
    def received_ms(self) -> int:
        """Return the length of all that was received."""
        return self.format.ms(self.received_bytes)

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits to be played, as it was received."""
        return self._waiting_bytes

    @property
    def waiting_ms(self) -> float:
        """Return how long what waits will play."""
        return self._waiting_bytes / self.format.bytes_per_ms + len(self._ready) * 1000 / (
            self.rate_hz
        )

    @property
    def is_over(self) -> bool:
        """Tell whether all that is to be played was handed out."""
        if self.end is not None and self.taken >= self.end:
            return True
        is_empty = not self._waiting_bytes and not len(self._ready)
        return self.is_complete and is_empty and (self._is_flushed or self._resampler is None)

    def receive(self, data: bytes) -> None:
        """Add what came; of a track that was cut only the length is kept."""
        self.received_bytes += len(data)
        if self.is_cut or not data:
            return
        if self.is_complete:
            self.is_complete = False
            if self._is_flushed:
                self._resampler, self._is_flushed = None, False
        self._chunks.append(memoryview(data))
        self._waiting_bytes += len(data)

    def take(self, count: int) -> Samples:
        """Return up to ``count`` samples; fewer where no more is there."""
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
        return np.concatenate(pieces) if pieces else _NOTHING

    def stop(self) -> None:
        """Play no more of it."""
        self.is_cut = True
        self._chunks.clear()
        self._waiting_bytes = 0
        self._ready = _NOTHING

    def heard_ms(self, unheard: int) -> int:
        """Return how much was heard if the last ``unheard`` samples handed out were not; never more than was received."""
        return min((self.taken - unheard) * 1000 // self.rate_hz, self.received_ms)

    def _prepare(self) -> bool:
        """Decode and resample the next piece; False where there is none. A piece may turn out empty."""
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
