"""Hostile input: the simulator never raises, never grows without bound, and keeps working."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.sim.brain import BrainContext, ContextItem
from inspector.sim.output_items import phrases_of, pieces_of
from inspector.sim.rules.rules_brain import RulesBrain
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    TEXT_SESSION,
    WEATHER,
    SimDriver,
    answer,
    append,
    buzz,
    create,
    update,
    user,
)

NAMES = st.sampled_from(
    [
        "type",
        "item",
        "session",
        "response",
        "audio",
        "input",
        "output",
        "content",
        "tools",
        "id",
        "text",
        "role",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just(2**70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
VALID: list[dict[str, Any]] = [
    CREATE,
    COMMIT,
    PUSH_TO_TALK,
    TEXT_SESSION,
    append(buzz(150)),
    user("What is 2 + 2 in Rome?", "a"),
    update(tools=[WEATHER], tool_choice="required", max_output_tokens=7),
    update(
        audio={"input": {"transcription": {"model": "whisper-1"}, "format": {"type": "audio/pcmu"}}}
    ),
    update(audio={"output": {"format": {"type": "audio/pcma"}, "speed": 0.25, "voice": "ash"}}),
    create(conversation="none", input=[{"type": "item_reference", "id": "a"}], metadata={"k": "v"}),
    {"type": "response.cancel"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.delete", "item_id": "a"},
    {"type": "conversation.item.retrieve", "item_id": "a"},
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": -1, "audio_end_ms": -5},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {"type": "function_call", "name": "f", "arguments": "{", "call_id": "c"},
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "output": "", "call_id": "c"},
    },
    {
        "type": "conversation.item.create",
        "item": {
            "type": "mcp_approval_response",
            "id": "m",
            "approval_request_id": "x",
            "approve": True,
        },
    },
]


def spoiled(event: dict[str, Any], path: list[int], value: object) -> dict[str, Any]:
    """Return an event with one value somewhere inside replaced."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(event))
    at: Any = copy
    for step in path[:-1]:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        deeper = [key for key in keys if isinstance(at[key], dict | list) and at[key]]
        if not deeper:
            break
        at = at[deeper[step % len(deeper)]]
    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
    at[keys[path[-1] % len(keys)]] = value
    return copy


def dumped(event: object) -> bytes:
    return json.dumps(event).encode()


SPOILED = st.builds(
    spoiled, st.sampled_from(VALID), st.lists(st.integers(0, 9), min_size=1, max_size=6), VALUES
)
FRAMES = st.binary(max_size=60) | st.sampled_from(VALID).map(orjson.dumps) | SPOILED.map(dumped)


@given(st.lists(st.tuples(FRAMES, st.booleans(), st.floats(0, 0.5)), max_size=8))
def test_no_frames_break_it(frames: list[tuple[bytes, bool, float]]) -> None:
    driver = SimDriver()
    driver.run(0.01)
    for data, is_text, pause_s in frames:
        driver.send(data, is_text=is_text or data[:1] == b"{")
        driver.run(pause_s)
    driver.run()
    reset = create(conversation="none", input=[user("Say ok")["item"]], output_modalities=["text"])
    events = driver.ask(
        {**reset, "response": {**reset["response"], "tool_choice": "none", "max_output_tokens": 50}}
    )

    assert answer(events) == "ok"


@given(st.text(max_size=300))
def test_deltas_and_phrases_add_up_to_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text
    assert "".join(phrases_of(text)) == text


@given(st.text(max_size=80), st.text(max_size=80), VALUES)
def test_the_brain_answers_anything(first: str, last: str, schema: object) -> None:
    tools = [{"type": "function", "name": last, "parameters": schema}]
    said = [ContextItem("user", first), ContextItem("user", last)]
    for choice in ("auto", "required"):
        RulesBrain().answer(BrainContext(first, said, tools, choice))
    RulesBrain().answer(BrainContext(first, [ContextItem("tool", last)]))


@pytest.mark.parametrize(
    "text", ["my " * 100_000, "count " * 50_000, "1 + " * 50_000, "\"say '" * 50_000]
)
def test_a_long_text_takes_no_time(text: str) -> None:
    driver = SimDriver()
    driver.ask(update(output_modalities=["text"], max_output_tokens=20))
    driver.ask(user(text), CREATE)

    assert driver.events[-2]["response"]["status"] in ("completed", "incomplete")


def test_a_whole_number_beyond_64_bits_comes_back() -> None:
    driver = SimDriver()
    driver.run()
    tool = b'{"type":"function","name":"f","parameters":{"maximum":' + b"9" * 30 + b"}}"
    driver.send(b'{"type":"session.update","session":{"type":"realtime","tools":[' + tool + b"]}}")

    assert driver.run()[0]["type"] == "session.updated"
