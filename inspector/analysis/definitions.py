"""What each figure of a turn, and of a session's sound, means, defined once for ``--explain``, the screen's help and the README."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """Definition of one figure."""

    name: str
    """Name in JSON, which ends with the unit."""
    title: str
    """Name on the screen."""
    formula: str
    """Computed from marks or other figures."""
    owner: str
    """Whose time it is."""
    unit: str = "ms"
    """Unit of the figure."""
    also: Mapping[str, str] | None = None
    """Its name in other tools, by tool."""
    note: str = ""
    """A hint for reading it."""
    is_anchored: bool = False
    """True if it counts from the end of the user's input; values with different anchors are never averaged."""


MARKS: Mapping[str, str] = {
    "U1": "end of the user's speech: detected in the appended audio (measured), or speech_stopped less silence_duration_ms "
    "(derived), or the event that stands for it (event)",
    "S": "input_audio_buffer.speech_stopped",
    "C": "input_audio_buffer.committed",
    "R": "response.created",
    "T": "first delta of text or transcript",
    "A": "first delta of audio with bytes",
    "H": "first audible sample: RMS without its mean over -40 dBFS in windows of 10 ms, for at least 50 ms, in the first 3 s",
    "P": "playback begins: inspector.playing (measured), or the later of A and the end of the previous audio (estimated)",
    "D": "response.done",
}
"""The marks by their letters."""

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "voice_to_voice_ms",
        "voice to voice",
        "(P + leading silence) - U1",
        "sum of the parts",
        also={
            "LiveKit": "e2e_latency",
            "Retell": "latency.e2e",
            "Vapi": "voice-to-voice",
            "Pipecat": "user-bot latency",
        },
        note="LangSmith and OpenInference count from speech_stopped to the first audio delta, which is too low by the silence setting.",
        is_anchored=True,
    ),
    Definition(
        "wait_ms",
        "wait",
        "the first thing the user hears or reads - what it answers",
        "sum of the parts",
        note="For turns of every kind: voice to voice where the user spoke and heard an answer; a text turn counts from its item, a "
        "tool follow-up from the call's arguments, a greeting from session.updated.",
        is_anchored=True,
    ),
    Definition(
        "first_sound_ms",
        "first sound",
        "A - U1",
        "sum of the parts up to the first delta of audio",
        note="Measured on the wire; leading silence and playback are not included.",
        is_anchored=True,
    ),
    Definition(
        "endpointing_ms",
        "endpointing",
        "S - U1",
        "setting:audio.input.turn_detection.silence_duration_ms (its value), server (the rest)",
        also={
            "LiveKit": "end_of_turn_delay",
            "Pipecat": "endpointing_wait",
            "Vapi": "endpointingLatency",
        },
        is_anchored=True,
    ),
    Definition("commit_ms", "commit", "C - S; C - the app's commit under push to talk", "server"),
    Definition(
        "response_start_ms",
        "response start",
        "R - C; R - response.create where the app asks later",
        "server; the app until its response.create",
    ),
    Definition(
        "tool_ms",
        "tools",
        "response.function_call_arguments.done to function_call_output, the slowest of each round",
        "app, tool:NAME",
    ),
    Definition(
        "first_delta_ms",
        "first delta",
        "min(T, A) - R",
        "model (its reasoning effort is named)",
        also={"LiveKit": "ttft"},
    ),
    Definition("first_audio_ms", "first audio", "A - R", "model"),
    Definition("leading_silence_ms", "leading silence", "H - A, in samples of the item", "model"),
    Definition("playout_ms", "playout", "P - A", "app, device"),
    Definition("generation_ms", "generation", "D - R", "model"),
    Definition(
        "burst",
        "burst",
        "ms of audio received / (D - A)",
        "model",
        unit="×",
        note="Above 1 the audio arrives faster than it plays; below 1 it will stutter.",
    ),
    Definition(
        "transcription_ms",
        "transcription",
        "conversation.item.input_audio_transcription.completed - U1",
        "transcriber",
        note="Runs in parallel; not part of the wait.",
        is_anchored=True,
    ),
    Definition(
        "barge_in_stop_ms",
        "barge-in stop",
        "last sample played - onset of the user's speech",
        "app",
        note="The onset is speech_started; the last sample is inspector.played, or else the app's own truncate or cancel.",
    ),
    Definition(
        "first_greeting_ms",
        "first greeting",
        "first audible sample - session.updated",
        "model",
        note="Where the model speaks first.",
    ),
)
"""All figures of a turn, in reading order."""
BY_NAME: Mapping[str, Definition] = {each.name: each for each in DEFINITIONS}

