"""SoundBench: the sound of a session measured, side by side: timing, levels, encoding and echo.

It is fed with the events of ``BENCH_TYPES``, in order, and asked for a report at any time. Samples are measured and forgotten; what is
kept is bounded. What a recording does not tell is None, with the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from inspector.analysis.audio_clocks import ELISION
from inspector.analysis.echo_search import Echo, EchoSearch
from inspector.analysis.latency import NO_TIMES
from inspector.analysis.lint.append_pace import MOST_OVER, MOST_UNDER
from inspector.analysis.packet_timing import PacketTiming
from inspector.analysis.placement import PLACING_TYPES, AudioSegment, AudioSide, Placement
from inspector.analysis.sound_content import EncodingChance, EncodingVotes, SoundContent
from inspector.analysis.turn_sound import SEARCHED_MS, first_audible_ms
from inspector.audio.pcm import Samples
from inspector.audio.stream import SampleStream, base64_bytes
from inspector.core.event import Event
from inspector.core.groups import AUDIO_KEYS
from inspector.core.input_audio import INPUT_AUDIO_TYPES, InputAudioFold
from inspector.core.output_audio import LEAST_DELTA_MS
from inspector.core.refused_appends import RefusedAppends
from inspector.core.riff import wav_header
from inspector.core.session_fold import SESSION_TYPES
from inspector.core.units import NS_PER_MS

BENCH_TYPES = PLACING_TYPES | INPUT_AUDIO_TYPES | SESSION_TYPES
"""Types of all events that the bench uses; callers may skip all others."""
MAX_WAITING_APPENDS = 64
"""Appends that are not measured yet, because the next events may refuse them."""
MOST_ITEMS = 2_000
"""Answers listed one by one."""
STANDARD_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
EXACT_WITHIN = 0.005
RATE_WITHIN = 0.04
"""A rate this close to a standard one is taken for it."""
BURST_SPEED = 1.5
"""Audio that arrives faster is generated, not recorded: its arrival times do not show a sample rate."""
NO_SOUND = "this side has no sound"
NOTHING_HEARD = "it is digital silence"
TOO_SHORT = "there are fewer than 2 s of continuous sound"
FEW_EVENTS = "it takes two events without a pause between them"
GENERATED = "answers arrive as fast as they are generated, so that their rate cannot be seen"
NOT_BASE64 = "the audio is not base64"


@dataclass(frozen=True, slots=True)
class SoundFigure:
    """One number of one side."""

    name: str
    """Name of its definition (``SOUND_DEFINITIONS``)."""
    value: float | None
    """In the unit of the definition; None if it is unknown."""
    reason: str = ""
    """Why it is unknown."""
    seq: int = 0
    """The event at which it can be seen; 0 if it belongs to all of them."""
    note: str = ""
    """What qualifies it: ``measured``, ``estimated``, ``± 12 ppm``."""


@dataclass(frozen=True, slots=True)
class AnswerSound:
    """The sound of one answer."""

    item_id: str
    seq: int
    """Its first audio."""
    audio_ms: float
    leading_silence_ms: float | None
    """Up to the first audible sample; None if nothing is audible in the first 3 s."""
    underruns: int | None
    """None without times."""
    underrun_ms: float | None


@dataclass(frozen=True, slots=True)
class SideSound:
    """The report on one side."""

    side: AudioSide
    format: str
    """The declared format; ``""`` without sound."""
    figures: Mapping[str, SoundFigure]
    """By name, in reading order."""
    encodings: Sequence[EncodingChance]
    """How likely the bytes are of each encoding, the likeliest first; empty if too little can be said."""
    declared: str
    """The declared encoding."""
    answers: Sequence[AnswerSound] = ()
    """One by one; only of the answers' side."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """The sound of a session."""

    microphone: SideSound
    answers: SideSound
    echo: Echo

    @property
    def sides(self) -> tuple[SideSound, SideSound]:
        """Return both sides."""
        return self.microphone, self.answers


@dataclass(slots=True)
class _Leading:
    """The beginning of an answer, until something of it is audible."""

    pieces: list[Samples] = field(default_factory=list)
    size: int = 0
    at_ms: int | None = None
    is_decided: bool = False


@dataclass(slots=True)
class _SideLog:
    """What has been taken in of one side."""

    side: AudioSide
    timing: PacketTiming = field(default_factory=PacketTiming)
    content: SoundContent = field(default_factory=SoundContent)
    votes: EncodingVotes = field(default_factory=EncodingVotes)
    events: int = 0
    size_bytes: int = 0
    damaged: int = 0
    audio_ns: int = 0
    format: str = ""
    rate_hz: int = 0
    first_seq: int = 0


