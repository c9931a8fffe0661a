"""Scenario files: strict parsing, and playing turn by turn."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import UsageError
from inspector.shipped import shipped_folder
from inspector.sim.faults import RaisedFault
from inspector.sim.rules.rules_brain import RulesBrain
from inspector.sim.scenario import Scenario, ScenarioBrain, ScenarioRecognizer, parse_scenario
from inspector.sim.server import Seams
from inspector.sim.speech_recognizer import MeasuringRecognizer
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    TEXT_SESSION,
    SimDriver,
    answer,
    append,
    buzz,
    only,
    types,
    update,
    user,
)

SHIPPED = sorted((shipped_folder("sessions") / "scenarios").glob("*.toml"))


def playing(text: str) -> SimDriver:
    scenario = parse_scenario(text)
    seams = Seams(
        brain=ScenarioBrain(scenario, RulesBrain()),
        recognizer=ScenarioRecognizer(scenario, MeasuringRecognizer()),
    )
    driver = SimDriver(seams=seams, faults=scenario.faults)
    driver.ask(TEXT_SESSION)
    return driver


def test_turns_are_played_in_order_and_then_the_usual_brain_answers() -> None:
    driver = playing('[[turn]]\nsay = "one"\n[[turn]]\nsay = "two"')
    answers = [answer(driver.ask(user("What is 2+2?"), CREATE)) for _ in range(3)]

    assert answers == ["one", "two", "2+2 is 4."]


def test_a_turn_waits_for_its_words() -> None:
    driver = playing(
        '[[turn]]\nwords = ["weather", "paris"]\nsay = "Sunny: {words}"\nrepeat = true'
    )

    assert answer(driver.ask(user("Hello"), CREATE)).startswith("Hello")
    for _ in range(2):
        asked = "The weather in Paris?"
        assert answer(driver.ask(user(asked), CREATE)) == f"Sunny: {asked}"


def test_a_turn_is_tied_to_a_number_with_its_faults() -> None:
    scenario = parse_scenario('[[turn]]\nat = 2\nfault = ["transcription-late", "slow"]')

    assert scenario.faults == (RaisedFault("transcription-late", 2), RaisedFault("slow", 2))


def test_a_call_is_made_and_its_output_used() -> None:
    driver = playing(
        '[[turn]]\ncall = {name = "f", arguments = {city = "Oslo", days = 2}}\n'
        '[[turn]]\nafter = "f"\nsay = "It says {result}."'
    )
    (call,) = only(driver.ask(user("go"), CREATE), "response.done")["response"]["output"]
    assert (call["name"], call["arguments"]) == ("f", '{"city": "Oslo", "days": 2}')
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
    events = driver.ask({"type": "conversation.item.create", "item": output}, CREATE)

    assert answer(events) == "It says rain."


def test_an_answer_is_late_and_fails_as_written() -> None:
    driver = playing('[[turn]]\nwords = "x"\ndelay_ms = 5000\nfault = "failed-quota"')
    events = driver.ask(user("x"), CREATE)

    response = only(events, "response.done")["response"]
    assert response["status_details"]["error"]["code"] == "insufficient_quota"
    at_ms = dict(zip(types(driver.events), driver.times_ms, strict=False))
    assert at_ms["response.done"] - at_ms["response.created"] == pytest.approx(5300, abs=50)


def test_spoken_turns_are_heard_as_the_script_says() -> None:
    driver = playing('[[turn]]\nhear = "What is six times seven?"\nwords = "none of them"')
    driver.ask(PUSH_TO_TALK, update(audio={"input": {"transcription": {"model": "whisper-1"}}}))
    events = driver.ask(append(buzz(500)), COMMIT, CREATE)

    assert "42" in answer(events)
    completed = only(events, "conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "What is six times seven?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "not valid TOML"),
        ("colour = 1", "unknown key 'colour'"),
        ("title = 1", "'title' must be a string"),
        ("latency = -1", "'latency' must be a number"),
        ("audio_speed = 0", "'audio_speed' must be a number"),
        ("turn = 1", "'turn' must be a table"),
        ("[[turn]]\nat = 0", "turn 1: 'at' must be a whole number"),
        ("[[turn]]\n[[turn]]\nsya = 'x'", "turn 2: unknown key 'sya'"),
        ("[[turn]]\nwords = [1]", "list of strings"),
        ("[[turn]]\nrepeat = 'yes'", "true or false"),
        ("[[turn]]\nfault = 'nope'", "no such fault: 'nope'"),
        ("[[turn]]\nfault = 'bad-key'", "happens before the answer"),
        ("[[turn]]\ncall = {arguments = {}}", "needs a 'name'"),
        ("[[turn]]\ncall = {name = 'f', arguments = 1}", "'arguments' must be a table"),
        ("[[fault]]\nturn = 1", "no such fault"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_scenario(text, "my.toml")

    assert caught.value.message.startswith("my.toml: ")
    assert words in caught.value.message
    assert caught.value.code == "bad_scenario"


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_scenario(text), Scenario)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_can_be_played(path: object) -> None:
    assert hasattr(path, "read_text")
    text = path.read_text()
    scenario = parse_scenario(text)
    driver = playing(text)
    for _ in range(len(scenario.turns) + 1):
        driver.ask(user("book the weather and stop"), CREATE)

    assert scenario.title
    assert scenario.description
    assert "response.done" in types(driver.events)
