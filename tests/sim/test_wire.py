"""The shape of events: the SDK's types, and the key order of recorded servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from inspector.spec.events import ACCEPTED_BY_SERVER
from tests.sim_driver import (
    COMMIT,
    CREATE,
    WEATHER,
    SimDriver,
    append,
    buzz,
    create,
    only,
    types,
    update,
    user,
)
from tests.support import recording

RECORDED = ("openai-text-in-audio-out", "openai-tool-call-round", "openai-idle-timeout-timed")
OPEN_ENDED = {"metadata", "tools"}
"""Members whose keys the client chooses."""


def broad_scenario(model: str) -> list[dict[str, Any]]:
    """Return the events of a session that covers nearly every event type."""
    driver = SimDriver(query={"model": model})
    transcription = {"model": "gpt-realtime-whisper"}
    idle = {"type": "server_vad", "idle_timeout_ms": 5000}
    driver.ask(
        update(
            tools=[WEATHER],
            audio={"input": {"transcription": transcription, "turn_detection": idle}},
        )
    )
    driver.stream(buzz(300, 0) + buzz(800) + buzz(700, 0))
    driver.run()
    spoken = only(
        driver.ask(user("Say one two three"), create(metadata={"a": "b"})), "response.done"
    )
    cut = {
        "item_id": spoken["response"]["output"][0]["id"],
        "content_index": 0,
        "audio_end_ms": 200,
    }
    driver.ask({"type": "conversation.item.truncate", **cut})
    driver.ask(user("Count to five"), create(output_modalities=["text"]))
    called = only(driver.ask(user("What is the weather in Rome?"), CREATE), "response.done")
    call_id = called["response"]["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "rain"}
    driver.ask({"type": "conversation.item.create", "item": output}, CREATE)
    driver.ask(
        create(conversation="none", max_output_tokens=2, input=[user("Count to nine")["item"]])
    )
    driver.send(user("Count to nine"))
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    driver.ask({"type": "response.cancel"})
    driver.stream(buzz(7000, 0))
    driver.run()
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    item = {"id": "pic", "type": "message", "role": "user", "content": [image]}
    driver.ask({"type": "conversation.item.create", "item": item}, CREATE)
    driver.ask({"type": "conversation.item.delete", "item_id": "pic"}, COMMIT, {"type": "nope"})
    driver.ask(append(buzz(300)), {"type": "input_audio_buffer.clear"})
    driver.run(3600)
    return driver.events


@pytest.fixture(scope="module", params=["gpt-realtime", "gpt-realtime-2.1-mini"])
def events(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return broad_scenario(request.param)


def test_every_event_is_one_that_the_sdk_types(events: list[dict[str, Any]]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    for event in events:
        adapter.validate_python(event)

    assert len({event["type"] for event in events}) == 29
    assert len({event["event_id"] for event in events}) == len(events)


def shapes(event: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the path and keys of each object in an event."""
    pending: list[tuple[str, Any]] = [(event["type"], event)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, list):
            pending += [(path, child) for child in value]
        elif isinstance(value, dict):
            kind = "" if path == event["type"] else value.get("type", "")
            here = f"{path}:{kind}" if kind else path
            yield here, tuple(value)
            pending += [
                (f"{here}.{key}", child) for key, child in value.items() if key not in OPEN_ENDED
            ]


def test_objects_have_the_keys_of_recorded_ones_in_their_order(
    events: list[dict[str, Any]],
) -> None:
    recorded: dict[str, set[tuple[str, ...]]] = {}
    for name in RECORDED:
        for line in recording(name).read_bytes().splitlines():
            entry = orjson.loads(line)
            if entry["dir"] == "server":
                for path, keys in shapes(entry["event"]):
                    recorded.setdefault(path, set()).add(keys)
    compared = 0
    for event in events:
        for path, keys in shapes(event):
            if path in recorded:
                compared += 1
                assert keys in recorded[path], path
    assert compared > 500


def test_deltas_are_padded_and_items_have_no_object(events: list[dict[str, Any]]) -> None:
    for event in events:
        is_sound = event["type"] == "response.output_audio.delta"
        if event["type"].endswith("delta"):
            assert ("obfuscation" in event) != is_sound
        assert "object" not in event.get("item", {})


def test_every_event_that_the_server_accepts_is_known_to_it() -> None:
    driver = SimDriver()
    driver.run()
    for name in ACCEPTED_BY_SERVER:
        for event in driver.ask({"type": name}):
            assert "Supported values" not in str(event.get("error", {}).get("message"))


@pytest.mark.parametrize("name", ["openai-text-in-audio-out", "openai-history-seeding"])
def test_the_clients_of_recordings_get_the_recorded_sequence(name: str) -> None:
    lines = [orjson.loads(line) for line in recording(name).read_bytes().splitlines()]
    driver = SimDriver()
    driver.run(0.02)
    for line in lines:
        if line["dir"] == "client":
            driver.send(line["event"])
    driver.run()

    recorded = [line["event"] for line in lines if line["dir"] == "server"]
    simulated = [event for event in types(driver.events) if not event.endswith(".delta")]
    expected = [event for event in types(recorded) if not event.endswith(".delta")]
    assert simulated[: len(expected)] == expected
    assert set(simulated[len(expected) :]) <= {
        "rate_limits.updated"
    }  # the recorder had left by then
