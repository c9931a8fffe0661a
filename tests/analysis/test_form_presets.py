"""Presets, and lists of tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.form.draft import FormDraft
from inspector.analysis.form.presets import preset_text, read_preset, session_for
from inspector.analysis.form.shapes import shape_named
from inspector.analysis.form.tool_checks import tool_problems, tools_text
from inspector.errors import UsageError
from inspector.sim.effective_session import realtime_session

REALTIME = shape_named("realtime")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "name", "parameters", "properties", "items", "required", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def draft_of(session: dict[str, Any]) -> FormDraft:
    draft = FormDraft(REALTIME)
    draft.observe(session, [])
    return draft


def test_a_preset_brings_back_what_was_saved() -> None:
    first = draft_of(realtime_session("sess_1", "gpt-realtime", 1))
    first.edit(first.shape.by_path()[("instructions",)], "Be brief.")
    first.edit(first.shape.by_path()[("audio", "input", "turn_detection")], "semantic_vad")
    text = preset_text(REALTIME, first.whole())
    second = draft_of(realtime_session("sess_2", "gpt-realtime", 2))
    unknown = second.apply_preset(session_for(REALTIME, read_preset(text)))

    assert unknown == []
    assert second.patch() == first.patch()


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}',
        '{"instructions": "Be brief."}',
        '{"type": "realtime", "instructions": "Be brief.", "id": "sess_9"}',
    ],
)
def test_an_update_or_a_bare_session_is_a_preset_too(text: str) -> None:
    assert session_for(REALTIME, read_preset(text)) == {"instructions": "Be brief."}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"type": "transcription", "audio": {"input": {}}}', "transcription session"),
        ('{"modalities": ["text"], "voice": "echo"}', "beta session"),
        ('{"voice": {"name": "x", "type": "openai"}}', "Voice Live session"),
        ('{"input_audio_sampling_rate": 16000}', "Voice Live session"),
        ('{"type":"transcription_session.update","session":{"include":[]}}', "beta transcription"),
        (preset_text(shape_named("xai"), {"session": {"instructions": "x"}}), "xAI session"),
    ],
)
def test_a_preset_of_another_dialect_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        session_for(REALTIME, read_preset(text, "a.json"), "a.json")

    assert refused.value.message.startswith("a.json is for")
    assert named in refused.value.message
    assert "a realtime session" in refused.value.message


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{", "{}", '{"type": "session.update"}', '{"format": "realtime-session-preset", "version": 2}', '{"format": "realtime-session-preset", "version": 1, "shape": "odd", "session": {}}'],
)  # fmt: skip
def test_an_invalid_preset_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(UsageError):
        read_preset(text)


def test_members_without_a_field_are_returned() -> None:
    draft = draft_of(realtime_session("sess_1", "gpt-realtime", 1))

    assert draft.apply_preset({"audio": {"output": {"volume": 11}}}) == [
        ("audio", "output", "volume")
    ]


@pytest.mark.parametrize(
    ("tool", "words", "path"),
    [
        ("x", "expected a tool", "tools.0"),
        ({"type": "function"}, "Missing required parameter: 'session.tools[0].name'", "tools.0.name"),
        ({"type": "function", "function": {"name": "x"}}, "Unknown parameter", "tools.0.function"),
        ({"type": "function", "name": "x", "parameters": []}, "a JSON Schema", "tools.0.parameters"),
        ({"type": "function", "name": "x", "parameters": {"type": "string"}}, '"object"', "tools.0.parameters.type"),
        (
            {"type": "function", "name": "x", "parameters": {"type": "object", "properties": {"a": {"type": "text"}}}},
            "not a JSON Schema type",
            "tools.0.parameters.properties.a.type",
        ),
        (
            {"type": "function", "name": "x", "parameters": {"type": "object", "required": "a"}},
            "expected array",
            "tools.0.parameters.required",
        ),
        (
            {"type": "function", "name": "x", "parameters": {"properties": {"a": 3}}},
            "a JSON Schema",
            "tools.0.parameters.properties.a",
        ),
        ({"type": "mcp", "server_label": "x", "server_url": "u", "connector_id": "c"}, "not server_url and", "tools.0.connector_id"),
        (
            {"type": "mcp", "server_label": "x", "authorization": "a", "headers": {"Authorization": "b"}},
            "the server accepts only one",
            "tools.0.authorization",
        ),
    ],
)  # fmt: skip
def test_an_invalid_tool_is_reported_with_its_path(tool: object, words: str, path: str) -> None:
    problems = tool_problems([tool])

    assert words in problems[0].message
    assert ".".join(map(str, problems[0].path)) == path


def test_good_tools_pass_and_are_counted() -> None:
    weather = {
        "type": "function",
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": ["string", "null"], "enum": ["Rome", None]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    server = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}

    assert tool_problems([weather, server]) == []
    assert tools_text([weather, {**weather, "name": "time"}, server]) == "2 functions, 1 MCP server"
    assert "two tools" in tool_problems([weather, weather])[0].message


@given(JSON)
def test_any_json_can_be_checked_as_tools_and_as_a_preset(value: Any) -> None:
    tool_problems(value)
    draft = draft_of(realtime_session("sess_1", "gpt-realtime", 1))
    tools = draft.shape.by_path()[("tools",)]
    draft.edit(tools, value)
    draft.views({})
    try:
        draft.apply_preset(session_for(REALTIME, read_preset(json.dumps(value))))
    except UsageError:
        return
    draft.views({})
