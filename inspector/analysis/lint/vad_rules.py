"""Rules about turn detection: speech that it never hears, or never hears the end of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import ref, seconds, session_update
from inspector.analysis.lint.reference_links import VAD
from inspector.analysis.lint.sound_in_rules import named_format
from inspector.analysis.lint.visibility import Sight
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.turn_counter import SPEECH_STARTED
from inspector.core.units import NS_PER_MS

LEAST_OPEN_MS = 3000.0
"""Speech that is open for less is nothing to explain."""
ENDED_MS = 2000.0
"""Time without appends: live microphones send every 10 to 500 ms, and no silence setting is longer."""
LONG_ENDED_MS = 4000.0
"""By then the user waits for an answer; before that he may just have hung up."""
SLOW_CLOCK = 0.6
STEADY_OPEN_MS = 15_000.0
STEADY_FRAMES = 80
MOST_STEADY_DB = 8
"""Speech goes up and down by 20 dB within a second; a fan or traffic does not."""


class VadOpenForever(LintRule):
    """Speech that turn detection heard begin, and not end."""

    id = "vad-open-forever"
    title = "speech began and does not end"
    severity = Severity.ERROR
    why = (
        "Turn detection ends a turn when it has received silence_duration_ms of silence, counted in bytes. An app that stops "
        "sending, sends too slowly, or sends steady noise never ends the turn, and no answer comes."
    )
    links = (
        VAD,
        "https://github.com/twilio-samples/speech-assistant-openai-realtime-api-python/issues/6",
    )
    types = frozenset({SPEECH_STARTED})
    reads_appends = True
    needs = frozenset({Sight.TIMES, Sight.APP, Sight.USER_SOUND})

    def __init__(self) -> None:
        self._seq = 0

    def apply(self, event: Event, state: SessionState) -> None:
        """Note where the speech began."""
        self._seq = event.seq

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report speech that is open for too long, with the reason if it can be seen."""
        state = moment.state
        sound = state.input_audio
        open_ms = moment.waited_ms(sound.speech_started_t_ns)
        # Some recorders leave appends out.
        if not sound.speech_item_id or sound.last_append_t_ns is None:
            return
        if open_ms is None or open_ms < LEAST_OPEN_MS:
            return
        silent_ms = moment.waited_ms(sound.last_append_t_ns)
        appended = self.appended
        spoken_ms = (appended.length_ns - appended.speech_from_ns) / NS_PER_MS
        begun = f"speech has been open for {seconds(open_ms)} ({ref(self._seq)})"
        levels = appended.speech_levels
        if silent_ms is not None and silent_ms >= ENDED_MS:
            yield self.found(
                Severity.ERROR if silent_ms >= LONG_ENDED_MS else Severity.WARNING,
                (self._seq,),
                f"{begun}, and no audio was appended in the last {seconds(silent_ms)}: turn detection never receives the "
                "silence that ends the turn",
                "keep appending silence after the speech, at least silence_duration_ms of it; or turn detection off and commit",
                Confidence.LIKELY,
            )
        elif spoken_ms < SLOW_CLOCK * open_ms:
            yield self.found(
                Severity.WARNING,
                (self._seq,),
                f"{begun}, in which only {seconds(spoken_ms)} of audio came: silence takes as much longer to be heard",
                "send audio in real time, in the format that the session states",
                Confidence.LIKELY,
            )
        elif (
            open_ms >= STEADY_OPEN_MS
            and levels.frames >= STEADY_FRAMES
            and levels.quantile(0.95) - levels.quantile(0.05) <= MOST_STEADY_DB
        ):
            yield self.found(
                Severity.WARNING,
                (self._seq,),
                f"{begun}, and its level stays between {levels.quantile(0.05)} and {levels.quantile(0.95)} dBFS: steady noise "
                "keeps the turn open",
                _noise_fix(state),
                Confidence.LIKELY,
            )


def _noise_fix(state: SessionState) -> str:
    settings: dict[str, Any] = {"audio.input.noise_reduction": {"type": "near_field"}}
    if state.session.turn_detection == "server_vad":
        settings["audio.input.turn_detection"] = {**state.session.detection, "threshold": 0.7}
    return session_update(state, settings)


LEAST_QUIET_MS = 5000.0
"""In shorter sessions the user may not have spoken yet."""
SILENT_DBFS = -60
"""A microphone that is switched on picks up more noise than this."""
LOUD_DBFS, ABOVE_FLOOR_DB = -45, 12
"""Speech at a microphone is louder than this, and stands out of the room as far."""
LEAST_LOUD_MS = 2500.0
"""Of syllables: a sentence or two, and longer than a door or a cough."""


class VadNever(LintRule):
    """Sound in which turn detection heard no speech."""

    id = "vad-never"
    title = "audio is sent, and no speech is heard in it"
    severity = Severity.WARNING
    why = (
        "Without speech_started there is no turn and no answer. Either the microphone sends silence, or what it sends is not what "
        "the session's format says."
    )
    links = (
        VAD,
        "https://github.com/twilio-samples/speech-assistant-openai-realtime-api-python/issues/6",
    )
    reads_appends = True
    needs = frozenset({Sight.APP, Sight.SERVER, Sight.SETTINGS, Sight.USER_SOUND})

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report silence, or what is as loud as speech."""
        appended, state = self.appended, moment.state
        levels = appended.levels
        detection = state.session.turn_detection
        appended_ms = state.input_audio.appended_ns / NS_PER_MS
        if appended.has_speech or appended_ms < LEAST_QUIET_MS or not levels.frames:
            return
        length = seconds(appended_ms)
        seqs = (appended.first_seq, appended.last_seq)
        loudest = levels.quantile(0.99)
        if loudest < SILENT_DBFS:
            # Somebody who writes may well have muted the microphone.
            writes = any(item.role == "user" for item in state.conversation.items.values())
            # Without turn detection answers come to silence too, and the publisher of a recording may have silenced it.
            is_sure = bool(detection) and not writes
            level = "nothing but zeros" if loudest <= -100 else f"at most {loudest} dBFS"
            yield self.found(
                Severity.WARNING if is_sure else Severity.NOTE,
                seqs,
                f"{length} of audio were appended, {level}: the microphone is silent or muted",
                "check the input device, its permission and its gain; log the level of each chunk before it is sent",
                Confidence.LIKELY,
            )
            return
        floor = levels.quantile(0.1)
        loud = levels.frames_above(max(LOUD_DBFS, floor + ABOVE_FLOOR_DB))
        # One frame stands for all the audio up to the next one.
        if detection and loud * appended_ms / levels.frames >= LEAST_LOUD_MS:
            yield self.found(
                Severity.WARNING,
                seqs,
                f"{length} of audio were appended, with sound as loud as speech (up to {loudest} dBFS), and {detection} heard no "
                "speech in it",
                f"check that what is sent is {named_format(state.input_audio.format)}, mono, as the session says; then lower "
                "turn_detection.threshold",
                Confidence.LIKELY,
            )


RULES: tuple[type[LintRule], ...] = (VadOpenForever, VadNever)
"""Rules about turn detection."""
