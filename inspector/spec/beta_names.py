"""The beta API's field and event names with their GA names.

Source: "Beta to GA migration" in the guide at https://platform.openai.com/docs/guides/realtime, and recorded sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspector.spec.events import EVENT_TYPES

GA_FIELDS: Mapping[str, str] = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "max_response_output_tokens": "max_output_tokens",
    "temperature": "nothing: it was removed",
}
"""Field of a beta session or response to its GA name."""

GA_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
"""Audio format of the beta to its GA object."""

GA_NAMES: Mapping[str, str] = {
    **GA_FIELDS,
    **{name: " + ".join(row.ga) for name, row in EVENT_TYPES.items() if row.ga},
}
"""Beta field or event type to its GA name."""
