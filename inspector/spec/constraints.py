"""Bounds that the API's documents state and the SDK's types do not, applied when the schema is generated.

Source: the API reference's client-events page and the guides on voice activity detection and conversations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONSTRAINTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("RealtimeAudioConfigOutputParam", "speed"): {"minimum": 0.25, "maximum": 1.5},
    ("ServerVad", "threshold"): {"minimum": 0, "maximum": 1},
    ("ServerVad", "prefix_padding_ms"): {"minimum": 0},
    ("ServerVad", "silence_duration_ms"): {"minimum": 0},
    ("ServerVad", "idle_timeout_ms"): {"minimum": 5000, "maximum": 30000},
    ("AudioPCM", "rate"): {"minimum": 24000, "maximum": 24000},
    ("RealtimeSessionCreateRequestParam", "max_output_tokens"): {"minimum": 1, "maximum": 4096},
    ("RealtimeResponseCreateParamsParam", "max_output_tokens"): {"minimum": 1, "maximum": 4096},
    ("RealtimeTruncationRetentionRatioParam", "retention_ratio"): {"minimum": 0, "maximum": 1},
}
"""(definition, member) to the JSON Schema keywords that bound it."""

NULLABLE = (
    ("RealtimeAudioConfigInputParam", "noise_reduction"),
    ("RealtimeAudioConfigInputParam", "transcription"),
    ("RealtimeTranscriptionSessionAudioInputParam", "noise_reduction"),
    ("RealtimeTranscriptionSessionAudioInputParam", "transcription"),
    ("RealtimeSessionCreateRequestParam", "include"),
)
"""(definition, member) where the server takes ``null`` to clear a setting, although the type does not say so."""

ALSO_ACCEPTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("RealtimeReasoningParam", "effort"): ("none",),
}
"""(definition, member) to enum values that the server takes and the type does not list."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "realtime_conversation_item_assistant_message_param__Content": ("text",),
}
"""Definition to members that the server insists on (assistant history is taken as text only)."""
