"""Placement: when every piece of audio was spoken, in session time. Pure arithmetic on events; nothing is decoded.

The user's audio stands where it was appended, in runs: an append goes on where the one before it ended, unless so much
time has passed that there was a gap. The assistant's audio arrives about ten times faster than it plays; an item stands
where a player would have played it (``OutputAudioFold``), or where the inspector's own player says that it did. Audio of
events without a time stands nowhere: its segments are kept, in their order, and have no beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from inspector.core.event import Direction, Event
from inspector.core.formats import PCM16_24K, AudioFormat
from inspector.core.groups import AUDIO_KEYS, audio_of, base64_size
from inspector.core.output_audio import ItemAudio, OutputAudioFold
from inspector.core.read import int_at, text_at
from inspector.core.session import SessionFold

GAP_US = 300_000
"""Appends that come later than this after the end of the one before leave a gap; less is the network's jitter."""
PLACING_TYPES = frozenset(
    {
        *AUDIO_KEYS,
        "conversation.created",
        "session.created",
        "session.started",
        "session.updated",
        "transcription_session.created",
        "transcription_session.updated",
        "input_audio_buffer.speech_started",
        "conversation.item.truncated",
        "response.done",
        "inspector.playing",
        "inspector.played",
        "inspector.opened",
    }
)
"""The event types that say where audio stands; all others may be left out."""


class Side(StrEnum):
    """Whose audio it is."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(slots=True, eq=False)
class Segment:
    """Audio in one piece: a run of appends, or one item of the assistant."""

    side: Side
    """Whose audio it is."""
    format: AudioFormat
    """Of its pieces."""
    first_row: int
    """Row of the log with its first piece."""
    begins_us: int | None
    """When its first piece began, reckoned from when it came; session time. None where the recording does not say."""
    item_id: str = ""
    """Of the assistant; ``""`` for appends."""
    size_bytes: int = 0
    """Decoded size of all pieces."""
    audio: ItemAudio | None = None
    """What is known of the playing of an assistant item."""
    reported_us: int | None = None
    """When the player itself began, by its first report."""
    truncated_ms: int | None = None
    """Where a truncation ended it; None where none did."""

    @property
    def start_us(self) -> int | None:
        """Return when it began to sound, in microseconds of session time; None where the recording does not say."""
        if self.reported_us is not None:
            return self.reported_us
        if self.audio is None:
            return self.begins_us
        starts_ns = self.audio.starts_t_ns
        return None if starts_ns is None else starts_ns // 1000

    @property
    def duration_us(self) -> int:
        """Return how long all of it lasts."""
        return round(self.size_bytes * 1000 / self.format.bytes_per_ms)

    @property
    def heard_us(self) -> int:
        """Return how much of it was heard, or will be: as the player reported, else as truncated, else until speech cut it."""
        audio, start_us = self.audio, self.start_us
        if audio is None or audio.is_playing:
            return self.duration_us
        if audio.played_ms is not None:
            heard = audio.played_ms * 1000
        elif self.truncated_ms is not None:
            heard = self.truncated_ms * 1000
        elif audio.stopped_t_ns is not None and start_us is not None:
            heard = audio.stopped_t_ns // 1000 - start_us
        else:
            return self.duration_us
        return max(0, min(heard, self.duration_us))

    @property
    def end_us(self) -> int | None:
        """Return when all of it would have been played; None where nothing says when it began."""
        return None if self.start_us is None else self.start_us + self.duration_us


@dataclass(frozen=True, slots=True)
class Piece:
    """The audio of one event."""

    segment: Segment
    """Where it belongs."""
    base64: str
    """The audio as it came."""


class Placement:
    """Places audio, event by event in order."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._session = SessionFold()
        self._output = OutputAudioFold()
        self._items: dict[str, Segment] = {}
        self._runs: dict[Side, Segment] = {}

    def feed(self, event: Event) -> Piece | None:
        """Take the next event; return its audio and where that belongs, None where it has none."""
        if self.begins(event):
            self._begin()
        audio = audio_of(event)
        if not audio:
            self._session.apply(event)
            self._output.apply(event)
            self._note(event)
            return None
        if event.type.rpartition(".")[2] == "append":
            if event.direction is not Direction.CLIENT:
                return None
            segment = self._run(Side.USER, event, base64_size(audio))
        else:
            segment = self._item(event) or self._run(Side.ASSISTANT, event, base64_size(audio))
        piece = Piece(segment, audio)
        segment.size_bytes += base64_size(audio)
        return piece

    def begins(self, event: Event) -> bool:
        """Tell whether an event begins another session, with a time line of its own."""
        return self._session.ends_with(event)

    def side(self, side: Side) -> Iterator[Segment]:
        """Yield the segments of one side, in the order in which they began to arrive."""
        return (segment for segment in self.segments if segment.side is side)

    def _begin(self) -> None:
        """Another connection: the formats are the defaults again, and ids may come back."""
        self._session, self._output = SessionFold(), OutputAudioFold()
        self._items.clear()
        self._runs.clear()

    def _item(self, event: Event) -> Segment | None:
        item_id = text_at(event.body or {}, "item_id")
        if not item_id:
            return None
        self._output.apply(event)
        audio = self._output.items.get(item_id)
        segment = self._items.get(item_id)
        if segment is None and audio is not None:
            segment = Segment(
                Side.ASSISTANT, audio.format, event.seq - 1, _us(event), item_id, 0, audio
            )
            self._items[item_id] = segment
            self.segments.append(segment)
        return segment

    def _run(self, side: Side, event: Event, size: int) -> Segment:
        form = self._session.input_format if side is Side.USER else self._output_format(event)
        # An append was spoken before it was sent; a delta is heard after it has come.
        spoken_us = round(size * 1000 / form.bytes_per_ms) if side is Side.USER else 0
        t_us = _us(event)
        begins_us = None if t_us is None else max(0, t_us - spoken_us)
        run = self._runs.get(side)
        end_us = run.end_us if run is not None else None
        # Without times no gap is known, and what comes goes on with what came.
        gap_us = 0 if begins_us is None or end_us is None else begins_us - end_us
        if run is not None and run.format == form and gap_us <= GAP_US:
            return run
        if begins_us is not None and end_us is not None:
            begins_us = max(begins_us, end_us)
        run = self._runs[side] = Segment(side, form, event.seq - 1, begins_us)
        self.segments.append(run)
        return run

    def _output_format(self, event: Event) -> AudioFormat:
        rate_hz = int_at(event.body or {}, "sample_rate")
        if 4_000 <= rate_hz <= 192_000:
            return AudioFormat("pcm16", rate_hz)
        return self._session.output_format if self._session.config else PCM16_24K

    def _note(self, event: Event) -> None:
        segment = self._items.get(text_at(event.body or {}, "item_id"))
        if segment is None:
            return
        if event.type in ("inspector.playing", "inspector.played"):
            t_us = _us(event)
            if segment.reported_us is None and t_us is not None:
                heard_ms = int_at(event.body or {}, "audio_ms")
                segment.reported_us = max(0, t_us - heard_ms * 1000)
        elif event.type == "conversation.item.truncated":
            segment.truncated_ms = int_at(event.body or {}, "audio_end_ms")


def _us(event: Event) -> int | None:
    return None if event.t_ns is None else event.t_ns // 1000
