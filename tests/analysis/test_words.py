"""Summaries, explanations, completion and checks of known events, and their robustness with unknown ones."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.complete import complete
from inspector.analysis.form.shapes import SHAPES, shape_named
from inspector.analysis.meaning import meaning
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import summary
from inspector.analysis.validate import check
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.spec.events import EVENT_TYPES
from tests.support import recordings, server

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "type",
    "item",
    "session",
    "response",
    "error",
    "part",
    "delta",
    "audio",
    "content",
    "id",
    "usage",
    "tools",
]
bodies = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6)


@given(st.sampled_from(sorted(EVENT_TYPES)), bodies)
def test_no_body_breaks_a_summary_or_a_check(name: str, body: dict[str, Any]) -> None:
    data = orjson.dumps({**body, "type": name})
    _, decoded, problem = decode(data)
    text = summary(Event(1, 0, Direction.SERVER, Origin.WIRE, name, data, True, decoded, problem))

    assert "\n" not in text
    check(decoded)


@given(st.text(max_size=120), st.integers(-5, 130))
def test_no_text_breaks_completion(text: str, offset: int) -> None:
    for found in complete(text, offset):
        assert found.start <= found.end <= len(text)


@given(st.text())
def test_sanitized_text_has_no_effect(text: str) -> None:
    assert not any(
        ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in sanitized(text)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"session.upd', "session.update"),
        ('{"type":"session.update","session":{"', "type"),
        (
            '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"voice":"',
            "marin",
        ),
        (
            '{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","',
            "threshold",
        ),
        (
            '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"',
            "input_text",
        ),
        ('{"type":"conversation.item.truncate","', "item_id"),
        ("", "{…}"),
        ("{", "type"),
        ('{"', "event_id"),
        (
            '{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"',
            "audio/pcmu",
        ),
        ('{"type":"session.update","session":{"audio":{"output":{"', "voice"),
        ('{"type":"session.update","session":{"tracing":', "auto"),
        ('{"type":"response.create","response":{"input":[{"type":"', "item_reference"),
        ('{"type":"conversation.item.create","item":{"type":"message","role":"', "system"),
    ],
)
def test_completion_knows_what_the_schema_allows(text: str, expected: str) -> None:
    assert expected in [found.label for found in complete(text, len(text))]


def test_only_branch_types_are_proposed_as_a_type() -> None:
    text = '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"format":{"type":"'

    for found in complete(text, len(text)):
        body = json.loads(f'{text}{found.label}"}}}}}}}}}}')
        assert check(body) == []


def test_a_translation_is_configured_by_an_update_of_its_own() -> None:
    text = '{"type":"session.update","session":{"'
    labels = {found.label for found in complete(text, len(text), is_translation=True)}

    assert "audio" in labels
    assert "instructions" not in labels


def test_an_existing_key_is_not_proposed_again() -> None:
    text = '{"type":"conversation.item.truncate","item_id":"x","'

    assert [found.label for found in complete(text, len(text))] == [
        "audio_end_ms",
        "content_index",
        "event_id",
    ]


def test_every_field_of_a_truncation_is_explained() -> None:
    for name in ("item_id", "content_index", "audio_end_ms", "event_id", "type"):
        assert meaning("conversation.item.truncate", (name,))
    assert meaning("nope", ("nope",)) == ""


def test_summaries_of_a_few_events() -> None:
    error = server(
        "error", error={"code": "invalid_value", "param": "session.voice", "message": "no"}
    )

    assert summary(error) == "invalid_value  session.voice  no"


def test_what_real_clients_sent_to_openai_is_valid() -> None:
    for path in recordings("openai-*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if entry.get("dir") == "client":
                assert check(entry["event"]) == [], path.name


@pytest.mark.parametrize(
    ("event", "path", "words"),
    [
        ("session.update", "session.prompt", "a stored prompt by id"),
        ("session.update", "session.audio.input.transcription.prompt", "free text for the transcriber"),
        ("session.update", "session.input_audio_transcription.prompt", "free text for the transcriber"),
        ("response.create", "response.instructions", "for this response only"),
        ("session.update", "session.delegation.responses.instructions", "the backend model"),
        ("session.update", "session.audio.output.language", "language of the translation"),
        ("session.update", "session.audio.input.transcription.language", "helps the transcriber"),
        ("conversation.item.added", "item.tools", "tools that the MCP server offers"),
        ("conversation.item.added", "item.output", "function or tool returned"),
        ("inspector.playing", "output", "playback device"),
        ("inspector.played", "reason", "why playback stopped"),
        ("inspector.closed", "reason", "the side that closed"),
        ("response.done", "response.status_details.reason", "turn_detected"),
        ("response.done", "response.usage.input_tokens", "the whole conversation so far"),
        ("conversation.item.input_audio_transcription.completed", "usage.input_tokens", "of the user's audio"),
        ("session.usage.updated", "usage.seconds", "cumulative"),
        ("session.created", "session.client_secret.expires_at", "the secret ends"),
        ("session.updated", "session.modalities", "text, or audio and text"),
    ],
)  # fmt: skip
def test_a_field_is_explained_by_its_path(event: str, path: str, words: str) -> None:
    assert words in meaning(event, tuple(path.split(".")))


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ("inspector.altered", "reason"),
        ("conversation.item.create", "item.prompt"),
        ("session.update", "session.tracing.metadata"),
        ("inspector.note", "delta.delta"),
        ("session.update", "session.tools.limit"),
    ],
)
def test_a_bare_name_is_not_explained_elsewhere(event: str, path: str) -> None:
    assert meaning(event, tuple(path.split("."))) == ""


def test_no_shape_has_an_explanation_that_contradicts_its_field() -> None:
    for name in SHAPES:
        for field in shape_named(name).fields:
            takes_both = any(isinstance(v.begin, list) and len(v.begin) > 1 for v in field.variants)
            assert not (takes_both and "never both" in field.note), (name, field.path)
            if field.path[-1] == "prompt" and "transcription" in ".".join(field.path[:-1]):
                assert "stored prompt" not in field.note


JOINED = ["می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "👩🏽\u200d💻"]
HIDING = ["pay\u200dpal", "\u200cخ", "خ\u200c", "خ\u200c\u200cخ", "خ\u202e\u200cخ", "é\u200dé"]


@pytest.mark.parametrize("text", JOINED)
def test_joiners_within_words_are_kept(text: str) -> None:
    assert sanitized(text) == text


@pytest.mark.parametrize("text", HIDING)
def test_other_joiners_are_escaped(text: str) -> None:
    assert "\u200c" not in sanitized(text)
    assert "\u200d" not in sanitized(text)
