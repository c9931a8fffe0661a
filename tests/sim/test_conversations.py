"""Whole conversations as in test suites for the real API: seeded, deleted, truncated, spoken, interrupted, with tools."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import soundfile

from inspector.audio.resample import Resampler
from inspector.sim.server import Seams
from inspector.sim.settings import SimSettings
from inspector.sim.speech_recognizer import Transcript
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    TEXT_SESSION,
    Body,
    SimDriver,
    answer,
    append,
    buzz,
    create,
    of_type,
    only,
    types,
    update,
    user,
)
from tests.support import SPEECH

QUIET = bytes(48 * 1000)


def text_session(**session: Any) -> SimDriver:
    driver = SimDriver()
    driver.ask(update(output_modalities=["text"], **session))
    return driver


def seeded(role: str, text: str, item_id: str = "") -> Body:
    kind = "output_text" if role == "assistant" else "input_text"
    item: Body = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return {
        "type": "conversation.item.create",
        "item": {**({"id": item_id} if item_id else {}), **item},
    }


def asked(driver: SimDriver, text: str) -> str:
    return answer(driver.ask(user(text), CREATE))


class Hears:
    """A recognizer that returns one line after the other."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript:
        line = self._lines.pop(0)
        return Transcript(line, line)


@pytest.mark.parametrize(
    ("told", "question", "expected"),
    [
        ("My name is Alice.", "What is my name?", "Alice"),
        ("Please remember the number 7391.", "Which number did I ask you to remember?", "7391"),
        (
            "The secret code is BANANA-42.",
            "What is the secret code? Reply with just the code.",
            "BANANA-42",
        ),
        ("I live in Lisbon.", "Where do I live? Answer with one word.", "Lisbon"),
        ("My favourite animal is the otter.", "What's my favorite animal?", "otter"),
    ],
)
def test_what_was_told_in_text_is_recalled(told: str, question: str, expected: str) -> None:
    driver = text_session()
    asked(driver, told)
    asked(driver, "What is 2 + 2?")

    assert expected in asked(driver, question)


def test_history_of_all_roles_is_known() -> None:
    driver = text_session()
    driver.ask(
        seeded("system", "The customer's account number is 55-1234."),
        seeded("user", "Hi, I am Bob and my order is a red bicycle."),
        seeded("assistant", "Hello Bob! Your delivery date is March 3rd."),
    )

    assert "Bob" in asked(driver, "What is my name?")
    assert "red bicycle" in asked(driver, "What is my order?")
    assert "March 3rd" in asked(driver, "What is my delivery date?")
    assert "55-1234" in asked(driver, "What is the account number?")


def test_what_was_deleted_is_forgotten_and_the_rest_is_not() -> None:
    driver = text_session()
    driver.ask(seeded("user", "The secret word is pineapple.", "secret"))
    driver.ask(seeded("user", "My name is Carol.", "name"))
    assert "pineapple" in asked(driver, "What is the secret word?").lower()
    answers = [item["item"]["id"] for item in of_type(driver.events, "conversation.item.added")]
    for item_id in [one for one in answers if one != "name"]:
        driver.ask({"type": "conversation.item.delete", "item_id": item_id})

    assert "pineapple" not in asked(driver, "What is the secret word?").lower()
    assert "Carol" in asked(driver, "What is my name?")


def test_an_inserted_item_counts_as_earlier_than_what_follows_it() -> None:
    driver = text_session()
    driver.ask(seeded("user", "My favorite color is green.", "late"))
    early = seeded("user", "My favorite color is red.")
    driver.ask({**early, "previous_item_id": "root"})

    assert "green" in asked(driver, "What is my favorite color?")


def test_a_truncated_answer_is_known_as_far_as_it_was_heard() -> None:
    driver = SimDriver()
    events = driver.ask(user("Count from 1 to 20"), CREATE)
    item_id = only(events, "response.done")["response"]["output"][0]["id"]
    driver.ask(
        {
            "type": "conversation.item.truncate",
            "item_id": item_id,
            "content_index": 0,
            "audio_end_ms": 1500,
        }
    )
    text = asked(driver, "What did you just say?")

    assert "1, 2" in text
    assert "20" not in text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is 17 + 25? Answer with only the number.", "42"),
        ("Say exactly: ready", "ready"),
        ("Respond with the single word PONG", "pong"),
    ],
)
def test_one_word_is_one_word(question: str, expected: str) -> None:
    text = asked(text_session(), question)

    assert text.strip(" .!").lower() == expected
    assert len(text.split()) == 1


def test_instructions_hold_for_the_session_and_yield_to_those_of_a_response() -> None:
    driver = text_session(
        instructions="You are a helpful assistant. Always end with 'over and out'."
    )

    assert asked(driver, "What is 3 times 4?").endswith("over and out")
    events = driver.ask(user("What is 1 + 1?"), create(instructions="Say exactly 'banana'."))
    assert answer(events) == "banana"