_SENDER = "app (microphone), server (answers)"
SOUND_DEFINITIONS: tuple[Definition, ...] = (
    Definition("events", "events", "appends, or deltas with audio", _SENDER, unit=""),
    Definition("size_bytes", "bytes", "decoded size of all of them", _SENDER, unit="bytes"),
    Definition(
        "audio_ms",
        "audio",
        "bytes / (bytes per ms of the declared format), without refused appends",
        _SENDER,
        note="The audio clock: audio_start_ms and audio_end_ms of the server are on the microphone's.",
    ),
    Definition(
        "wall_ms",
        "time",
        "time of the last event - that of the first, plus the first one's audio",
        _SENDER,
    ),
    Definition(
        "speed",
        "speed",
        "audio / time, pauses included",
        _SENDER,
        unit="×",
        note="A live microphone has 1. Less is a backlog, a wrong rate, or a microphone that was off.",
    ),
    Definition(
        "delta_mean_ms",
        "delta, mean",
        "mean time from one event to the next; after 600 ms it is a pause and does not count",
        _SENDER,
        also={"Wireshark": "Mean Delta"},
    ),
    Definition(
        "delta_max_ms",
        "delta, max",
        "longest time from one event to the next that is not a pause",
        _SENDER,
        also={"Wireshark": "Max Delta"},
    ),
    Definition(
        "jitter_mean_ms",
        "jitter, mean",
        "mean of the running jitter: j += (|delta - audio of the event| - j) / 16",
        _SENDER,
        also={"Wireshark": "Mean Jitter", "RFC 3550": "section 6.4.1"},
        note="The end of an event's audio is its timestamp, since sound is sent after it was recorded.",
    ),
    Definition(
        "jitter_max_ms",
        "jitter, max",
        "highest value of the running jitter",
        _SENDER,
        also={"Wireshark": "Max Jitter"},
    ),
    Definition(
        "skew_ms",
        "skew",
        "audio sent - time passed since the last pause, where it is largest",
        _SENDER,
        also={"Wireshark": "Max Skew"},
        note="Negative: the audio is behind the clock.",
    ),
    Definition(
        "drift_ppm",
        "drift",
        "slope of audio over time by linear regression, less 1, in parts per million; ± two standard errors",
        _SENDER,
        unit="ppm",
        also={"Wireshark": "Freq Drift"},
        note="Two sound cards differ by up to 100 ppm. Thousands are timers that sleep between chunks; hundreds of thousands a wrong rate.",
    ),
    Definition(
        "gaps",
        "gaps",
        "events that came more than 60 ms later than the audio before them lasts",
        _SENDER,
        unit="",
    ),
    Definition("gap_max_ms", "gap, max", "longest of these", _SENDER),
    Definition("pauses", "pauses", "times of 600 ms and more without an event", _SENDER, unit=""),
    Definition(
        "real_rate_hz",
        "real rate",
        "declared rate × slope of audio over time",
        "app",
        unit="Hz",
        note="What the samples would have to be played at to last as long as they took to arrive.",
    ),
    Definition(
        "underruns",
        "underruns",
        "gaps in what was heard of answers, because their audio had not arrived",
        "server, network",
        unit="",
        note="Measured where this program played; else estimated for a player that buffers 60 ms.",
    ),
    Definition("underrun_ms", "underruns, sum", "silence in all of these", "server, network"),
    Definition(
        "level_dbfs",
        "level",
        "RMS of all samples without the mean of each 10 ms; 0 is a full-scale square wave",
        _SENDER,
        unit="dBFS",
    ),
    Definition(
        "speech_dbfs",
        "level, without silence",
        "the same over the frames of 10 ms that are above -50 dBFS",
        _SENDER,
        unit="dBFS",
        note="Speech at -30 to -15 dBFS is well levelled; below -45 dBFS turn detection and transcription suffer.",
    ),
    Definition(
        "noise_dbfs",
        "noise",
        "level that the faintest tenth of the frames do not exceed",
        _SENDER,
        unit="dBFS",
    ),
    Definition("peak_dbfs", "peak", "largest sample", _SENDER, unit="dBFS"),
    Definition(
        "dc_offset",
        "DC offset",
        "mean of all samples / full scale",
        _SENDER,
        unit="%",
        note="More than 1 % is a faulty sound card, or bytes in another encoding.",
    ),
    Definition("clipped", "clipping", "samples at full scale / all samples", _SENDER, unit="%"),
    Definition("silence", "silence", "frames below -50 dBFS / all frames", _SENDER, unit="%"),
    Definition(
        "digital_silence",
        "digital silence",
        "frames whose samples are all equal / all frames",
        _SENDER,
        unit="%",
        note="A muted microphone, or a gate in front of it; no room is so quiet.",
    ),
    Definition(
        "bandwidth_hz",
        "bandwidth",
        "frequency above which the mean spectrum of speech is 60 dB below its peak",
        _SENDER,
        unit="Hz",
        note="4,000 Hz at a rate of 24 kHz is telephone sound that was resampled.",
    ),
    Definition(
        "encoding",
        "encoding",
        "votes of pieces of 1,920 bytes: the encoding in which they resemble a voice; the declared one counts half a vote",
        _SENDER,
        unit="%",
        note="Faint sound and noise have no vote.",
    ),
    Definition(
        "echo_delay_ms",
        "echo, delay",
        "delay of the highest normalised cross-correlation of microphone and played answer at 4 kHz",
        "app",
        note="Certain from 12 standard deviations above the rest, likely from 7. Where playback is estimated, the delay is too.",
    ),
    Definition(
        "echo_level_db",
        "echo, level",
        "level of the answer in the microphone - level of the answer",
        "app",
        unit="dB",
        note="Above -30 dB turn detection hears it: echo cancellation, headphones, noise_reduction, or a higher threshold.",
    ),
)
"""The figures of the sound of a session, in reading order; ``leading_silence_ms`` is a figure of turns as well."""
SOUND_BY_NAME: Mapping[str, Definition] = {
    **{each.name: each for each in SOUND_DEFINITIONS},
    "leading_silence_ms": BY_NAME["leading_silence_ms"],
}
EVERY_DEFINITION = (*DEFINITIONS, *SOUND_DEFINITIONS)


