"""Rules about the user's sound: its rate, its pace and its format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from inspector.analysis.lint.append_pace import MOST_OVER, MOST_UNDER, PaceWindow
from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import OTHER_PROTOCOLS, LintRule, Moment
from inspector.analysis.lint.phrases import in_ga, ref, seconds, session_update
from inspector.analysis.lint.reference_links import CONVERSATIONS, VAD
from inspector.analysis.lint.visibility import Sight
from inspector.core.audio_formats import AudioFormat
from inspector.core.error_attribution import Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS, NS_PER_S

PCM_LIKE = {"pcm16": "audio/pcm", "pcmu": "audio/pcmu", "pcma": "audio/pcma"}

LEAST_RATE_NS = 3 * NS_PER_S
"""Continuous sound from which a rate is judged: three windows."""
LEAST_FAST_NS = 5 * NS_PER_S
"""… if it is sent too fast, since a file may be sent faster than it plays."""
LEAST_CUT_MS = 1000.0
"""If speech begins on the server's clock so much after all the audio that is here, a recorder has cut audio off."""
EXACT_SHARE = 0.04
"""A telephone network paces its audio exactly."""
SLOW_SPEED = 0.7
"""Slower than any loop that merely sleeps."""
MOST_REGULAR = 0.35
"""If more of the time lies before appends that were in time, the app leaves sound out and is not late."""


class _Rate(NamedTuple):
    """A rate at which apps send audio."""

    bytes_per_s: int
    words: str
    rate_hz: int
    encoding: str = "pcm16"


_RATES = (
    _Rate(8_000, "G.711 at 8 kHz", 8_000, "pcmu"),
    _Rate(16_000, "PCM16 at 8 kHz", 8_000),
    _Rate(32_000, "PCM16 at 16 kHz", 16_000),
    _Rate(48_000, "PCM16 at 24 kHz", 24_000),
    _Rate(88_200, "PCM16 at 44.1 kHz", 44_100),
    _Rate(96_000, "PCM16 at 48 kHz, or 24 kHz in stereo or as float32", 48_000),
    _Rate(176_400, "PCM16 at 44.1 kHz in stereo, or float32", 44_100),
    _Rate(192_000, "PCM16 at 48 kHz in stereo, or float32", 48_000),
)
_FIXED_RATES = frozenset(
    {"openai", "beta", "azure", "azure-preview", "voice-live", "transcription"}
)
"""Dialects whose PCM has a known rate even if the session does not state it."""


def _is_rate_known(state: SessionState) -> bool:
    given = object_at(object_at(state.session.config, "audio"), "input").get("format")
    is_stated = isinstance(given, dict) and ("rate" in given or given.get("type") != "audio/pcm")
    return is_stated or state.dialect.dialect in _FIXED_RATES


class _Paced(LintRule):
    """A rule that measures how fast audio was sent."""

    reads_appends = True
    needs = frozenset({Sight.TIMES, Sight.APP, Sight.SETTINGS, Sight.USER_SOUND})
    # Qwen's PCM has 16 or 24 kHz, and its session does not say which.
    not_in = OTHER_PROTOCOLS | {"qwen"}

    @staticmethod
    def _is_whole(state: SessionState) -> bool:
        """Return whether all the audio that the server got seems to be here: it counts it in ``audio_start_ms``."""
        sound = state.input_audio
        return sound.speech_started_ms <= sound.appended_ns / NS_PER_MS + LEAST_CUT_MS

    def _wrong_rate(self, state: SessionState) -> _Rate | None:
        """Return the rate of the audio if it is steady, and another than the session's."""
        pace, form = self.appended.pace, state.input_audio.format
        expected = form.bytes_per_ms * 1000
        measured = pace.bytes_per_s
        is_fast = measured > expected
        least_ns = LEAST_FAST_NS if is_fast else LEAST_RATE_NS
        if pace.wall_ns < least_ns or not pace.is_steady or not _is_rate_known(state):
            return None
        if MOST_UNDER <= measured / expected <= MOST_OVER:
            return None
        fitting = [
            one
            for one in _RATES
            if MOST_UNDER <= measured / one.bytes_per_s <= MOST_OVER and one.bytes_per_s != expected
        ]
        return min(fitting, key=lambda one: abs(measured - one.bytes_per_s)) if fitting else None


