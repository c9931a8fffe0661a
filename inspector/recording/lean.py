"""Lean reading: a whole recording through the folds of a state, without decoding its sound or what no fold asks for.

Most bytes of a recording are base64 and most rows are deltas. The chunk scanner tells type, time and size of every row in bulk; only
rows that a fold wants are decoded. Of sound only its size matters: appends are taken in by the run, deltas with the body of
the first one of their content part. The state is the same as after every event: appends that an error may refuse are read again,
whole, before the error is taken in. What is small or of a foreign shape is read event by event.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from inspector.core.audio_formats import AudioFormat
from inspector.core.causes import REQUEST_OF
from inspector.core.event import Direction, Event, Origin
from inspector.core.fold import Fold
from inspector.core.groups import AUDIO_KEYS
from inspector.core.input_audio import AppendRun
from inspector.core.kinds import APPENDS
from inspector.core.log import DIRECTION_CODE, NO_TIME_US
from inspector.core.output_audio import OUTPUT_AUDIO, OUTPUT_AUDIO_TYPES
from inspector.core.read import text_at
from inspector.core.refused_appends import MAX_WAITING
from inspector.core.session_fold import CONFIGURED
from inspector.core.state import SessionState
from inspector.core.turns_fold import TURN_EVENTS, WORDS
from inspector.recording.format import FileShape
from inspector.recording.reader import RecordingReader
from inspector.spec.events import EVENT_TYPES

if TYPE_CHECKING:
    from inspector.recording.row_columns import RowColumns
    from inspector.recording.spans import Ints, LineMask

TURN_FOLDS = frozenset({"session", "input_audio", "output_audio", "causes", "turns"})
"""The folds that turns need."""
TURN_ROWS = (
    TURN_EVENTS
    | OUTPUT_AUDIO_TYPES
    | REQUEST_OF.keys()
    | {"error", "inspector.closed", "inspector.send_failed", "input_audio_buffer.cleared"}
)
"""The types that they take in, beside all that the client sends."""
WHOLE_BYTES = 1 << 20
"""A file up to this size is read event by event: that takes no longer than to import what larger ones need."""
_HEAD_BYTES = 600
"""Of a row of sound, within which the response stands that it must share with the first of its content part."""
_SKIP, _WANT, _WORD, _APPEND, _DELTA = range(5)
_LOOK_BACK = frozenset(
    {
        "error",
        "inspector.opened",
        "conversation.created",
        "session.created",
        "session.started",
        "transcription_session.created",
    }
)
"""Types that say something of the appends before: they are refused, or no error after it is about them."""
_SOUND_FOLDS = frozenset({"output_audio", "turns"})
"""The folds that take in a delta of sound; it tells the others nothing."""


class _Place(NamedTuple):
    """Where a line stands."""

    row: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Part:
    """What all deltas of one content part have in common."""

    needle: bytes
    """Their response, as it stands in the line."""
    type: str
    body: Mapping[str, Any]
    """Of the first delta, without its audio."""
    is_placed: bool
    """True where the turns know of its sound, and so need not hear of more."""


class LeanReading:
    """A recording that is read once through a state; its sound can be read back afterwards."""

    def __init__(
        self,
        reader: RecordingReader,
        state: SessionState,
        rows: Collection[str] = (),
        whole_bytes: int = WHOLE_BYTES,
    ) -> None:
        """Prepare.

        Args:
            reader: the recording.
            state: takes the events in; made for the folds that are asked (``SessionState(only=…)``), ``TURN_FOLDS`` among them.
            rows: types of events that its folds want beside ``TURN_ROWS``.
            whole_bytes: up to this size of the file every event is taken in.
        """
        self.state = state
        self.events = 0
        """Rows of the recording, those that were passed over included."""
        self.reader = reader
        self.wanted = TURN_ROWS | frozenset(rows)
        self.appends, self.sounds = _Places(), _Places()
        self._is_lean = reader.shape is FileShape.OURS and reader.size > whole_bytes
        self._formats: list[tuple[int, AudioFormat]] = [(0, state.input_audio.format)]
        """From which row on appends were of which format."""
        self._recalled = 0
        """Appends before this row were looked at as a whole."""

    def run(self) -> None:
        """Read the recording to its end.

        Raises:
            RecordingError: the disk does not give it.
        """
        if self._is_lean:
            self._run_in_chunks()
            return
        for offset, line in self.reader.lines(self.reader.start, self.reader.size):
            event = self.reader.first_reading(line, self.events, offset)
            if event.seq != self.events + 1:
                event = replace(event, seq=self.events + 1)
            place = _Place(self.events, offset, len(line))
            if event.type in APPENDS and event.direction is Direction.CLIENT:
                self.appends.add(place)
            elif event.type in OUTPUT_AUDIO and event.direction is not Direction.CLIENT:
                self.sounds.add(place)
            self.state.apply(event)
            self.events += 1

    def appends_before(self, seq: int) -> Iterator[Event]:
        """Yield the appends before an event that the server has not refused, the newest first, with their audio."""
        refused = self.state.causes.rejected
        for place in self.appends.before(seq - 1):
            if place.row + 1 not in refused:
                yield self._whole(place)

    def sound_from(self, seq: int) -> Iterator[Event]:
        """Yield the events that bring sound to be heard from an event on, with their audio."""
        return map(self._whole, self.sounds.since(seq - 1))

    def configured(self, row: int) -> None:
        """Note the format of the appends after a description of the session."""
        form = self.state.input_audio.format
        if form != self._formats[-1][1]:
            self._formats.append((row, form))

    def recall(self, row: int) -> None:
        """Let the folds look at the last appends before a row, which the error there may refuse."""
        begins = [begin for begin, _ in self._formats]
        for place in self.appends.between(self._recalled, row)[-MAX_WAITING:]:
            append = self._whole(place)
            form = self._formats[bisect_right(begins, place.row) - 1][1]
            self.state.input_audio.recall(append, form)
            self.state.causes.recall(append)
        self._recalled = row

    def _run_in_chunks(self) -> None:
        from inspector.recording.row_columns import row_columns

        parts: dict[int, _Part] = {}
        for rows in row_columns(self.reader.path, self.reader.start, self.reader.size):
            if len(rows.kind):
                _ChunkReading(self, rows, parts).run()
                self.events += len(rows.kind)

    def _whole(self, place: _Place) -> Event:
        return self.reader.decode(self.reader.read(place.offset, place.length), place.row)


class _ChunkReading:
    """The rows of one chunk on their way into the state."""

    def __init__(self, whole: LeanReading, rows: RowColumns, parts: dict[int, _Part]) -> None:
        self._whole, self._state, self._reader = whole, whole.state, whole.reader
        self._rows, self._names, self._parts = rows, rows.names, parts
        self._first_row = whole.events
        # As lists: one entry of an array costs as much as ten of a list.
        self._kinds, self._t_us = rows.kind.tolist(), rows.t_us.tolist()
        self._sizes, self._keys = rows.audio.tolist(), rows.part.tolist()
        self._starts, self._lengths = rows.offset.tolist(), rows.length.tolist()
        self._folds: tuple[Fold, ...] = ()
        self._transcription: list[Fold] = []
        """Those of them that take in sound."""
        self._run: list[int] = []
        """Appends that wait to be taken in together."""

    def run(self) -> None:
        """Take them all in."""
        import numpy as np

        rows, wanted = self._rows, self._whole.wanted
        actions = np.array([_action(name, wanted) for name in self._names])[rows.kind]
        is_clients = rows.direction == DIRECTION_CODE[Direction.CLIENT]
        # Client events are kept regardless of type; only a client sends appends.
        actions[is_clients & (actions != _APPEND)] = _WANT
        actions[~is_clients & (actions == _APPEND)] = _SKIP
        self._find_sound(actions == _APPEND, self._whole.appends)
        self._find_sound(actions == _DELTA, self._whole.sounds)
        words = np.flatnonzero(actions == _WORD).tolist()
        at_of = np.flatnonzero((actions != _SKIP) & (actions != _WORD))
        before = 0
        for at, action in zip(at_of.tolist(), actions[at_of].tolist(), strict=True):
            if self._state.turns.awaits_words:
                self._take_words(words, before, at)
            before = at
            if action == _APPEND:
                self._run.append(at)
            elif action != _DELTA or not self._take_delta(at):
                self._take(at)
        self._take_words(words, before, len(self._kinds))
        self._append()

    def _find_sound(self, is_sound: LineMask, places: _Places) -> None:
        """Remember where sound is to be read back from."""
        import numpy as np

        at = np.flatnonzero(is_sound)
        places.extend(at + self._first_row, self._rows.offset[at], self._rows.length[at])

    def _take_words(self, words: list[int], begin: int, end: int) -> None:
        """Apply the text deltas between two rows while a response awaits its first one."""
        number = bisect_left(words, begin)
        while number < len(words) and words[number] < end and self._state.turns.awaits_words:
            self._take(words[number])
            number += 1

    def _take(self, at: int) -> None:
        self._append()
        row = self._first_row + at
        line = self._reader.read(self._starts[at], self._lengths[at])
        event = self._reader.decode(line, row)
        # A client that sends the server's sound back may have it refused as well, in its order.
        is_echo = event.direction is Direction.CLIENT and event.type in AUDIO_KEYS
        if is_echo or event.type in _LOOK_BACK:
            self._whole.recall(row)
            self._parts.clear()
        self._state.apply(event)
        if event.type in CONFIGURED or event.type in _LOOK_BACK:
            self._whole.configured(row)
        elif event.type in OUTPUT_AUDIO:
            self._learn(self._keys[at], event)

    def _append(self) -> None:
        """Take in the appends that have come since the last event that looks at them."""
        run = self._run
        if not run:
            return
        form = self._state.input_audio.format
        lengths = [form.ns(self._sizes[at]) for at in run]
        timed = [
            (self._t_us[at], length)
            for at, length in zip(run, lengths, strict=True)
            if self._t_us[at] != NO_TIME_US
        ]
        self._state.input_audio.append_many(
            AppendRun(
                len(run),
                sum(self._sizes[at] for at in run),
                sum(lengths),
                timed[0][0] * 1000 if timed else None,
                timed[-1][0] * 1000 if timed else None,
                timed[0][1] if timed else 0,
            )
        )
        run.clear()

    def _take_delta(self, at: int) -> bool:
        """Take in a delta of sound by what is known of its content part; False where that is not known yet."""
        part = self._parts.get(self._keys[at])
        if part is None or part.type != self._names[self._kinds[at]]:
            return False
        head = self._reader.read(self._starts[at], min(_HEAD_BYTES, self._lengths[at]))
        if part.needle not in head:
            return False
        t_us = self._t_us[at]
        event = Event(
            self._first_row + at + 1,
            None if t_us == NO_TIME_US else t_us * 1000,
            Direction.SERVER,
            Origin.WIRE,
            part.type,
            b"",
            body=part.body,
            audio_bytes=self._sizes[at],
        )
        if self._folds is not self._state.folds:  # another session has begun, or a fold has failed
            self._folds = self._state.folds
            self._transcription = [fold for fold in self._folds if fold.name in _SOUND_FOLDS]
        for fold in self._transcription:
            if not part.is_placed or fold.name != "turns":
                fold.apply(event)
        return True

    def _learn(self, key: int, event: Event) -> None:
        """Remember what the deltas of a content part have in common."""
        response_id = text_at(event.body or {}, "response_id")
        is_plain = (response_id.isascii() and response_id.isalnum()) or set(response_id) <= _PLAIN
        if not key or not response_id or not is_plain or event.direction is not Direction.SERVER:
            return
        if len(self._parts) >= MAX_WAITING:
            self._parts.clear()
        keys = AUDIO_KEYS[event.type]
        body = {name: value for name, value in (event.body or {}).items() if name not in keys}
        needle = f'"response_id":"{response_id}"'.encode()
        is_placed = self._state.turns.has_sounded(response_id)
        self._parts[key] = _Part(needle, event.type, body, is_placed)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")
"""What an id consists of that stands in its line as it is."""


def _action(name: str, wanted: frozenset[str]) -> int:
    """Return what is to be done with the rows of a type."""
    if name in APPENDS:
        return _APPEND
    if name in OUTPUT_AUDIO:
        return _DELTA
    if name in WORDS:
        return _WORD
    if name in wanted:
        return _WANT
    known = EVENT_TYPES.get(name)
    return _WANT if known is not None and known.direction == Direction.CLIENT else _SKIP


class _Places:
    """Where lines of one kind stand, in order: 20 bytes each."""

    def __init__(self) -> None:
        self._rows, self._offsets, self._lengths = array("q"), array("q"), array("I")

    def add(self, place: _Place) -> None:
        """Note the next line."""
        self._rows.append(place.row)
        self._offsets.append(place.offset)
        self._lengths.append(place.length)

    def extend(self, rows: Ints, offsets: Ints, lengths: Ints) -> None:
        """Note the next lines."""
        self._rows.frombytes(rows.astype("q").tobytes())
        self._offsets.frombytes(offsets.astype("q").tobytes())
        self._lengths.frombytes(lengths.astype("I").tobytes())

    def before(self, row: int) -> Iterator[_Place]:
        """Yield the lines before a row, the last first."""
        for at in range(bisect_left(self._rows, row) - 1, -1, -1):
            yield self._at(at)

    def since(self, row: int) -> Iterator[_Place]:
        """Yield the lines from a row on."""
        for at in range(bisect_left(self._rows, row), len(self._rows)):
            yield self._at(at)

    def between(self, row: int, end: int) -> list[_Place]:
        """Return the lines from a row on and before another."""
        places = range(bisect_left(self._rows, row), bisect_left(self._rows, end))
        return [self._at(at) for at in places]

    def _at(self, at: int) -> _Place:
        return _Place(self._rows[at], self._offsets[at], self._lengths[at])
