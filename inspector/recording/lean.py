"""Lean reading: a recording read once, through those folds of a state that a question needs.

Most bytes of a recording are base64 and most rows are deltas. The chunk scanner tells type, time and size of every row in bulk, and
only rows that a fold takes in (``TAKEN``) are decoded. Of sound only its size matters: appends are taken in by the run, and so are
deltas after the first of their content part. The state is the same as after every event: appends that an error may refuse are
read again, whole, before the error is taken in. What is small, of a foreign shape, or for other folds is read event by event.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inspector.core.audio_formats import AudioFormat
from inspector.core.causes import CAUSE_TYPES
from inspector.core.dialect_evidence import BY_SHAPE, DIALECT_TYPES
from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.core.input_audio import INPUT_AUDIO_TYPES
from inspector.core.kinds import APPENDS
from inspector.core.log import (
    DIRECTION_CODE,
    FLAG_ERROR,
    FLAG_UNDECODED,
    FLAG_WARNING,
    NO_TIME_US,
)
from inspector.core.output_audio import OUTPUT_AUDIO, OUTPUT_AUDIO_TYPES, SoundDelta
from inspector.core.read import text_at
from inspector.core.refused_appends import MAX_WAITING
from inspector.core.session_fold import CONFIGURED, SESSION_TYPES, SessionFold
from inspector.core.state import SessionState
from inspector.core.turns_fold import TURN_EVENTS, WORDS
from inspector.core.usage import USAGE_TYPES
from inspector.recording.format import FileShape, type_ahead
from inspector.recording.reader import RecordingReader
from inspector.recording.sound_rows import AppendRows, LinePlace, LinePlaces

if TYPE_CHECKING:
    from inspector.recording.chunk_file import ChunkLines
    from inspector.recording.chunk_rows import Rows
    from inspector.recording.spans import Ints, LineMask

TAKEN: Mapping[str, frozenset[str]] = {
    "session": SESSION_TYPES,
    "dialect": DIALECT_TYPES,
    "input_audio": INPUT_AUDIO_TYPES,
    "output_audio": OUTPUT_AUDIO_TYPES,
    "usage": USAGE_TYPES,
    "causes": CAUSE_TYPES,
    "problems": frozenset(),
    "turns": TURN_EVENTS,
}
"""The types of events that a fold takes in. Beside them ``causes`` takes in all that the client sends, and ``problems`` the rows
with a flag. A state with any other fold is read event by event."""
TURN_FOLDS = frozenset({"session", "input_audio", "output_audio", "causes", "turns"})
"""The folds that turns need."""
WHOLE_BYTES = 1 << 20
"""A file up to this size is read event by event: that takes no longer than to import what larger ones need."""
_HEAD_BYTES = 600
"""Of a row of sound, within which the response stands that it must share with the first of its content part."""
_SKIP, _TAKE, _WORD, _APPEND, _TELLING_APPEND, _DELTA = range(6)
_PROBLEMS = FLAG_ERROR | FLAG_WARNING | FLAG_UNDECODED
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
        apply: Callable[[Event], object] | None = None,
        *,
        passed: Collection[str] | None = None,
    ) -> None:
        """Prepare.

        Args:
            reader: the recording.
            state: takes the events in; made for the folds that the question needs (``SessionState(only=…)``).
            rows: types of events that ``apply`` wants beside what those folds take in.
            apply: takes in, in place of ``state.apply``, each event that is read, and hands it to that. Sound is not among them
                unless it is the first of its content part, or in ``rows``.
            passed: types of text deltas to pass over, unless a response awaits its first words, in place of all that the folds do
                not take in; of a session without sound they are most events. None to read what the folds take in.
        """
        self.state = state
        self.events = 0
        """Rows of the recording, those that were passed over included."""
        self.reader = reader
        self.apply = state.apply if apply is None else apply
        names = {fold.name for fold in state.folds}
        # Events that start a session are always needed: the state restarts with them.
        self.wanted = SESSION_TYPES.union(rows, *(TAKEN.get(name, ()) for name in names))
        self.rows = frozenset(rows)
        self.names = names
        self.has_appends = "input_audio" in names or "causes" in names
        self.appends, self.sounds = LinePlaces(), LinePlaces()
        self.passed = frozenset(passed or ())
        self._is_everything = passed is not None
        is_known = self._is_everything or names <= TAKEN.keys()
        self._is_lean = reader.shape is FileShape.OURS and reader.size > WHOLE_BYTES and is_known
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
        last: LinePlace | None = None
        for offset, line in self.reader.lines(self.reader.start, self.reader.size):
            last = place = LinePlace(self.events, offset, len(line))
            self.found(place)
            if self._may_pass(line):
                self.events += 1
                continue
            event = self.reader.first_reading(line, self.events, offset)
            if event.seq != self.events + 1:
                event = replace(event, seq=self.events + 1)
            if event.type in APPENDS and event.direction is Direction.CLIENT:
                self.appends.add(place)
            elif event.type in OUTPUT_AUDIO and event.direction is not Direction.CLIENT:
                self.sounds.add(place)
            self.apply(event)
            self.events += 1
        if last is not None and self.passed:
            self.ended(self._whole(last).t_ns)

    def takes(self, name: str) -> bool:
        """Return whether events of a type are read."""
        return name in self.wanted or (self._is_everything and name not in self.passed)

    # What follows does nothing here. A reading for more than folds overrides it, to learn of what is not applied.

    def found(self, place: LinePlace) -> None:
        """Take note of a line, in a file that is read line by line."""

    def found_many(self, first_row: int, rows: Rows, lines: ChunkLines) -> None:
        """Take note of the lines of a chunk, before any of them is applied."""

    def heard(
        self, appends: AppendRows, begin: int, end: int, read: Callable[[int], Event]
    ) -> None:
        """Take note of appends that the folds have just taken in by the run.

        Args:
            appends: those of the chunk.
            begin: the first of the run.
            end: the end of the run.
            read: returns the event at a row of the chunk.
        """

    def recalled(self, append: Event) -> None:
        """Take note of the last append before an error."""

    def reached(self, rows: Rows, begin: int, end: int) -> None:
        """Take note of rows of a chunk that were taken in or passed over; before an event that may begin a session, and at the end."""

    def ended(self, t_ns: int | None) -> None:
        """Take note of the time of the last line, in a file that is read line by line."""

    def _may_pass(self, line: bytes) -> bool:
        if not self.passed or self.reader.shape is not FileShape.OURS:
            return False
        name = type_ahead(line)
        return name is not None and name in self.passed and not self.state.turns.awaits_words

    def appends_before(self, seq: int) -> Iterator[Event]:
        """Yield the appends before an event that the server has not refused, the newest first, with their audio."""
        refused = self.state.causes.rejected
        for place in self.appends.before(seq - 1):
            if place.row + 1 not in refused:
                line = self.reader.read(place.offset, place.length)
                yield _append(line, place.row) or self.reader.decode(line, place.row)

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
            self.recalled(append)
            form = self._formats[bisect_right(begins, place.row) - 1][1]
            self.state.input_audio.recall(append, form)
            self.state.causes.recall(append)
        self._recalled = row

    def _run_in_chunks(self) -> None:
        # Imported here for numpy: small recordings do without.
        from inspector.recording.chunk_file import ChunkFile, chunk_bytes
        from inspector.recording.chunk_scanner import ChunkScanner

        path, start, end = self.reader.path, self.reader.start, self.reader.size
        file, scanner = ChunkFile(path, start, end, chunk_bytes(path, start, end)), ChunkScanner()
        parts: dict[int, _Part] = {}
        try:
            for number in range(file.count):
                lines = file.read(number)
                rows = scanner.read(lines)
                if len(rows.kind):
                    self.found_many(self.events, rows, lines)
                    _ChunkReading(self, rows, lines, scanner.kinds.names(), parts).run()
                    self.events += len(rows.kind)
        finally:
            file.close()

    def _whole(self, place: LinePlace) -> Event:
        return self.reader.decode(self.reader.read(place.offset, place.length), place.row)


class _ChunkReading:
    """The rows of one chunk on their way into the state."""

    def __init__(
        self,
        whole: LeanReading,
        rows: Rows,
        lines: ChunkLines,
        names: list[str],
        parts: dict[int, _Part],
    ) -> None:
        self._whole, self._state, self._reader = whole, whole.state, whole.reader
        self._rows, self._lines, self._names, self._parts = rows, lines, names, parts
        self._first_row = whole.events
        # As lists: one entry of an array costs as much as ten of a list.
        self._kinds, self._t_us = rows.kind.tolist(), rows.t_us.tolist()
        self._starts, self._lengths = rows.starts.tolist(), rows.lengths.tolist()
        self._sizes, self._keys = rows.audio.tolist(), rows.part.tolist()
        self._part: _Part | None = None
        self._deltas: list[SoundDelta] = []
        """Deltas of that content part that wait to be taken in together."""
        self._has_turns, self._has_words = "turns" in whole.names, False
        self._reached = 0
        """Rows before this one were reported as reached."""

    def run(self) -> None:
        """Take them all in."""
        import numpy as np

        actions = self._actions()
        is_append = (actions == _APPEND) | (actions == _TELLING_APPEND)
        self._find_sound(is_append, self._whole.appends)
        self._find_sound(actions == _DELTA, self._whole.sounds)
        self._appends = AppendRows(self._rows, np.flatnonzero(is_append))
        words = np.flatnonzero(actions == _WORD).tolist()
        self._has_words = bool(words) and self._has_turns
        looked_at = np.flatnonzero(
            (actions == _TAKE) | (actions == _DELTA) | (actions == _TELLING_APPEND)
        )
        before = 0
        for at, action in zip(looked_at.tolist(), actions[looked_at].tolist(), strict=True):
            if self._has_words and self._state.turns.awaits_words:
                self._take_words(words, before, at)
            before = at
            if action == _TELLING_APPEND:
                self._tell_dialect(at)
            elif action != _DELTA or not self._take_delta(at):
                self._take(at)
        if self._has_words:
            self._take_words(words, before, len(self._kinds))
        self._flush(len(self._kinds))
        self._reach(len(self._kinds))

    def _reach(self, at: int) -> None:
        if at > self._reached:
            self._whole.reached(self._rows, self._reached, at)
            self._reached = at

    def _actions(self) -> Ints:
        """Return what is to be done with each row."""
        import numpy as np

        rows, whole = self._rows, self._whole
        is_clients = rows.direction == DIRECTION_CODE[Direction.CLIENT]
        wanted = np.array([_TAKE if whole.takes(name) else _SKIP for name in self._names])
        actions = np.array([_action(name, whole) for name in self._names])[rows.kind]
        # Only a client sends appends.
        is_append = (actions == _APPEND) | (actions == _TELLING_APPEND)
        actions = np.where(~is_clients & is_append, wanted[rows.kind], actions)
        if "causes" in whole.names:
            actions[is_clients & ~is_append] = _TAKE
        if "problems" in whole.names:
            actions[rows.flags & _PROBLEMS != 0] = _TAKE
        return actions

    def _find_sound(self, is_sound: LineMask, places: LinePlaces) -> None:
        """Remember where sound is to be read back from."""
        import numpy as np

        at = np.flatnonzero(is_sound)
        offsets = self._rows.starts[at] + self._lines.offset
        places.extend(at + self._first_row, offsets, self._rows.lengths[at])

    def _take_words(self, words: list[int], begin: int, end: int) -> None:
        """Apply the text deltas between two rows while a response awaits its first one."""
        number = bisect_left(words, begin)
        while number < len(words) and words[number] < end and self._state.turns.awaits_words:
            self._take(words[number])
            number += 1

    def _tell_dialect(self, at: int) -> None:
        """Let the fold of the dialect look at an append of a type that only one dialect has; once is enough."""
        if self._state.dialect.evidence.rank > BY_SHAPE:
            self._state.dialect.apply(self._event(at))

    def _event(self, at: int) -> Event:
        return self._reader.decode(self._line(at), self._first_row + at)

    def _line(self, at: int) -> bytes:
        return self._reader.read(self._lines.offset + self._starts[at], self._lengths[at])

    def _append_at(self, at: int) -> Event:
        line, row = self._line(at), self._first_row + at
        return _append(line, row) or self._reader.decode(line, row)

    def _take(self, at: int) -> None:
        self._flush(at)
        row, event = self._first_row + at, self._event(at)
        # A client that sends the server's sound back may have it refused as well, in its order.
        is_echo = event.direction is Direction.CLIENT and event.type in AUDIO_KEYS
        if is_echo or event.type in _LOOK_BACK:
            self._parts.clear()
            self._reach(at)
            if self._whole.has_appends:
                self._whole.recall(row)
        self._whole.apply(event)
        if event.type in CONFIGURED or event.type in _LOOK_BACK:
            self._whole.configured(row)
        elif event.type in OUTPUT_AUDIO:
            self._learn(self._keys[at], event)

    def _flush(self, at: int) -> None:
        """Take in the sound before a row that waits: the folds that it is for look at no other event meanwhile."""
        state = self._state
        if self._deltas and self._part is not None:
            if state.output_audio in state.folds:  # else it failed
                state.output_audio.receive_many(self._part.body, self._deltas)
            self._deltas = []
        begin, end = self._appends.upto(at)
        if begin < end and state.input_audio in state.folds:
            run = self._appends.run(begin, end, state.input_audio.format)
            state.input_audio.append_many(run)
            self._whole.heard(self._appends, begin, end, self._append_at)

    def _take_delta(self, at: int) -> bool:
        """Take in a delta of sound by what is known of its content part; False where that is not known yet."""
        part = self._parts.get(self._keys[at])
        if part is None or not part.is_placed or part.type != self._names[self._kinds[at]]:
            return False
        begin = self._lines.begin + self._starts[at]
        head = min(_HEAD_BYTES, self._lengths[at])
        if self._lines.buffer.find(part.needle, begin, begin + head) < 0:
            return False
        if part is not self._part:
            self._flush(at)
            self._part = part
        t_us = self._t_us[at]
        t_ns = None if t_us == NO_TIME_US else t_us * 1000
        self._deltas.append(SoundDelta(self._first_row + at + 1, t_ns, self._sizes[at]))
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
        is_placed = not self._has_turns or self._state.turns.has_sounded(response_id)
        self._parts[key] = _Part(needle, event.type, body, is_placed)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")
"""What an id consists of that stands in its line as it is."""


_PLAIN_APPEND = re.compile(
    rb'\{"seq":[0-9]+,"t":([0-9]{1,9})\.([0-9]{6}),"dir":"client","origin":"[a-z]+","type":"([a-z_.]+)",'
    rb'"event":\{"type":"\3",(?:"event_id":"[^"\\]*",)?"audio":"([A-Za-z0-9+/]*={0,2})"\}\}'
)
"""A line of an append that says no more than its sound, as nearly all do."""


def _append(line: bytes, row: int) -> Event | None:
    """Return the append in a line of ours, with only its audio in its body; None if the line is not a plain one.

    To find the end of a turn's speech takes dozens of appends, and parsing them is most of the work.
    """
    found = _PLAIN_APPEND.fullmatch(line)
    if found is None:
        return None
    seconds, fraction, name, audio = found.groups()
    t_ns = int(seconds) * 1_000_000_000 + int(fraction) * 1000
    kind, body = name.decode(), {"audio": audio.decode()}
    return Event(row + 1, t_ns, Direction.CLIENT, Origin.WIRE, kind, b"", body=body)


def feed_events(
    reader: RecordingReader, types: Collection[str], feed: Callable[[Event], object]
) -> None:
    """Pass every event of some types to a function, and skip the rest of the recording.

    Raises:
        RecordingError: the disk does not give it.
    """
    state = SessionState(only=frozenset({SessionFold.name}))

    def take(event: Event) -> None:
        state.apply(event)
        if event.type in types:
            feed(event)

    LeanReading(reader, state, types, take).run()


def _action(name: str, whole: LeanReading) -> int:
    """Return what is to be done with the rows of a type."""
    if name in whole.rows:
        return _TAKE
    if name in APPENDS:
        return _TELLING_APPEND if name in whole.wanted else _APPEND
    if name in whole.passed:
        return _WORD
    if not whole.takes(name):
        return _SKIP
    return _DELTA if name in OUTPUT_AUDIO else _WORD if name in WORDS else _TAKE
