"""Form fields generated from the schema."""

from __future__ import annotations

import pytest

from inspector.analysis.form.field_style import STYLES
from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.form.generated import session_fields
from inspector.analysis.form.shapes import SHAPES, shape_named, shape_of, with_own_members
from inspector.analysis.form.values import ABSENT
from inspector.sim.effective_session import realtime_session, transcription_session
from tests.support import recordings

REALTIME = realtime_session("sess_1", "gpt-realtime", 1)


def field(shape: str, path: str) -> FormField:
    return shape_named(shape).by_path()[tuple(path.split("."))]


def test_every_member_that_protocol_and_schema_name_has_a_field() -> None:
    paths = {".".join(field.path) for field in session_fields("realtime")}
    detection = "audio.input.turn_detection"

    assert {
        "output_modalities",
        "instructions",
        "audio.input.format",
        "audio.output.format",
        "audio.output.voice",
        "audio.output.speed",
        "audio.input.noise_reduction",
        "audio.input.transcription.model",
        f"{detection}.threshold",
        f"{detection}.eagerness",
        f"{detection}.idle_timeout_ms",
        "tools",
        "tool_choice",
        "reasoning.effort",
        "truncation.retention_ratio",
        "tracing",
        "prompt.id",
        "include",
        "max_output_tokens",
    } <= paths


def test_every_style_belongs_to_a_field_of_the_schema() -> None:
    paths = {
        ".".join(field.path)
        for kind in ("realtime", "transcription", "translation")
        for field in session_fields(kind)
    }

    assert set(STYLES) == paths


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("instructions", FieldKind.TEXT),
        ("audio.output.voice", FieldKind.CHOICE),
        ("audio.output.speed", FieldKind.NUMBER),
        ("audio.input.turn_detection.create_response", FieldKind.SWITCH),
        ("audio.input.transcription.keywords", FieldKind.LIST),
        ("audio.input.transcription.language", FieldKind.LINE),
        ("tools", FieldKind.JSON),
    ],
)
def test_a_field_is_edited_as_its_type_asks(path: str, kind: FieldKind) -> None:
    assert field("realtime", path).kind is kind


def test_bounds_and_units_come_with_the_field() -> None:
    assert field("realtime", "audio.output.speed").range_text == "0.25–1.5 ×"
    assert (
        field("realtime", "audio.input.turn_detection.idle_timeout_ms").range_text
        == "5,000–30,000 ms"
    )
    assert field("realtime", "audio.input.turn_detection.threshold").range_text == "0–1"


def test_a_union_is_shown_by_the_name_of_its_variant() -> None:
    detection = field("realtime", "audio.input.turn_detection")

    assert detection.offers() == ("none", "server_vad", "semantic_vad")
    assert detection.read(REALTIME) == "server_vad"
    assert detection.json_of("none") is None
    assert detection.json_of("semantic_vad") == {"type": "semantic_vad"}


def test_a_member_of_a_union_exists_under_its_own_variants_only() -> None:
    owners = shape_named("realtime").by_path()
    semantic = {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}

    assert field("realtime", "audio.input.turn_detection.threshold").applies_to(REALTIME, owners)
    assert not field("realtime", "audio.input.turn_detection.threshold").applies_to(
        semantic, owners
    )
    assert field("realtime", "audio.input.turn_detection.create_response").applies_to(
        semantic, owners
    )


def test_a_value_of_an_unknown_variant_is_shown_unchanged() -> None:
    session = {"audio": {"input": {"turn_detection": {"type": "telepathy"}}}}

    assert field("realtime", "audio.input.turn_detection").read(session) == {"type": "telepathy"}
    assert field("realtime", "tools").read({"tools": 7}) == 7
    assert field("realtime", "audio.output.speed").read({"audio": 3}) is ABSENT


@pytest.mark.parametrize(
    ("session", "url", "shape"),
    [
        (REALTIME, "", "realtime"),
        (transcription_session("sess_1", 1), "", "transcription"),
        ({"type": "translation", "model": "gpt-realtime-translate"}, "", "translation"),
        ({"modalities": ["text"], "voice": "echo"}, "", "beta"),
        ({"object": "realtime.transcription_session", "input_audio_format": "pcm16"}, "", "beta transcription"),
        ({"voice": {"name": "alloy", "type": "openai"}, "modalities": ["audio"]}, "", "voice live"),
        ({"model": "grok-voice-latest", "voice": "ara"}, "", "xai"),
        ({}, "wss://api.x.ai/v1/realtime", "xai"),
        ({}, "wss://api.openai.com/v1/realtime?intent=transcription", "transcription"),
        ({}, "", "realtime"),
    ],
)  # fmt: skip
def test_the_shape_follows_from_the_session_object(
    session: dict[str, object], url: str, shape: str
) -> None:
    assert shape_of(session, url).name == shape


@pytest.mark.parametrize("name", SHAPES)
def test_field_paths_are_unique_within_a_shape(name: str) -> None:
    paths = [field.path for field in shape_named(name).fields]

    assert len(paths) == len(set(paths))
    assert all(field.label and field.group for field in shape_named(name).fields)


def test_beta_fields_have_the_paths_of_the_beta() -> None:
    assert field("beta", "turn_detection.threshold").maximum == 1
    assert field("beta", "input_audio_transcription.model").kind is FieldKind.CHOICE
    assert field("beta", "max_response_output_tokens").choices == ("inf",)
    assert field("beta", "modalities").read({"modalities": ["text", "audio"]}) == "audio and text"


def test_an_unknown_member_gets_a_field_by_its_value() -> None:
    session = {"modalities": ["text"], "top_k": 20, "enable_search": True, "odd": {"a": 1}}
    fields = with_own_members(shape_of(session), session).by_path()

    assert fields[("top_k",)].kind is FieldKind.NUMBER
    assert fields[("enable_search",)].kind is FieldKind.SWITCH
    assert fields[("odd",)].kind is FieldKind.JSON


def test_every_recorded_session_is_shown_whole() -> None:
    from inspector.core.codec import decode

    seen = 0
    for path in recordings():
        for line in path.read_bytes().splitlines():
            event = (decode(line)[1] or {}).get("event")
            session = event.get("session") if isinstance(event, dict) else None
            if not isinstance(session, dict) or not session:
                continue
            seen += 1
            shape = with_own_members(shape_of(session), session)
            known = {field.path[0] for field in shape.fields}
            hidden = session.keys() - known
            assert hidden <= {"id", "object", "type", "expires_at", "client_secret", "model"}
    assert seen
