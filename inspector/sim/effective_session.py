"""The effective session object: its defaults by model, and what an update does to it."""

from __future__ import annotations

import copy
from typing import Any

from inspector.core.audio_formats import PCM16_24K, AudioFormat, audio_format
from inspector.sim.refusals import (
    model_locked,
    no_turn_detection,
    tracing_locked,
    voice_locked,
    wrong_session_kind,
)
from inspector.sim.server_outbox import Json

DEFAULT_INSTRUCTIONS = (
    "Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI. This session is simulated by "
    "Realtime Inspector."
)
_SERVER_VAD: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
STREAMING_TRANSCRIBERS = ("gpt-live-transcribe", "gpt-realtime-whisper")
"""Prefixes of the models that send words before the commit, and that know no turns in a transcription session."""
_TRANSCRIPTION: Json = {"model": None, "language": None, "prompt": None}
_REPLACED = frozenset(
    {"format", "tools", "tool_choice", "voice", "prompt", "tracing", "truncation"}
)
"""Members that an update replaces whole; every other object merges."""
_TOOL_KEYS = ("type", "name", "description", "parameters")
"""A function tool comes back in this order, whatever the client's."""
_SECRETS = ("authorization", "headers")
"""Members of an MCP tool that do not come back."""


DEFAULT_MODEL = "gpt-realtime"


def new_session(kind: str, session_id: str, model: str, expires_at: int) -> Json:
    """Return the session object of a new session of any kind."""
    if kind == "transcription":
        return transcription_session(session_id, expires_at)
    if kind == "translation":
        return translation_session(session_id, model or "gpt-realtime-translate", expires_at)
    return realtime_session(session_id, model or DEFAULT_MODEL, expires_at)


def realtime_session(session_id: str, model: str, expires_at: int) -> Json:
    """Return the session object of a new realtime session, in the server's key order."""
    is_21 = model.startswith("gpt-realtime-2.1")
    detection = {**_SERVER_VAD, "silence_duration_ms": 500 if is_21 else 200}
    output = {"format": _pcm(), "voice": "marin" if is_21 else "alloy", "speed": 1.0}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": DEFAULT_INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {"input": _audio_input(detection), "output": output},
        "include": None,
    }


def transcription_session(session_id: str, expires_at: int) -> Json:
    """Return the session object of a new transcription session."""
    named = ("type", "threshold", "prefix_padding_ms", "silence_duration_ms")
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": session_id,
        "expires_at": expires_at,
        "audio": {"input": _audio_input({name: _SERVER_VAD[name] for name in named})},
        "include": None,
    }


def translation_session(session_id: str, model: str, expires_at: int) -> Json:
    """Return the session object of a new translation session."""
    return {
        "id": session_id,
        "type": "translation",
        "model": model,
        "audio": {
            "input": {"transcription": None, "noise_reduction": None},
            "output": {"language": None},
        },
        "expires_at": expires_at,
    }


def _pcm() -> Json:
    return {"type": "audio/pcm", "rate": 24000}


def _audio_input(detection: Json) -> Json:
    return {
        "format": _pcm(),
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": detection,
    }


