"""Waveform: loudness over session time, one lane per side, with the marks of a session.

It is computed from the rows of a log in bounded slices. Audio is kept as envelopes of 10 ms (lowest, highest and mean square), an
eightieth of its size at 24 kHz. Each envelope belongs to a segment, whose place in time may still change (``placement``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.marks import MARK_OF_SEVERITY, MARK_OF_TYPE, MarkKind, Marks
from inspector.analysis.placement import (
    PLACING_TYPES,
    AudioSegment,
    AudioSide,
    Placement,
    Stretch,
)
from inspector.audio.levels import FULL_SCALE
from inspector.audio.pcm import Samples
from inspector.audio.stream import SampleStream
from inspector.core.event import Event
from inspector.core.log import FLAG_ERROR, EventLog
from inspector.core.output_audio import PlaybackGap
from inspector.core.read import object_at, text_at

BUCKET_US = 10_000
"""Length of audio per value of an envelope."""
SLICE_ROWS = 64
"""Rows processed between two looks at the clock."""
MAX_PENDING_SAMPLES = 1 << 16
"""Samples measured together, because a numpy call costs about the same for few samples as for many."""
MAX_US = 10**15
"""Thirty years: later times, from hostile files, are not drawn, so that they cannot overflow an array."""

Floats = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
_TYPES = PLACING_TYPES | MARK_OF_TYPE.keys()


@dataclass(frozen=True, slots=True)
class WaveLane:
    """One side's audio over a span of time, by column; every array has shape (columns,)."""

    low: Floats
    """Lowest sample, -1..1."""
    high: Floats
    """Highest sample, -1..1."""
    has_audio: BoolArray
    """True if the column has audio, silent or not."""
    is_heard: BoolArray
    """True if any of it was heard; false for audio that was interrupted."""


