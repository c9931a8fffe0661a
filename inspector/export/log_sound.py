"""LogSound: the audio of a log, located in one pass and then read on demand, so that memory does not grow with its length.

The pass keeps the rows of each segment and their positions in it (16 bytes per row); samples are decoded each time they are
read. The log may grow meanwhile: later events are not included.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from inspector.analysis.placement import PLACING_TYPES, AudioSegment, AudioSide, Placement, Stretch
from inspector.audio.pcm import Samples
from inspector.audio.stream import SampleStream
from inspector.core.event import Event
from inspector.core.groups import audio_of, base64_size
from inspector.core.log import EventLog
from inspector.core.read import int_at, text_at

_SPEECH = "input_audio_buffer.speech_started"
_STOPPED = "input_audio_buffer.speech_stopped"
_COMMITTED = "input_audio_buffer.committed"
_CLEARED = "input_audio_buffer.cleared"
_TYPES = PLACING_TYPES | {_SPEECH, _STOPPED, _COMMITTED, _CLEARED}


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a segment, placed at a time. All times are microseconds."""

    segment: AudioSegment
    """The segment that contains the audio."""
    from_us: int
    """Start of the part, from the segment's beginning."""
    to_us: int
    """End of the part, from the segment's beginning."""
    at_us: int = 0
    """Time in the output at which the part starts."""

    @property
    def duration_us(self) -> int:
        """Return its length."""
        return max(0, self.to_us - self.from_us)

    def within(self, from_us: int, to_us: int) -> Clip | None:
        """Return the part within a window, shifted so that the window begins at 0; None if they do not overlap."""
        start = max(self.at_us, from_us)
        stop = min(self.at_us + self.duration_us, to_us)
        if start >= stop:
            return None
        begins = self.from_us + start - self.at_us
        return Clip(self.segment, begins, begins + stop - start, start - from_us)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of the log that hold the pieces of a segment."""

    row: array[int]
    """Row numbers, ascending."""
    offset: array[int]
    """Bytes of the segment before each row's piece."""


class LogSound:
    """The audio of a log, up to the last row at the time of construction."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._rows: dict[AudioSegment, _Rows] = {}
        self.damaged_rows: set[int] = set()
        """Rows with invalid base64, among those that were read so far; their audio is left out."""
        self._items: dict[str, AudioSegment | list[Clip]] = {}
        self._spoken: list[AudioSegment] = []
        """The user's segments of the current connection, which form the server's input timeline."""
        self._speech: dict[str, int] = {}
        self._stops: dict[str, int] = {}
        self._committed_us = 0
        placement = Placement()
        codes = set(log.kinds.matching(_TYPES.__contains__))
        kinds = log.kind
        # No numpy view of the columns, which would make appends fail: the event loop may append while this runs in a thread.
        for row in range(len(log)):
            if kinds[row] in codes:
                self._add(log.read(row), row, placement)
        self.segments = [segment for segment in placement.segments if segment.duration_us]

    @property
    def end_us(self) -> int:
        """Return the session time at which the last audio ends."""
        ends = (stretch.end_us for _, stretches in self._placed() for stretch in stretches)
        return max(ends, default=0)

    @property
    def item_ids(self) -> list[str]:
        """Return the ids of the items with audio, in the order in which it was received."""
        return list(self._items)

    def item(self, item_id: str, *, heard_only: bool = False) -> list[Clip]:
        """Return the audio of one item, back to back; empty if it has none."""
        found = self._items.get(item_id, [])
        if isinstance(found, AudioSegment):
            length_us = found.heard_us if heard_only else found.duration_us
            return [Clip(found, 0, length_us)]
        return in_a_row(found)

    def side_of(self, item_id: str) -> AudioSide:
        """Return the side that an item's audio belongs to."""
        return (
            AudioSide.ASSISTANT
            if isinstance(self._items[item_id], AudioSegment)
            else AudioSide.USER
        )

    def side(self, side: AudioSide) -> list[Clip]:
        """Return all audio of one side, back to back."""
        return in_a_row(
            clip for segment in self.segments if segment.side is side for clip in _whole(segment)
        )

    def placed(self, side: AudioSide, *, heard_only: bool = False) -> list[Clip]:
        """Return all audio of one side in session time with its gaps, or only what was heard of it."""
        return [
            Clip(segment, stretch.from_us, stretch.to_us, stretch.at_us)
            for segment, stretches in self._placed()
            if segment.side is side
            for stretch in stretches
            if stretch.is_heard or not heard_only
        ]

    def _placed(self) -> Iterator[tuple[AudioSegment, list[Stretch]]]:
        """Yield every segment with its stretches; a segment without times follows all earlier audio of either side."""
        end_us = 0
        for segment in self.segments:
            stretches = segment.stretches() or _behind(segment, end_us)
            end_us = max([end_us, *(stretch.end_us for stretch in stretches)])
            yield segment, stretches

    def samples(self, segment: AudioSegment, first: int = 0) -> Iterator[tuple[int, Samples]]:
        """Yield the pieces of a segment as (position, samples); positions are in samples from the segment's beginning.

        Args:
            segment: one of ``segments``.
            first: the first sample needed; earlier ones may be yielded, too.
        """
        rows = self._rows.get(segment)
        if rows is None:
            return
        stream = SampleStream(segment.format.encoding)
        sample_bytes = 2 if segment.format.encoding == "pcm16" else 1
        at = max(0, bisect.bisect_right(rows.offset, first * sample_bytes) - 1)
        while at and rows.offset[at] % sample_bytes:
            at -= 1  # start at a piece that begins with a whole sample
        for row, offset in zip(rows.row[at:], rows.offset[at:], strict=True):
            damaged = stream.damaged
            samples = stream.feed(audio_of(self._log.read(row)))
            if stream.damaged > damaged:
                self.damaged_rows.add(row)
            if len(samples):
                yield offset // sample_bytes, samples

    def _add(self, event: Event, row: int, placement: Placement) -> None:
        if placement.begins(event):
            self._begin()
        piece = placement.feed(event)
        if piece is not None:
            segment = piece.segment
            rows = self._rows.get(segment)
            if rows is None:
                rows = self._rows[segment] = _Rows(array("q"), array("q"))
                self._open(segment)
            rows.row.append(row)
            rows.offset.append(segment.size_bytes - base64_size(piece.base64))
        elif event.type.startswith("input_audio_buffer."):
            self._note(event)

    def _begin(self) -> None:
        self._spoken, self._committed_us = [], 0
        self._speech.clear()
        self._stops.clear()

    def _open(self, segment: AudioSegment) -> None:
        if segment.side is AudioSide.USER:
            self._spoken.append(segment)
        elif segment.item_id:
            self._items[segment.item_id] = segment

    def _note(self, event: Event) -> None:
        body = event.body or {}
        item_id = text_at(body, "item_id")
        if event.type == _SPEECH:
            self._speech[item_id] = int_at(body, "audio_start_ms") * 1000
        elif event.type == _STOPPED:
            self._stops[item_id] = int_at(body, "audio_end_ms") * 1000
        elif event.type == _CLEARED:
            self._committed_us = self._appended_us()
        elif event.type == _COMMITTED and item_id:
            self._commit(item_id)

    def _commit(self, item_id: str) -> None:
        """Assign appended audio to an item: by the server's speech times, else all audio since the last commit or clear."""
        now_us = self._appended_us()
        clips: list[Clip] = []
        if item_id in self._speech:
            clips = self._appended(self._speech[item_id], self._stops.get(item_id, now_us))
        clips = clips or self._appended(self._committed_us, now_us)
        if clips:
            self._items[item_id] = clips
        self._committed_us = now_us

    def _appended_us(self) -> int:
        return sum(segment.duration_us for segment in self._spoken)

    def _appended(self, from_us: int, to_us: int) -> list[Clip]:
        spoken = in_a_row(clip for segment in self._spoken for clip in _whole(segment))
        return [cut for clip in spoken if (cut := clip.within(from_us, to_us)) is not None]