def test_a_response_outside_of_the_conversation_sees_only_its_input() -> None:
    driver = text_session()
    driver.ask(seeded("user", "My name is Dora."))
    item = seeded("user", "What is my name?")["item"]
    alone = driver.ask(create(conversation="none", input=[item], metadata={"kind": "probe"}))

    assert "Dora" not in answer(alone)
    assert only(alone, "response.done")["response"]["metadata"] == {"kind": "probe"}
    assert "Dora" in asked(driver, "What is my name?")


def weather_tool() -> Body:
    return {
        "type": "function",
        "name": "get_weather",
        "description": "Get the weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }


def test_two_calls_in_parallel_and_one_answer_from_both() -> None:
    driver = text_session(tools=[weather_tool()])
    question = "What is the weather in Paris and in Tokyo?"
    calls = only(driver.ask(user(question), CREATE), "response.done")["response"]["output"]
    assert [orjson.loads(call["arguments"])["city"] for call in calls] == ["Paris", "Tokyo"]
    for call, output in zip(calls, ('{"temperature": 18}', '{"temperature": 31}'), strict=True):
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        driver.ask({"type": "conversation.item.create", "item": item})
    text = answer(driver.ask(CREATE))

    assert "18" in text
    assert "31" in text


@pytest.mark.parametrize(
    "choice", ["none", "auto", "required", {"type": "function", "name": "get_weather"}]
)
def test_tool_choice_decides(choice: Any) -> None:
    driver = text_session(tools=[weather_tool()], tool_choice=choice)
    output = only(driver.ask(user("Tell me a joke"), CREATE), "response.done")["response"]["output"]

    expected = "message" if choice in ("none", "auto") else "function_call"
    assert [item["type"] for item in output] == [expected]


def test_a_spoken_question_is_answered_by_its_words() -> None:
    driver = SimDriver(seams=Seams(recognizer=Hears("my name is eve", "what is my name")))
    driver.ask(update(audio={"input": {"transcription": {"model": "whisper-1"}}}))
    driver.stream(buzz(800) + QUIET)
    driver.run()
    events = driver.stream(buzz(800) + QUIET) + driver.run()

    assert answer(events).lower() == "your name is eve."
    transcript = only(events, "conversation.item.input_audio_transcription.completed")["transcript"]
    assert transcript == "what is my name"


def test_push_to_talk_calls_a_tool() -> None:
    driver = SimDriver(seams=Seams(recognizer=Hears("what is the weather in paris")))
    driver.ask(PUSH_TO_TALK, update(tools=[weather_tool()]))
    (call,) = only(driver.ask(append(buzz(900)), COMMIT, CREATE), "response.done")["response"][
        "output"
    ]

    assert orjson.loads(call["arguments"]) == {"city": "Paris"}


def test_barge_in_ends_the_story_and_the_next_turn_is_answered() -> None:
    driver = SimDriver(seams=Seams(recognizer=Hears("stop please what is two plus two")))
    driver.ask(user("Tell me a long story"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    item_id = only(driver.events, "response.output_item.added")["item"]["id"]
    during = driver.stream(buzz(900))
    assert only(during, "response.done")["response"]["status_details"]["reason"] == "turn_detected"
    cut = {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": 300,
    }
    driver.send(cut)
    after = driver.stream(QUIET) + driver.run()

    assert "conversation.item.truncated" in types(after)
    assert "4" in answer(after)
    assert not of_type(driver.events, "error")


def test_a_story_is_long_enough_to_be_interrupted() -> None:
    driver = SimDriver()
    driver.ask(user("Please tell me a very long story."))
    driver.send(CREATE)
    driver.run(3)

    assert "response.done" not in types(driver.events)
    done = only(driver.run(120), "response.done")["response"]
    assert done["usage"]["output_token_details"]["audio_tokens"] > 60 * 20


def test_cancelled_answers_leave_what_was_said() -> None:
    driver = text_session()
    driver.ask(user("Tell me a long story"))
    driver.send(CREATE)
    driver.run_to("response.output_text.delta")
    events = driver.ask({"type": "response.cancel"})
    response = only(events, "response.done")["response"]

    assert response["status_details"]["reason"] == "client_cancelled"
    assert asked(driver, "What is 6 times 7?") == "6 times 7 is 42."


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_recorded_speech_is_one_turn(kind: str) -> None:
    samples, rate_hz = soundfile.read(SPEECH, dtype="int16")
    pcm16 = Resampler(rate_hz, 24_000).feed(samples, is_last=True).tobytes()
    driver = SimDriver()
    detection = {"type": kind, **({"silence_duration_ms": 500} if kind == "server_vad" else {})}
    driver.ask(update(audio={"input": {"turn_detection": detection}}))
    events = driver.stream(bytes(24_000) + pcm16 + bytes(48 * 4500)) + driver.run()

    assert types(events).count("input_audio_buffer.speech_started") == 1
    assert types(events).count("response.done") == 1


def test_a_hundred_turns_remember_the_first() -> None:
    driver = SimDriver(settings=SimSettings(max_session_s=36_000))
    driver.ask(TEXT_SESSION)
    asked(driver, "My lucky number is 613.")
    for number in range(100):
        asked(driver, f"What is {number} + 1?")

    assert "613" in asked(driver, "What is my lucky number?")
