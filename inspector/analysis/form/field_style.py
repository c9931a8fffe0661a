"""Presentation of the session's fields: order, groups, labels, units and steps. Their types and limits are in the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.analysis.form.form_field import FieldKind, Variant


@dataclass(frozen=True, slots=True)
class FieldStyle:
    """Presentation of one field."""

    group: str
    """Heading in the form."""
    label: str = ""
    """Label; ``""`` for the member's name."""
    unit: str = ""
    """Unit of a number; ``""`` for none."""
    step: float = 1
    """Increment of a number per key press."""
    kind: FieldKind | None = None
    """Overrides the kind derived from the schema."""
    variants: tuple[Variant, ...] = ()
    """Overrides the variants derived from the schema."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Schema's name of a variant to its name in the form; ``none`` is null, ``object`` an object without a type."""
    begin: Mapping[str, Any] = field(default_factory=dict)
    """Initial members of an object without a type."""


_ANSWER, _INPUT, _WORDS = "answer", "audio in", "transcription"
_TURNS, _TOOLS, _CONTEXT, _TRACE = "turn detection", "tools", "context", "diagnosis"
_OFF_ON = {"none": "off", "object": "on"}
_PCM = {"audio/pcm": "audio/pcm 24 kHz", "audio/pcmu": "audio/pcmu 8 kHz", "audio/pcma": "audio/pcma 8 kHz"}  # fmt: skip

STYLES: Mapping[str, FieldStyle] = {
    "model": FieldStyle(_ANSWER),
    "output_modalities": FieldStyle(
        _ANSWER,
        "output modalities",
        variants=(Variant("audio", ["audio"]), Variant("text", ["text"])),
    ),
    "instructions": FieldStyle(_ANSWER, kind=FieldKind.TEXT),
    "audio.output.voice": FieldStyle(_ANSWER, words={"object": "by id"}, begin={"id": "voice_"}),
    "audio.output.voice.id": FieldStyle(_ANSWER, "voice id"),
    "audio.output.speed": FieldStyle(_ANSWER, unit="×", step=0.05),
    "audio.output.language": FieldStyle(_ANSWER, "output language"),
    "audio.output.format": FieldStyle(_ANSWER, "output format", words=_PCM),
    "max_output_tokens": FieldStyle(_ANSWER, "max output tokens", unit="tokens or inf", step=64),
    "reasoning.effort": FieldStyle(_ANSWER, "reasoning effort"),
    "audio.input.format": FieldStyle(_INPUT, "input format", words=_PCM),
    "audio.input.noise_reduction": FieldStyle(_INPUT, "noise reduction"),
    "audio.input.noise_reduction.strength": FieldStyle(_INPUT, "strength", step=0.1),
    "audio.input.transcription": FieldStyle(
        _WORDS, words=_OFF_ON, begin={"model": "gpt-transcribe"}
    ),
    "audio.input.transcription.model": FieldStyle(_WORDS),
    "audio.input.transcription.language": FieldStyle(_WORDS),
    "audio.input.transcription.languages": FieldStyle(_WORDS),
    "audio.input.transcription.keywords": FieldStyle(_WORDS),
    "audio.input.transcription.prompt": FieldStyle(_WORDS),
    "audio.input.transcription.delay": FieldStyle(_WORDS),
    "audio.input.turn_detection": FieldStyle(_TURNS),
    "audio.input.turn_detection.threshold": FieldStyle(_TURNS, step=0.05),
    "audio.input.turn_detection.prefix_padding_ms": FieldStyle(_TURNS, "prefix padding", "ms", 50),
    "audio.input.turn_detection.silence_duration_ms": FieldStyle(_TURNS, "silence", "ms", 50),
    "audio.input.turn_detection.idle_timeout_ms": FieldStyle(_TURNS, "idle timeout", "ms", 1000),
    "audio.input.turn_detection.eagerness": FieldStyle(_TURNS),
    "audio.input.turn_detection.create_response": FieldStyle(_TURNS, "create response"),
    "audio.input.turn_detection.interrupt_response": FieldStyle(_TURNS, "interrupt response"),
    "tools": FieldStyle(_TOOLS, kind=FieldKind.JSON),
    "tool_choice": FieldStyle(_TOOLS, "tool choice"),
    "tool_choice.server_label": FieldStyle(_TOOLS, "server label"),
    "tool_choice.name": FieldStyle(_TOOLS, "tool name"),
    "parallel_tool_calls": FieldStyle(_TOOLS, "parallel tool calls"),
    "truncation": FieldStyle(_CONTEXT, begin={"retention_ratio": 0.8}),
    "truncation.retention_ratio": FieldStyle(_CONTEXT, "retention ratio", step=0.05),
    "truncation.token_limits.post_instructions": FieldStyle(
        _CONTEXT, "token limit", "tokens", 1000
    ),
    "prompt": FieldStyle(_CONTEXT, "stored prompt", words=_OFF_ON, begin={"id": "pmpt_"}),
    "prompt.id": FieldStyle(_CONTEXT, "prompt id"),
    "prompt.version": FieldStyle(_CONTEXT, "prompt version"),
    "prompt.variables": FieldStyle(_CONTEXT, "prompt variables", kind=FieldKind.JSON),
    "tracing": FieldStyle(_TRACE, words={"none": "off", "object": "named"}),
    "tracing.workflow_name": FieldStyle(_TRACE, "workflow name"),
    "tracing.group_id": FieldStyle(_TRACE, "group id"),
    "tracing.metadata": FieldStyle(_TRACE, "trace metadata", kind=FieldKind.JSON),
    "include": FieldStyle(_TRACE),
}
"""Field path (with dots, from the session object) to its style, in the order of the form."""
