"""Pending answers: what the simulator sends while an answer grows, and what cancels it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from inspector.sim.brain import Answer, Brain, BrainContext, Call, TokenCount
from inspector.sim.faults import RaisedFault
from inspector.sim.scenario import ScenarioBrain, parse_scenario
from inspector.sim.server import Seams
from inspector.sim.speech_recognizer import Failure, MeasuringRecognizer
from tests.sim_driver import (
    CREATE,
    TEXT_SESSION,
    WEATHER,
    SimDriver,
    answer,
    buzz,
    of_type,
    only,
    types,
    update,
    user,
)


class Slow:
    """A brain and its single pending answer, which the test extends."""

    def __init__(self) -> None:
        self.known = Answer(is_complete=False)
        self.is_cancelled = False
        self.contexts: list[BrainContext] = []

    def answer(self, context: BrainContext) -> Slow:
        self.contexts.append(context)
        return self

    def so_far(self) -> Answer:
        return self.known

    def cancel(self) -> None:
        self.is_cancelled = True

    def say(self, text: str) -> None:
        self.known = replace(self.known, text=self.known.text + text)

    def end(self, **how: Any) -> None:
        self.known = replace(self.known, is_complete=True, **how)


def thinking(
    brain: Slow, *events: dict[str, Any], faults: tuple[RaisedFault, ...] = ()
) -> SimDriver:
    """Return a session whose brain was asked and has not answered yet."""
    driver = SimDriver(seams=Seams(brain=brain), faults=faults)
    driver.ask(*events)
    driver.ask(user("Hello"))
    driver.send(CREATE)
    driver.run(2)
    return driver


def fixed(whole: Answer) -> Brain:
    class Fixed:
        def answer(self, _: BrainContext) -> Answer:
            return whole

    return Fixed()


def test_words_are_sent_as_they_come_and_add_up() -> None:
    brain = Slow()
    driver = thinking(brain, TEXT_SESSION)
    assert types(driver.events)[-1] == "response.created"

    brain.say("The sky is bl")
    driver.run(1)
    first = "".join(
        event["delta"] for event in of_type(driver.events, "response.output_text.delta")
    )
    brain.say("ue today.")
    brain.end()
    driver.run(1)

    assert first == "The sky is"
    assert answer(driver.events) == "The sky is blue today."


@pytest.mark.parametrize("kind", [["text"], ["audio"]])
def test_the_events_are_those_of_an_answer_that_is_known_at_once(kind: list[str]) -> None:
    text, brain = "It is warm. Bring a hat, and some water.", Slow()
    slow = thinking(brain, update(output_modalities=kind))
    for word in re.findall(r"\s*\S+", text):
        brain.say(word)
        slow.run(0.5)
    brain.end()
    slow.run(30)
    known = SimDriver(seams=Seams(brain=fixed(Answer(text))))
    known.ask(update(output_modalities=kind))
    known.ask(user("Hello"), CREATE)

    assert answer(slow.events) == text
    assert [one for one in types(slow.events) if "delta" not in one] == [
        one for one in types(known.events) if "delta" not in one
    ]
    sounds = [
        sum(len(event["delta"]) for event in of_type(driver.events, "response.output_audio.delta"))
        for driver in (slow, known)
    ]
    assert sounds[0] == pytest.approx(sounds[1], rel=0.01)


def test_sound_comes_before_the_answer_is_whole() -> None:
    brain = Slow()
    driver = thinking(brain)
    brain.say("First of all, good morning. And ")
    driver.run(5)

    assert of_type(driver.events, "response.output_audio.delta")
    assert not of_type(driver.events, "response.done")


def test_a_call_is_passed_on_in_pieces() -> None:
    brain = Slow()
    driver = thinking(brain, update(tools=[WEATHER]))
    brain.known = replace(brain.known, calls=(Call("get_weather", '{"city": "Pa'),))
    driver.run(1)
    assert of_type(driver.events, "response.function_call_arguments.delta")
    assert not of_type(driver.events, "response.function_call_arguments.done")
    brain.end(
        calls=(Call("get_weather", '{"city": "Paris"}'), Call("get_weather", '{"city": "Rome"}'))
    )
    driver.run(2)

    ended = of_type(driver.events, "response.function_call_arguments.done")
    assert [one["arguments"] for one in ended] == ['{"city": "Paris"}', '{"city": "Rome"}']
    output = only(driver.events, "response.done")["response"]["output"]
    assert [item["type"] for item in output] == ["function_call", "function_call"]


def test_words_before_a_call_are_a_message_of_their_own() -> None:
    brain = Slow()
    driver = thinking(brain, TEXT_SESSION, update(tools=[WEATHER]))
    brain.say("Let me look.")
    driver.run(1)
    brain.end(calls=(Call("get_weather", "{}"),))
    driver.run(2)

    output = only(driver.events, "response.done")["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]


@pytest.mark.parametrize("when", ["before a word", "in the middle"])
@pytest.mark.parametrize("how", ["cancel", "barge-in", "the client leaves"])
def test_what_ends_a_response_ends_the_thought(how: str, when: str) -> None:
    brain = Slow()
    driver = thinking(brain)
    if when == "in the middle":
        brain.say("Once upon a time, there was a fox. ")
        driver.run(1)
    assert not brain.is_cancelled
    if how == "cancel":
        driver.ask({"type": "response.cancel"})
    elif how == "barge-in":
        driver.stream(buzz(600))
    else:
        driver.session.close()

    assert brain.is_cancelled
    reasons = [
        event["response"]["status_details"]["reason"]
        for event in of_type(driver.events, "response.done")
    ]
    assert reasons == {"cancel": ["client_cancelled"], "barge-in": ["turn_detected"]}.get(how, [])


@pytest.mark.parametrize("text", ["", "Half an ans"])
def test_a_failure_fails_the_response(text: str) -> None:
    brain = Slow()
    driver = thinking(brain, TEXT_SESSION)
    brain.say(text)
    driver.run(1)
    brain.end(failure=Failure("server_error", "brain_cut_off", "it ended"))
    driver.run(2)

    response = only(driver.events, "response.done")["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["message"] == "it ended"
    assert [item["status"] for item in response["output"]] == (["incomplete"] if text else [])


def test_an_answer_that_the_model_cut_short_is_incomplete() -> None:
    brain = Slow()
    driver = thinking(brain, TEXT_SESSION)
    brain.say("One two")
    brain.end(cut_short="max_output_tokens")
    driver.run(2)

    response = only(driver.events, "response.done")["response"]
    assert (response["status"], response["status_details"]["reason"]) == (
        "incomplete",
        "max_output_tokens",
    )


def test_the_models_own_count_is_the_usage() -> None:
    brain = Slow()
    driver = thinking(brain)
    brain.say("Hi.")
    brain.end(tokens=TokenCount(input=120, output=7, cached=64))
    driver.run(5)

    usage = only(driver.events, "response.done")["response"]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (120, 7, 127)
    assert usage["input_token_details"]["cached_tokens"] == 64


def test_a_fault_happens_to_a_slow_answer_too() -> None:
    brain = Slow()
    driver = thinking(brain, TEXT_SESSION, faults=(RaisedFault("incomplete-max-tokens", 1),))
    brain.say("one two three four")
    brain.end()
    driver.run(2)

    assert answer(driver.events) == "one two"
    assert only(driver.events, "response.done")["response"]["status"] == "incomplete"


def test_a_scenario_goes_before_and_may_delay_the_rest() -> None:
    script = parse_scenario('[[turn]]\nsay = "Scripted."\n[[turn]]\ndelay_ms = 3000\n')
    brain = Slow()
    brain.say("Thought.")
    brain.end()
    driver = SimDriver(
        seams=Seams(brain=ScenarioBrain(script, brain), recognizer=MeasuringRecognizer())
    )
    driver.ask(TEXT_SESSION)

    assert answer(driver.ask(user("a"), CREATE)) == "Scripted."
    driver.ask(user("b"))
    driver.send(CREATE)
    early = driver.run(2)
    assert not of_type(early, "response.done")
    assert answer(driver.run(5)) == "Thought."
