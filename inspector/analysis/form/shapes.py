"""Session shapes by API and kind of session: their fields, and the form of an update.

The GA shapes come from the schema. The others are derived from them: fields are moved to their places in the beta API, and members
that a vendor adds are appended. Sources: openai-python's ``types/beta/realtime`` for the beta, the vendors' API references (Azure
Voice Live, xAI), and recorded sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from inspector.analysis.form.form_field import Condition, FieldKind, FormField, Variant
from inspector.analysis.form.generated import session_fields
from inspector.analysis.form.shape_edits import (
    changed_fields,
    moved_fields,
    own_field,
    plain_variants,
    with_variants,
)
from inspector.analysis.form.values import MemberPath
from inspector.core.dialect_evidence import BETA_KEYS, VOICE_LIVE_KEYS, XAI_KEYS, dialect_of_url
from inspector.core.read import object_at, text_at
from inspector.spec.beta_names import GA_FIELDS

Session = Mapping[str, Any]
SERVER_ONLY = frozenset(
    {"id", "object", "type", "model", "expires_at", "client_secret", "conversation_id"}
)
"""Members of a session that only the server sets; updates must not contain them."""


@dataclass(frozen=True, slots=True)
class SessionShape:
    """One shape of session objects."""

    name: str
    """One of ``SHAPES``."""
    title: str
    """Heading of the form."""
    fields: tuple[FormField, ...]
    """The fields in display order."""
    event_type: str = "session.update"
    """Type of the event that updates it."""
    session_type: str = ""
    """Required ``session.type`` of every update; ``""`` if updates have no such member."""
    is_translation: bool = False
    """True for translation sessions, whose update has a schema of its own."""
    has_schema: bool = False
    """True if whole updates can be checked against the schema."""
    fixes_voice: bool = True
    """True if the voice cannot change once the assistant has spoken."""

    def by_path(self) -> Mapping[MemberPath, FormField]:
        """Return the fields by path."""
        return {field.path: field for field in self.fields}


def shape_of(session: Session, url: str = "") -> SessionShape:
    """Return the shape of a session object; for an empty one, the shape that the address implies."""
    name = next(name for name, fits in _SIGNS if fits(session, url))  # the last entry always fits
    return shape_named(name)


@cache
def shape_named(name: str) -> SessionShape:
    """Return a shape by its name, one of ``SHAPES``."""
    return SHAPES[name]()


def with_own_members(shape: SessionShape, session: Session) -> SessionShape:
    """Return a shape with additional fields for a session's unknown members, with kinds guessed from their values."""
    known = {field.path[0] for field in shape.fields} | SERVER_ONLY
    own = tuple(_guessed(name, value) for name, value in session.items() if name not in known)
    return replace(shape, fields=(*shape.fields, *own)) if own else shape


def _guessed(name: str, value: object) -> FormField:
    kinds = {
        bool: FieldKind.SWITCH,
        int: FieldKind.NUMBER,
        float: FieldKind.NUMBER,
        str: FieldKind.LINE,
    }
    kind = kinds.get(type(value), FieldKind.JSON)
    return own_field(name, kind, is_nullable=value is None, is_whole=isinstance(value, int))


