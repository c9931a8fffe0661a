"""OutputAudioFold: what audio came for each item, when each part of it sounded, and how much of it can have been heard.

Audio arrives about ten times faster than it plays, so "received" and "heard" differ. Where the inspector plays, its
``inspector.playing`` (begins or goes on, from ``audio_ms``) and ``inspector.played`` (ceased, at ``audio_ms``) are the truth.
Where it does not, the estimate is a player that starts with the first delta, plays in real time, one item after the
other, falls silent where the audio has not come yet, and stops when speech starts, the item is truncated or the response
is cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.core.audio_formats import PCM16_24K, AudioFormat, audio_format, format_of_delta
from inspector.core.event import Direction, Event
from inspector.core.fold import owned
from inspector.core.groups import audio_bytes_of
from inspector.core.read import int_at, object_at, text_at

NS_PER_MS = 1_000_000
JITTER_NS = 60 * NS_PER_MS
"""A player waits so long before it starts, so audio that comes later than it was due by less than this leaves no gap."""
LEAST_DELTA_MS = 5
"""No API sends less sound in one event: where deltas are shorter than this, a recorder has cut them."""
REPORT_NS = 20 * NS_PER_MS
"""A report of the inspector's player is at most one of its ticks late; what lies closer is one piece."""
_OF_ITEMS = ("response.output_audio.delta", "response.audio.delta")
_OF_TRACKS = "session.output_audio.delta"
OUTPUT_AUDIO = (*_OF_ITEMS, _OF_TRACKS)
"""Types of the events that bring sound to be heard; that of a translation is of no item."""
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
"""All that the fold takes in."""


class Resume(NamedTuple):
    """Where an item begins to sound, or goes on after a gap."""

    at_ns: int
    """Session time."""
    from_ns: int
    """Position in the item's own sound."""
    seq: int
    """The event that says so: the audio that came then, or the player's report."""
    slack_ns: int = 0
    """How much later than at first it has been placed, for audio that came late."""


class PlaybackGap(NamedTuple):
    """A silence in the middle of an item: its audio had not come yet."""

    from_ns: int
    """Session time at which it ran dry."""
    to_ns: int
    """Session time at which it went on."""
    seq: int
    """The event that says so."""

    def is_at(self, t_ns: int) -> bool:
        """Tell whether it was silent at a time."""
        return self.from_ns <= t_ns < self.to_ns


