"""The order of events, as in recorded sessions."""

from __future__ import annotations

from base64 import b64decode

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
    of_type,
    only,
    types,
    update,
    user,
)

ITEM = ["conversation.item.added", "conversation.item.done"]
OPEN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
END = [
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
WRITTEN = ["response.output_text.delta", "response.output_text.done"]
SPOKEN_END = ["response.output_audio.done", "response.output_audio_transcript.done", *END]
COMMITTED = ["input_audio_buffer.committed", *ITEM]


def without_deltas(names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".delta")]


def test_an_update_is_answered_after_the_greeting() -> None:
    driver = SimDriver()
    driver.send(TEXT_SESSION)

    assert types(driver.run()) == ["session.created", "session.updated"]


def test_a_text_turn() -> None:
    driver = SimDriver()
    driver.ask(TEXT_SESSION)
    events = driver.ask(user("Hello"), CREATE)

    assert types(events) == [*ITEM, *OPEN, *WRITTEN, *END]
    text = "".join(event["delta"] for event in of_type(events, "response.output_text.delta"))
    assert text == only(events, "response.output_text.done")["text"]


def test_a_spoken_turn_sends_words_before_their_sound() -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(
        user("Say this is a longer sentence, with a second part, and a third."), CREATE
    )

    names = types(events)
    assert without_deltas(names) == [*ITEM, *OPEN, *SPOKEN_END]
    words, sound = "response.output_audio_transcript.delta", "response.output_audio.delta"
    assert names.index(words) < names.index(sound)
    assert [name for name in names if name.endswith("delta")][:4] == [words, sound, words, sound]
    text = "".join(event["delta"] for event in of_type(events, words))
    assert text == only(events, "response.output_audio_transcript.done")["transcript"]


def test_a_voice_turn_under_server_vad() -> None:
    driver = SimDriver()
    driver.ask(update(audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}}))
    events = driver.stream(buzz(300, 0) + buzz(900) + buzz(600, 0)) + driver.run()

    names = without_deltas(types(events))
    names.remove("conversation.item.input_audio_transcription.completed")
    assert names == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        *COMMITTED,
        *OPEN,
        *SPOKEN_END,
    ]
    assert len({event["item_id"] for event in events[:3]}) == 1


def test_a_voice_turn_under_semantic_vad() -> None:
    driver = SimDriver()
    driver.ask(update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}}))
    events = driver.stream(buzz(900) + buzz(1200, 0))

    assert types(events)[:5] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        *COMMITTED,
    ]


def test_push_to_talk() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK)

    assert types(driver.ask({"type": "input_audio_buffer.clear"}, append(buzz(500)), COMMIT)) == [
        "input_audio_buffer.cleared",
        *COMMITTED,
    ]
    assert without_deltas(types(driver.ask(CREATE))) == [*OPEN, *SPOKEN_END]


def test_a_manual_commit_in_open_speech_has_no_stop_and_keeps_the_id() -> None:
    driver = SimDriver()
    driver.run()
    (started,) = driver.ask(append(buzz(500)))
    events = driver.ask(COMMIT)

    assert types(events) == COMMITTED
    assert {event.get("item_id", event.get("item", {}).get("id")) for event in events} == {
        started["item_id"]
    }


