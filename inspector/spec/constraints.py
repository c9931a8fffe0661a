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
    "RealtimeFunctionToolParam": ("name", "type"),
}
"""Definition to members that the server insists on."""

NOT_REQUIRED = (
    ("RealtimeMcpApprovalResponseParam", "id"),
    ("RealtimeMcpApprovalRequestParam", "id"),
    ("RealtimeMcpToolCallParam", "id"),
)
"""(definition, member) that the server does without: it makes up ids of items."""

PARTS: Mapping[str, Mapping[str, str]] = {
    "realtime_conversation_item_system_message_param__Content": {"input_text": "text"},
    "realtime_conversation_item_user_message_param__Content": {
        "input_text": "text",
        "input_audio": "audio",
        "input_image": "image_url",
    },
    "realtime_conversation_item_assistant_message_param__Content": {
        "output_text": "text",
        "output_audio": "text",  # recorded: the model's audio cannot be put back, only its words
    },
}
"""Definition of a content part, to its types and the member that each needs; the SDK types them all as optional."""

REFERENCE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"enum": ["item_reference"], "type": "string"},
    },
    "required": ["id", "type"],
    "additionalProperties": False,
}
REFERRING = ("RealtimeResponseCreateParamsParam", "input")
"""An item of the conversation by its id, and the (definition, member) whose list may hold one; the SDK has no such type."""