@dataclass(slots=True, eq=False)
class ItemAudio:
    """The audio of one assistant item."""

    item_id: str
    """The item that is heard; ``""`` for sound of no item."""
    owner: object
    """The fold that may change it; others clone it first."""
    content_index: int = 0
    """The part of the item that is audio."""
    response_id: str = ""
    """The response that the item belongs to."""
    deltas: int = 0
    """Events that brought sound."""
    received_bytes: int = 0
    """Decoded size of all deltas."""
    came_t_ns: int | None = None
    """When the first delta came; None where no event says."""
    format: AudioFormat = PCM16_24K
    """That its first delta says, or else that of the session by then."""
    resumes: list[Resume] = field(default_factory=list)
    """Where each of its pieces begins, in order; empty where no event says when it came."""
    stopped_t_ns: int | None = None
    """When playing was cut off."""
    played_ms: int | None = None
    """What the player itself reported last; None where there is no report."""
    is_playing: bool = False
    """True between its reports that it begins and that it ceased."""
    awaits_report: bool = False
    """True where the inspector's player is known to report, so that nothing is heard before it says so."""
    claimed_ms: int | None = None
    """``audio_end_ms`` of its truncation: how much was heard, as the client says; None where it was not truncated."""
    truncated_t_ns: int | None = None
    """When the client asked for that, or else when the server confirmed it."""

    @property
    def received_ms(self) -> int:
        """Return the length of what was received."""
        return self.format.ms(self.received_bytes)

    @property
    def received_ns(self) -> int:
        """Return the length of what was received."""
        return self.format.ns(self.received_bytes)

    @property
    def starts_t_ns(self) -> int | None:
        """Return when it starts to play: at its first delta, when the item before it ends, or as reported; None if unknown."""
        return self.resumes[0].at_ns if self.resumes else None

    @property
    def ends_t_ns(self) -> int | None:
        """Return when all that was received would have been played; None if unknown."""
        if not self.resumes:
            return None
        return self.resumes[-1].at_ns + self.received_ns - self.resumes[-1].from_ns

    @property
    def underruns(self) -> list[PlaybackGap]:
        """Return where it fell silent in the middle of what was heard of it.

        Where no player reported them, short ones are left out, since most players buffer as much; and all of them where a
        recorder has cut the audio, which makes it look late.
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
        """Return how far a player has come by a time if nothing stops it; by the end of time where that is None."""
        if now_ns is None:
            return self.received_ns
        end_ns = self.received_ns
        for resume in reversed(self.resumes):
            if resume.at_ns <= now_ns:
                return min(resume.from_ns + now_ns - resume.at_ns, end_ns)
            end_ns = resume.from_ns
        return 0

    def heard_ns(self, now_ns: int | None) -> int:
        """Return how much can have been heard by ``now_ns`` (session time; None: in the end), never more than was received."""
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
        """Return how much of it was heard, as the client says; None where it was not truncated."""
        return None if self.claimed_ms is None else self._ns(self.claimed_ms)

    @property
    def possible_ns(self) -> int | None:
        """Return how much could have been heard when it was truncated, by the clock; None if unknown, or not truncated."""
        if self.truncated_t_ns is None or not self.resumes:
            return None
        return self.position_ns(self.truncated_t_ns)

    @property
    def most_ns(self) -> int | None:
        """Return how much a player could have played at most by then, had it begun with the first delta; None if unknown."""
        if self.truncated_t_ns is None or self.came_t_ns is None:
            return None
        return max(0, min(self.received_ns, self.truncated_t_ns - self.came_t_ns))

    @property
    def is_measured(self) -> bool:
        """Tell whether a player says what was heard of it, and not a client or a clock."""
        return self.played_ms is not None or self.awaits_report

    def _ns(self, ms: int) -> int:
        """Return a number of whole milliseconds as a position in what was received."""
        return self.received_ns if ms >= self.received_ms else max(0, ms) * NS_PER_MS

    def has_begun(self, now_ns: int) -> bool:
        """Tell whether it is heard, or was."""
        if self.played_ms is not None or not self.resumes:
            return True
        return not self.awaits_report and self.resumes[0].at_ns <= now_ns

    def is_sounding(self, now_ns: int) -> bool:
        """Tell whether more of it is going to be heard."""
        if self.played_ms is not None:
            return self.is_playing
        if not self.resumes:
            return False  # nothing says when it began, and so nothing that it goes on
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
        """Sound of no item, as translations have it, under ``""``."""
        self.total_bytes = 0
        self.deltas = 0
        """Events that brought sound."""
        self.received_ns = 0
        """How long all that came lasts, by the format of each item: the audio clock of this side."""
        self._format = PCM16_24K
        self._has_player = False
        self._owner = object()

    def apply(self, event: Event) -> None:
        """Take one event in."""
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
        """Return the item that is being played, or else the one that was played last; without a time the newest."""
        last = None
        for item in reversed(self.items.values()):
            if now_ns is None or item.is_playing or item.has_begun(now_ns):
                return item
            last = item
        return last

    def playing(self, now_ns: int) -> ItemAudio | None:
        """Return the item that is being played; None where none is."""
        item = self.current(now_ns)
        return item if item is not None and item.is_sounding(now_ns) else None

    @property
    def underruns(self) -> int:
        """Return how often an item fell silent in the middle."""
        return sum(len(i.underruns) for i in self.items.values() if len(i.resumes) > 1)

    @property
    def is_elided(self) -> bool:
        """Tell whether a recorder has cut the audio out, so that its length, and all that follows from it, is not real."""
        return self.received_ns < LEAST_DELTA_MS * NS_PER_MS * self.deltas

    def audio_of(self, event: Event) -> ItemAudio | None:
        """Return where the sound of a delta belongs."""
        item_id = text_at(event.body or {}, "item_id")
        return self.items.get(item_id) if item_id else self.tracks.get("")

    def _own(self, item_id: str) -> ItemAudio | None:
        """Return an item's audio for changing, cloned where a copy of the fold shares it; None where there is none."""
        records = self.items if item_id else self.tracks
        found = records.get(item_id)
        if found is None or found.owner is self._owner:
            return found
        found = owned(records, item_id, self._owner)
        found.resumes = list(found.resumes)
        return found

    def _receive(self, event: Event, size: int) -> None:
        body = event.body or {}
        item_id = text_at(body, "item_id")
        item = self._own(item_id)
        own = format_of_delta(body.get("sample_rate"))
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
        if size:
            item.deltas += 1
            self.deltas += 1
            self.received_ns += item.format.ns(size)
            if item.came_t_ns is None:
                item.came_t_ns = event.t_ns
            self._place(item, event)
        item.received_bytes += size
        self.total_bytes += size

    def _place(self, item: ItemAudio, event: Event) -> None:
        """Say when what comes now will sound: where it is due, or later where it came too late for that."""
        t_ns: int | None = event.t_ns
        if t_ns is None:
            return
        due_ns = item.ends_t_ns
        if due_ns is None:
            at_ns = max(t_ns, self._busy_until_ns(item))
            item.resumes.append(Resume(at_ns, item.received_ns, event.seq))
            return
        late_ns = t_ns - due_ns
        if late_ns <= 0:
            return
        last = item.resumes[-1]
        if last.slack_ns + late_ns <= JITTER_NS:
            later = last._replace(at_ns=last.at_ns + late_ns, slack_ns=last.slack_ns + late_ns)
            item.resumes[-1] = later
        else:
            item.resumes.append(Resume(t_ns, item.received_ns, event.seq))

    def _busy_until_ns(self, item: ItemAudio) -> int:
        """Return when the item that came before ends."""
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
        """Stop what is still playing (of one response, or at all); what has played out stays as it is."""
        now_ns = event.t_ns
        for item in reversed(list(self.items.values())):
            if item.stopped_t_ns is not None or item.heard_ms(now_ns) >= item.received_ms > 0:
                break
            if not response_id or item.response_id == response_id:
                self._stop(item.item_id, event)

    def _ask_truncation(self, event: Event) -> None:
        item = self._own(text_at(event.body or {}, "item_id"))
        if item is not None and event.direction is Direction.CLIENT and item.claimed_ms is None:
            item.truncated_t_ns = event.t_ns

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
        """Take a report of the inspector's player: what it says counts, and what was estimated of the rest gives way."""
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
            # It may have begun later than was estimated, and has come so far by now.
            last = kept[-1]
            kept[-1] = last._replace(at_ns=max(last.at_ns, t_ns - at_ns + last.from_ns))
        ended_ns = kept[-1].at_ns + at_ns - kept[-1].from_ns if kept else 0
        rest = [resume for resume in item.resumes if resume.from_ns >= at_ns]
        if not item.is_playing:
            # What came too late to be heard stays where it was placed, but never before the end of what comes before it.
            item.resumes = _in_order([*kept, *rest])
        elif kept and not rest and t_ns - ended_ns <= REPORT_NS:
            item.resumes = kept
        else:
            slack_ns = JITTER_NS - REPORT_NS
            item.resumes = [*kept, Resume(max(t_ns, ended_ns), at_ns, event.seq, slack_ns)]


def _in_order(resumes: list[Resume]) -> list[Resume]:
    """Return pieces so that none begins before the one before it ends."""
    found: list[Resume] = []
    for resume in resumes:
        if found:
            ended_ns = found[-1].at_ns + resume.from_ns - found[-1].from_ns
            resume = resume._replace(at_ns=max(resume.at_ns, ended_ns))
        found.append(resume)
    return found
