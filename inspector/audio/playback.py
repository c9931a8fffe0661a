"""Playback: the queue of items to be heard, and how much of each has been heard. Pure: the caller supplies the time.

Audio arrives in bursts, several times faster than it plays. Items play one after another, in the order of their first delta. If
an item runs out of audio its position stands still, and after ``PATIENCE_MS`` the next item plays. A short jitter buffer at every
start covers deltas that arrive late.

Samples that were read need not have been heard: a sound card buffers a tenth of a second. The caller passes the number that is
still buffered (``unheard``); positions, reports and cuts refer to what was heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.track import Track
from inspector.core.audio_formats import AudioFormat
from inspector.core.units import NS_PER_MS

JITTER_MS = 60
"""Audio that must be buffered before an item starts, unless it is complete: covers the usual lateness of a delta."""
PATIENCE_MS = 500
"""How long an item without audio delays the next one."""
MOST_WAITING_BYTES = 128 << 20
"""Limit of the queue: 45 minutes of PCM16 at 24 kHz. What a server sends beyond that is recorded but not played."""


@dataclass(frozen=True, slots=True)
class PlaybackChange:
    """Start or stop of an item's playback."""

    track: Track
    """The item's audio."""
    heard_ms: int
    """How much of it was heard until then."""
    reason: str = ""
    """Why it stopped: ``finished``, or what interrupted it; ``""`` if it started or resumed."""

    @property
    def is_playing(self) -> bool:
        """Return whether the item started rather than stopped."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class _Span:
    """Position of a track's samples in the stream of all samples read."""

    end: int
    """Position after its last sample."""
    count: int
    """Number of its samples."""
    track: Track
    """The track that they came from."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change that takes effect once ``at`` samples were heard."""

    at: int
    """Position in the stream of all samples read."""
    track: Track
    """The track that starts or stops there."""
    reason: str
    """As in ``PlaybackChange``."""


