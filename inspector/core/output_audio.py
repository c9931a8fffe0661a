"""OutputAudioFold: the audio received for each item, when each piece of it plays, and how much of it can have been heard.

Audio arrives about ten times faster than it plays, so "received" and "heard" differ. If the inspector plays the audio, its
``inspector.playing`` (started or resumed, at ``audio_ms``) and ``inspector.played`` (stopped, at ``audio_ms``) are exact.
Otherwise playback is estimated: a player starts with the first delta, plays items one after another in real time, pauses while
the next audio has not arrived, and stops when the user speaks, the item is truncated or the response is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.core.audio_formats import PCM16_24K, AudioFormat, audio_format, format_of_delta
from inspector.core.event import Direction, Event
from inspector.core.fold import owned
from inspector.core.groups import audio_bytes_of
from inspector.core.read import Body, int_at, object_at, text_at
from inspector.core.units import NS_PER_MS

JITTER_NS = 60 * NS_PER_MS
"""Audio that the estimated player buffers before it starts: a delta that is late by less than this causes no gap."""
LEAST_DELTA_MS = 5
"""No API sends less audio per event; shorter deltas were cut by a recorder."""
REPORT_NS = 20 * NS_PER_MS
"""A report of the inspector's player is late by at most one of its ticks; pieces closer than this are one piece."""
_OF_ITEMS = ("response.output_audio.delta", "response.audio.delta")
_OF_TRACKS = "session.output_audio.delta"
OUTPUT_AUDIO = (*_OF_ITEMS, _OF_TRACKS)
"""Types of the events that carry output audio; a translation's audio belongs to a track, not to an item."""
OUTPUT_AUDIO_TYPES = frozenset(
    {
        *OUTPUT_AUDIO,
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "conversation.item.truncate",
        "conversation.item.truncated",
        "response.done",
        "inspector.playing",
        "inspector.played",
    }
)
"""Types of all events that the fold uses."""


class SoundDelta(NamedTuple):
    """A delta of sound, as far as its content part does not tell it."""

    seq: int
    """Of the event."""
    t_ns: int | None
    """Session time; None if the recording has no time for it."""
    size_bytes: int
    """Decoded size."""


class Resume(NamedTuple):
    """Start of a piece: where an item begins to play, or resumes after a gap."""

    at_ns: int
    """Session time."""
    from_ns: int
    """Position in the item's audio."""
    seq: int
    """The event that determines it: an audio delta, or the player's report."""
    slack_ns: int = 0
    """How far the start has been moved back for audio that arrived late, at most ``JITTER_NS`` in total."""


class PlaybackGap(NamedTuple):
    """A silence within an item, because its audio had not arrived yet (an underrun)."""

    from_ns: int
    """Session time at which playback ran out of audio."""
    to_ns: int
    """Session time at which it resumed."""
    seq: int
    """The event that ended the gap."""

    def contains(self, t_ns: int) -> bool:
        """Return whether a session time lies within the gap."""
        return self.from_ns <= t_ns < self.to_ns


