"""The audio levels of both sides of a recording at its cursor, computed from the recorded frames."""

from __future__ import annotations

from inspector.audio.levels import WINDOW_MS, Level, LevelMeter
from inspector.audio.pcm import Samples, decoded
from inspector.audio.stream import SampleStream, base64_bytes
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Event
from inspector.core.groups import AUDIO_KEYS, audio_of
from inspector.core.kinds import APPENDS
from inspector.core.log import EventLog
from inspector.core.output_audio import ItemAudio
from inspector.core.read import text_at
from inspector.core.refused_appends import RefusedAppends
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

MOST_ROWS = 400
"""Rows processed in one step, about half a minute of appends; a larger step of the cursor is a jump."""
ANSWERED_ROWS = 200
"""Rows after an append that are searched for an error that refuses it; refused audio has no level."""
MOST_SEARCHED = 20_000
"""Rows after an item's first that are searched for its audio."""
_TELLING = frozenset((*APPENDS, "error", "inspector.opened"))


class RecordedLevels:
    """The levels of a log at a cursor that mostly moves forward."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._input = LevelMeter()
        self._output = LevelMeter()
        self._row = -1
        self._t_ns = 0
        self._item_id = ""
        self._heard_ms = 0
        self._refusals = RefusedAppends()
        self._refused: set[int] = set()
        self._looked = 0
        """Row up to which refusals were searched."""
        self._deltas: list[tuple[int, int]] = []
        """(row, bytes of audio before it) of each delta of the current item."""

    def read(self, row: int, t_ns: int, state: SessionState) -> tuple[Level, Level]:
        """Return the levels of the user and of the assistant.

        Args:
            row: the row of the cursor.
            t_ns: the session's time at the cursor, which advances between two events, too.
            state: the state at the cursor.
        """
        window_ns = WINDOW_MS * NS_PER_MS
        # After a jump, start one window before the cursor instead of reading everything in between.
        if t_ns < self._t_ns or t_ns > self._t_ns + window_ns or row > self._row + MOST_ROWS:
            self._input.reset()
            self._output.reset()
            self._row = max(row - MOST_ROWS, self._log.row_at(max(0, t_ns - window_ns) // 1000), -1)
            self._item_id = ""
            self._refusals, self._looked = RefusedAppends(), max(0, self._row)
        self._t_ns = t_ns
        self._feed_user(row, state.session.input_format)
        self._feed_assistant(state, t_ns)
        return self._input.read(t_ns), self._output.read(t_ns)

    def _feed_user(self, row: int, audio: AudioFormat) -> None:
        if row > self._row and self._look_ahead(row):
            self._input.reset()  # the meter shows audio that was refused
        for at in range(self._row + 1, row + 1):
            if self._log.direction[at] == 0 and self._log.type_of(at) in AUDIO_KEYS:
                event = self._log.read(at)
                # An append without a time gets that of the rows before it; without any, it cannot be placed.
                t_us = self._log.reached_us(at)
                if t_us is not None and event.seq not in self._refused:
                    self._input.feed(_samples(event, audio), audio.rate_hz, t_us * 1000)
        self._row = max(row, -1)

    def _look_ahead(self, row: int) -> bool:
        """Find the refused appends up to a row; return True if one of them was already measured."""
        log = self._log
        is_late = False
        end = min(len(log), row + ANSWERED_ROWS)
        for at in range(self._looked, end):
            if log.type_of(at) in _TELLING:
                seq = self._refusals.apply(log.read(at))
                if seq:
                    self._refused.add(seq)
                    is_late |= seq - 1 <= self._row
        self._looked = max(self._looked, end)
        return is_late

    def _feed_assistant(self, state: SessionState, t_ns: int) -> None:
        item = state.output_audio.current(t_ns)
        if item is None:
            return
        heard_ms = item.heard_ms(t_ns)
        if heard_ms is None:
            return
        if item.item_id != self._item_id:
            self._item_id = item.item_id
            self._heard_ms = max(0, heard_ms - WINDOW_MS)
            self._deltas = self._deltas_of(item, state)
        if heard_ms > self._heard_ms:
            from_ms = max(self._heard_ms, heard_ms - WINDOW_MS)
            samples = self._between(item, from_ms, heard_ms)
            self._output.feed(samples, item.format.rate_hz, t_ns)
            self._heard_ms = heard_ms

    def _deltas_of(self, item: ItemAudio, state: SessionState) -> list[tuple[int, int]]:
        known = state.conversation.items.get(item.item_id)
        begin = known.first_seq - 1 if known is not None else 0
        found: list[tuple[int, int]] = []
        before = 0
        for row in range(max(0, begin), min(len(self._log), begin + MOST_SEARCHED)):
            if self._log.direction[row] != 1 or self._log.type_of(row) not in AUDIO_KEYS:
                continue
            event = self._log.read(row)
            if event.body is not None and text_at(event.body, "item_id") == item.item_id:
                found.append((row, before))
                before += len(_audio(event))
        return found

    def _between(self, item: ItemAudio, from_ms: int, to_ms: int) -> Samples:
        audio = item.format
        begin, end = (int(ms * audio.bytes_per_ms) // 2 * 2 for ms in (from_ms, to_ms))
        data = b""
        for index, (row, before) in enumerate(self._deltas):
            after = self._deltas[index + 1][1] if index + 1 < len(self._deltas) else end
            if before >= end:
                break
            if after > begin:
                piece = _audio(self._log.event(row))
                data += piece[max(0, begin - before) : max(0, end - before)]
        return decoded(data, audio.encoding)


def _audio(event: Event) -> bytes:
    return base64_bytes(audio_of(event)) or b""


def _samples(event: Event, audio: AudioFormat) -> Samples:
    """Return an append's samples, without the header of a WAV file; empty if it is not base64."""
    return SampleStream(audio.encoding).feed(audio_of(event))
