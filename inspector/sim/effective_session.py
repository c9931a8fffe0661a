"""The effective session object: its defaults by model, and how ``session.update`` changes it.

Defaults and key order are those of recorded ``session.created`` events.
"""

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
"""Prefixes of models that transcribe before the commit; a transcription session with one has no turn detection."""
_TRANSCRIPTION: Json = {"model": None, "language": None, "prompt": None}
_REPLACED = frozenset(
    {"format", "tools", "tool_choice", "voice", "prompt", "tracing", "truncation"}
)
"""Members that an update replaces as a whole; all other objects are merged."""
_TOOL_KEYS = ("type", "name", "description", "parameters")
"""The order in which the server echoes a function tool, regardless of the client's order."""
_SECRETS = ("authorization", "headers")
"""Members of an MCP tool that the server does not echo."""


DEFAULT_MODEL = "gpt-realtime"


def new_session(kind: str, session_id: str, model: str, expires_at: int) -> Json:
    """Return the session object of a new ``realtime``, ``transcription`` or ``translation`` session."""
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
    """The settings in force. An update is applied completely or, if it is refused, not at all."""

    def __init__(self, object_: Json) -> None:
        self.object = object_
        """The ``session`` of ``session.created`` and ``session.updated``."""
        self.spoken_voice: object = None
        """The voice of assistant audio in the conversation, which can no longer change; None before there is any."""
        self.delay = ""
        """The ``delay`` of a streaming transcription, kept here because the server does not echo it; ``""`` for the default."""
        self._defaults = copy.deepcopy(object_)

    @property
    def is_realtime(self) -> bool:
        """Return True if the session can create responses."""
        return bool(self.object["type"] == "realtime")

    @property
    def is_translation(self) -> bool:
        """Return True for a translation session."""
        return bool(self.object["type"] == "translation")

    @property
    def has_phases(self) -> bool:
        """Return True if the model marks its messages as ``commentary`` or ``final_answer``."""
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
        """Return the turn detection settings; None for push to talk."""
        found: Json | None = self.input["turn_detection"]
        return found

    def update(self, change: Json) -> None:
        """Apply the ``session`` of an update.

        Raises:
            ApiRefusal: the update is not allowed; the session is unchanged.
        """
        if not self.is_translation:
            self._check_locks(change)
        # On a copy: an error below must leave the session as it was.
        merged = copy.deepcopy(self.object)
        _merge(merged, copy.deepcopy(change))
        if self.is_translation:
            self.object = merged
            return
        if (
            merged.get("instructions") == ""
        ):  # recorded: clearing restores the server's default text
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
        """Check that an update, or a response in the conversation, keeps the voice of existing audio.

        Raises:
            ApiRefusal: it sets another voice.
        """
        # Setting the same voice again is allowed, as clients send their whole configuration in each update.
        voice = change.get("audio", {}).get("output", {}).get("voice")
        if voice is not None and self.spoken_voice is not None and voice != self.spoken_voice:
            raise voice_locked()

    def _fill_in(self, audio_input: Json) -> None:
        """Add the defaults to partly specified members, as the server echoes them."""
        _fill_in_format(audio_input)
        detection = audio_input["turn_detection"]
        if detection is not None:
            # The defaults differ by model: gpt-realtime-2.1 waits 500 ms for silence, the others 200 ms.
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
    """Turn off turn detection for a streaming transcription model, whose client must commit.

    Raises:
        ApiRefusal: the update sets turn detection.
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
            # Members of server_vad must not survive in a semantic_vad object, and the other way round.
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