class _Envelope:
    """The growing envelope of one segment."""

    def __init__(self, segment: AudioSegment) -> None:
        self.segment = segment
        self.size = 0
        self.low, self.high = np.zeros(64, np.int16), np.zeros(64, np.int16)
        self.square = np.zeros(64, np.float32)
        self._stream = SampleStream(segment.format.encoding)
        self._per_bucket = max(1, segment.format.rate_hz * BUCKET_US // 1_000_000)
        self._pending: list[Samples] = []
        self.pending_samples = 0

    @property
    def damaged(self) -> int:
        """Return the number of pieces that were not base64."""
        return self._stream.damaged

    def feed(self, base64: str) -> None:
        """Add the next piece; it is measured later."""
        samples = self._stream.feed(base64)
        self._pending.append(samples)
        self.pending_samples += len(samples)

    def measure(self) -> None:
        """Measure the pending samples, except for those of an unfinished bucket."""
        samples = np.concatenate(self._pending)
        count = len(samples) // self._per_bucket
        whole = samples[: count * self._per_bucket].reshape(count, self._per_bucket)
        rest = samples[count * self._per_bucket :]
        self._pending, self.pending_samples = [rest], len(rest)
        if count:
            self._reserve(count)
            new = slice(self.size, self.size + count)
            self.low[new], self.high[new] = whole.min(axis=1), whole.max(axis=1)
            # In float32: the square of a 16-bit sample overflows int16.
            self.square[new] = np.square(whole, dtype=np.float32).mean(axis=1)
            self.size += count

    def _reserve(self, count: int) -> None:
        missing = self.size + count - len(self.low)
        if missing > 0:
            # Doubling, so that growing costs linear time in total.
            more = max(missing, len(self.low))
            self.low, self.high = np.pad(self.low, (0, more)), np.pad(self.high, (0, more))
            self.square = np.pad(self.square, (0, more))


class Waveform:
    """The waveform of one log."""

    def __init__(self, log: EventLog) -> None:
        self.marks = Marks()
        """All marks, including those of underruns and findings."""
        self.proofs: Proofs = NO_PROOFS
        """Which findings the events prove, as ``follow`` was told."""
        self._marked: tuple[object, ...] = ()
        """What the marks were made of."""
        self.end_us = 0
        """Session time at which the last event or the last audio ends."""
        self._log = log
        self._scanned = 0
        self._known_kinds = 0
        self._relevant_kinds: frozenset[int] = frozenset()
        """Codes of the event types that must be read, among those known so far."""
        self._placement = Placement()
        self._envelopes: dict[AudioSegment, _Envelope] = {}
        self._unmeasured: set[_Envelope] = set()
        self._sounding: set[str] = set()
        self._happened = Marks()
        """The marks that never change. Those of underruns may, as a player's report replaces the estimate."""
        self._underruns: list[PlaybackGap] = []

    @property
    def progress(self) -> float:
        """Return the fraction of the log that was read, 0..1."""
        return self._scanned / len(self._log) if len(self._log) else 1.0

    @property
    def has_times(self) -> bool:
        """Return whether the events have times; without them nothing can be drawn."""
        return self._log.has_times or not len(self._log)

    @property
    def has_audio(self) -> bool:
        """Return whether there is any audio so far."""
        return any(segment.duration_us for segment in self._envelopes)

    @property
    def is_refused(self) -> bool:
        """Return whether audio was sent and the server rejected all of it."""
        return bool(self._envelopes) and not self.has_audio

    @property
    def damaged(self) -> int:
        """Return the number of audio pieces that are not base64 and therefore not drawn."""
        return sum(envelope.damaged for envelope in self._envelopes.values())

    def advance(self, deadline_passed: Callable[[], bool] = lambda: False) -> None:
        """Read new rows until done or ``deadline_passed()``."""
        before = self._scanned
        while self._scanned < len(self._log):
            end = min(len(self._log), self._scanned + SLICE_ROWS)
            for row in self._relevant_rows(self._scanned, end):
                self._read_row(row)
            self._scanned = end
            self.end_us = max(self.end_us, min(MAX_US, self._log.reached_us(end - 1) or 0))
            if deadline_passed():
                break
        for envelope in self._unmeasured:
            envelope.measure()
        self._unmeasured.clear()
        if self._scanned != before:
            self._update_underruns()

    def lane(self, side: AudioSide, first: int, count: int, width_us: int) -> WaveLane:
        """Return ``count`` columns of ``width_us`` each, from column ``first`` on (column 0 begins at time 0)."""
        low, high = np.zeros(count, np.int16), np.zeros(count, np.int16)
        has_audio, is_heard = np.zeros(count, bool), np.zeros(count, bool)
        for envelope, is_sounded, edges, columns in self._sounding_in(side, first, count, width_us):
            low[columns] = np.minimum(
                low[columns], np.minimum.reduceat(envelope.low[: edges[-1]], edges[:-1])
            )
            high[columns] = np.maximum(
                high[columns], np.maximum.reduceat(envelope.high[: edges[-1]], edges[:-1])
            )
            has_audio[columns] = True
            is_heard[columns] |= is_sounded
        return WaveLane(_scaled(low), _scaled(high), has_audio, is_heard)

    def rms(self, side: AudioSide, first: int, count: int, width_us: int) -> Floats:
        """Return the root mean square, 0..1, of the columns that ``lane`` would return; shape (count,)."""
        square = np.zeros(count, np.float32)
        for envelope, _, edges, columns in self._sounding_in(side, first, count, width_us):
            sums = np.add.reduceat(envelope.square[: edges[-1]], edges[:-1])
            square[columns] = np.maximum(square[columns], sums / np.diff(edges))
        return _scaled(np.sqrt(square))

    def _sounding_in(
        self, side: AudioSide, first: int, count: int, width_us: int
    ) -> Iterator[tuple[_Envelope, bool, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield (envelope, is heard, buckets at the edges of columns, columns from 0) for each stretch within some columns."""
        from_us, to_us = first * width_us, min((first + count) * width_us, MAX_US)
        for segment, envelope in self._envelopes.items():
            start_us = segment.start_us
            # Audio without a time is not drawn, as any place for it would be wrong.
            if segment.side is not side or start_us is None or start_us >= to_us:
                continue
            if segment.end_us is None or segment.end_us <= from_us:
                continue
            for stretch in segment.stretches():
                if stretch.at_us < to_us and stretch.end_us > from_us:
                    edges, columns = _edges(stretch, envelope.size, first, count, width_us)
                    if len(columns):
                        yield envelope, stretch.is_heard, edges, columns

    def segment_at(self, side: AudioSide, t_us: int) -> AudioSegment | None:
        """Return the segment that plays, or has a gap, at a time; the newest if there are two."""
        found = [
            s
            for s in self._placement.side(side)
            if s.start_us is not None and s.start_us <= t_us < (s.end_us or 0)
        ]
        return found[-1] if found else None

    def _relevant_rows(self, start: int, end: int) -> list[int]:
        """Return the rows in ``[start, end)`` that must be read."""
        log = self._log
        if len(log.kinds) != self._known_kinds:
            self._known_kinds = len(log.kinds)
            self._relevant_kinds = frozenset(log.kinds.matching(_TYPES.__contains__))
        return [
            row
            for row in range(start, end)
            if log.kind[row] in self._relevant_kinds or log.flags[row] & FLAG_ERROR
        ]

    def _update_underruns(self) -> None:
        """Update the marks of underruns and the end of the last audio, which later events may have moved."""
        segments = self._placement.segments
        ends = (each.end_us for each in segments)
        self.end_us = max([self.end_us, *(min(MAX_US, end) for end in ends if end is not None)])
        underruns = [gap for segment in segments for gap in segment.underruns()]
        if underruns != self._underruns:
            self._underruns = underruns
        self._update_marks()

    def follow(self, proofs: Proofs) -> None:
        """Mark the events that prove errors and warnings, and no errors that are harmless."""
        if proofs is not self.proofs:
            self.proofs = proofs
            self._update_marks()

    def _update_marks(self) -> None:
        made_of = len(self._happened), self._underruns, self.proofs
        if made_of == self._marked:
            return
        self._marked = made_of
        marks, log, worst = self._happened, self._log, dict(self.proofs.worst_by_seq())
        harmless = {seq - 1 for seq, severity in worst.items() if severity is Severity.HARMLESS}
        if harmless:
            marks = marks.without_errors(harmless)
        found = (
            (log.time_us(seq - 1), seq - 1, MARK_OF_SEVERITY[severity])
            for seq, severity in sorted(worst.items())
            if severity in MARK_OF_SEVERITY and seq <= len(log)
        )
        gaps = ((gap.from_ns // 1000, gap.seq - 1, MarkKind.UNDERRUN) for gap in self._underruns)
        timed = (
            (t_us, row, kind) for t_us, row, kind in found if t_us is not None and t_us <= MAX_US
        )
        self.marks = marks.with_more(chain(gaps, timed))

    def _read_row(self, row: int) -> None:
        event = self._log.read(row)
        piece = self._placement.feed(event)
        if piece is None:
            self._mark(event, row)
            return
        envelope = self._envelopes.get(piece.segment)
        if envelope is None:
            envelope = self._envelopes[piece.segment] = _Envelope(piece.segment)
            self._first_audio(event, row)
        envelope.feed(piece.base64)
        self._unmeasured.add(envelope)
        if envelope.pending_samples > MAX_PENDING_SAMPLES:
            envelope.measure()

    def _first_audio(self, event: Event, row: int) -> None:
        """Mark the first audio of a response."""
        response_id = text_at(event.body or {}, "response_id")
        if response_id and response_id not in self._sounding:
            self._sounding.add(response_id)
            self._add_mark(event, row, MarkKind.FIRST_AUDIO)

    def _mark(self, event: Event, row: int) -> None:
        kind = MARK_OF_TYPE.get(event.type)
        if self._log.is_error(row):
            kind = MarkKind.ERROR
        elif event.type == "response.done":
            status = text_at(object_at(event.body or {}, "response"), "status")
            kind = MarkKind.ERROR if status == "failed" else kind
        if kind is not None:
            self._add_mark(event, row, kind)

    def _add_mark(self, event: Event, row: int, kind: MarkKind) -> None:
        if event.t_ns is not None:
            self._happened.add(event.t_ns // 1000, row, kind)


def _scaled(values: npt.NDArray[np.generic]) -> Floats:
    return values.astype(np.float32) / np.float32(FULL_SCALE)


def _edges(
    stretch: Stretch, size: int, first: int, count: int, width_us: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Divide the measured part of a stretch's envelope into columns.

    Returns:
        The buckets at which each column begins and the last one ends, shape (n + 1,), and the n columns, counted from ``first``.
    """
    # Session time of the middle of the envelope's first bucket; a bucket belongs to the column with its middle.
    middle_us = stretch.at_us - stretch.from_us + BUCKET_US // 2
    least, most = stretch.from_us // BUCKET_US, min(size, -(-stretch.to_us // BUCKET_US))
    if not stretch.is_heard:
        least = -(-stretch.from_us // BUCKET_US)  # a partly heard bucket counts as heard
    begin = max(least, -(-(first * width_us - middle_us) // BUCKET_US))
    end = min(most, -(-((first + count) * width_us - middle_us) // BUCKET_US))
    if begin >= end:
        return np.zeros(1, np.int64), np.zeros(0, np.int64)
    one = (middle_us + begin * BUCKET_US) // width_us
    last = (middle_us + (end - 1) * BUCKET_US) // width_us
    columns = np.arange(one, last + 1)
    edges = np.empty(len(columns) + 1, np.int64)
    edges[:-1] = -(-(columns * width_us - middle_us) // BUCKET_US)
    edges[0], edges[-1] = begin, end
    # A column narrower than a bucket may contain no bucket's middle.
    is_filled = edges[1:] > edges[:-1]
    return np.append(edges[:-1][is_filled], end), columns[is_filled] - first