class SoundBench:
    """Measures the sound of a log, event by event."""

    def __init__(self) -> None:
        self._placement = Placement()
        self._input = InputAudioFold()
        self._refusals = RefusedAppends()
        self._sides = {side: _SideLog(side) for side in AudioSide}
        self._streams: dict[AudioSegment, SampleStream] = {}
        self._leading: dict[AudioSegment, _Leading] = {}
        self._echo = EchoSearch()
        self._waiting: deque[tuple[int, AudioSegment, Samples, int | None]] = deque()
        self._input_ns = 0
        """Audio of earlier sessions in the same log."""
        self._is_input_elided = False

    def feed(self, event: Event) -> None:
        """Take the next event in."""
        if self._placement.begins(event):
            self._input_ns += self._input.appended_ns
            self._is_input_elided |= self._input.is_elided
            self._input = InputAudioFold()
        self._input.apply(event)
        refused = self._refusals.apply(event)
        if refused:
            self._waiting = deque(one for one in self._waiting if one[0] != refused)
        piece = self._placement.feed(event)
        if piece is None or event.type not in AUDIO_KEYS:
            return
        segment = piece.segment
        log, form = self._sides[segment.side], segment.format
        data = base64_bytes(piece.base64)
        log.events += 1
        log.format, log.rate_hz = str(form), form.rate_hz
        log.first_seq = log.first_seq or event.seq
        if data is None:
            log.damaged += 1
            return
        length_ns = form.ns(len(data))
        log.size_bytes += len(data)
        log.audio_ns += length_ns
        log.timing.add(event.seq, event.t_ns, length_ns)
        header = wav_header(piece.base64)
        bare = data if header is None else data[header.size_bytes :]
        log.votes.add(bare, form.encoding, is_wav=header is not None)
        stream = self._streams.get(segment)
        if stream is None:
            stream = self._streams[segment] = SampleStream(form.encoding)
        samples = stream.feed_bytes(data, header)
        at_us = None if event.t_ns is None else event.t_ns // 1000
        if segment.side is AudioSide.USER:
            self._waiting.append((event.seq, segment, samples, at_us))
            if len(self._waiting) > MAX_WAITING_APPENDS:
                self._measure(*self._waiting.popleft()[1:])
        else:
            self._measure(segment, samples, at_us)
            self._lead(segment, samples)

    def report(self) -> BenchReport:
        """Return what is known by now."""
        while self._waiting:
            self._measure(*self._waiting.popleft()[1:])
        for log in self._sides.values():
            log.content.measure()
        user, assistant = self._sides[AudioSide.USER], self._sides[AudioSide.ASSISTANT]
        is_elided = self._is_input_elided or self._input.is_elided
        user.audio_ns = self._input_ns + self._input.appended_ns
        user_reason = ELISION if is_elided else ""
        is_cut = assistant.audio_ns < LEAST_DELTA_MS * NS_PER_MS * assistant.events
        assistant_reason = ELISION if is_cut else ""
        answers = () if assistant_reason else tuple(self._answers())
        reason = user_reason or assistant_reason
        echo = Echo(0, 0, 0, reason=reason) if reason else self._echo.result()
        return BenchReport(
            _side(user, user_reason, _input_figures(user)),
            _side(assistant, assistant_reason, self._output_figures(answers), answers),
            echo,
        )

    def _measure(self, segment: AudioSegment, samples: Samples, at_us: int | None) -> None:
        self._sides[segment.side].content.feed(samples, segment.format)
        self._echo.feed(segment, samples, at_us)

    def _lead(self, segment: AudioSegment, samples: Samples) -> None:
        """Look for the first audible sample of an answer."""
        leading = self._leading.get(segment)
        if leading is None:
            if len(self._leading) >= MOST_ITEMS:
                return
            leading = self._leading[segment] = _Leading()
        if leading.is_decided:
            return
        leading.pieces.append(samples)
        leading.size += len(samples)
        rate_hz = segment.format.rate_hz
        leading.at_ms = first_audible_ms(_joined(leading.pieces), rate_hz)
        if leading.at_ms is not None or leading.size >= rate_hz * SEARCHED_MS // 1000:
            leading.is_decided, leading.pieces = True, []

    def _answers(self) -> Iterator[AnswerSound]:
        for segment, leading in self._leading.items():
            has_times = segment.audio is not None and bool(segment.audio.resumes)
            gaps = segment.underruns() if has_times else []
            lost_ms = sum(gap.to_ns - gap.from_ns for gap in gaps) / NS_PER_MS
            yield AnswerSound(
                segment.item_id,
                segment.first_row + 1,
                segment.duration_us / 1000,
                leading.at_ms,
                len(gaps) if has_times else None,
                lost_ms if has_times else None,
            )

    def _output_figures(self, answers: Sequence[AnswerSound]) -> Iterator[SoundFigure]:
        known = [one for one in answers if one.underruns is not None]
        is_measured = any(
            segment.audio is not None and segment.audio.is_measured
            for segment in self._placement.side(AudioSide.ASSISTANT)
        )
        quality = "measured" if is_measured else "estimated"
        reason = "" if known else (NO_TIMES if answers else NO_SOUND)
        count = sum(one.underruns or 0 for one in known)
        lost_ms = sum(one.underrun_ms or 0 for one in known)
        worst = max(known, key=lambda one: one.underrun_ms or 0, default=None)
        seq = worst.seq if worst is not None and count else 0
        yield SoundFigure("underruns", count if known else None, reason, seq, quality * bool(known))
        yield SoundFigure(
            "underrun_ms", lost_ms if known else None, reason, seq, quality * bool(known)
        )
        heard = [one.leading_silence_ms for one in answers if one.leading_silence_ms is not None]
        slowest = max(answers, key=lambda one: one.leading_silence_ms or -1, default=None)
        silent = "nothing of it is audible" if answers else NO_SOUND
        note = f"median of {len(heard)}" if len(heard) > 1 else ""
        yield SoundFigure(
            "leading_silence_ms",
            float(median(heard)) if heard else None,
            "" if heard else silent,
            slowest.seq if slowest is not None else 0,
            note,
        )


