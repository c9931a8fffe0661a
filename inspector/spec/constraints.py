"""Limits that the API documents but the SDK's types leave out; applied when the schema is generated.

Source: the API reference's client-events page and the guides on voice activity detection and conversations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Keyed by the SDK's own type names, so that a rename in the SDK stops the generator instead of dropping a limit silently.
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
"""(definition, member) that the server lets a client clear with ``null``, although the SDK's type excludes it."""

ALSO_ACCEPTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("RealtimeReasoningParam", "effort"): ("none",),
}
"""(definition, member) to enum values that the server accepts and the SDK's type does not list."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "RealtimeFunctionToolParam": ("name", "type"),
}
"""Definition to members that the server requires and the SDK types as optional."""

NOT_REQUIRED = (
    ("RealtimeMcpApprovalResponseParam", "id"),
    ("RealtimeMcpApprovalRequestParam", "id"),
    ("RealtimeMcpToolCallParam", "id"),
)
"""(definition, member) that the SDK requires and the server does not: it generates missing item ids."""

PARTS: Mapping[str, Mapping[str, str]] = {
    "realtime_conversation_item_system_message_param__Content": {"input_text": "text"},
    "realtime_conversation_item_user_message_param__Content": {
        "input_text": "text",
        "input_audio": "audio",
        "input_image": "image_url",
    },
    "realtime_conversation_item_assistant_message_param__Content": {
        "output_text": "text",
        # Seen in recorded sessions: an assistant's audio cannot be sent back, only its text.
        "output_audio": "text",
    },
}
"""Definition of a content part to its types and the member that each requires; the SDK types all of them as optional."""

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
"""Schema of a reference to a conversation item, and the (definition, member) that may list one; the SDK has no type for it."""