_TO_BETA = {ga: beta for beta, ga in GA_FIELDS.items() if not ga.startswith("nothing")}
_NOT_IN_BETA = frozenset({"reasoning", "parallel_tool_calls", "truncation"})
_BETA_FORMATS = plain_variants("pcm16", "g711_ulaw", "g711_alaw")
_BETA_MODALITIES = (Variant("audio and text", ["audio", "text"]), Variant("text", ["text"]))
_BETA = (
    own_field("modalities", FieldKind.CHOICE, variants=_BETA_MODALITIES),
    own_field("input_audio_format", FieldKind.CHOICE, variants=_BETA_FORMATS),
    own_field("output_audio_format", FieldKind.CHOICE, variants=_BETA_FORMATS),
    own_field("temperature", FieldKind.NUMBER, group="answer", bounds=(0.6, 1.2), step=0.05),
)
_VOICE_LIVE_TURNS = plain_variants("azure_semantic_vad", "azure_semantic_vad_en", "azure_semantic_vad_multilingual")  # fmt: skip
_ECHO = (Variant("off", None), Variant("on", {"type": "server_echo_cancellation"}))
_VOICE_LIVE = (
    own_field("modalities", FieldKind.CHOICE, variants=(Variant("audio", ["audio"]), *_BETA_MODALITIES)),
    own_field("voice", FieldKind.JSON),
    own_field("input_audio_sampling_rate", FieldKind.CHOICE, group="audio in", choices=(16000, 24000, 8000)),
    own_field("input_audio_echo_cancellation", FieldKind.CHOICE, group="audio in", variants=_ECHO),
    own_field("output_audio_timestamp_types", FieldKind.LIST, group="answer", choices=("word",), is_nullable=True),
    own_field("avatar", FieldKind.JSON, is_nullable=True),
    own_field("animation", FieldKind.JSON, is_nullable=True),
)  # fmt: skip
_VOICE_LIVE_TURN_MEMBERS = (
    own_field("turn_detection.end_of_utterance_detection", FieldKind.JSON, is_nullable=True),
    own_field(
        "turn_detection.speech_duration_ms", FieldKind.NUMBER, is_nullable=True, is_whole=True
    ),
    own_field("turn_detection.auto_truncate", FieldKind.SWITCH),
)
_XAI_RATES = (24000, 8000, 16000, 22050, 32000, 44100, 48000)
_XAI_FORMATS = (
    *(Variant(f"audio/pcm {rate:,} Hz", {"type": "audio/pcm", "rate": rate}) for rate in _XAI_RATES),
    *(Variant(f"{name} 8 kHz", {"type": name}) for name in ("audio/pcmu", "audio/pcma")),
)  # fmt: skip
_XAI_VOICES = ("ara", "rex", "sal", "eve", "leo")
_XAI = (
    own_field("voice", FieldKind.CHOICE, choices=_XAI_VOICES, is_open=True),
    own_field("audio.input.format", FieldKind.CHOICE, variants=_XAI_FORMATS),
    own_field("audio.output.format", FieldKind.CHOICE, variants=_XAI_FORMATS),
    own_field("reasoning.effort", FieldKind.CHOICE, choices=("high", "none")),
)
_NOT_IN_XAI = frozenset({"output_modalities", "truncation", "prompt", "tracing", "include"})


def _ga(kind: str) -> SessionShape:
    return SessionShape(
        kind,
        f"{kind} session",
        session_fields(kind),
        session_type="" if kind == "translation" else kind,
        is_translation=kind == "translation",
        has_schema=True,
    )


def _beta() -> SessionShape:
    moved = moved_fields(session_fields("realtime"), _TO_BETA)
    fields = changed_fields((f for f in moved if f.path != ("voice", "id")), _BETA, _NOT_IN_BETA)
    # The beta takes names of voices only, not {"id": …}.
    voice = next(field for field in fields if field.path == ("voice",))
    plain = replace(voice, variants=())
    return SessionShape("beta", "beta session", tuple(plain if f is voice else f for f in fields))


def _beta_transcription() -> SessionShape:
    fields = changed_fields(moved_fields(session_fields("transcription"), _TO_BETA), _BETA[1:2])
    return SessionShape(
        "beta transcription",
        "beta transcription session",
        fields,
        event_type="transcription_session.update",
    )