class InputRate(_Paced):
    """Audio of another sample rate than the session's."""

    id = "input-rate"
    title = "the user's audio has another sample rate than the session says"
    severity = Severity.ERROR
    why = (
        "The server reads bytes at the rate of the session's format. Audio of another rate is heard too fast or too slow: speech "
        "detection, transcripts and answers are wrong or do not come, and no error is reported."
    )
    links = (
        CONVERSATIONS,
        "https://github.com/akdeb/ElatoAI/issues/25",
    )
    # Appends of a telephone's 20 ms, read as PCM, are so short that they seem to be cut off by a recorder: see _is_cut_off.
    needs = frozenset({Sight.TIMES, Sight.APP, Sight.SETTINGS})

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the rate, if it is one of those that apps send."""
        state = moment.state
        rate = self._wrong_rate(state)
        if rate is None or self._is_cut_off(state) or not self._is_whole(state):
            return
        form, windows = state.input_audio.format, self.appended.pace.windows
        measured, expected = self.appended.pace.bytes_per_s / 1000, form.bytes_per_ms
        yield self.found(
            Severity.ERROR,
            (windows[0].first_seq, windows[-1].last_seq),
            f"appends carry {measured:,.1f} kB/s, and {named_format(form)} needs {expected:,.0f}: this is {rate.words}",
            _rate_fix(state, rate, form),
            Confidence.LIKELY,
        )

    def _is_cut_off(self, state: SessionState) -> bool:
        """Return whether a recorder has cut the audio off, rather than a telephone having sent little of it."""
        sound = state.input_audio
        telephone = _RATES[0].bytes_per_s
        is_telephone = abs(self.appended.pace.bytes_per_s - telephone) <= EXACT_SHARE * telephone
        # The server states spans of speech by the bytes that it got; if it got more than is here, some were cut off here.
        return sound.is_elided and (not is_telephone or sound.short_spans > 0)


def named_format(form: AudioFormat) -> str:
    """Return a format in the API's words."""
    return f"{PCM_LIKE[form.encoding]} at {form.rate_hz // 1000} kHz"


def _rate_fix(state: SessionState, rate: _Rate, form: AudioFormat) -> str:
    pcmu = session_update(state, {"audio.input.format": {"type": "audio/pcmu"}})
    pcm = session_update(state, {"audio.input.format": {"type": "audio/pcm", "rate": 24000}})
    if rate.encoding == "pcmu":
        return f"say so before the first append: {pcmu}"
    if form.encoding != "pcm16":
        resample = "" if rate.rate_hz == 24_000 else "resample to 24 kHz and "
        return f"{resample}say so before the first append: {pcm}"
    factor = form.rate_hz / rate.rate_hz
    times = f" (× {factor:g})" if factor == int(factor) else ""
    resample = (
        f"resample from {rate.rate_hz / 1000:g} to {form.rate_hz // 1000} kHz{times}, mono, 16 bit"
    )
    return f"{resample}; or encode as G.711: {pcmu}" if rate.rate_hz == 8_000 else resample


