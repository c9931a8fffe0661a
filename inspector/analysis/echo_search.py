"""EchoSearch: whether the microphone hears the answer that is being played: normalised cross-correlation on the session's clock.

Both sides are reduced to ``RATE_HZ`` and kept only where they overlap, up to ``MOST_SAMPLES``; a bounded number of windows is
correlated. Where the answer's place in time is an estimate, each answer has a delay of its own, so each is searched by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np
import numpy.typing as npt

from inspector.analysis.placement import AudioSegment, Stretch
from inspector.audio.pcm import Samples
from inspector.core.error_attribution import Confidence

RATE_HZ = 4_000
"""Speech below 2 kHz is what loudspeakers and rooms pass on best."""
MOST_SAMPLES = 15 * 60 * RATE_HZ
"""Kept per side: a quarter of an hour, 7 MB."""
AFTER_US = 1_000_000
"""Time after an answer in which the microphone may still hear it."""
WINDOW = 4_096
"""Samples correlated at a time, a second."""
EARLIEST, LATEST = -RATE_HZ // 10, RATE_HZ * 7 // 10
"""Delays that are searched: an estimated player may be late itself; loudspeakers and networks add half a second at most."""
MOST_WINDOWS = 48
LEAST_OVERLAP = RATE_HZ * 3 // 10
"""Samples of the microphone from which a window is worth correlating."""
LEAST_ENERGY = 0.25
"""Delays at which the window holds less than this share of the most energy are not judged: few samples agree by chance."""
FAINTEST = 30.0
"""RMS of a window, in 16-bit steps, that is worth correlating: -61 dBFS."""
CERTAIN_Z, LIKELY_Z = 12.0, 7.0
"""Height of the peak in standard deviations of the rest. Of unrelated speech it stays below 6."""
LEAST_CORRELATION = 0.1
"""Of a second of two people who speak at once it reaches 0.09."""
BESIDE = 40
"""Delays around the peak, 10 ms, that belong to it."""
LEAST_JUDGED = 0.5
"""Share of the delays that must be judged."""

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Echo:
    """What was found."""

    answers: int
    """Answers that played while the microphone was on."""
    heard: int
    """Answers that the microphone hears."""
    windows: int
    """Seconds that were correlated."""
    delay_ms: float | None = None
    """Median delay from the answer to the microphone; None without an echo."""
    level_db: float | None = None
    """Level of the echo compared with the answer; None without an echo."""
    correlation: float | None = None
    """Highest correlation of an answer, 0..1; None if nothing was correlated."""
    confidence: Confidence | None = None
    """None without an echo."""
    reason: str = ""
    """Why it is unknown; ``""`` if it is known."""
    seq: int = 0
    """First audio of the answer that is heard best."""


class _Lowered:
    """The samples of one segment at ``RATE_HZ``; what was left out is silence, and takes no room."""

    def __init__(self, segment: AudioSegment) -> None:
        self.segment = segment
        self.end = 0
        """Number of samples, those that were left out included."""
        self._pieces: list[npt.NDArray[np.int16]] = []
        self._begins: list[int] = []
        self._source = 0
        """Position of the first pending sample in the segment."""
        self._pending: list[Samples] = []
        self._pending_samples = 0

    @property
    def is_kept(self) -> bool:
        """Return whether anything of it was not left out."""
        return bool(self._pieces)

    def feed(self, samples: Samples) -> int:
        """Add samples; return how many were added to those that are kept."""
        self._pending.append(samples)
        self._pending_samples += len(samples)
        # A second at a time: numpy costs about the same for few samples as for many.
        return self.lower() if self._pending_samples >= self.segment.format.rate_hz else 0

    def skip(self, count: int) -> None:
        """Leave out samples."""
        if self._pending:
            self.lower()
            self._source += self._pending_samples
            self._pending, self._pending_samples = [], 0
        self._source += count
        self.end = self._source * RATE_HZ // self.segment.format.rate_hz

    def lower(self) -> int:
        """Take in what is pending, as far as it makes whole samples; return how many it makes."""
        if not self._pending:
            return 0
        samples = np.concatenate(self._pending)
        rate_hz = self.segment.format.rate_hz
        # Means over equal spans: a crude low-pass, but the same for both sides.
        first = -(-self._source * RATE_HZ // rate_hz)
        end = (self._source + len(samples)) * RATE_HZ // rate_hz
        edges = -(-np.arange(first, end + 1) * rate_hz // RATE_HZ) - self._source
        if len(edges) < 2:
            return 0
        sums = np.concatenate(([0], np.cumsum(samples, dtype=np.int64)))
        piece = (np.diff(sums[edges]) // np.maximum(1, np.diff(edges))).astype(np.int16)
        self._pieces.append(piece)
        self._begins.append(first)
        self.end = end
        rest = samples[edges[-1] :]
        self._source += int(edges[-1])
        self._pending, self._pending_samples = [rest], len(rest)
        return len(piece)

    def between(self, begin: int, end: int) -> npt.NDArray[np.int16]:
        """Return the samples of a span, with silence where samples are missing."""
        found = np.zeros(max(0, end - begin), np.int16)
        at = max(0, bisect_right(self._begins, begin) - 1)
        while at < len(self._begins) and self._begins[at] < end:
            first, piece = self._begins[at], self._pieces[at]
            inside = piece[max(0, begin - first) : max(0, end - first)]
            place = max(0, first - begin)
            found[place : place + len(inside)] = inside
            at += 1
        return found


@dataclass(frozen=True, slots=True)
class _Overlap:
    """A window of the microphone while an answer plays; positions are samples of either side."""

    answer: _Lowered
    microphone: _Lowered
    played: range
    """The part of the answer that plays without a gap."""
    answer_at: int
    """Position of the answer that plays when the window begins."""
    microphone_at: int

    def microphone_samples(self) -> npt.NDArray[np.int16]:
        """Return the window."""
        return self.microphone.between(self.microphone_at, self.microphone_at + WINDOW)

    def answer_samples(self) -> npt.NDArray[np.int16]:
        """Return the answer from ``LATEST`` before the window on, silent where it does not play."""
        first, end = self.answer_at - LATEST, self.answer_at + WINDOW - EARLIEST
        begin, stop = max(first, self.played.start), min(end, self.played.stop)
        found = np.zeros(end - first, np.int16)
        if begin < stop:
            found[begin - first : stop - first] = self.answer.between(begin, stop)
        return found


class EchoSearch:
    """Collects both sides, then searches."""

    def __init__(self) -> None:
        self._microphone: dict[AudioSegment, _Lowered] = {}
        self._answers: dict[AudioSegment, _Lowered] = {}
        self._kept = {True: 0, False: 0}

    def feed(self, segment: AudioSegment, samples: Samples, at_us: int | None) -> None:
        """Add samples of either side.

        Args:
            segment: what they belong to.
            samples: the next samples of it.
            at_us: session time of their end; None if unknown.
        """
        is_answer = segment.audio is not None
        side = self._answers if is_answer else self._microphone
        lowered = side.get(segment)
        if lowered is None:
            lowered = side[segment] = _Lowered(segment)
        if self._kept[is_answer] >= MOST_SAMPLES or not (is_answer or self._may_sound(at_us)):
            if not is_answer:  # its place is counted in samples
                lowered.skip(len(samples))
            return
        self._kept[is_answer] += lowered.feed(samples)

    def result(self) -> Echo:
        """Search; the cost does not depend on the length of the session."""
        for lowered in (*self._microphone.values(), *self._answers.values()):
            lowered.lower()
        spans = list(self._overlaps())
        answers = len({id(one.answer) for one in spans})
        if not spans:
            return Echo(0, 0, 0, reason=self._no_overlap())
        curves: dict[AudioSegment, list[tuple[Curve, float]]] = {}
        windows = 0
        for one in spans[:: -(-len(spans) // MOST_WINDOWS)]:
            found = _correlated(one)
            if found is not None:
                curves.setdefault(one.answer.segment, []).append(found)
                windows += 1
        if not curves:
            reason = "one of the sides is silent wherever both overlap"
            return Echo(answers, 0, 0, reason=reason)
        peaks = {segment: _peak(found) for segment, found in curves.items()}
        return _judged(peaks, answers, windows)

    def _may_sound(self, at_us: int | None) -> bool:
        """Return whether an answer may sound, or has just sounded, at a time."""
        if at_us is None:
            return False
        recent = islice(reversed(self._answers), 4)
        return any((one.end_us or 0) + AFTER_US >= at_us for one in recent)

    def _no_overlap(self) -> str:
        if not self._microphone or not self._answers:
            missing = "microphone" if not self._microphone else "answer"
            return f"the recording has no sound of the {missing}"
        return "the microphone was off while answers played, or the recording has no times"

    def _overlaps(self) -> Iterator[_Overlap]:
        """Yield the windows of the microphone in which an answer was heard."""
        kept = [one for one in self._microphone.values() if one.is_kept]
        ends = [_at(one.segment.begins_us or 0) + one.end for one in kept]
        for answer in self._answers.values():
            for stretch in answer.segment.stretches():
                if not stretch.is_heard:
                    continue
                # Runs of the microphone follow each other, so that few of them need be looked at.
                for microphone in kept[bisect_right(ends, _at(stretch.at_us)) :]:
                    if _at(microphone.segment.begins_us or 0) > _at(stretch.end_us) + LATEST:
                        break
                    yield from _windows(answer, microphone, stretch)


def _windows(answer: _Lowered, microphone: _Lowered, stretch: Stretch) -> Iterator[_Overlap]:
    begin_us = microphone.segment.begins_us
    if begin_us is None:
        return
    heard_at, played_at = _at(begin_us), _at(stretch.at_us)
    played = range(_at(stretch.from_us), _at(stretch.to_us))
    # Windows that only partly overlap count too: an answer that interrupts itself plays for less than a second.
    begin = max(played_at, heard_at)
    end = min(played_at + len(played) + LATEST, heard_at + microphone.end)
    for at in range(begin, end - LEAST_OVERLAP + 1, WINDOW):
        yield _Overlap(answer, microphone, played, played.start + at - played_at, at - heard_at)


def _correlated(overlap: _Overlap) -> tuple[Curve, float] | None:
    """Return the correlation by delay from ``EARLIEST`` on, and the ratio of the levels; None if a side is silent."""
    # The difference of neighbours whitens speech, so that its pitch makes no peaks beside the right one.
    played = np.diff(overlap.answer_samples().astype(np.float64))
    heard = np.diff(overlap.microphone_samples().astype(np.float64))
    energies = np.concatenate(([0.0], np.cumsum(played * played)))
    count = len(played) - len(heard) + 1
    local = energies[len(heard) : len(heard) + count] - energies[:count]
    power = float(heard @ heard)
    least = FAINTEST**2 * LEAST_OVERLAP
    if power < least or float(local.max()) < least:
        return None
    least = max(least, LEAST_ENERGY * float(local.max()))
    size = 1 << (len(played) + len(heard)).bit_length()
    spectrum = np.fft.rfft(played, size) * np.conj(np.fft.rfft(heard, size))
    products = np.fft.irfft(spectrum, size)[:count]
    curve = products / np.sqrt(np.maximum(local, least) * power)
    curve[local < least] = np.nan
    # Position 0 is the longest delay.
    ratio = float(np.sqrt(power / max(float(np.median(local)), least)))
    return curve[::-1], ratio


@dataclass(frozen=True, slots=True)
class _Peak:
    delay_ms: float
    correlation: float
    z: float
    level_db: float


def _peak(found: list[tuple[Curve, float]]) -> _Peak:
    curves = np.array([curve for curve, _ in found])
    is_judged = ~np.isnan(curves)
    mean = np.where(is_judged, curves, 0).sum(axis=0) / np.maximum(1, is_judged.sum(axis=0))
    at = int(np.abs(mean).argmax())
    height = float(abs(mean[at]))
    beside = is_judged.any(axis=0)
    beside[max(0, at - BESIDE) : at + BESIDE + 1] = False
    others = mean[beside]
    # Where few delays can be judged, there is nothing to compare the peak with.
    spread = float(others.std()) if len(others) >= LEAST_JUDGED * len(mean) else 0.0
    gain = height * median(ratio for _, ratio in found)
    level_db = 20 * float(np.log10(max(gain, 1e-6)))
    z = height / spread if spread else 0.0
    return _Peak((at + EARLIEST) * 1000 / RATE_HZ, height, z, level_db)


def _judged(peaks: Mapping[AudioSegment, _Peak], answers: int, windows: int) -> Echo:
    best, highest = max(peaks.items(), key=lambda one: one[1].z)
    heard = [
        one for one in peaks.values() if one.z >= LIKELY_Z and one.correlation >= LEAST_CORRELATION
    ]
    if not heard:
        return Echo(answers, 0, windows, correlation=highest.correlation)
    is_certain = highest.z >= CERTAIN_Z or len(heard) > max(1, len(peaks) // 2)
    return Echo(
        answers,
        len(heard),
        windows,
        median(one.delay_ms for one in heard),
        median(one.level_db for one in heard),
        max(one.correlation for one in heard),
        Confidence.CERTAIN if is_certain else Confidence.LIKELY,
        seq=best.first_row + 1,
    )


def _at(us: int) -> int:
    return us * RATE_HZ // 1_000_000
