"""Playback: what is being heard, item by item, and how much of each was. Pure: the owner says when, and pulls.

Audio comes in bursts, several times faster than it plays. Items play whole, one after the other, in the order of their first
delta; where a turn's audio runs dry its clock stands still, and another item is let by after ``PATIENCE_MS``. A short jitter buffer at
every start keeps a late delta from tearing the sound.

Samples that were handed out need not have been heard: a sound card holds a tenth of a second. Whoever pulls says how
many are still on their way (``unheard``), and clocks, reports and cuts go by what was heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inspector.audio.pcm import Samples
from inspector.audio.track import Track
from inspector.core.audio_formats import AudioFormat

JITTER_MS = 60
"""Waits before an item starts, unless all of it is there: longer than a delta is late on a good line."""
PATIENCE_MS = 500
"""How long an item that ran dry holds up the next one."""
MOST_WAITING_BYTES = 128 << 20
"""45 minutes of PCM16 at 24 kHz; a server that sends more than that ahead is not heard, but recorded."""
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class PlaybackChange:
    """An item began or ceased to be heard."""

    track: Track
    """What is heard."""
    heard_ms: int
    """How much of it was heard until then."""
    reason: str = ""
    """Why it ceased: ``finished``, or what cut it off; ``""`` where it began, or went on."""

    @property
    def is_playing(self) -> bool:
        """Tell whether the item is heard from here on."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class _Span:
    """Where samples of a track lie in all that was handed out."""

    end: int
    count: int
    track: Track


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change that is heard once ``at`` samples were."""

    at: int
    track: Track
    reason: str


class Playback:
    """The queue of what is to be heard. Times are session time in nanoseconds; counts are samples at ``rate_hz``, mono."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.tracks: dict[tuple[str, int], Track] = {}
        """By item id and content index, all of the session."""
        self.underruns = 0
        """How often an item ran dry and went on later; the pauses of sound of no item, as of a translation, are none."""
        self.dropped_bytes = 0
        """What came on top of ``MOST_WAITING_BYTES``."""
        self._queue: deque[Track] = deque()
        self._spans: deque[_Span] = deque()
        self._pending: deque[_Pending] = deque()
        self._cut_responses: set[str] = set()
        self._total = 0
        self._waiting_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing waits to be heard, and nothing is about to be reported."""
        is_dry = all(
            track.stalled_ns is not None and not track.waiting_bytes for track in self._queue
        )
        return is_dry and not self._pending

    def receive(
        self,
        key: tuple[str, int],
        response_id: str,
        data: bytes,
        audio: AudioFormat,
        now_ns: int,
    ) -> None:
        """Add audio of an item; dropped where the item or its response was cut off."""
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
        """Take note that no more comes for an item, or for any item of a response."""
        track = self.tracks.get(key) if key is not None else None
        if track is not None:
            track.is_complete = True
        for track in self._queue if response_id else ():
            if track.response_id == response_id:
                track.is_complete = True

    def read(self, count: int, now_ns: int) -> Samples:
        """Return the next ``count`` samples; silence where there is nothing to play."""
        sound = np.zeros(count, np.int16)
        at = 0
        while at < count and (track := self._head(now_ns, at)) is not None:
            waiting_bytes = track.waiting_bytes
            piece = track.take(count - at)
            self._waiting_bytes -= waiting_bytes - track.waiting_bytes
            sound[at : at + len(piece)] = piece
            at += len(piece)
            if len(piece):
                self._spans.append(_Span(self._total + at, len(piece), track))
            if at < count and not track.is_over:
                track.stalled_ns = now_ns
        self._total += count
        return sound

    def changes(self, unheard: int = 0) -> list[PlaybackChange]:
        """Return what began or ceased to be heard since the last call, oldest first."""
        heard = self._total - unheard
        found = []
        while self._pending and self._pending[0].at <= heard:
            pending = self._pending.popleft()
            # What follows this change in the stream was not heard when it happened.
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
        """Stop what plays or waits; return what was heard of each. The owner throws away what is on its way."""
        audible = [span.track for span in self._spans if span.end > self._total - unheard]
        found = []
        for track in dict.fromkeys((*audible, *self._queue)):
            if which(track):
                heard_ms = self.heard_ms(track, unheard)
                track.taken -= self._since(track, self._total - unheard)
                self._waiting_bytes -= track.waiting_bytes
                track.stop()
                found.append(PlaybackChange(track, heard_ms, reason))
        self._queue = deque(track for track in self._queue if not track.is_cut)
        self._pending = deque(each for each in self._pending if not each.track.is_cut)
        self._spans = deque(span for span in self._spans if not span.track.is_cut)
        return found

    def refuse(self, response_id: str) -> None:
        """Play nothing that still comes for a response."""
        if response_id:
            self._cut_responses.add(response_id)

    def limit(self, track: Track, end_ms: int) -> None:
        """Let an item end after ``end_ms``."""
        track.end = end_ms * self.rate_hz // 1000

    def _enqueue(self, track: Track) -> None:
        if not track.is_queued:
            track.is_queued = True
            self._queue.append(track)

    def _leave(self, reason: str, at: int) -> None:
        """Take the first track out of the queue."""
        track = self._queue.popleft()
        track.is_queued = False
        if track.is_started:
            self._pending.append(_Pending(self._total + at, track, reason))

    def _head(self, now_ns: int, at: int) -> Track | None:
        """Return the track to read from: the oldest, once it has enough to start with; None where it must wait."""
        while self._queue and self._queue[0].is_over:
            self._leave("finished", at)
        if len(self._queue) > 1 and self._is_stuck(self._queue[0], now_ns):
            self._leave("starved", at)
        if not self._queue:
            return None
        track = self._queue[0]
        if track.is_started and track.stalled_ns is None:
            return track
        has_waited = now_ns - track.first_ns >= JITTER_MS * _NS_PER_MS
        is_there = track.waiting_bytes > 0 and (has_waited or track.waiting_ms >= JITTER_MS)
        if not (is_there or track.is_complete):
            return None
        self.underruns += bool(track.is_started and track.waiting_bytes and track.item_id)
        track.is_started, track.stalled_ns = True, None
        self._pending.append(_Pending(self._total + at, track, ""))
        return track

    def _is_stuck(self, track: Track, now_ns: int) -> bool:
        return (
            track.stalled_ns is not None
            and not track.waiting_bytes
            and not track.is_complete
            and now_ns - track.stalled_ns >= PATIENCE_MS * _NS_PER_MS
        )

    def _since(self, track: Track, position: int) -> int:
        """Return how many samples of a track were handed out after a position of the stream."""
        return sum(
            min(span.count, span.end - position)
            for span in self._spans
            if span.track is track and span.end > position
        )