def _input_figures(log: _SideLog) -> Iterator[SoundFigure]:
    """Yield what only the microphone has: the rate at which it really runs."""
    reason = _timing_reason(log)
    drift = None if reason else log.timing.drift()
    yield SoundFigure(
        "real_rate_hz",
        None if drift is None else drift.speed * log.rate_hz,
        reason or (TOO_SHORT if drift is None else ""),
        note="" if drift is None else rate_words(drift.speed * log.rate_hz, log.rate_hz),
    )


def rate_words(real_hz: float, declared_hz: int) -> str:
    """Return what a measured sample rate is: the declared one, or another standard rate."""
    if abs(real_hz / declared_hz - 1) <= EXACT_WITHIN:
        return "as declared"
    if MOST_UNDER <= real_hz / declared_hz <= MOST_OVER:
        return "as declared, within what the sender's timers explain"
    near = min(STANDARD_RATES, key=lambda rate: abs(real_hz / rate - 1))
    if abs(real_hz / near - 1) <= RATE_WITHIN:
        return f"looks like {near / 1000:g} kHz, declared are {declared_hz / 1000:g} kHz"
    return f"declared are {declared_hz / 1000:g} kHz"


def _side(
    log: _SideLog,
    elided: str,
    more: Iterator[SoundFigure],
    answers: Sequence[AnswerSound] = (),
) -> SideSound:
    figures = [*_amounts(log), *_timing(log), *more, *_levels(log)]
    if elided:
        # Of audio that was cut out, only its events are left.
        figures = [
            one
            if one.name in _OF_EVENTS
            else SoundFigure(one.name, None, one.reason if log.events == 0 else elided)
            for one in figures
        ]
    chances = () if elided else log.votes.chances
    named = {one.name: one for one in figures}
    return SideSound(log.side, log.format, named, chances, log.votes.declared, answers)


_OF_EVENTS = ("events", "size_bytes", "wall_ms", "delta_mean_ms", "delta_max_ms", "pauses")
"""Figures that hold even where a recorder has cut the audio out."""


def _amounts(log: _SideLog) -> Iterator[SoundFigure]:
    yield SoundFigure("events", log.events, seq=log.first_seq)
    yield SoundFigure("size_bytes", log.size_bytes, seq=log.first_seq)
    reason = "" if log.events else NO_SOUND
    if log.events and log.damaged == log.events:
        reason = NOT_BASE64
    audio_ms = None if reason else log.audio_ns / NS_PER_MS
    yield SoundFigure("audio_ms", audio_ms, reason)
    wall_ns = log.timing.wall_ns
    wall_ms = None if wall_ns is None else wall_ns / NS_PER_MS
    no_wall = reason or ("" if wall_ms is not None else NO_TIMES)
    yield SoundFigure("wall_ms", None if no_wall else wall_ms, no_wall)
    speed = audio_ms / wall_ms if audio_ms is not None and wall_ms else None
    yield SoundFigure("speed", speed, "" if speed is not None else no_wall or NO_TIMES)


def _timing_reason(log: _SideLog) -> str:
    if not log.events:
        return NO_SOUND
    return "" if log.timing.packets else NO_TIMES