@dataclass(slots=True, eq=False)
class ItemAudio:
    """The audio of one assistant item."""

    item_id: str
    """The item's id; ``""`` for audio that belongs to no item."""
    owner: object
    """Token of the fold that may change it in place; see ``fold.owned``."""
    content_index: int = 0
    """Index of the item's audio part."""
    response_id: str = ""
    """The response that produced the item."""
    deltas: int = 0
    """Number of events with audio."""
    received_bytes: int = 0
    """Decoded size of all deltas."""
    came_t_ns: int | None = None
    """Time of the first delta; None if the recording has no time for it."""
    format: AudioFormat = PCM16_24K
    """Format given by its first delta, else the session's at that moment."""
    resumes: list[Resume] = field(default_factory=list)
    """Starts of its pieces, in order; empty if the recording has no times for them."""
    stopped_t_ns: int | None = None
    """Time at which playback was interrupted."""
    played_ms: int | None = None
    """Position that the inspector's player reported last; None without a report."""
    is_playing: bool = False
    """True between the player's reports that it started and that it stopped."""
    awaits_report: bool = False
    """True if the inspector's player is known to report, so that nothing counts as heard before its report."""
    asked_ms: int | None = None
    """``audio_end_ms`` of the client's last request to truncate it, which the server may refuse; None without one."""
    claimed_ms: int | None = None
    """``audio_end_ms`` of its truncation, which is what the client claims was heard; None if it was not truncated."""
    truncated_t_ns: int | None = None
    """Time of the client's truncation, else of the server's confirmation."""

    @property
    def received_ms(self) -> int:
        """Return the length of the audio received, in ms."""
        return self.format.ms(self.received_bytes)

    @property
    def received_ns(self) -> int:
        """Return the length of the audio received, in ns."""
        return self.format.ns(self.received_bytes)

    @property
    def starts_t_ns(self) -> int | None:
        """Return when playback starts: as reported, else at the first delta or the end of the item before; None if unknown."""
        return self.resumes[0].at_ns if self.resumes else None

    @property
    def ends_t_ns(self) -> int | None:
        """Return when all audio received would have been played; None if unknown."""
        if not self.resumes:
            return None
        return self.resumes[-1].at_ns + self.received_ns - self.resumes[-1].from_ns

    @property
    def underruns(self) -> list[PlaybackGap]:
        """Return the gaps within the part that was heard.

        Without reports of a player, gaps are left out if they are short, since most players buffer as much, or if a recorder has
        cut the audio, which makes all of it appear late.
        """
        if self.played_ms is None and self.received_ms < LEAST_DELTA_MS * self.deltas:
            return []
        heard_ns = self.heard_ns(None)
        least_ns = REPORT_NS if self.played_ms is not None else JITTER_NS
        found = (
            PlaybackGap(one.at_ns + two.from_ns - one.from_ns, two.at_ns, two.seq)
            for one, two in zip(self.resumes, self.resumes[1:], strict=False)
            if two.from_ns < heard_ns
        )
        return [gap for gap in found if gap.to_ns - gap.from_ns > least_ns]

    def position_ns(self, now_ns: int | None) -> int:
        """Return the position of a player at a session time if nothing stops it; its final position if the time is None."""
        if now_ns is None:
            return self.received_ns
        end_ns = self.received_ns
        for resume in reversed(self.resumes):
            if resume.at_ns <= now_ns:
                # Capped at the next piece's start: during a gap the position stands still.
                return min(resume.from_ns + now_ns - resume.at_ns, end_ns)
            end_ns = resume.from_ns
        return 0

    def heard_ns(self, now_ns: int | None) -> int:
        """Return how much can have been heard by ``now_ns`` (session time; None: in total); at most what was received."""
        if self.played_ms is not None:
            return self.position_ns(now_ns) if self.is_playing else self._ns(self.played_ms)
        if self.awaits_report:
            return 0
        if self.stopped_t_ns is not None:
            now_ns = self.stopped_t_ns if now_ns is None else min(now_ns, self.stopped_t_ns)
        return self.position_ns(now_ns)

    def heard_ms(self, now_ns: int | None) -> int:
        """Return ``heard_ns`` in whole milliseconds."""
        return min(self.received_ms, self.heard_ns(now_ns) // NS_PER_MS)

    @property
    def claimed_ns(self) -> int | None:
        """Return how much was heard according to the client's truncation; None if it was not truncated."""
        return None if self.claimed_ms is None else self._ns(self.claimed_ms)

    @property
    def possible_ns(self) -> int | None:
        """Return how much the estimated player had played at the truncation; None if unknown or not truncated."""
        if self.truncated_t_ns is None or not self.resumes:
            return None
        return self.position_ns(self.truncated_t_ns)

    @property
    def most_ns(self) -> int | None:
        """Return the most that any player can have played at the truncation, from the first delta on; None if unknown."""
        if self.truncated_t_ns is None or self.came_t_ns is None:
            return None
        return max(0, min(self.received_ns, self.truncated_t_ns - self.came_t_ns))

    @property
    def is_measured(self) -> bool:
        """Return whether the inspector's player measures what was heard, rather than a client or an estimate."""
        return self.played_ms is not None or self.awaits_report

    def _ns(self, ms: int) -> int:
        """Return whole milliseconds as a position in the audio received, in ns."""
        # Whole milliseconds round a fraction away; the last one means the end.
        return self.received_ns if ms >= self.received_ms else max(0, ms) * NS_PER_MS

    def has_begun(self, now_ns: int) -> bool:
        """Return whether its playback has started by a session time."""
        if self.played_ms is not None or not self.resumes:
            return True
        return not self.awaits_report and self.resumes[0].at_ns <= now_ns

    def is_sounding(self, now_ns: int) -> bool:
        """Return whether its playback is in progress at a session time."""
        if self.played_ms is not None:
            return self.is_playing
        if not self.resumes:
            return False  # without times it is unknown whether playback still runs
        is_stopped = self.stopped_t_ns is not None and self.stopped_t_ns <= now_ns
        return (
            self.has_begun(now_ns) and not is_stopped and self.heard_ms(now_ns) < self.received_ms
        )


class OutputAudioFold:
    """The audio of every assistant item, oldest first."""

    name = "output_audio"

    def __init__(self) -> None:
        self.items: dict[str, ItemAudio] = {}
        self.tracks: dict[str, ItemAudio] = {}
        """Audio that belongs to no item, as in translations, under the key ``""``."""
        self.total_bytes = 0
        self.deltas = 0
        """Events that brought sound."""
        self.received_ns = 0
        """How long all that came lasts, by the format of each item: the audio clock of this side."""
        self._format = PCM16_24K
        self._has_player = False
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Update the state with one event."""
        kind, body = event.type, event.body
        if body is None:
            return
        if kind in OUTPUT_AUDIO:
            self._receive(event, audio_bytes_of(event))
        elif kind in ("session.created", "session.updated"):
            session = object_at(body, "session")
            nested = object_at(object_at(session, "audio"), "output").get("format")
            self._format = (
                audio_format(nested)
                or audio_format(session.get("output_audio_format"))
                or PCM16_24K
            )
        elif kind == "input_audio_buffer.speech_started":
            self._stop_all(event)
        elif kind == "conversation.item.truncate":
            self._ask_truncation(event)
        elif kind == "conversation.item.truncated":
            self._truncate(event)
        elif kind == "response.done":
            response = object_at(body, "response")
            if response.get("status") == "cancelled":
                self._stop_all(event, text_at(response, "id"))
        elif kind in ("inspector.playing", "inspector.played"):
            self._played(event)

    def copy(self) -> OutputAudioFold:
        """Return an independent copy; items are cloned when either side changes them."""
        clone = OutputAudioFold()
        clone.items, clone.tracks = dict(self.items), dict(self.tracks)
        clone.total_bytes, clone._format = self.total_bytes, self._format
        clone.deltas, clone.received_ns = self.deltas, self.received_ns
        clone._has_player = self._has_player
        self._owner = object()
        return clone

    def current(self, now_ns: int | None) -> ItemAudio | None:
        """Return the item being played at a session time, else the last one played; the newest if the time is None."""
        last = None
        for item in reversed(self.items.values()):
            if now_ns is None or item.is_playing or item.has_begun(now_ns):
                return item
            last = item
        return last

    def playing(self, now_ns: int) -> ItemAudio | None:
        """Return the item being played at a session time, or None."""
        item = self.current(now_ns)
        return item if item is not None and item.is_sounding(now_ns) else None

    @property
    def underruns(self) -> int:
        """Return the number of gaps in all items."""
        return sum(len(i.underruns) for i in self.items.values() if len(i.resumes) > 1)

    @property
    def is_elided(self) -> bool:
        """Return True if a recorder removed the audio, so that its length and all derived values are wrong."""
        return self.received_ns < LEAST_DELTA_MS * NS_PER_MS * self.deltas

    def audio_of(self, event: Event) -> ItemAudio | None:
        """Return the item or track to which an audio delta belongs, or None."""
        item_id = text_at(event.body or {}, "item_id")
        return self.items.get(item_id) if item_id else self.tracks.get("")

    def _own(self, item_id: str) -> ItemAudio | None:
        """Return an item's audio for changing, cloned if a copy of the fold shares it; None for an unknown item."""
        records = self.items if item_id else self.tracks
        found = records.get(item_id)
        if found is None or found.owner is self._owner:
            return found
        found = owned(records, item_id, self._owner)
        found.resumes = list(found.resumes)
        return found

    def receive_many(self, body: Body, deltas: Iterable[SoundDelta]) -> None:
        """Take in what ``apply`` would of deltas of one content part; ``body`` has what they have in common."""
        item = self._item_of(body)
        for delta in deltas:
            self._add(item, delta)

    def _receive(self, event: Event, size: int) -> None:
        self._add(self._item_of(event.body or {}), SoundDelta(event.seq, event.t_ns, size))

    def _item_of(self, body: Body) -> ItemAudio:
        """Return the item or track of a delta for changing, a new one if it is the first."""
        item_id = text_at(body, "item_id")
        item = self._own(item_id)
        own = format_of_delta(body.get("sample_rate"))
        # A track that changes its sample rate starts anew, because its bytes no longer convert to one length.
        if item is None or (not item_id and own not in (None, item.format)):
            records = self.items if item_id else self.tracks
            item = records[item_id] = ItemAudio(
                item_id,
                self._owner,
                int_at(body, "content_index"),
                text_at(body, "response_id"),
                format=own or self._format,
                awaits_report=self._has_player,
            )
        return item

    def _add(self, item: ItemAudio, delta: SoundDelta) -> None:
        seq, t_ns, size = delta
        if size:
            item.deltas += 1
            self.deltas += 1
            self.received_ns += item.format.ns(size)
            if item.came_t_ns is None:
                item.came_t_ns = t_ns
            if t_ns is not None:
                self._place(item, seq, t_ns)
        item.received_bytes += size
        self.total_bytes += size

    def _place(self, item: ItemAudio, seq: int, t_ns: int) -> None:
        """Schedule a delta's audio: directly after the audio before it, or now if it arrived too late for that."""
        due_ns = item.ends_t_ns
        if due_ns is None:
            at_ns = max(t_ns, self._busy_until_ns(item))
            item.resumes.append(Resume(at_ns, item.received_ns, seq))
            return
        late_ns = t_ns - due_ns
        if late_ns <= 0:
            return
        last = item.resumes[-1]
        # A player's start-up buffer absorbs the first lateness, as if it had started a little later.
        if last.slack_ns + late_ns <= JITTER_NS:
            later = last._replace(at_ns=last.at_ns + late_ns, slack_ns=last.slack_ns + late_ns)
            item.resumes[-1] = later
        else:
            item.resumes.append(Resume(t_ns, item.received_ns, seq))

    def _busy_until_ns(self, item: ItemAudio) -> int:
        """Return when playback of the preceding item ends."""
        if not item.item_id:
            return 0
        for other in reversed(self.items.values()):
            if other is not item:
                stopped_ns = other.stopped_t_ns
                return stopped_ns if stopped_ns is not None else other.ends_t_ns or 0
        return 0

    def _stop(self, item_id: str, event: Event) -> None:
        item = self._own(item_id)
        if item is not None and item.stopped_t_ns is None:
            item.stopped_t_ns = event.t_ns

    def _stop_all(self, event: Event, response_id: str = "") -> None:
        """Stop the items that are still playing, of one response or of all; finished items are not changed."""
        now_ns = event.t_ns
        # Newest first: items play in order, so all before a finished one are finished, too.
        for item in reversed(list(self.items.values())):
            if item.stopped_t_ns is not None or item.heard_ms(now_ns) >= item.received_ms > 0:
                break
            if not response_id or item.response_id == response_id:
                self._stop(item.item_id, event)

    def _ask_truncation(self, event: Event) -> None:
        body = event.body or {}
        item = self._own(text_at(body, "item_id"))
        if item is not None and event.direction is Direction.CLIENT and item.claimed_ms is None:
            item.truncated_t_ns = event.t_ns
            item.asked_ms = int_at(body, "audio_end_ms")

    def _truncate(self, event: Event) -> None:
        body = event.body or {}
        item = self._own(text_at(body, "item_id"))
        if item is None:
            return
        item.claimed_ms = int_at(body, "audio_end_ms")
        if item.truncated_t_ns is None:
            item.truncated_t_ns = event.t_ns
        if item.stopped_t_ns is None:
            item.stopped_t_ns = event.t_ns

    def _played(self, event: Event) -> None:
        """Apply a report of the inspector's player, which replaces the estimate."""
        body = event.body or {}
        if not self._has_player:
            self._has_player = True
            for other_id in (*self.items, *self.tracks):
                other = self._own(other_id)
                if other is not None:
                    other.awaits_report = True
        item = self._own(text_at(body, "item_id"))
        if item is None:
            return
        is_first = item.played_ms is None
        item.played_ms = max(0, int_at(body, "audio_ms"))
        item.is_playing = event.type == "inspector.playing"
        self._place_report(item, event, is_first=is_first)
        if item.is_playing:
            item.stopped_t_ns = None
        elif item.stopped_t_ns is None:
            item.stopped_t_ns = event.t_ns

    def _place_report(self, item: ItemAudio, event: Event, *, is_first: bool) -> None:
        t_ns: int | None = event.t_ns
        if t_ns is None:
            return
        at_ns = min((item.played_ms or 0) * NS_PER_MS, item.received_ns)
        kept = [resume for resume in item.resumes if resume.from_ns < at_ns]
        if kept and is_first:
            # Playback may have started later than estimated; move its start so that it is at the reported position now.
            last = kept[-1]
            kept[-1] = last._replace(at_ns=max(last.at_ns, t_ns - at_ns + last.from_ns))
        ended_ns = kept[-1].at_ns + at_ns - kept[-1].from_ns if kept else 0
        rest = [resume for resume in item.resumes if resume.from_ns >= at_ns]
        if not item.is_playing:
            # Audio that arrived too late to be heard keeps its place, but may not overlap the piece before it.
            item.resumes = _in_order([*kept, *rest])
        elif kept and not rest and t_ns - ended_ns <= REPORT_NS:
            item.resumes = kept
        else:
            slack_ns = JITTER_NS - REPORT_NS
            item.resumes = [*kept, Resume(max(t_ns, ended_ns), at_ns, event.seq, slack_ns)]


def _in_order(resumes: list[Resume]) -> list[Resume]:
    """Return the pieces, each delayed if necessary until the one before it ends."""
    found: list[Resume] = []
    for resume in resumes:
        if found:
            ended_ns = found[-1].at_ns + resume.from_ns - found[-1].from_ns
            resume = resume._replace(at_ns=max(resume.at_ns, ended_ns))
        found.append(resume)
    return found
