"""Answers of the rules brain."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.sim.brain import Answer, BrainContext, ContextItem
from inspector.sim.rules.arguments import arguments_for
from inspector.sim.rules.rules_brain import RulesBrain

CLOCK = {"type": "function", "name": "setAlarmClock", "description": "Wakes the user up."}
WEATHER = {"type": "function", "name": "get_weather", "description": "Look up the weather."}


def ask(*texts: str, instructions: str = "", **context: Any) -> Answer:
    said = [ContextItem("user", text) for text in texts]
    return RulesBrain().answer(BrainContext(instructions, said, **context))


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("Say banana bread", "banana bread"),
        ("Please repeat after me: one, two.", "one, two."),
        ('Reply with exactly "OK"', "OK"),
        ("Count to three", "1, 2, 3."),
        ("can you count from 3 to five?", "3, 4, 5."),
        ("What is 7 times 6?", "7 times 6 is 42."),
        ("what's two plus two", "Two plus two is 4."),
        ("10 / 4", "10 / 4 is 2.5."),
        ("1 divided by 0", "I cannot divide by zero."),
        ("What is your name?", "I am the simulator of Realtime Inspector."),
        ("My name is Alice.", "Nice to meet you, Alice!"),
        ("my dog is Rex", "I will remember that your dog is Rex."),
        ("What's my cat?", "You have not told me your cat."),
        ("hello there", "Hello! How can I help you?"),
        ("Answer in one word: hello", "hello"),
        ("The train left on 2026-11-21.", "You said: The train left on 2026-11-21."),
        ("", "Hello! How can I help you?"),
    ],
)
def test_it_obeys_reckons_and_chats(question: str, reply: str) -> None:
    assert ask(question).text == reply


def test_it_remembers_what_it_was_told_last() -> None:
    told = ("My name is Alice and my favorite color is teal.", "No, my name is Bob!")

    assert ask(*told, "What is my name?").text == "Your name is Bob."
    both = ask(told[0], "What is my name and favorite color?").text
    assert both == "Your name is Alice and your favorite color is teal."
    assert ask(*told, "hi").text == "Hello, Bob! How can I help you?"


def test_it_admits_what_it_cannot_hear_or_see() -> None:
    heard = RulesBrain().answer(BrainContext("", [ContextItem("user", "", audio_ms=1640)]))
    seen = RulesBrain().answer(
        BrainContext("", [ContextItem("user", "", images=("data:image/png;base64,AA==",))])
    )

    assert heard.text.startswith("I heard 1.6 seconds of audio.")
    assert "cannot see" in seen.text


def test_it_does_what_the_instructions_say_where_nobody_spoke() -> None:
    assert ask(instructions="Say welcome aboard.").text == "welcome aboard."


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What's the weather like in Oslo?", "get_weather"),
        ("Set an alarm for 7", "setAlarmClock"),
        ("Tell me a joke", None),
    ],
)
def test_it_calls_the_function_whose_words_match(question: str, name: str | None) -> None:
    calls = ask(question, tools=[CLOCK, WEATHER]).calls

    assert [call.name for call in calls] == ([name] if name else [])


def test_a_tool_choice_is_obeyed() -> None:
    tools = [CLOCK, WEATHER]
    forced = ask("Hi", tools=tools, tool_choice={"type": "function", "name": "get_weather"})

    assert forced.calls[0].name == "get_weather"
    assert ask("Hi", tools=tools, tool_choice="required").calls
    assert not ask("What is the weather?", tools=tools, tool_choice="none").calls


def test_a_tools_output_is_the_answer() -> None:
    def after(output: str) -> str:
        said = [
            ContextItem("user", "weather?"),
            ContextItem("assistant", ""),
            ContextItem("tool", output),
        ]
        return RulesBrain().answer(BrainContext("", said, [WEATHER], "required")).text

    assert after("It is foggy.") == "It is foggy."
    assert (
        after('{"sky": "clear", "wind_speed": 3}')
        == "Here is what I found: sky clear, wind speed 3."
    )
    assert after("") == "The tool returned nothing."


def test_arguments_fit_the_schema() -> None:
    properties = {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 5},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "detailed": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"zoom": {"type": "number"}}},
        "note": {"type": ["string", "null"]},
        "skipped": {"type": "string"},
    }
    required = [name for name in properties if name != "skipped"]
    tool = {
        "name": "f",
        "parameters": {"type": "object", "properties": properties, "required": required},
    }
    question = "Forecast for New York for 9 days in Fahrenheit, zoom 2.5"
    arguments = orjson.loads(arguments_for(tool, question))

    assert list(arguments) == required
    assert arguments["city"] == "New York"
    assert arguments["days"] == 5
    assert arguments["unit"] == "fahrenheit"
    assert arguments["detailed"] is True
    assert arguments["place"] == {"zoom": 2.5}
    assert arguments["tags"]
    assert all(isinstance(tag, str) for tag in arguments["tags"])
