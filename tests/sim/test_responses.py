"""Responses: options, limits, endings and usage."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from inspector.sim.brain import Answer, BrainContext, Call
from inspector.sim.server import Seams
from inspector.sim.settings import SimSettings
from inspector.sim.speech_recognizer import Failure
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
    error,
    of_type,
    only,
    types,
    update,
    user,
)


class Fixed:
    """A brain that always gives the same answer, and records its contexts."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.contexts: list[BrainContext] = []

    def answer(self, context: BrainContext) -> Answer:
        self.contexts.append(context)
        return self._answer


def done(events: list[dict[str, Any]]) -> dict[str, Any]:
    response: dict[str, Any] = only(events, "response.done")["response"]
    return response


def sound_ms(events: list[dict[str, Any]], bytes_per_ms: int = 48) -> float:
    deltas = of_type(events, "response.output_audio.delta")
    return sum(len(base64.b64decode(event["delta"])) for event in deltas) / bytes_per_ms


def text_driver(*, model: str = "gpt-realtime", seams: Seams | None = None) -> SimDriver:
    driver = SimDriver(query={"model": model}, seams=seams)
    driver.ask(TEXT_SESSION)
    return driver


def test_options_hold_for_one_response_only() -> None:
    brain = Fixed(Answer("ok"))
    driver = text_driver(seams=Seams(brain=brain))
    asked = {
        "instructions": "Once.",
        "tools": [WEATHER],
        "tool_choice": "required",
        "max_output_tokens": 9,
    }
    first = done(driver.ask(create(**asked, metadata={"a": "b"})))
    second = done(driver.ask(CREATE))

    assert (first["max_output_tokens"], first["metadata"]) == (9, {"a": "b"})
    assert (second["max_output_tokens"], second["metadata"]) == ("inf", None)
    once, later = brain.contexts
    assert (once.instructions, list(once.tools), once.tool_choice) == (
        "Once.",
        [WEATHER],
        "required",
    )
    assert (list(later.tools), later.tool_choice) == ([], "auto")


def test_a_response_can_be_written_in_a_spoken_session_and_the_reverse() -> None:
    driver = SimDriver()
    driver.run()
    written = driver.ask(user("Say ok"), create(output_modalities=["text"]))
    assert (sound_ms(written), done(written)["output_modalities"]) == (0, ["text"])

    driver.ask(TEXT_SESSION)
    assert sound_ms(driver.ask(user("Say ok"), create(output_modalities=["audio"]))) > 100


def test_input_takes_the_place_of_the_conversation() -> None:
    brain = Fixed(Answer("ok"))
    driver = text_driver(seams=Seams(brain=brain))
    driver.ask(user("first", "a"), user("second", "b"))
    given = [{"type": "item_reference", "id": "a"}, user("inline")["item"]]
    driver.ask(create(conversation="none", input=given))
    driver.ask(create(conversation="none", input=[]))

    heard = [[item.text for item in context.items] for context in brain.contexts]
    assert heard == [["first", "inline"], []]


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_a_token_limit_makes_it_incomplete(modality: str) -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(
        user("Count to twelve"), create(max_output_tokens=5, output_modalities=[modality])
    )

    response = done(events)
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert 5 <= response["usage"]["output_tokens"] <= 10


