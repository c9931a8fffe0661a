"""The rules brain's choice of tools, their arguments, and its replies to their outputs."""

from __future__ import annotations

import orjson
import pytest

from inspector.sim.brain import Answer
from tests.sim.talking import TOOLS, WEATHER, talk, tool


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        ("What's the weather in Paris?", [("get_weather", {"location": "Paris"})]),
        ("what is the weather in paris", [("get_weather", {"location": "Paris"})]),
        ("Do I need an umbrella in Seattle?", [("get_weather", {"location": "Seattle"})]),
        (
            "What's the weather in Paris and London?",
            [("get_weather", {"location": "Paris"}), ("get_weather", {"location": "London"})],
        ),
        (
            "What's the weather in Paris and what time is it in Tokyo?",
            [("get_weather", {"location": "Paris"}), ("get_current_time", {"city": "Tokyo"})],
        ),
        (
            "Tell me the time and weather in Berlin.",
            [("get_current_time", {"city": "Berlin"}), ("get_weather", {"location": "Berlin"})],
        ),
        ("How is the weather in Austin, TX?", [("get_weather", {"location": "Austin, TX"})]),
        ("What is 3 plus 4? Use the add tool.", [("add", {"a": 3, "b": 4})]),
        ("Where is order A-1234?", [("lookup_order", {"order_id": "A-1234"})]),
        ("turn off the kitchen light", [("set_light", {"room": "kitchen", "on": False})]),
        (
            "Turn on the living room lights please",
            [("set_light", {"room": "living_room", "on": True})],
        ),
        (
            "Book a table for 4 people tomorrow at 7pm under the name Smith",
            [("book_table", {"name": "Smith", "people": 4, "date": "tomorrow", "time": "7pm"})],
        ),
        (
            "Send an email to bob@example.com saying hello there",
            [("send_email", {"to": "bob@example.com", "body": "hello there"})],
        ),
        ("Search the web for python tutorials", [("search_web", {"query": "python tutorials"})]),
        ("goodbye", [("end_call", {})]),
        ("roll the dice", [("roll_dice", {"sides": 6})]),
        ("Roll a die with 20 sides", [("roll_dice", {"sides": 20})]),
        ("What is the weather in Paris? Do not call any tools.", []),
        ("Hello, how are you?", []),
        ("I live in a big city", []),
        ("What is my name?", []),
        ("Tell me a joke", []),
    ],
)
def test_tools_are_called_with_what_the_words_say(
    question: str, calls: list[tuple[str, dict[str, object]]]
) -> None:
    made = talk(f"u:{question}", tools=TOOLS).calls

    assert [(call.name, orjson.loads(call.arguments)) for call in made] == calls


def test_one_call_at_a_time_where_parallel_calls_are_off() -> None:
    question = "u:What's the weather in Paris and London?"

    assert len(talk(question, tools=[WEATHER], may_call_in_parallel=False).calls) == 1


def test_a_short_question_goes_on_from_the_last_one() -> None:
    before = ("u:What's the weather in Paris?", 't:{"sky": "clear"}', "a:It is clear.")
    (call,) = talk(*before, "u:And in London?", tools=[WEATHER]).calls

    assert orjson.loads(call.arguments) == {"location": "London"}


def test_the_answer_quotes_what_every_tool_returned() -> None:
    outputs = ('t:{"city": "Paris", "now": {"temperature_c": 21.5}}', "t:rainy, 12 degrees")
    text = talk("u:What's the weather in Paris and London?", *outputs, tools=[WEATHER]).text

    assert all(part in text for part in ("Paris", "21.5", "rainy, 12 degrees"))
    value = talk("u:What is the secret? Answer with one word.", 't:{"secret": "plum"}').text
    assert value == "plum"


@pytest.mark.parametrize(
    ("asked", "people", "time"),
    [
        ("Book a table at 7 for two tomorrow under the name Bob", 2, "7"),
        ("Reserve a table for four at seven on Friday, I am Eve", 4, "7"),
        ("Book a table for 3 people at 19:30", 3, "19:30"),
        ("Book a table on March 5 at 8 pm for six", 6, "8 pm"),
    ],
)
def test_a_time_is_no_count_of_people(asked: str, people: int, time: str) -> None:
    (call,) = talk(f"u:{asked}", tools=TOOLS).calls
    arguments = orjson.loads(call.arguments)

    assert (arguments["people"], arguments["time"]) == (people, time)


def test_a_level_is_no_time() -> None:
    volume = tool("set_volume", "Set the volume of the music", level={"type": "integer"})

    (call,) = talk("u:Set the volume at 7", tools=[volume]).calls

    assert orjson.loads(call.arguments) == {"level": 7}


RETURNED = '{"order": {"order_number": "A-1234", "status": "shipped"}, "total": 21.5}'


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What was the order number again?", "The order number is A-1234."),
        ("What is my total again?", "The total is 21.5."),
        ("And what was the status?", "The status is shipped."),
    ],
)
def test_what_a_tool_returned_is_remembered(asked: str, answer: str) -> None:
    before = ("u:Where is my order?", f"t:{RETURNED}", "a:It is on its way.")

    assert talk(*before, f"u:{asked}", tools=TOOLS) == Answer(answer)


def test_what_no_tool_returned_is_looked_up() -> None:
    before = ("u:What is the weather in Paris?", 't:{"weather": "rain"}', "a:It rains.")

    assert talk(*before, "u:What was the weather in London?", tools=TOOLS).calls