class Playback:
    """The queue of items to be heard. Times are session time in nanoseconds; counts are samples at ``rate_hz``, mono."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.tracks: dict[tuple[str, int], Track] = {}
        """All tracks of the session, by item id and content index."""
        self.underruns = 0
        """How often an item ran out of audio and resumed later. Pauses in a translation's track, which has no item, do not count."""
        self.dropped_bytes = 0
        """Audio received in excess of ``MOST_WAITING_BYTES``."""
        self._queue: deque[Track] = deque()
        self._spans: deque[_Span] = deque()
        self._pending: deque[_Pending] = deque()
        self._cut_responses: set[str] = set()
        self._total = 0
        self._waiting_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is queued and no change is still to be reported."""
        is_empty = all(
            track.stalled_ns is not None and not track.waiting_bytes for track in self._queue
        )
        return is_empty and not self._pending

    def receive(
        self,
        key: tuple[str, int],
        response_id: str,
        data: bytes,
        audio: AudioFormat,
        now_ns: int,
    ) -> None:
        """Add audio of an item; it is not played if the item or its response was interrupted."""
        if not data:
            return
        track = self.tracks.get(key)
        if track is None:
            is_cut = response_id in self._cut_responses
            track = Track(*key, response_id, audio, self.rate_hz, is_cut=is_cut)
            self.tracks[key] = track
        if self._waiting_bytes + len(data) > MOST_WAITING_BYTES:
            self.dropped_bytes += len(data)
            return
        if not track.waiting_bytes:
            track.first_ns = now_ns
        track.receive(data)
        if not track.is_cut:
            self._waiting_bytes += len(data)
            self._enqueue(track)

    def complete(self, *, key: tuple[str, int] | None = None, response_id: str = "") -> None:
        """Mark an item, or all queued items of a response, as completely received."""
        track = self.tracks.get(key) if key is not None else None
        if track is not None:
            track.is_complete = True
        for track in self._queue if response_id else ():
            if track.response_id == response_id:
                track.is_complete = True

    def read(self, count: int, now_ns: int) -> Samples:
        """Return the next ``count`` samples, filled up with silence."""
        sound = np.zeros(count, np.int16)
        at = 0
        while at < count and (track := self._head(now_ns, at)) is not None:
            waiting_bytes = track.waiting_bytes
            piece = track.read(count - at)
            self._waiting_bytes -= waiting_bytes - track.waiting_bytes
            sound[at : at + len(piece)] = piece
            at += len(piece)
            if len(piece):
                self._spans.append(_Span(self._total + at, len(piece), track))
            if at < count and not track.is_finished:
                track.stalled_ns = now_ns
        self._total += count
        return sound

    def changes(self, unheard: int = 0) -> list[PlaybackChange]:
        """Return the starts and stops since the last call, oldest first."""
        heard = self._total - unheard
        found = []
        while self._pending and self._pending[0].at <= heard:
            pending = self._pending.popleft()
            # Samples of the track after the change's position were not yet heard when it took effect.
            later = self._since(pending.track, pending.at)
            found.append(
                PlaybackChange(pending.track, pending.track.heard_ms(later), pending.reason)
            )
        while self._spans and self._spans[0].end <= heard:
            self._spans.popleft()
        return found

    def heard_ms(self, track: Track, unheard: int = 0) -> int:
        """Return how much of an item was heard."""
        return track.heard_ms(self._since(track, self._total - unheard))

    def cut(
        self, reason: str, which: Callable[[Track], bool], *, unheard: int = 0
    ) -> list[PlaybackChange]:
        """Stop the selected tracks, playing or queued; return how much of each was heard.

        The caller must flush the output, which still holds samples of the stopped tracks.
        """
        audible = [span.track for span in self._spans if span.end > self._total - unheard]
        found = []
        for track in dict.fromkeys((*audible, *self._queue)):
            if which(track):
                heard_ms = self.heard_ms(track, unheard)
                # Samples that the flush discards do not count as played.
                track.taken -= self._since(track, self._total - unheard)
                self._waiting_bytes -= track.waiting_bytes
                track.stop()
                found.append(PlaybackChange(track, heard_ms, reason))
        self._queue = deque(track for track in self._queue if not track.is_cut)
        self._pending = deque(each for each in self._pending if not each.track.is_cut)
        self._spans = deque(span for span in self._spans if not span.track.is_cut)
        return found

    def refuse(self, response_id: str) -> None:
        """Ignore audio that arrives for a response from now on."""
        if response_id:
            self._cut_responses.add(response_id)

    def limit(self, track: Track, end_ms: int) -> None:
        """End an item's playback at ``end_ms``."""
        track.end = end_ms * self.rate_hz // 1000

    def _enqueue(self, track: Track) -> None:
        if not track.is_queued:
            track.is_queued = True
            self._queue.append(track)

    def _leave(self, reason: str, at: int) -> None:
        """Remove the first track from the queue."""
        track = self._queue.popleft()
        track.is_queued = False
        if track.is_started:
            self._pending.append(_Pending(self._total + at, track, reason))

    def _head(self, now_ns: int, at: int) -> Track | None:
        """Return the track to read from: the oldest, once it has enough audio to start; None if none can be read."""
        while self._queue and self._queue[0].is_finished:
            self._leave("finished", at)
        if len(self._queue) > 1 and self._is_stuck(self._queue[0], now_ns):
            self._leave("starved", at)
        if not self._queue:
            return None
        track = self._queue[0]
        if track.is_started and track.stalled_ns is None:
            return track
        has_waited = now_ns - track.first_ns >= JITTER_MS * NS_PER_MS
        is_buffered = track.waiting_bytes > 0 and (has_waited or track.waiting_ms >= JITTER_MS)
        if not (is_buffered or track.is_complete):
            return None
        # A started track gets here only after it stalled, so this start is a resumption.
        self.underruns += bool(track.is_started and track.waiting_bytes and track.item_id)
        track.is_started, track.stalled_ns = True, None
        self._pending.append(_Pending(self._total + at, track, ""))
        return track

    def _is_stuck(self, track: Track, now_ns: int) -> bool:
        return (
            track.stalled_ns is not None
            and not track.waiting_bytes
            and not track.is_complete
            and now_ns - track.stalled_ns >= PATIENCE_MS * NS_PER_MS
        )

    def _since(self, track: Track, position: int) -> int:
        """Return how many samples of a track were read after a position in the stream."""
        return sum(
            min(span.count, span.end - position)
            for span in self._spans
            if span.track is track and span.end > position
        )
