"""Tasks in the instructions of one response, and the choice among offered answers."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.sim.brain import Answer, BrainContext, ContextItem
from inspector.sim.rules.rules_brain import RulesBrain
from inspector.sim.rules.tasks import message_in, task_in

PLACES = {"city": {"type": "string", "description": "Name of the city."}}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "parameters": {"type": "object", "properties": PLACES, "required": ["city"]},
}


def ask(*said: str, order: str = "", **context: Any) -> Answer:
    """Return the answer to a conversation of alternating user and assistant texts; ``order`` is the response's instructions."""
    roles = ("user", "assistant")
    items = [ContextItem(roles[index % 2], text) for index, text in enumerate(said)]
    return RulesBrain().answer(BrainContext(order, items, order=order, **context))


@pytest.mark.parametrize(
    ("said", "order", "answer"),
    [
        ("My favorite animal is the otter.", "What is the user's favorite animal?", "the otter"),
        ("My cat is called Tom. Bye.", "What did the user call the cat?", "Tom"),
        ("Hello", "Count from 3 to 5.", "3, 4, 5"),
        ("Hello", "Tell the user that their table is ready.", "Your table is ready."),
        ("Hello", "Ask the user for their name.", "Could you tell me your name?"),
        ("What is 2 + 3?", "Answer politely and briefly.", "5"),
        ("What is 2 + 3?", "Always ask if the user needs more help.", "5"),
    ],
)
def test_the_task_of_a_response_comes_before_the_users_words(
    said: str, order: str, answer: str
) -> None:
    assert answer in ask(said, order=order).text


def test_a_task_may_need_a_tool_and_its_output_is_told_first() -> None:
    order = "What is the weather in Rome? Use the tool."
    (call,) = ask("Hello", order=order, tools=[WEATHER]).calls
    told = [
        ContextItem("user", "Hello"),
        ContextItem("assistant", "", call="get_weather"),
        ContextItem("tool", "sunny"),
    ]
    answer = RulesBrain().answer(BrainContext(order, told, order=order, tools=[WEATHER]))

    assert (call.name, call.arguments) == ("get_weather", '{"city": "Rome"}')
    assert answer.text == "sunny"


@pytest.mark.parametrize("order", ["Be brief.", "Answer in Spanish.", "", "Use a friendly tone."])
def test_a_manner_is_no_task(order: str) -> None:
    assert (task_in(order), message_in(order)) == ("", "")


ROUTING = (
    'If it is related to support, output "support". If it is related to sales, output "sales".'
)


@pytest.mark.parametrize(
    ("said", "order", "chosen"),
    [
        ("I need support, it broke.", f"Analyze the prior conversation. {ROUTING}", "support"),
        ("I would like to talk to sales.", f"Analyze the prior conversation. {ROUTING}", "sales"),
    ],
)
def test_one_of_the_offered_answers_is_chosen(said: str, order: str, chosen: str) -> None:
    assert ask(said, order=order).text == chosen


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (("Yes or no: is water wet?",), "Yes"),
        (
            ("Remember: shape is circle", "OK", "What is the shape? Reply with only the shape."),
            "circle",
        ),
    ],
)
def test_the_answer_has_the_form_that_was_asked_for(said: tuple[str, ...], answer: str) -> None:
    assert answer in ask(*said).text
    assert "shape is" not in ask(*said).text


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            ("I am planning a trip to Kyoto.", "Nice.", "Which city am I planning to visit?"),
            "Kyoto",
        ),
        (("Call me Zed.", "OK", "What should you call me?"), "Zed"),
        (
            ("Remember apple. Remember pear.", "OK", "What fruits did I ask you to remember?"),
            "pear",
        ),
        (("Answer in one word: who painted the barn?",), "Unknown"),
    ],
)
def test_more_is_remembered_and_known(said: tuple[str, ...], answer: str) -> None:
    assert answer in ask(*said).text


def test_a_place_is_known_from_the_question_before() -> None:
    (call,) = ask(
        "Weather in Oslo?", "It is cold.", "And is it warm there now?", tools=[WEATHER]
    ).calls

    assert call.arguments == '{"city": "Oslo"}'


def test_instructions_are_remembered_too() -> None:
    context = BrainContext(
        "The user has an appointment at 3 PM.", [ContextItem("user", "When is my appointment?")]
    )

    assert "3 PM" in RulesBrain().answer(context).text
