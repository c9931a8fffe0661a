"""Placement: the session time at which every piece of audio was spoken. Pure arithmetic on events; nothing is decoded.

The user's audio is placed where it was appended, in runs: an append continues the one before it, unless so much time has passed
that there was a gap. Rejected appends are removed again. The assistant's audio arrives about ten times faster than it plays; it is
placed where the inspector's player reports that it played, else where an estimated player would have played it, with a gap
wherever it arrived too late (``OutputAudioFold``).

Invariants: the heard parts of a segment never overlap, never precede the event that contains them, and add up to ``heard_us``.
Without times nothing is placed, but lengths are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.groups import AUDIO_KEYS, audio_of, base64_size
from inspector.core.kinds import APPENDS
from inspector.core.output_audio import OUTPUT_AUDIO_TYPES, ItemAudio, OutputAudioFold, PlaybackGap
from inspector.core.refused_appends import MAX_WAITING, RefusedAppends
from inspector.core.session_fold import SessionFold

GAP_US = 300_000
"""Pause between appends that counts as a gap; less is jitter of the network."""
PLACING_TYPES = OUTPUT_AUDIO_TYPES | frozenset(
    {
        *AUDIO_KEYS,
        "transcription_session.created",
        "transcription_session.updated",
        "inspector.opened",
        "error",
    }
)
"""The event types that ``Placement.feed`` uses; callers may skip all others."""


class AudioSide(StrEnum):
    """The speaker of audio."""

    USER = "user"
    ASSISTANT = "assistant"


class Stretch(NamedTuple):
    """A part of a segment that plays without a gap. All times are microseconds."""

    from_us: int
    """Start, as a position in the segment."""
    to_us: int
    """End, as a position in the segment."""
    at_us: int
    """Session time of its start."""
    is_heard: bool
    """False if it was received but interrupted before it was heard."""

    @property
    def end_us(self) -> int:
        """Return the session time of its end."""
        return self.at_us + self.to_us - self.from_us


@dataclass(slots=True, eq=False)
class AudioSegment:
    """Contiguous audio: a run of appends, or one item of the assistant."""

    side: AudioSide
    """The speaker."""
    format: AudioFormat
    """Format of its pieces."""
    first_row: int
    """Row of its first piece in the log."""
    begins_us: int | None
    """Session time at which its first piece began, derived from its arrival; None if the recording has no time for it."""
    item_id: str = ""
    """Id of the assistant's item; ``""`` for audio without an item."""
    size_bytes: int = 0
    """Decoded size of all pieces, including rejected ones."""
    audio: ItemAudio | None = None
    """Playback of an assistant item; None for the user's audio."""
    refused: list[tuple[int, int]] = field(default_factory=list)
    """Byte ranges that the server rejected, in order."""

    @property
    def duration_us(self) -> int:
        """Return its length without the rejected ranges."""
        size = self.size_bytes - sum(end - begin for begin, end in self.refused)
        return self._us(size)

    @property
    def heard_us(self) -> int:
        """Return how much of it was or will be heard: as the player reported, else as the client claims, limited by the clock."""
        audio = self.audio
        if audio is None:
            return self.duration_us
        heard_ns, possible_ns = audio.heard_ns(None), audio.possible_ns
        if audio.claimed_ns is not None and not audio.is_measured:
            heard_ns = audio.claimed_ns
            heard_ns = heard_ns if possible_ns is None else min(heard_ns, possible_ns)
        return max(0, min(heard_ns // 1000, self.duration_us))

    @property
    def start_us(self) -> int | None:
        """Return the session time at which it starts to play; None if unknown."""
        if self.audio is None:
            return self.begins_us
        return self.audio.resumes[0].at_ns // 1000 if self.audio.resumes else None

    @property
    def end_us(self) -> int | None:
        """Return the session time at which all of it would have been played; None if its start is unknown."""
        if self.audio is not None and self.audio.resumes:
            last = self.audio.resumes[-1]
            return last.at_ns // 1000 + max(0, self._us(self.size_bytes) - last.from_ns // 1000)
        return None if self.begins_us is None else self.begins_us + self._us(self.size_bytes)

    def kept(self) -> list[tuple[int, int]]:
        """Return the ranges that were not rejected, as positions in the segment in microseconds."""
        found, begin = [], 0
        # The complement of the rejected ranges, which are sorted.
        for refused_begin, refused_end in self.refused:
            if refused_begin > begin:
                found.append((self._us(begin), self._us(refused_begin)))
            begin = refused_end
        if self.size_bytes > begin:
            found.append((self._us(begin), self._us(self.size_bytes)))
        return found

    def stretches(self) -> list[Stretch]:
        """Return all of it in session time; empty if its start is unknown."""
        if self.audio is None:
            if self.begins_us is None:
                return []
            return [Stretch(a, b, self.begins_us + a, is_heard=True) for a, b in self.kept()]
        found: list[Stretch] = []
        resumes, heard_us, end_us = self.audio.resumes, self.heard_us, self._us(self.size_bytes)
        for number, resume in enumerate(resumes):
            from_us, at_us = resume.from_ns // 1000, resume.at_ns // 1000
            is_last = number + 1 == len(resumes)
            to_us = end_us if is_last else resumes[number + 1].from_ns // 1000
            cut_us = max(from_us, min(heard_us, to_us))
            found += [
                Stretch(begin, end, at_us + begin - from_us, is_heard)
                for begin, end, is_heard in ((from_us, cut_us, True), (cut_us, to_us, False))
                if end > begin
            ]
        return found

    def underruns(self) -> list[PlaybackGap]:
        """Return the gaps within the heard part of an item."""
        if self.audio is None or not self.item_id or len(self.audio.resumes) < 2:
            return []
        return self.audio.underruns

    def _us(self, size: int) -> int:
        return self.format.ns(size) // 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """The audio of one event."""

    segment: AudioSegment
    """The segment that it extends."""
    base64: str
    """The audio, undecoded."""


class Placement:
    """Assigns audio to segments, event by event."""

    def __init__(self) -> None:
        self.segments: list[AudioSegment] = []
        self._session = SessionFold()
        self._output = OutputAudioFold()
        self._refusals = RefusedAppends()
        self._items: dict[ItemAudio, AudioSegment] = {}
        self._last_run: AudioSegment | None = None
        self._appends: dict[int, tuple[AudioSegment, int, int]] = {}
        """``seq`` of recent appends to their segment and byte range; an error may still reject them."""

    def feed(self, event: Event) -> Piece | None:
        """Process the next event; return its audio with the segment that it extends, None if it has none."""
        if self.begins(event):
            self._begin()
        refused_seq = self._refusals.apply(event)
        if refused_seq:
            self._take_back(refused_seq)
        audio = audio_of(event)
        size = base64_size(audio)
        is_append = event.type in APPENDS
        if is_append and event.direction is not Direction.CLIENT:
            return None
        # Deltas are applied in ``_delta``, and appends concern neither fold.
        if not size:
            self._session.apply(event)
            self._output.apply(event)
            return None
        segment = self._appended(event, size) if is_append else self._delta(event)
        segment.size_bytes += size
        return Piece(segment, audio)

    def side(self, side: AudioSide) -> Iterator[AudioSegment]:
        """Yield the segments of one side, in the order in which they began to arrive."""
        return (segment for segment in self.segments if segment.side is side)

    def begins(self, event: Event) -> bool:
        """Return whether an event begins another session, with a timeline of its own."""
        return self._session.ends_with(event)

    def _begin(self) -> None:
        """Reset for a new connection: formats are the defaults again, and ids may be reused."""
        self._session, self._output = SessionFold(), OutputAudioFold()
        self._items.clear()
        self._last_run = None
        self._appends.clear()

    def _delta(self, event: Event) -> AudioSegment:
        self._output.apply(event)
        audio = self._output.audio_of(event)
        segment = self._items.get(audio) if audio is not None else None
        if segment is None:
            form = audio.format if audio is not None else PCM16_24K
            item_id = audio.item_id if audio is not None else ""
            segment = AudioSegment(
                AudioSide.ASSISTANT, form, event.seq - 1, _time_us(event), item_id, audio=audio
            )
            self.segments.append(segment)
            if audio is not None:
                self._items[audio] = segment
        return segment

    def _appended(self, event: Event, size: int) -> AudioSegment:
        run = self._run(event, size)
        if len(self._appends) >= MAX_WAITING:
            self._appends.pop(next(iter(self._appends)))
        self._appends[event.seq] = run, run.size_bytes, run.size_bytes + size
        return run

    def _take_back(self, seq: int) -> None:
        """Mark a rejected append's range; the audio around it keeps its place."""
        if seq not in self._appends:
            return
        run, begin, end = self._appends.pop(seq)
        if begin < end:
            run.refused.append((begin, end))
            run.refused.sort()

    def _run(self, event: Event, size: int) -> AudioSegment:
        """Return the run that an append continues or begins."""
        form, t_us = self._session.input_format, _time_us(event)
        # An append was spoken before it was sent.
        begins_us = None if t_us is None else max(0, t_us - form.ns(size) // 1000)
        run = self._last_run
        if run is not None and run.format == form and _continues(run, begins_us):
            return run
        # A change of format may begin a new run within the old one's time; runs never overlap.
        if run is not None and begins_us is not None and run.end_us is not None:
            begins_us = max(begins_us, run.end_us)
        run = self._last_run = AudioSegment(AudioSide.USER, form, event.seq - 1, begins_us)
        self.segments.append(run)
        return run


def _continues(run: AudioSegment, begins_us: int | None) -> bool:
    return begins_us is None or run.end_us is None or begins_us - run.end_us <= GAP_US


def _time_us(event: Event) -> int | None:
    """Return an event's session time in microseconds; None if the recording has no time for it."""
    t_ns: int | None = event.t_ns
    if t_ns is None:
        return None
    return t_ns // 1000