def _voice_live() -> SessionShape:
    own = changed_fields(shape_named("beta").fields, _VOICE_LIVE, frozenset({"tracing", "prompt"}))
    turns = [field for field in own if field.path[0] == "turn_detection"]
    every = frozenset({"server_vad", *(variant.name for variant in _VOICE_LIVE_TURNS)})
    widened = {field.path: _for_azure(field, every) for field in turns}
    members = tuple(
        replace(field, group=turns[0].group, when=Condition(("turn_detection",), every))
        for field in _VOICE_LIVE_TURN_MEMBERS
    )
    noise = with_variants(
        next(field for field in own if field.path == ("input_audio_noise_reduction",)),
        Variant("azure_deep", {"type": "azure_deep_noise_suppression"}),
    )
    fields = tuple(widened.get(field.path, field) for field in own)
    fields = changed_fields(fields, (noise, *members))
    return SessionShape("voice live", "Azure Voice Live session", fields, fixes_voice=False)


def _for_azure(field: FormField, every: frozenset[str]) -> FormField:
    """Return a field of turn detection that also exists for Azure's own types, which have the members of ``server_vad``."""
    if field.when is None:
        kinds = (Variant(variant.name, {"type": variant.name}) for variant in _VOICE_LIVE_TURNS)
        return with_variants(field, *kinds)
    if "server_vad" not in field.when.variants:
        return field
    return replace(field, when=Condition(field.when.owner, field.when.variants | every))


def _xai() -> SessionShape:
    places = {"audio.output.voice": "voice", "audio.input.turn_detection": "turn_detection"}
    moved = moved_fields(session_fields("realtime"), places)
    fields = changed_fields((f for f in moved if f.path != ("voice", "id")), _XAI, _NOT_IN_XAI)
    # xAI turns detection off with {"type": null} in place of null.
    turns = next(field for field in fields if field.path == ("turn_detection",))
    variants = tuple(
        Variant(variant.name, {"type": None}) if variant.begin is None else variant
        for variant in turns.variants
    )
    none = replace(turns, variants=variants, checked_at=None, is_nullable=False)
    return SessionShape(
        "xai",
        "xAI session",
        tuple(none if field is turns else field for field in fields),
        fixes_voice=False,
    )


def _gpt_live() -> SessionShape:
    known = tuple(
        f for f in session_fields("realtime") if f.path in (("model",), ("instructions",))
    )
    return SessionShape("gpt-live", "GPT-Live session", known)


SHAPES: Mapping[str, Callable[[], SessionShape]] = {
    "realtime": lambda: _ga("realtime"),
    "transcription": lambda: _ga("transcription"),
    "translation": lambda: _ga("translation"),
    "beta": _beta,
    "beta transcription": _beta_transcription,
    "voice live": _voice_live,
    "xai": _xai,
    "gpt-live": _gpt_live,
}
"""Name of a shape to the function that builds it."""

_SIGNS: tuple[tuple[str, Callable[[Session, str], bool]], ...] = (
    (
        "gpt-live",
        lambda s, url: (
            text_at(s, "model").startswith("gpt-live") or dialect_of_url(url) == "gpt-live"
        ),
    ),
    (
        "translation",
        lambda s, url: s.get("type") == "translation" or dialect_of_url(url) == "translation",
    ),
    ("transcription", lambda s, _: s.get("type") == "transcription"),
    ("realtime", lambda s, _: s.get("type") == "realtime"),
    ("xai", lambda s, _: bool(XAI_KEYS & s.keys()) or text_at(s, "model").startswith("grok")),
    ("voice live", lambda s, _: bool(VOICE_LIVE_KEYS & s.keys())),
    ("voice live", lambda s, _: bool(text_at(object_at(s, "voice"), "type"))),
    ("beta transcription", lambda s, _: "transcription" in text_at(s, "object")),
    ("xai", lambda s, _: "audio" in s and "turn_detection" in s),
    ("beta", lambda s, _: bool(BETA_KEYS & s.keys())),
    ("xai", lambda _, url: dialect_of_url(url) == "xai"),
    ("voice live", lambda _, url: dialect_of_url(url) == "voice-live"),
    ("transcription", lambda _, url: dialect_of_url(url) == "transcription"),
    ("realtime", lambda _, __: True),
)
"""Shapes with their tests, most specific first; the first match wins."""
