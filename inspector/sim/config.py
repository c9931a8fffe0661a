"""The effective session object: its defaults by model, and what an update does to it."""

from __future__ import annotations

import copy
from typing import Any

from inspector.core.formats import PCM16_24K, AudioFormat, audio_format
from inspector.sim.refusals import model_locked, voice_locked, wrong_session_kind

Json = dict[str, Any]

DEFAULT_INSTRUCTIONS = (
    "Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI. This session is simulated: "
    "answers come from simple rules, not from a model."
)
_TURN_DETECTION: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_TRANSCRIPTION: Json = {"model": None, "language": None, "prompt": None}


def realtime_session(session_id: str, model: str, expires_at: int) -> Json:
    """Return the session object of a new realtime session, in the server's key order."""
    is_21 = model.startswith("gpt-realtime-2.1")
    detection = {**_TURN_DETECTION, "silence_duration_ms": 500 if is_21 else 200}
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
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": detection,
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "voice": "marin" if is_21 else "alloy",
                "speed": 1.0,
            },
        },
        "include": None,
    }


def transcription_session(session_id: str, expires_at: int) -> Json:
    """Return the session object of a new transcription session."""
    detection = {
        name: _TURN_DETECTION[name]
        for name in ("type", "threshold", "prefix_padding_ms", "silence_duration_ms")
    }
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": session_id,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": detection,
            }
        },
        "include": None,
    }


class SessionConfig:
    """The effective session, changed only by whole, accepted updates."""

    def __init__(self, effective: Json) -> None:
        self.effective = effective
        self.has_spoken = False
        """True once assistant audio was sent: the voice is fixed from then on."""

    @property
    def is_realtime(self) -> bool:
        """Tell whether the session answers (and does not only transcribe)."""
        return bool(self.effective["type"] == "realtime")

    @property
    def input(self) -> Json:
        """Return ``audio.input``."""
        found: Json = self.effective["audio"]["input"]
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
        kind = change.get("type")
        if kind != self.effective["type"]:
            raise wrong_session_kind(str(kind))
        if change.get("model", self.effective.get("model")) != self.effective.get("model"):
            raise model_locked()
        voice = change.get("audio", {}).get("output", {}).get("voice")
        if (
            voice is not None
            and self.has_spoken
            and voice != self.effective["audio"]["output"]["voice"]
        ):
            raise voice_locked()
        merged = copy.deepcopy(self.effective)
        _merge(merged, copy.deepcopy(change))
        _fill_in(merged["audio"]["input"])
        self.effective = merged


_REPLACED = frozenset(
    {
        "format",
        "turn_detection",
        "transcription",
        "tools",
        "tool_choice",
        "voice",
        "prompt",
        "tracing",
    }
)
"""Members that an update replaces whole; every other object merges."""


def _merge(target: Json, change: Json) -> None:
    for name, value in change.items():
        current = target.get(name)
        if isinstance(value, dict) and isinstance(current, dict) and name not in _REPLACED:
            _merge(current, value)
        else:
            target[name] = value


def _fill_in(audio_input: Json) -> None:
    """Complete what an update named only in part, as the server echoes it."""
    detection = audio_input["turn_detection"]
    if isinstance(detection, dict):
        defaults = _SEMANTIC if detection.get("type") == "semantic_vad" else _TURN_DETECTION
        audio_input["turn_detection"] = {**defaults, **detection}
    transcription = audio_input["transcription"]
    if isinstance(transcription, dict):
        audio_input["transcription"] = {
            **_TRANSCRIPTION,
            **{k: v for k, v in transcription.items() if k != "delay"},
        }
