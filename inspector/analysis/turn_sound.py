"""What can be heard in a turn: where the user's speech ends, and where the answer becomes audible.

Computed on demand, one turn at a time: a few seconds of sound are decoded and forgotten again. Times come from
the appends: sound was spoken before it was sent, so the end of an append stands at the append's own time.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inspector.analysis.latency import ELIDED, NO_TIMES, Heard
from inspector.audio.pcm import Samples
from inspector.audio.stream import SampleStream
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Direction, Event
from inspector.core.groups import audio_of, base64_size
from inspector.core.kinds import APPENDS
from inspector.core.log import EventLog
from inspector.core.output_audio import LEAST_DELTA_MS, OUTPUT_AUDIO
from inspector.core.read import text_at
from inspector.core.turn import Turn, TurnMark, TurnResponse
from inspector.core.turn_counter import TurnKind
from inspector.core.units import NS_PER_MS

AUDIBLE_DBFS = -40.0
SEARCHED_MS = 3_000
"""How far into an item the first audible sample is searched for."""
WINDOW_MS, HOP_MS = 10, 1
AUDIBLE_HOPS = 50
"""Number of consecutive windows, one hop apart, that must be audible."""
LEVEL_FRAME_MS = 10
"""Frame length of the separation of speech and silence."""
LOOKED_BACK_MS = 400
"""Audio searched first, before the silence of turn detection."""
MOST_LOOKED_BACK_MS = 12_000
"""Audio searched if that contained no speech."""
FAINTEST_DBFS = -55.0
"""Fainter audio is never speech."""
LEAST_CONTRAST_DB = 6.0
"""Speech is louder than its surroundings by at least this much."""
MOST_RUNS = 3
"""Number of loud sections, from the end, that are passed to the detector."""
WINDOW_OF_DETECTOR_MS = 32
JUDGED_MS = 320
"""Audio before the end of a loud section that is passed to the detector."""
NOTHING_LOUD_MS = -1
ON_SHARE, OFF_SHARE = 0.5, 0.3
"""Shares of the range between the level of silence and that of speech: above the first, speech starts; below the second, it ends."""
LEAST_SPEECH_FRAMES = 5
"""Minimum length of speech, in frames, so that a click does not count."""

ROWS_AT_ONCE = 4096
"""Rows of a log in which audio is looked for at a time; a few seconds of a session."""

Levels = npt.NDArray[np.float64]


class SpeechDetecting(Protocol):
    """Distinguish speech from everything else, in windows of 32 ms, like the simulator's detectors."""

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech in each window, 0..1; ``pcm16`` is a whole number of windows."""
        ...


class SoundRows(Protocol):
    """Source of the audio of a log."""

    def appends_before(self, seq: int) -> Iterator[Event]:
        """Yield the appends that the server accepted before an event, newest first, with their audio."""
        ...

    def sound_from(self, seq: int) -> Iterator[Event]:
        """Yield the events with output audio from an event on, with their audio."""
        ...


class Listener:
    """Find what can be heard in turns."""

    def __init__(
        self, rows: SoundRows, detector: SpeechDetecting | None = None, name: str = ""
    ) -> None:
        """Create a listener.

        Args:
            rows: source of the audio.
            detector: distinguishes speech from noise; without it, only loudness decides.
            name: name of the detector.
        """
        self._rows = rows
        self._detector = detector
        self._name = name if detector is not None else "energy"

    def listen(
        self, turn: Turn, *, is_input_elided: bool = False, is_output_elided: bool = False
    ) -> Heard:
        """Return what can be heard in a turn.

        Args:
            turn: the turn.
            is_input_elided: the user's audio is elided in the recording.
            is_output_elided: the audio of the answers is elided in the recording.
        """
        end, no_end = None, ""
        if turn.kind is TurnKind.SPEECH:
            end, no_end = (None, ELIDED) if is_input_elided else self._speech_end(turn)
        reply = turn.reply
        leading_ns, no_leading = None, "the answer has no audio"
        if reply is not None and reply.sound is not None:
            no_leading = ELIDED
            if not is_output_elided:
                leading_ns, no_leading = self._leading(reply, reply.sound)
        return Heard(end, no_end, leading_ns, no_leading, self._name)

    def _speech_end(self, turn: Turn) -> tuple[TurnMark | None, str]:
        limit = turn.speech_stopped or turn.asked or turn.committed
        if limit is None:
            return None, "the user has not finished"
        if limit.t_ns is None:
            return None, NO_TIMES
        silence_ms = turn.silence_ms or 0
        for back_ms in (silence_ms + LOOKED_BACK_MS, silence_ms + MOST_LOOKED_BACK_MS):
            taken = _Taken(self._rows.appends_before(limit.seq), turn.input_format, back_ms)
            if not len(taken.samples):
                return None, "no audio was appended before it"
            at_ms = self._last_speech_ms(taken.samples, turn.input_format)
            if at_ms is None:
                break  # the loud part is not a voice, and earlier loud parts cannot be the end of this turn
            if at_ms != NOTHING_LOUD_MS:
                return taken.mark(at_ms), ""
        return None, "no speech stands out of the audio that was appended"

    def _last_speech_ms(self, samples: Samples, form: AudioFormat) -> int | None:
        """Return where the last speech ends, from the first sample on; None if no speech was found."""
        ends = _run_ends(speech_frames(levels_dbfs(samples, form.rate_hz)), LEAST_SPEECH_FRAMES)
        # Several loud sections, because a slamming door may follow the last word.
        for end in reversed(ends[-MOST_RUNS:].tolist()):
            if self._is_voice(samples, form, end * LEVEL_FRAME_MS):
                return int(end) * LEVEL_FRAME_MS
        return None if len(ends) or not len(samples) else NOTHING_LOUD_MS

    def _is_voice(self, samples: Samples, form: AudioFormat, end_ms: int) -> bool:
        """Return True if the detector finds a voice shortly before the end of a loud section."""
        if self._detector is None:
            return True
        from inspector.audio.pcm import bytes_of

        window = form.rate_hz * WINDOW_OF_DETECTOR_MS // 1000
        end = min(len(samples), end_ms * form.rate_hz // 1000)
        count = min(end, form.rate_hz * JUDGED_MS // 1000) // window
        if not count:
            return True
        told = self._detector.probabilities(
            bytes_of(samples[end - count * window : end]), form.rate_hz
        )
        return max(told) >= 0.5

    def _leading(self, reply: TurnResponse, sound: TurnMark) -> tuple[int | None, str]:
        form, stream = reply.format, SampleStream(reply.format.encoding)
        pieces: list[Samples] = []
        total, deltas = 0, 0
        for event in self._rows.sound_from(sound.seq):
            if reply.done is not None and event.seq > reply.done.seq:
                break
            if text_at(event.body or {}, "item_id") != reply.audio_item_id:
                continue
            piece = stream.feed(audio_of(event))
            pieces.append(piece)
            total, deltas = total + len(piece), deltas + 1
            at_ms = first_audible_ms(np.concatenate(pieces), form.rate_hz)
            if at_ms is not None:
                return at_ms * NS_PER_MS, ""
            if total >= form.rate_hz * SEARCHED_MS // 1000:
                return None, f"nothing is audible in the first {SEARCHED_MS / 1000:g} s"
        if stream.damaged:
            return None, "its audio is not base64"
        if total * 1000 < LEAST_DELTA_MS * deltas * form.rate_hz:
            return None, ELIDED
        return None, "nothing of it is audible"


class _Taken:
    """The last audio before an event, joined."""

    def __init__(self, newest_first: Iterator[Event], form: AudioFormat, length_ms: int) -> None:
        events: list[Event] = []
        left = form.bytes_per_ms * length_ms
        for event in newest_first:
            events.append(event)
            left -= base64_size(audio_of(event))
            if left <= 0:
                break
        events.reverse()
        stream = SampleStream(form.encoding)
        pieces = [stream.feed(audio_of(event)) for event in events]
        self.samples: Samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        self._events = events
        self._ends = np.cumsum([len(piece) for piece in pieces])
        self._rate_hz = form.rate_hz

    def mark(self, at_ms: int) -> TurnMark | None:
        """Return when a sample was spoken: the time of its append, less the audio that follows it in there."""
        at = min(at_ms * self._rate_hz // 1000, len(self.samples))
        index = int(np.searchsorted(self._ends, at, "left"))
        event = self._events[min(index, len(self._events) - 1)]
        if event.t_ns is None:
            return None
        rest = int(self._ends[min(index, len(self._ends) - 1)]) - at
        return TurnMark(event.seq, event.t_ns - rest * 1_000_000_000 // self._rate_hz)


def levels_dbfs(samples: Samples, rate_hz: int) -> Levels:
    """Return the RMS level of each frame without its mean, shape (frames,), dBFS; the last one may be short."""
    size = rate_hz * LEVEL_FRAME_MS // 1000
    whole = len(samples) // size * size
    frames = samples[:whole].astype(np.float64).reshape(-1, size)
    variance = frames.var(axis=1)
    levels: Levels = 10 * np.log10(np.maximum(variance, 1.0) / 32768.0**2)
    return levels


def speech_frames(levels: Levels) -> npt.NDArray[np.bool_]:
    """Return which frames are speech by their level: from a high level on, down to a lower one."""
    if not len(levels):
        return np.zeros(0, bool)
    ordered = np.sort(levels)  # a few dozen: faster than what numpy does for percentiles
    faint, loud = ordered[len(ordered) // 10], ordered[(len(ordered) - 1) * 95 // 100]
    if loud < FAINTEST_DBFS + LEAST_CONTRAST_DB:
        return np.zeros(len(levels), bool)
    if loud - faint < LEAST_CONTRAST_DB:
        return np.ones(
            len(levels), bool
        )  # all of it is speech: there is no silence to compare with
    on = max(faint + ON_SHARE * (loud - faint), FAINTEST_DBFS)
    off = max(faint + OFF_SHARE * (loud - faint), FAINTEST_DBFS)
    is_off = levels < off
    # The last frame that decided: above the higher level it is speech, below the lower level it is not.
    decided = np.where((levels >= on) | is_off, np.arange(len(levels)), -1)
    last = np.maximum.accumulate(decided)
    found: npt.NDArray[np.bool_] = (last >= 0) & ~is_off[np.maximum(last, 0)]
    return found


def first_audible_ms(samples: Samples, rate_hz: int) -> int | None:
    """Return where audio first becomes audible, in whole milliseconds; None if it does not in the first ``SEARCHED_MS``.

    Audible is a window of 10 ms whose RMS without the mean is over -40 dBFS, and the windows of the 50 ms after it, a
    millisecond apart.
    """
    looked_at = samples[: rate_hz * SEARCHED_MS // 1000].astype(np.float64) / 32768.0
    size, hop = rate_hz * WINDOW_MS // 1000, rate_hz * HOP_MS // 1000
    count = (len(looked_at) - size) // hop + 1
    if count < AUDIBLE_HOPS:
        return None
    sums = np.concatenate(([0.0], np.cumsum(looked_at)))
    squares = np.concatenate(([0.0], np.cumsum(looked_at * looked_at)))
    begin = np.arange(count) * hop
    mean = (sums[begin + size] - sums[begin]) / size
    power = (squares[begin + size] - squares[begin]) / size - mean * mean
    ends = _run_ends(power > 10 ** (AUDIBLE_DBFS / 10), AUDIBLE_HOPS, is_begin=True)
    return int(ends[0]) * HOP_MS if len(ends) else None


def _run_ends(
    flags: npt.NDArray[np.bool_], least: int, *, is_begin: bool = False
) -> npt.NDArray[np.int64]:
    """Return where runs of at least ``least`` flags end, or with ``is_begin`` begin."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    is_long = ends - begins >= least
    found: npt.NDArray[np.int64] = (begins if is_begin else ends)[is_long]
    return found