class AudioBacklog(_Paced):
    """Audio that is sent later than it was spoken."""

    id = "audio-backlog"
    title = "the user's audio is sent slower than it is spoken"
    severity = Severity.ERROR
    why = (
        "The server hears the user when the bytes come. An app that sends slower than real time falls behind more and more, and "
        "answers seem slow although the server answers at once. Usually the sending loop waits for something else."
    )
    links = (VAD,)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report slow sending, else stalls."""
        state = moment.state
        if not self._is_whole(state):
            return
        slow = _longest_slow(self.appended.pace.windows)
        wall_ns = sum(one.wall_ns for one in slow)
        is_late = sum(one.regular_ns for one in slow) <= MOST_REGULAR * wall_ns
        if wall_ns >= LEAST_RATE_NS and is_late and self._wrong_rate(state) is None:
            yield self._slow(state, slow)
        elif self.appended.pace.stalls:
            yield self._stalled()

    def _slow(self, state: SessionState, slow: Sequence[PaceWindow]) -> Finding:
        sound = state.input_audio
        wall_ns = sum(one.wall_ns for one in slow)
        speed = sum(one.audio_ns for one in slow) / wall_ns
        worst = min(slow, key=lambda one: one.speed)
        clock = ""
        if state.session.turn_detection and sound.wall_ns:
            clock = (
                f"the audio clock is at {seconds(sound.appended_ns / NS_PER_MS)} after "
                f"{seconds(sound.wall_ns / NS_PER_MS)} of wall time: "
            )
        return self.found(
            Severity.ERROR,
            (worst.first_seq, worst.last_seq),
            f"{clock}for {seconds(wall_ns / NS_PER_MS)} appends came at {speed:.2f}× real time, {worst.speed:.2f}× at "
            f"worst ({ref(worst.first_seq)}); your app falls behind, the server is not slow",
            "send each chunk as soon as the microphone has it, from a task of its own that waits for nothing else; drop old chunks "
            "rather than queue them",
            Confidence.LIKELY,
        )

    def _stalled(self) -> Finding:
        longest = max(self.appended.pace.stalls, key=lambda one: one.gap_ns)
        count = len(self.appended.pace.stalls)
        times = f"{count} times; the longest time, " if count > 1 else ""
        return self.found(
            Severity.WARNING,
            [seq for one in self.appended.pace.stalls for seq in (one.seq, one.before_seq)],
            f"appends stopped and what was missed came at once {times}after {seconds(longest.gap_ns / NS_PER_MS)} "
            f"({ref(longest.before_seq)} to {ref(longest.seq)}): the sending task was blocked",
            "keep blocking work (files, requests, models) off the event loop that sends audio",
            Confidence.LIKELY,
        )


def _longest_slow(windows: Sequence[PaceWindow]) -> Sequence[PaceWindow]:
    """Return the longest run of windows that were sent too slowly, and whose audio did not come at once afterwards."""
    longest: Sequence[PaceWindow] = ()
    begin = 0
    for at in range(len(windows) + 1):
        if at < len(windows) and windows[at].speed < SLOW_SPEED:
            continue
        run, after = windows[begin:at], windows[at : at + max(1, at - begin)]
        begin = at + 1
        missing_ns = sum(one.wall_ns - one.audio_ns for one in run)
        made_up_ns = sum(max(0, one.audio_ns - one.wall_ns) for one in after)
        # What a slow network held back arrives in the end.
        if len(run) > len(longest) and made_up_ns < missing_ns / 2:
            longest = run
    return longest


class OneSidedFormat(LintRule):
    """G.711 for one direction only, because the update named only one."""

    id = "one-sided-format"
    title = "only one direction has the telephone's format"
    severity = Severity.WARNING
    why = (
        "Input and output have a format each. Telephony needs G.711 in both; an update that names one leaves the other at PCM16 "
        "with 24 kHz, so that one side hears noise."
    )
    links = (CONVERSATIONS,)
    types = frozenset({"session.update", "transcription_session.update"})
    needs = frozenset({Sight.APP, Sight.SETTINGS})

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._seq = 0

    def apply(self, event: Event, state: SessionState) -> None:
        """Note for which directions the app named a format."""
        if event.direction is not Direction.CLIENT:
            return
        audio = object_at(in_ga(object_at(event.body or {}, "session")), "audio")
        for side in ("input", "output"):
            if "format" in object_at(audio, side):
                self._named.add(side)
                self._seq = event.seq

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report one G.711 direction beside a PCM one that the app did not name."""
        state = moment.state
        session = state.session
        forms = {"input": session.input_format, "output": session.output_format}
        if len(self._named) != 1 or not _is_spoken(session.config) or session.kind != "realtime":
            return
        [side] = self._named
        other = "output" if side == "input" else "input"
        if forms[side].encoding == "pcm16" or forms[other].encoding != "pcm16":
            return
        means = (
            f"your input is read as {named_format(forms['input'])}"
            if side == "output"
            else f"the answers come as {named_format(forms['output'])}"
        )
        yield self.found(
            Severity.WARNING,
            (self._seq, session.confirmed_seq),
            f"only the {side} is {PCM_LIKE[forms[side].encoding]} ({ref(self._seq)}); {means}",
            session_update(
                state,
                {
                    f"audio.{one}.format": {"type": PCM_LIKE[forms[side].encoding]}
                    for one in ("input", "output")
                },
            ),
            Confidence.LIKELY,
        )


def _is_spoken(config: Body) -> bool:
    return bool(config.get("output_modalities", config.get("modalities")) != ["text"])


RULES: tuple[type[LintRule], ...] = (InputRate, AudioBacklog, OneSidedFormat)
"""Rules about the user's sound."""