class EffectiveSession:
    """The session as it is in force, changed only by whole, accepted updates."""

    def __init__(self, object_: Json) -> None:
        self.object = object_
        """What ``session.created`` and ``session.updated`` carry."""
        self.spoken_voice: object = None
        """The voice of the assistant audio in the conversation: fixed from then on; None before."""
        self.delay = ""
        """How long a streaming transcription may wait, which the server does not echo; ``""`` for its default."""
        self._defaults = copy.deepcopy(object_)

    @property
    def is_realtime(self) -> bool:
        """Tell whether the session answers (and does not only transcribe)."""
        return bool(self.object["type"] == "realtime")

    @property
    def is_translation(self) -> bool:
        """Tell whether the session translates what it hears."""
        return bool(self.object["type"] == "translation")

    @property
    def has_phases(self) -> bool:
        """Tell whether the model marks its messages ``commentary`` or ``final_answer``."""
        return str(self.object.get("model", "")).startswith("gpt-realtime-2")

    @property
    def input(self) -> Json:
        """Return ``audio.input``."""
        found: Json = self.object["audio"]["input"]
        return found

    @property
    def output(self) -> Json:
        """Return ``audio.output``; empty in a transcription session."""
        found: Json = self.object["audio"].get("output", {})
        return found

    @property
    def input_format(self) -> AudioFormat:
        """Return the format of appended audio."""
        return audio_format(self.input["format"]) or PCM16_24K

    @property
    def turn_detection(self) -> Json | None:
        """Return the turn detection, None for push-to-talk."""
        found: Json | None = self.input["turn_detection"]
        return found

    def update(self, change: Json) -> None:
        """Merge an update in.

        Raises:
            Refusal: nothing of it was taken.
        """
        if not self.is_translation:
            self._check_locks(change)
        merged = copy.deepcopy(self.object)
        _merge(merged, copy.deepcopy(change))
        if self.is_translation:
            self.object = merged
            return
        if merged.get("instructions") == "":  # a recording: the server's own text is back in force
            merged["instructions"] = self._defaults["instructions"]
        if "tools" in merged:
            merged["tools"] = [_ordered(tool) for tool in merged["tools"]]
        if not self.is_realtime:
            _without_turns(merged["audio"]["input"], change)
        self._fill_in(merged["audio"]["input"])
        _fill_in_format(merged["audio"].get("output", {}))
        self.object = merged

    def _check_locks(self, change: Json) -> None:
        if change.get("type") != self.object["type"]:
            raise wrong_session_kind(str(change.get("type")))
        if change.get("model", self.object.get("model")) != self.object.get("model"):
            raise model_locked()
        tracing = self.object.get("tracing")
        if tracing is not None and change.get("tracing", tracing) != tracing:
            raise tracing_locked()
        self.check_voice(change)

    def check_voice(self, change: Json) -> None:
        """Make sure that an update, or a response in the conversation, keeps the voice that was heard.

        Raises:
            Refusal: it asks for another one.
        """
        voice = change.get("audio", {}).get("output", {}).get("voice")
        if voice is not None and self.spoken_voice is not None and voice != self.spoken_voice:
            raise voice_locked()

    def _fill_in(self, audio_input: Json) -> None:
        """Complete what an update named only in part, as the server echoes it."""
        _fill_in_format(audio_input)
        detection = audio_input["turn_detection"]
        if detection is not None:
            usual = self._defaults["audio"]["input"]["turn_detection"] or _SERVER_VAD
            defaults = usual if detection["type"] == "server_vad" else _SEMANTIC_VAD
            audio_input["turn_detection"] = {**defaults, **detection}
        transcription = audio_input["transcription"]
        if transcription is not None:
            if "delay" in transcription:
                self.delay = str(transcription["delay"])
            echoed = {key: value for key, value in transcription.items() if key != "delay"}
            audio_input["transcription"] = {**_TRANSCRIPTION, **echoed}


def _without_turns(audio_input: Json, change: Json) -> None:
    """Switch turn detection off for a transcription model that has none: its client commits.

    Raises:
        Refusal: the update asks for one.
    """
    model = str((audio_input["transcription"] or {}).get("model"))
    if not model.startswith(STREAMING_TRANSCRIBERS):
        return
    if change.get("audio", {}).get("input", {}).get("turn_detection") is not None:
        raise no_turn_detection(model)
    audio_input["turn_detection"] = None


def _merge(target: Json, change: Json) -> Json:
    for name, value in change.items():
        current = target.get(name)
        if name not in _REPLACED and isinstance(value, dict) and isinstance(current, dict):
            is_same_kind = value.get("type", current.get("type")) == current.get("type")
            target[name] = _merge(current, value) if is_same_kind else value
        else:
            target[name] = value
    return target


def _fill_in_format(side: Json) -> None:
    if side.get("format", {}).get("type") == "audio/pcm":
        side["format"] = _pcm()


def _ordered(tool: dict[str, Any]) -> Json:
    if tool.get("type") != "function":
        return {key: value for key, value in tool.items() if key not in _SECRETS}
    return {key: tool[key] for key in (*_TOOL_KEYS, *tool) if key in tool}
