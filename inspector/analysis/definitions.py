"""What each figure of a turn means, defined once for ``--explain``, the screen's help and the README."""

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


def found(name: str) -> list[Definition]:
    """Return the definitions that match a name: in JSON (with or without unit), on the screen, or in another tool."""
    wanted = _plain(name)
    exact = [each for each in DEFINITIONS if wanted in _names(each)]
    return exact or [each for each in DEFINITIONS if wanted and wanted in _plain(each.name)]


def explained(definition: Definition) -> str:
    """Return a definition as text of several lines."""
    lines = [
        f"{definition.name}: {definition.title}",
        f"  formula  {definition.formula}",
        f"  owner    {definition.owner}",
        f"  unit     {definition.unit}",
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