def test_a_function_call_goes_round() -> None:
    driver = SimDriver()
    driver.ask(update(output_modalities=["text"], tools=[WEATHER]))
    events = driver.ask(user("What is the weather in Paris?"), CREATE)

    assert types(events) == [
        *ITEM,
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    call = only(events, "response.function_call_arguments.done")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    events = driver.ask({"type": "conversation.item.create", "item": output}, CREATE)
    assert types(events) == [*ITEM, *OPEN, *WRITTEN, *END]
    assert "status" not in events[0]["item"]


def test_an_interruption_cancels_right_after_speech_started() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(user("Count to twelve"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    driver.send(append(buzz(300)))
    events = driver.run_to("response.done")

    assert without_deltas(types(events)) == [
        "input_audio_buffer.speech_started",
        *SPOKEN_END[:-1],
    ]
    response = events[-1]["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    late = [event for event in driver.run() if event["type"].startswith("response.")]
    assert late == []


def test_an_interruption_before_any_output_costs_nothing() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(user("Count to twelve"))
    driver.send(CREATE)
    driver.run_to("response.created")
    driver.send(append(buzz(300)))
    events = driver.run_to("response.done")

    assert types(events) == ["input_audio_buffer.speech_started", "response.done"]
    response = events[-1]["response"]
    assert response["output"] == []
    assert response["usage"]["total_tokens"] == 0


def test_an_interruption_after_the_end_cancels_nothing_and_truncation_goes_through() -> None:
    driver = SimDriver()
    driver.run()
    spoken = driver.ask(user("Count to twelve"), CREATE)
    item_id = only(spoken, "response.done")["response"]["output"][0]["id"]

    assert types(driver.ask(append(buzz(300)))) == ["input_audio_buffer.speech_started"]
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 500}
    events = driver.ask({"type": "conversation.item.truncate", **cut})
    assert types(events) == ["conversation.item.truncated"]


def test_an_answer_truncated_while_it_is_said_still_adds_up_and_is_remembered_as_cut() -> None:
    driver = SimDriver()
    driver.run()
    driver.send(user("Tell me a long story"))
    driver.send(CREATE)
    begun = driver.run(2.0)
    item_id = only(begun, "response.output_item.added")["item"]["id"]
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 1000}
    events = [*begun, *driver.ask({"type": "conversation.item.truncate", **cut})]

    only(events, "conversation.item.truncated")
    said = "".join(e["delta"] for e in of_type(events, "response.output_audio_transcript.delta"))
    assert only(events, "response.output_audio_transcript.done")["transcript"] == said
    assert only(events, "response.content_part.done")["part"]["transcript"] == said
    item = only(events, "response.output_item.done")["item"]
    assert item["content"][0]["transcript"] == said
    assert item["status"] == "completed"
    kept = only(
        driver.ask({"type": "conversation.item.retrieve", "item_id": item_id}),
        "conversation.item.retrieved",
    )["item"]
    assert kept["status"] == "completed"
    assert kept["content"][0]["transcript"] == ""
    assert len(b64decode(kept["content"][0]["audio"])) == 48_000


def test_an_out_of_band_response_runs_beside_another_and_leaves_no_items() -> None:
    driver = SimDriver()
    driver.run()
    aside = create(
        conversation="none", output_modalities=["text"], metadata={"topic": "x"}, input=[]
    )
    events = driver.ask(user("Count to twelve"), CREATE, aside)

    done = {
        event["response"]["conversation_id"]: event for event in of_type(events, "response.done")
    }
    aside_id = done[None]["response"]["id"]
    assert done[None]["response"]["metadata"] == {"topic": "x"}
    assert len(done) == 2
    assert len(of_type(events, "conversation.item.added")) == 2
    mine = [event for event in events if event.get("response_id") == aside_id]
    assert types(mine) == [
        "response.output_item.added",
        "response.content_part.added",
        *WRITTEN,
        "response.content_part.done",
        "response.output_item.done",
    ]


def test_items_are_added_retrieved_truncated_and_deleted_without_a_response() -> None:
    driver = SimDriver()
    driver.run()

    assert types(driver.ask(user("a", "a"))) == ITEM
    get = {"type": "conversation.item.retrieve", "item_id": "a"}
    assert types(driver.ask(get)) == ["conversation.item.retrieved"]
    delete = {"type": "conversation.item.delete", "item_id": "a"}
    assert types(driver.ask(delete)) == ["conversation.item.deleted"]


def test_items_go_where_they_are_put() -> None:
    driver = SimDriver()
    driver.run()
    driver.ask(user("b", "b"))
    first = driver.ask({**user("a", "a"), "previous_item_id": "root"})
    middle = driver.ask({**user("m", "m"), "previous_item_id": "a"})
    last = driver.ask(user("z", "z"))

    before = [event["previous_item_id"] for events in (first, middle, last) for event in events]
    assert before == [None, None, "a", "a", "b", "b"]


def test_idleness_nudges_the_model() -> None:
    driver = SimDriver()
    driver.ask(
        update(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}})
    )
    driver.ask(user("Say hi"), CREATE)
    events = driver.stream(buzz(6000, 0)) + driver.run()

    assert without_deltas(types(events)) == [
        "input_audio_buffer.timeout_triggered",
        *ITEM,
        *COMMITTED,
        *OPEN,
        *SPOKEN_END,
    ]
    span = events[0]
    assert 5000 <= span["audio_end_ms"] - span["audio_start_ms"] <= 5200
    assert events[1]["item"]["role"] == "system"
    assert answer(events) == "Are you still there?"
    assert events[3]["previous_item_id"] == events[1]["item"]["id"]
    assert events[3]["item_id"] == span["item_id"]


def test_timings_are_those_of_a_near_server() -> None:
    driver = SimDriver()
    driver.run(0.1)
    start_ms = driver.now_ns / 1e6
    driver.ask(user("Say hi there, good to see you"), CREATE)
    at = dict(zip(reversed(types_of(driver)), reversed(driver.times_ms), strict=True))

    assert at["conversation.item.done"] - start_ms >= 20
    assert 20 <= at["response.created"] - start_ms <= 120
    assert 250 <= at["response.output_item.added"] - at["response.created"] <= 350
    first_word = at["response.output_audio_transcript.delta"]
    assert 100 <= at["response.output_audio.delta"] - first_word <= 150
    assert 25 <= at["rate_limits.updated"] - at["response.done"] <= 45


def types_of(driver: SimDriver) -> list[str]:
    return [event["type"] for event in driver.events]