class LoggedSound:
    """The audio of a log, found by its columns."""

    def __init__(self, log: EventLog, refused: Container[int], end: int | None = None) -> None:
        """Use a log.

        Args:
            log: the events.
            refused: contains the ``seq`` of rejected appends.
            end: the row before which the audio is read, as at a replay's cursor; None for the whole log.
        """
        self._log = log
        self._refused = refused
        self._end = len(log) if end is None else end

    def appends_before(self, seq: int) -> Iterator[Event]:
        """Yield the appends before an event, newest first."""
        end = min(seq - 1, self._end)
        while end > 0:
            begin = max(0, end - ROWS_AT_ONCE)
            for row in reversed(self._rows_of(APPENDS, begin, end)):
                if row + 1 not in self._refused:
                    event = self._log.read(row)
                    if event.direction is Direction.CLIENT:
                        yield event
            end = begin

    def sound_from(self, seq: int) -> Iterator[Event]:
        """Yield the events with output audio from an event on."""
        for begin in range(seq - 1, self._end, ROWS_AT_ONCE):
            for row in self._rows_of(OUTPUT_AUDIO, begin, min(begin + ROWS_AT_ONCE, self._end)):
                yield self._log.read(row)

    def _rows_of(self, types: Container[str], begin: int, end: int) -> list[int]:
        """Return the rows of some types, oldest first; of a copy, since an array with a view on it cannot grow."""
        codes = list(self._log.kinds.matching(types.__contains__))
        column = np.frombuffer(self._log.kind[begin:end], np.uint16)
        found: list[int] = (np.flatnonzero(np.isin(column, codes)) + begin).tolist()
        return found