def found(name: str) -> list[Definition]:
    """Return the definitions that match a name: in JSON (with or without unit), on the screen, or in another tool."""
    wanted = _plain(name)
    exact = [each for each in EVERY_DEFINITION if wanted in _names(each)]
    return exact or [each for each in EVERY_DEFINITION if wanted and wanted in _plain(each.name)]


def explained(definition: Definition) -> str:
    """Return a definition as text of several lines."""
    lines = [
        f"{definition.name}: {definition.title}",
        f"  formula  {definition.formula}",
        f"  owner    {definition.owner}",
        f"  unit     {definition.unit or 'a count'}",
    ]
    if definition.also:
        others = ", ".join(f"{who} {name}" for who, name in definition.also.items())
        lines.append(f"  others   {others}")
    if definition.note:
        lines.append(f"  note     {definition.note}")
    lines += [
        f"  {letter:<8} {words}" for letter, words in MARKS.items() if _mentions(definition, letter)
    ]
    return "\n".join(lines)


def _names(definition: Definition) -> set[str]:
    others = (definition.also or {}).values()
    return {_plain(name) for name in (definition.name, definition.title, *others)}


def _plain(name: str) -> str:
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    return plain.removesuffix("_ms")


def _mentions(definition: Definition, letter: str) -> bool:
    words = definition.formula
    for sign in "()+-,;/":
        words = words.replace(sign, " ")
    return letter in words.split()
