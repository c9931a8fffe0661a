"""Summaries, meanings, completion, checks: helpful on what is known, harmless on what is not."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.analysis.complete import complete
from inspector.analysis.inert import inert
from inspector.analysis.meaning import meaning
from inspector.analysis.summary import summary
from inspector.analysis.validate import check
from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.spec.events import EVENT_TYPES
from tests.support import corpus_dir, server

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
@settings(max_examples=300, deadline=None)
def test_no_body_breaks_a_summary_or_a_check(name: str, body: dict[str, Any]) -> None:
    data = orjson.dumps({**body, "type": name})
    _, decoded, problem = decode(data)
    text = summary(Event(1, 0, Direction.SERVER, Origin.WIRE, name, data, True, decoded, problem))

    assert "\n" not in text
    check(decoded)


@given(st.text(max_size=120), st.integers(-5, 130))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_completion(text: str, offset: int) -> None:
    for found in complete(text, offset):
        assert found.start <= found.end <= len(text)


@given(st.text())
def test_inert_text_can_do_nothing(text: str) -> None:
    assert not any(
        ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in inert(text)
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


def test_only_what_chooses_a_branch_is_proposed_as_a_type() -> None:
    text = '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"format":{"type":"'

    for found in complete(text, len(text)):
        body = json.loads(f'{text}{found.label}"}}}}}}}}}}')
        assert check(body) == []


def test_a_translation_is_configured_by_an_update_of_its_own() -> None:
    text = '{"type":"session.update","session":{"'
    labels = {found.label for found in complete(text, len(text), is_translation=True)}

    assert "audio" in labels
    assert "instructions" not in labels


def test_a_key_that_is_there_is_not_proposed_again() -> None:
    text = '{"type":"conversation.item.truncate","item_id":"x","'

    assert [found.label for found in complete(text, len(text))] == [
        "audio_end_ms",
        "content_index",
        "event_id",
    ]


def test_every_field_of_a_truncation_has_a_meaning() -> None:
    for name in ("item_id", "content_index", "audio_end_ms", "event_id", "type"):
        assert meaning("conversation.item.truncate", (name,))
    assert meaning("nope", ("nope",)) == ""


def test_a_summary_says_what_matters() -> None:
    error = server(
        "error", error={"code": "invalid_value", "param": "session.voice", "message": "no"}
    )

    assert summary(error) == "invalid_value  session.voice  no"


CORPUS = corpus_dir()


@pytest.mark.skipif(CORPUS is None, reason="no recorded sessions beside the checkout")
def test_what_real_clients_sent_to_openai_is_valid() -> None:
    assert CORPUS is not None
    for path in CORPUS.glob("openai-*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if entry.get("dir") == "client":
                assert check(entry["event"]) == [], path.name
