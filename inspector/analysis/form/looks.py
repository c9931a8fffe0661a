"""How the fields of a session look: their order, groups, labels, units and steps. What they may hold is in the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.analysis.form.fields import Kind, Variant


@dataclass(frozen=True, slots=True)
class Look:
    """What the schema does not say of a field."""

    group: str
    """The heading that it stands under."""
    label: str = ""
    """Empty: the member's name."""
    unit: str = ""
    """Of a number; ``""`` for none."""
    step: float = 1
    """How far a number moves at once."""
    kind: Kind | None = None
    """In place of the kind that the schema leads to."""
    variants: tuple[Variant, ...] = ()
    """In place of those that the schema leads to."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What a variant is called in the form, by the schema's name; ``none`` is null, ``object`` an object without a type."""
    begin: Mapping[str, Any] = field(default_factory=dict)
    """What an object without a type begins with."""


_ANSWER, _INPUT, _WORDS = "answer", "audio in", "transcription"
_TURNS, _TOOLS, _CONTEXT, _TRACE = "turn detection", "tools", "context", "diagnosis"
_OFF_ON = {"none": "off", "object": "on"}
_PCM = {"audio/pcm": "audio/pcm 24 kHz", "audio/pcmu": "audio/pcmu 8 kHz", "audio/pcma": "audio/pcma 8 kHz"}  # fmt: skip

LOOKS: Mapping[str, Look] = {
    "model": Look(_ANSWER),
    "output_modalities": Look(
        _ANSWER,
        "output modalities",
        variants=(Variant("audio", ["audio"]), Variant("text", ["text"])),
    ),
    "instructions": Look(_ANSWER, kind=Kind.TEXT),
    "audio.output.voice": Look(_ANSWER, words={"object": "by id"}, begin={"id": "voice_"}),
    "audio.output.voice.id": Look(_ANSWER, "voice id"),
    "audio.output.speed": Look(_ANSWER, unit="×", step=0.05),
    "audio.output.language": Look(_ANSWER, "output language"),
    "audio.output.format": Look(_ANSWER, "output format", words=_PCM),
    "max_output_tokens": Look(_ANSWER, "max output tokens", unit="tokens or inf", step=64),
    "reasoning.effort": Look(_ANSWER, "reasoning effort"),
    "audio.input.format": Look(_INPUT, "input format", words=_PCM),
    "audio.input.noise_reduction": Look(_INPUT, "noise reduction"),
    "audio.input.noise_reduction.strength": Look(_INPUT, "strength", step=0.1),
    "audio.input.transcription": Look(_WORDS, words=_OFF_ON, begin={"model": "gpt-transcribe"}),
    "audio.input.transcription.model": Look(_WORDS),
    "audio.input.transcription.language": Look(_WORDS),
    "audio.input.transcription.languages": Look(_WORDS),
    "audio.input.transcription.keywords": Look(_WORDS),
    "audio.input.transcription.prompt": Look(_WORDS),
    "audio.input.transcription.delay": Look(_WORDS),
    "audio.input.turn_detection": Look(_TURNS),
    "audio.input.turn_detection.threshold": Look(_TURNS, step=0.05),
    "audio.input.turn_detection.prefix_padding_ms": Look(_TURNS, "prefix padding", "ms", 50),
    "audio.input.turn_detection.silence_duration_ms": Look(_TURNS, "silence", "ms", 50),
    "audio.input.turn_detection.idle_timeout_ms": Look(_TURNS, "idle timeout", "ms", 1000),
    "audio.input.turn_detection.eagerness": Look(_TURNS),
    "audio.input.turn_detection.create_response": Look(_TURNS, "create response"),
    "audio.input.turn_detection.interrupt_response": Look(_TURNS, "interrupt response"),
    "tools": Look(_TOOLS, kind=Kind.JSON),
    "tool_choice": Look(_TOOLS, "tool choice"),
    "tool_choice.server_label": Look(_TOOLS, "server label"),
    "tool_choice.name": Look(_TOOLS, "tool name"),
    "parallel_tool_calls": Look(_TOOLS, "parallel tool calls"),
    "truncation": Look(_CONTEXT, begin={"retention_ratio": 0.8}),
    "truncation.retention_ratio": Look(_CONTEXT, "retention ratio", step=0.05),
    "truncation.token_limits.post_instructions": Look(_CONTEXT, "token limit", "tokens", 1000),
    "prompt": Look(_CONTEXT, "stored prompt", words=_OFF_ON, begin={"id": "pmpt_"}),
    "prompt.id": Look(_CONTEXT, "prompt id"),
    "prompt.version": Look(_CONTEXT, "prompt version"),
    "prompt.variables": Look(_CONTEXT, "prompt variables", kind=Kind.JSON),
    "tracing": Look(_TRACE, words={"none": "off", "object": "named"}),
    "tracing.workflow_name": Look(_TRACE, "workflow name"),
    "tracing.group_id": Look(_TRACE, "group id"),
    "tracing.metadata": Look(_TRACE, "trace metadata", kind=Kind.JSON),
    "include": Look(_TRACE),
}
"""Path of a field (with dots, from the session) to its look, in the order of the form."""
