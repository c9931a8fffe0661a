"""Arguments of a call: one schema and one question in each row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.sim.rules.arguments import arguments_for

STRING = {"type": "string"}


def filled(name: str, schema: Any, question: str) -> Any:
    """Return the value of the one argument of a function."""
    tool = {"parameters": {"type": "object", "properties": {name: schema}}}
    return json.loads(arguments_for(tool, question)).get(name)


@pytest.mark.parametrize(
    ("name", "schema", "question", "value"),
    [
        ("x", {"const": 7}, "anything", 7),
        ("unit", {"enum": ["celsius", "fahrenheit"]}, "in Fahrenheit please", "fahrenheit"),
        ("mode", {"enum": ["fast_lane", "slow_lane"]}, "take the slow one", "slow_lane"),
        ("unit", {"enum": ["a1", "b2"], "default": "b2"}, "whatever", "b2"),
        ("unit", {"enum": ["a1", "b2"]}, "whatever", "a1"),
        ("x", {"anyOf": [{"type": "integer"}, STRING]}, "take 3", 3),
        ("x", {"type": ["integer", "null"]}, "take 3", 3),
        ("x", {"type": "null"}, "take 3", None),
        ("x", {"type": "boolean"}, "turn it on", True),
        ("x", {"type": "boolean"}, "turn it off", False),
        ("limit", {"type": "integer", "default": 9}, "show me birds", 9),
        ("limit", {"type": "integer", "default": 9}, "with a limit of 4", 4),
        ("x", {"type": "integer", "minimum": 5}, "take 3", 5),
        ("x", {"type": "integer", "maximum": 2}, "take 3", 2),
        ("x", {"type": "integer"}, "none at all said", 1),
        ("x", {"type": "number"}, "take 2.5", 2.5),
        ("x", {"type": "integer"}, "take 2.5", 2),
        ("x", {"type": "array", "items": {"type": "integer"}}, "add 1, 2 and 3", [1, 2, 3]),
        ("x", {"type": "array", "items": {"type": "number"}}, "nothing said", [1]),
        ("x", {"type": "array", "items": STRING}, "from Paris to Rome", ["Paris", "Rome"]),
        ("x", {"type": "array", "items": STRING}, "go to Paris", ["Paris"]),
        ("x", {"type": "array"}, "go to Paris", []),
        ("x", {"properties": {"a": {"type": "integer"}}}, "take 3", {"a": 3}),
        ("x", {"type": "object"}, "take 3", {}),
        ("email", STRING, "write to ann@example.com now", "ann@example.com"),
        ("url", STRING, "open https://example.com/a please", "https://example.com/a"),
        ("order_id", STRING, "where is order A-123", "A-123"),
        ("date", STRING, "book it for next friday", "next friday"),
        ("time", STRING, "book it for 7:30 pm", "7:30 pm"),
        ("message", STRING, "send a note saying I am late.", "I am late"),
        ("search", STRING, "search for red shoes", "red shoes"),
        ("expression", STRING, "what is 3 * (4 + 5)?", "3 * (4 + 5)"),
        ("expression", STRING, "please work it out", "please work it out"),
        ("question", STRING, "How high is it?", "How high is it"),
        ("x", STRING, "play 'Blue Moon' now", "Blue Moon"),
        ("city", STRING, "weather in Paris", "Paris"),
        ("x", STRING, "hello", "hello"),
    ],
)
def test_an_argument_is_what_the_question_says_of_it(
    name: str, schema: Any, question: str, value: Any
) -> None:
    assert filled(name, schema, question) == value


@pytest.mark.parametrize(
    ("required", "question", "names"),
    [
        (["a"], "take 3", ["a"]),
        (["a"], "take 3 tomorrow", ["a", "date"]),
        (["a"], "take 3 at noon", ["a", "time"]),
        (["a"], "take 3 in metric", ["a", "unit"]),
        (None, "take 3", ["a", "date", "time", "unit", "odd"]),
        ([7], "take 3", ["a", "date", "time", "unit", "odd"]),
    ],
)
def test_an_optional_argument_is_given_where_the_question_names_it(
    required: Any, question: str, names: list[str]
) -> None:
    members = {
        "a": {"type": "integer"},
        "date": STRING,
        "time": STRING,
        "unit": {"enum": ["metric", "imperial"]},
        "odd": True,
    }
    tool = {"parameters": {"type": "object", "properties": members, "required": required}}

    assert list(json.loads(arguments_for(tool, question))) == names


@pytest.mark.parametrize("tool", [{}, {"parameters": None}, {"parameters": {"type": "string"}}])
def test_a_function_without_an_object_of_parameters_gets_none(tool: Any) -> None:
    assert arguments_for(tool, "take 3") == "{}"


def test_a_schema_without_end_is_filled_to_a_depth() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["x"] = schema

    assert arguments_for({"parameters": schema}, "take 3").count("x") == 6