def _timing(log: _SideLog) -> Iterator[SoundFigure]:
    timing, reason = log.timing, _timing_reason(log)
    few = reason or ("" if timing.deltas else FEW_EVENTS)

    def figure(name: str, ns: float | None, seq: int = 0) -> SoundFigure:
        return SoundFigure(name, None if few or ns is None else ns / NS_PER_MS, few, seq)

    yield figure("delta_mean_ms", timing.delta_mean_ns)
    yield figure("delta_max_ms", timing.delta_max.value, timing.delta_max.seq)
    drift = None if reason else timing.drift()
    is_burst = log.side is AudioSide.ASSISTANT and _is_burst(timing, log.audio_ns)
    if is_burst:
        names = ("jitter_mean_ms", "jitter_max_ms", "skew_ms", "drift_ppm")
        yield from (SoundFigure(name, None, GENERATED) for name in names)
    else:
        yield figure("jitter_mean_ms", timing.jitter_mean_ns)
        yield figure("jitter_max_ms", timing.jitter_max.value, timing.jitter_max.seq)
        yield figure("skew_ms", timing.skew.value, timing.skew.seq)
        yield SoundFigure(
            "drift_ppm",
            None if drift is None else drift.ppm,
            reason or ("" if drift is not None else TOO_SHORT),
            note="" if drift is None else f"± {drift.error * 1e6:,.0f}",
        )
    gaps = None if few else timing.gaps
    yield SoundFigure("gaps", gaps, few, timing.gap_max.seq)
    longest = figure("gap_max_ms", timing.gap_max.value if timing.gaps else 0.0, timing.gap_max.seq)
    yield longest
    yield SoundFigure("pauses", None if reason else timing.pauses, reason)


def _is_burst(timing: PacketTiming, audio_ns: int) -> bool:
    """Return whether audio arrives much faster than it plays while it arrives."""
    return bool(timing.delta_sum_ns) and audio_ns > BURST_SPEED * timing.delta_sum_ns


def _levels(log: _SideLog) -> Iterator[SoundFigure]:
    content = log.content
    reason = "" if content.frames else (NO_SOUND if not log.events else NOT_BASE64)
    silent = reason or NOTHING_HEARD
    found = (
        ("level_dbfs", content.level_dbfs, silent),
        ("speech_dbfs", content.speech_dbfs, reason or "all of it is silence"),
        ("noise_dbfs", content.noise_dbfs, reason),
        ("peak_dbfs", content.peak_dbfs, silent),
        ("dc_offset", content.dc_offset, reason),
        ("clipped", content.clipped_share, reason),
        ("silence", content.silence_share, reason),
        ("digital_silence", content.zero_share, reason),
        ("bandwidth_hz", content.bandwidth_hz, reason or "there is too little speech"),
    )
    for name, value, why in found:
        yield SoundFigure(name, value, why if value is None else "")


def _joined(pieces: list[Samples]) -> Samples:
    import numpy as np

    if len(pieces) > 1:
        pieces[:] = [np.concatenate(pieces)]
    return pieces[0]


def report_json(report: BenchReport) -> dict[str, Any]:
    """Return a report as JSON: per side its figures, null with the reason in ``unknown``."""
    return {
        "microphone": _side_json(report.microphone),
        "answers": _side_json(report.answers),
        "echo": echo_json(report.echo),
    }


def _side_json(side: SideSound) -> dict[str, Any]:
    figures = side.figures.values()
    found: dict[str, Any] = {
        "format": side.format or None,
        **{one.name: _rounded(one.value) for one in figures},
        "notes": {one.name: one.note for one in figures if one.note},
        "seq": {one.name: one.seq for one in figures if one.seq},
        "unknown": {one.name: one.reason for one in figures if one.value is None},
        "declared": side.declared if side.format else None,
        "encodings": [
            {"encoding": one.name, "likelihood": round(one.likelihood, 3), "pieces": one.pieces}
            for one in side.encodings
        ],
    }
    if side.side is AudioSide.ASSISTANT:
        found["items"] = [
            {
                "item_id": one.item_id or None,
                "seq": one.seq,
                "audio_ms": _rounded(one.audio_ms),
                "leading_silence_ms": one.leading_silence_ms,
                "underruns": one.underruns,
                "underrun_ms": _rounded(one.underrun_ms),
            }
            for one in side.answers
        ]
    return found


def echo_json(echo: Echo) -> dict[str, Any]:
    """Return an echo as JSON."""
    return {
        "found": None if echo.reason else echo.confidence is not None,
        "confidence": echo.confidence,
        "delay_ms": _rounded(echo.delay_ms),
        "level_db": _rounded(echo.level_db),
        "correlation": _rounded(echo.correlation),
        "answers_heard": echo.heard,
        "answers_overlapped": echo.answers,
        "windows": echo.windows,
        "unknown": echo.reason or None,
        "seq": echo.seq or None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