def test_a_cancelled_response_keeps_what_it_said() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(user("Count to twelve"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    response_id = only(driver.events, "response.created")["response"]["id"]
    events = driver.ask({"type": "response.cancel", "response_id": response_id})

    response = done(events)
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    said = response["output"][0]["content"][0]["transcript"]
    assert said
    assert len(said) < len("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.")
    assert types(events)[-1] == "rate_limits.updated"
    assert "response.output_audio.delta" not in types(driver.ask(user("x")))


def test_an_out_of_band_response_is_cancelled_by_its_id_alone() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(create(conversation="none", instructions="Say one two three four five six"))
    driver.run_to("response.output_audio.delta")
    response_id = only(driver.events, "response.created")["response"]["id"]

    driver.send({"type": "response.cancel"})
    driver.send({"type": "response.cancel", "response_id": response_id})
    events = driver.run()
    assert error(events)["code"] == "response_cancel_not_active"
    assert done(events)["status"] == "cancelled"


def test_a_failure_is_a_response_that_failed_and_no_error() -> None:
    failure = Failure("server_error", "insufficient_quota", "You exceeded your current quota.")
    driver = SimDriver(seams=Seams(brain=Fixed(Answer(failure=failure))))
    driver.run()
    events = driver.ask(CREATE)

    assert types(events) == ["response.created", "response.done", "rate_limits.updated"]
    error_ = {"type": failure.type, "code": failure.code, "message": failure.message}
    assert done(events)["status_details"] == {"type": "failed", "error": error_}


def test_words_before_calls_are_commentary_on_models_that_have_phases() -> None:
    both = Answer("Let me look.", (Call("f", "{}"), Call("g", '{"a": 1}')))
    driver = text_driver(model="gpt-realtime-2.1", seams=Seams(brain=Fixed(both)))
    output = done(driver.ask(CREATE))["output"]

    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
    assert list(output[0]) == ["id", "type", "status", "role", "content", "phase"]
    assert output[0]["phase"] == "commentary"
    assert output[2]["arguments"] == '{"a": 1}'
    plain = text_driver(seams=Seams(brain=Fixed(both)))
    assert "phase" not in done(plain.ask(CREATE))["output"][0]


def test_a_forced_tool_is_called_and_its_output_is_the_answer() -> None:
    driver = text_driver()
    driver.ask(update(tools=[WEATHER]))
    forced = create(tool_choice={"type": "function", "name": "get_weather"})
    call = done(driver.ask(user("Hello"), forced))["output"][0]
    assert set(orjson.loads(call["arguments"])) == {"city"}

    output = {
        "type": "function_call_output",
        "call_id": call["call_id"],
        "output": '{"sky": "blue"}',
    }
    events = driver.ask({"type": "conversation.item.create", "item": output}, CREATE)
    assert answer(events) == "Here is what I found: sky blue."


def test_usage_counts_sound_by_its_length_and_grows_with_the_conversation() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK, update(instructions="Be brief. " * 50))
    driver.ask(append(buzz(1630)), COMMIT)
    events = driver.ask(CREATE)
    first, second = done(events)["usage"], done(driver.ask(user("And now?"), CREATE))["usage"]

    made = first["output_token_details"]
    assert first["input_token_details"]["audio_tokens"] == 16
    assert first["input_token_details"]["cached_tokens"] == 0
    assert made["audio_tokens"] == pytest.approx(sound_ms(events) / 50, abs=2)
    assert first["total_tokens"] == first["input_tokens"] + first["output_tokens"]
    assert second["input_tokens"] > first["input_tokens"]
    assert second["input_token_details"]["cached_tokens"] in range(
        64, first["input_tokens"] + 1, 64
    )


def test_a_change_of_instructions_busts_the_cache() -> None:
    driver = text_driver()
    driver.ask(user("x" * 2000), CREATE)
    assert done(driver.ask(CREATE))["usage"]["input_token_details"]["cached_tokens"] >= 512

    changed = done(driver.ask(update(instructions="New."), CREATE))
    assert changed["usage"]["input_token_details"]["cached_tokens"] == 0


def test_thoughts_are_text_tokens_of_the_models_that_report_them() -> None:
    thinking = text_driver(model="gpt-realtime-2.1-mini")
    details = done(thinking.ask(user("Say a"), CREATE))["usage"]["output_token_details"]
    assert details["text_tokens"] == 1 + details["reasoning_tokens"]

    plain = done(text_driver().ask(user("Say a"), CREATE))["usage"]["output_token_details"]
    assert "reasoning_tokens" not in plain


def test_the_rate_limit_tells_what_is_left() -> None:
    driver = text_driver()
    events = driver.ask(user("Hi"), CREATE)
    (limit,) = only(events, "rate_limits.updated")["rate_limits"]

    assert list(limit) == ["name", "limit", "remaining", "reset_seconds"]
    assert limit["remaining"] == limit["limit"] - done(events)["usage"]["total_tokens"]


def test_sound_comes_in_deltas_of_a_few_hundred_ms_much_faster_than_it_plays() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(user("Count to twelve"), CREATE)
    first = driver.events.index(events[0])
    sent = [
        time_ms
        for event, time_ms in zip(events, driver.times_ms[first:], strict=True)
        if event["type"] == "response.output_audio.delta"
    ]
    sizes = [
        len(base64.b64decode(event["delta"])) // 48
        for event in of_type(events, "response.output_audio.delta")
    ]

    assert all(size == 300 for size in sizes[:-1])
    assert 4 < sum(sizes) / (sent[-1] - sent[0]) < 16


def test_speed_shortens_speech() -> None:
    slow, fast = SimDriver(), SimDriver()
    fast.ask(update(audio={"output": {"speed": 1.5}}))
    asked = (user("Count to nine"), CREATE)

    ratio = sound_ms(slow.ask(*asked)) / sound_ms(fast.ask(*asked))
    assert ratio == pytest.approx(1.5, rel=0.05)


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_telephone_formats_last_as_long_as_pcm(kind: str) -> None:
    wide, narrow = SimDriver(), SimDriver()
    narrow.ask(update(audio={"output": {"format": {"type": kind}}}))
    asked = (user("Count to nine"), CREATE)

    assert sound_ms(narrow.ask(*asked), 8) == pytest.approx(sound_ms(wide.ask(*asked)), rel=0.02)


def test_retrieved_sound_is_what_was_sent() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(user("Say hello there"), CREATE)
    item_id = done(events)["output"][0]["id"]
    item = driver.ask({"type": "conversation.item.retrieve", "item_id": item_id})[0]["item"]

    sent = b"".join(
        base64.b64decode(event["delta"]) for event in of_type(events, "response.output_audio.delta")
    )
    part = item["content"][0]
    assert (part["type"], part["format"], part["transcript"]) == (
        "output_audio",
        "pcm16",
        "hello there",
    )
    assert base64.b64decode(part["audio"]) == sent


def test_sound_is_made_only_as_far_as_it_is_sent() -> None:
    made: list[str] = []

    class Noting:
        def speak(self, phrase: str, *, voice: str, rate_hz: int, speed: float) -> Iterator[bytes]:
            for word in phrase.split():
                made.append(word)
                yield bytes(rate_hz)

    driver = SimDriver(seams=Seams(brain=Fixed(Answer("word " * 5000)), voice=Noting()))
    driver.run()
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")

    assert len(made) < 20


def test_no_latency_answers_at_once() -> None:
    driver = SimDriver(settings=SimSettings(latency_scale=0))
    driver.run(0)
    driver.send(user("Hello"))
    driver.send(CREATE)

    assert types(driver.run(0))[-1] == "rate_limits.updated"


def test_responses_in_progress_are_bounded() -> None:
    driver = text_driver()
    for _ in range(33):
        driver.send(create(conversation="none", input=[]))
    events = driver.run()

    assert error(events)["code"] == "rate_limit_exceeded"
    assert len(of_type(events, "response.done")) == 32


def test_an_update_in_the_middle_changes_the_next_response_only() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(user("Count to nine"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    driver.send(
        update(output_modalities=["text"], audio={"output": {"format": {"type": "audio/pcmu"}}})
    )
    first, second = done(driver.run()), done(driver.ask(CREATE))

    assert first["output_modalities"] == ["audio"]
    assert first["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert second["output_modalities"] == ["text"]
    assert second["audio"]["output"]["format"] == {"type": "audio/pcmu"}


def test_a_null_is_as_good_as_a_member_left_out() -> None:
    driver = text_driver()
    given = {"instructions": None, "tools": None, "metadata": None, "audio": None, "input": None}
    events = driver.ask(user("Say yes"), {**create(**given), "event_id": None})

    assert answer(events) == "yes"
    assert answer(driver.ask({"type": "response.create", "response": None})) == "yes"