def _whole(segment: AudioSegment) -> Iterator[Clip]:
    """Yield a clip for each part of a segment that was not rejected."""
    return (Clip(segment, from_us, to_us) for from_us, to_us in segment.kept())


def in_a_row(clips: Iterable[Clip]) -> list[Clip]:
    """Return the clips placed back to back."""
    found: list[Clip] = []
    at_us = 0
    for clip in clips:
        found.append(replace(clip, at_us=at_us))
        at_us += clip.duration_us
    return found


def samples_of(sound: LogSound, clip: Clip, rate_hz: int) -> Iterator[Samples]:
    """Yield the samples of a clip, resampled to ``rate_hz``; silence replaces missing audio."""
    own_hz = clip.segment.format.rate_hz
    pieces = _cut(sound, clip)
    if own_hz == rate_hz:
        yield from pieces
        return
    import soxr

    # A stream, not a call per piece, which would leave a click at every border.
    resampler = soxr.ResampleStream(own_hz, rate_hz, 1, dtype="int16")
    for piece in pieces:
        yield np.asarray(resampler.resample_chunk(piece), np.int16)
    yield np.asarray(resampler.resample_chunk(np.zeros(0, np.int16), last=True), np.int16)


def _cut(sound: LogSound, clip: Clip) -> Iterator[Samples]:
    rate_hz = clip.segment.format.rate_hz
    first, last = (round(us * rate_hz / 1e6) for us in (clip.from_us, clip.to_us))
    written = first
    for position, samples in sound.samples(clip.segment, first):
        if position >= last:
            return
        if position > written:  # a damaged piece is missing; silence keeps the later ones in place
            yield np.zeros(position - written, np.int16)
            written = position
        piece = samples[max(0, written - position) : last - position]
        if len(piece):
            yield piece
            written += len(piece)


def _behind(segment: AudioSegment, at_us: int) -> list[Stretch]:
    """Return the stretches of a segment without times, placed from ``at_us`` on."""
    heard_us, found = segment.heard_us, []
    for begin, end in segment.kept():
        cut = end if segment.side is AudioSide.USER else max(begin, min(heard_us, end))
        pieces = ((begin, cut, True), (cut, end, False))
        found += [Stretch(a, b, at_us + a, is_heard) for a, b, is_heard in pieces if b > a]
    return found
