"""The dialects of other providers, compared with recorded sessions if there are any."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.sim.dialects import SIMULATED, dialect_for
from inspector.sim.server import ConnectRequest
from inspector.sim.settings import SimSettings
from tests.sim_driver import (
    COMMIT,
    CREATE,
    Body,
    SimDriver,
    append,
    buzz,
    create,
    error,
    of_type,
    only,
    types,
    user,
)
from tests.support import recording

KEY = {"api-key": "k"}
FLAT_VAD = {"type": "server_vad", "create_response": False}


def beta(**options: Any) -> SimDriver:
    driver = SimDriver(dialect="beta", **options)
    driver.run()
    return driver


def xai() -> SimDriver:
    driver = SimDriver(query={"model": "grok-voice-latest"})
    driver.run(1)
    return driver


@pytest.mark.parametrize(
    ("path", "model", "name"),
    [
        ("/v1/realtime", "gpt-realtime", "openai"),
        ("/v1/realtime", "grok-voice-latest", "xai"),
        ("/openai/v1/realtime", "mine", "azure"),
        ("/openai/realtime", "mine", "azure-preview"),
        ("/voice-live/realtime", "mine", "voice-live"),
        ("/api-ws/v1/realtime", "mine", "qwen"),
        ("/v1/realtime", "qwen3-omni-flash-realtime", "qwen"),
    ],
)
def test_the_request_tells_its_dialect(path: str, model: str, name: str) -> None:
    assert dialect_for(ConnectRequest(path, {"model": model})).name == name


def test_a_name_goes_before_the_request() -> None:
    request = ConnectRequest("/openai/realtime", {"model": "grok"})

    assert dialect_for(request, "xai").name == "xai"
    assert dialect_for(request, "azure").name == "azure-preview"
    assert set(SIMULATED) >= {"openai", "beta", "azure", "voice-live", "xai"}


RECORDED = [
    ("azure-tool-call-round", "/openai/v1/realtime", "gpt-realtime"),
    ("voice-live-tool-call-round", "/voice-live/realtime", "gpt-realtime"),
    ("xai-text-in-audio-out", "/v1/realtime", "grok-voice-latest"),
    ("openai-tool-call-round", "/v1/realtime", "gpt-realtime"),
    ("openai-text-in-audio-out", "/v1/realtime", "gpt-realtime"),
]


@pytest.mark.parametrize(("name", "path", "model"), RECORDED)
def test_the_order_of_events_is_that_of_the_recording(name: str, path: str, model: str) -> None:
    lines = [orjson.loads(line) for line in recording(name).read_bytes().splitlines()]
    recorded = [line["event"] for line in lines if line["dir"] == "server"]
    driver = SimDriver(path=path, query={"model": model}, headers=KEY)
    driver.run(0.1)
    for line in lines:
        if line["dir"] == "client":
            with_call_id(line["event"], driver.events)
            driver.send(line["event"])
            driver.run(2 if line["event"]["type"] == "response.create" else 0.05)

    assert sequence(driver.events) == sequence(recorded)


def with_call_id(event: Body, came: list[Body]) -> None:
    """Replace the recorded call id by that of the simulator's call."""
    calls = of_type(came, "response.function_call_arguments.done")
    if calls and event.get("item", {}).get("type") == "function_call_output":
        event["item"]["call_id"] = calls[-1]["call_id"]


def sequence(events: list[Body]) -> list[str]:
    """Return the types without rate limits, which some recorders omit, and with interleaved text and audio deltas as one."""
    names: list[str] = []
    for name in types(events):
        if name in ("rate_limits.updated", "ping"):
            continue
        name = "deltas" if name.endswith(("transcript.delta", "audio.delta")) else name
        if not names or names[-1] != name or name != "deltas":
            names.append(name)
    return names


def test_the_beta_session_is_flat() -> None:
    session = only(beta().events, "session.created")["session"]

    assert (session["modalities"], session["voice"]) == (["audio", "text"], "alloy")
    assert (session["input_audio_format"], session["temperature"]) == ("pcm16", 0.8)
    assert session["turn_detection"]["type"] == "server_vad"
    assert "type" not in session
    assert "audio" not in session


def test_a_flat_update_takes_effect_and_comes_back_flat() -> None:
    driver = beta()
    flat = {
        "modalities": ["text"],
        "voice": "echo",
        "temperature": 0.6,
        "input_audio_format": "g711_ulaw",
        "turn_detection": None,
        "max_response_output_tokens": 200,
    }
    session = only(driver.ask({"type": "session.update", "session": flat}), "session.updated")

    assert {name: session["session"][name] for name in flat} == flat


@pytest.mark.parametrize(
    ("session", "message"),
    [
        ({"type": "realtime"}, "Unknown parameter: 'session.type'."),
        ({"output_modalities": ["text"]}, "Unknown parameter: 'session.output_modalities'."),
        (
            {"modalities": ["audio"]},
            "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text'].",
        ),
        (
            {"input_audio_format": "wav"},
            "Invalid value: 'wav'. Supported values are: 'pcm16', 'g711_ulaw', and 'g711_alaw'.",
        ),
        (
            {"turn_detection": {"type": "server_vad", "nope": 1}},
            "Unknown parameter: 'session.turn_detection.nope'.",
        ),
    ],
)
def test_the_beta_refuses_in_its_own_names(session: Body, message: str) -> None:
    refused = error(beta().ask({"type": "session.update", "session": session}))

    assert refused["message"] == message


def test_the_beta_sends_an_item_once_and_limits_first() -> None:
    driver = beta()
    driver.ask({"type": "session.update", "session": {"modalities": ["text"]}})
    events = driver.ask(user("Hello"), CREATE)

    assert types(events) == [
        "conversation.item.created",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert events[0]["item"]["object"] == "realtime.item"
    response = events[-1]["response"]
    assert response["output"][0]["content"][0]["type"] == "text"
    assert response["modalities"] == ["text"]
    assert {limit["name"] for limit in events[2]["rate_limits"]} == {"requests", "tokens"}


def test_the_betas_own_response_options_count() -> None:
    driver = beta()
    events = driver.ask(user("Hello"), create(modalities=["text"], temperature=0.7))

    assert only(events, "response.done")["response"]["modalities"] == ["text"]


def test_a_beta_client_may_send_its_header() -> None:
    driver = SimDriver(dialect="beta", headers={"openai-beta": "realtime=v1"})

    assert types(driver.run()) == ["session.created"]


def test_the_betas_transcription_session_has_events_of_its_own() -> None:
    driver = SimDriver(dialect="beta", query={"intent": "transcription"})
    driver.run()
    session = {"input_audio_transcription": {"model": "whisper-1"}, "turn_detection": None}
    events = driver.ask({"type": "transcription_session.update", "session": session})

    assert types(driver.events) == [
        "transcription_session.created",
        "transcription_session.updated",
    ]
    assert events[0]["session"]["input_audio_transcription"]["model"] == "whisper-1"


@pytest.mark.parametrize(
    ("path", "query", "headers", "status", "code"),
    [
        ("/openai/v1/realtime", {"model": "d"}, {}, 401, "401"),
        ("/openai/v1/realtime", {"model": "d"}, {"api-key": "bad"}, 401, "401"),
        ("/openai/v1/realtime", {"model": "gpt-4o"}, KEY, 400, "OperationNotSupported"),
        ("/openai/v1/realtime", {}, KEY, 400, "BadRequest"),
        ("/openai/realtime", {"deployment": "d"}, KEY, 404, "404"),
        ("/voice-live/realtime", {"model": "d"}, {}, 401, "401"),
    ],
)
def test_azure_refuses_before_the_upgrade(
    path: str, query: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    request = ConnectRequest(path, query, headers)
    answer = dialect_for(request).http_refusal(request, SimSettings())

    assert answer is not None
    assert (answer.status, answer.body["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/openai/v1/realtime", {"model": "d", "api-key": "k"}),
        ("/openai/realtime", {"deployment": "d", "api-version": "v", "api-key": "k"}),
        ("/voice-live/realtime", {"agent-name": "a", "api-key": "k"}),
    ],
)
def test_azure_takes_its_key_from_the_query_too(path: str, query: dict[str, str]) -> None:
    request = ConnectRequest(path, query)

    assert dialect_for(request).http_refusal(request, SimSettings()) is None


def test_a_model_name_is_no_deployment_for_azures_transcription() -> None:
    driver = SimDriver(path="/openai/v1/realtime", headers=KEY)
    heard = {"turn_detection": None, "transcription": {"model": "gpt-realtime-whisper"}}
    session = {"type": "realtime", "audio": {"input": heard}}
    events = driver.ask({"type": "session.update", "session": session}, append(buzz(500)), COMMIT)

    failed = only(events, "conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "DeploymentNotFound"


def test_voice_live_has_voices_and_detection_of_its_own() -> None:
    driver = SimDriver(path="/voice-live/realtime", headers=KEY)
    driver.run()
    voice = {"name": "en-US-Ava:DragonHDLatestNeural", "type": "azure-standard"}
    detection = {"type": "azure_semantic_vad", "remove_filler_words": True}
    given = {"voice": voice, "turn_detection": detection, "avatar": None}
    session = driver.ask({"type": "session.update", "session": given})[0]["session"]

    assert session["voice"] == voice
    assert session["turn_detection"]["type"] == "azure_semantic_vad"
    assert session["turn_detection"]["silence_duration_ms"] == 500


def test_xai_begins_with_a_conversation_and_pings() -> None:
    driver = xai()
    driver.run(21)

    assert types(driver.events) == ["session.created", "conversation.created", *["ping"] * 3]


def test_xai_answers_a_commit_and_truncates_nothing() -> None:
    driver = xai()
    events = driver.ask(append(buzz(500)), COMMIT)
    done = only(events, "response.done")
    item_id = done["response"]["output"][0]["id"]
    cut = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0}

    assert done["response"]["status_details"] == "unimplemented"
    assert done["response"]["usage"] == {}
    assert done["usage"]["output_audio_seconds"] > 0
    assert error(driver.ask({**cut, "audio_end_ms": 0}))["code"] == "invalid_value"


def test_xai_returns_the_metadata_of_a_response() -> None:
    driver = xai()
    asked = driver.ask({"type": "response.create", "response": {"metadata": {"topic": "weather"}}})
    plain = driver.ask({"type": "response.create"})

    for kind in ("response.created", "response.done"):
        assert only(asked, kind)["response"]["metadata"] == {"topic": "weather"}
        assert "metadata" not in only(plain, kind)["response"]


@pytest.mark.parametrize("text", ["Hello from the agent.", "What is the weather in Paris?"])
def test_xai_speaks_a_forced_message_without_a_request(text: str) -> None:
    driver = xai()
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    driver.ask({"type": "session.update", "session": {"tools": [tool]}})
    content = [{"type": "output_text", "text": text}]
    item = {"type": "force_message", "role": "assistant", "content": content}
    events = driver.ask({"type": "conversation.item.create", "item": item})

    said = only(events, "response.output_audio_transcript.done")
    assert said["transcript"] == text
    assert only(events, "conversation.item.added")["item"]["role"] == "assistant"


@pytest.mark.parametrize("content", [None, 3, [4], [{"text": None}]])
def test_xai_survives_a_forced_message_without_text(content: object) -> None:
    driver = xai()
    item = {"type": "force_message", "content": content}
    events = driver.ask({"type": "conversation.item.create", "item": item})

    assert only(events, "response.done")


def test_xai_sends_growing_transcripts() -> None:
    driver = xai()
    heard = {"transcription": {"model": "grok-transcribe"}}
    session = {"audio": {"input": heard}, "turn_detection": FLAT_VAD, "voice": "eve"}
    updated = driver.ask({"type": "session.update", "session": session})
    events = driver.stream(buzz(600) + buzz(500, 0)) + driver.run(2)

    assert only(updated, "session.updated")["session"]["voice"] == "eve"
    growing = of_type(events, "conversation.item.input_audio_transcription.updated")
    final = only(events, "conversation.item.input_audio_transcription.completed")
    assert growing[-1]["transcript"] == final["transcript"]
    assert (growing[0]["status"], final["status"]) == ("in_progress", "completed")


@pytest.mark.parametrize("name", sorted(SIMULATED))
@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"session.update","session":[]}',
        b'{"type":"session.update","session":{"audio":3,"turn_detection":[],"tools":7,"voice":{}}}',
        b'{"type":"session.update","session":{"turn_detection":{"type":[]},"modalities":[{}]}}',
        b'{"type":"session.update","session":{"input_audio_transcription":[1],"tools":[1]}}',
        b'{"type":"response.create","response":{"input":[1],"voice":[],"modalities":null}}',
        b'{"type":"conversation.item.create","item":{"content":[{"type":[]}]}}',
        b'{"type":[],"session":{}}',
    ],
)
def test_no_frame_ends_a_session(name: str, frame: bytes) -> None:
    driver = SimDriver(dialect=name, headers=KEY)
    driver.run(1)
    driver.send(frame)
    driver.run(1)
    driver.ask(user("Hello"), CREATE)

    assert not driver.session.is_closed
    assert of_type(driver.events, "response.done")


def test_azure_has_a_model_behind_each_deployment() -> None:
    driver = SimDriver(path="/openai/v1/realtime", query={"model": "mine"}, headers=KEY)
    session = {"type": "realtime", "model": "gpt-realtime-mini", "instructions": "Be brief"}
    updated = driver.ask({"type": "session.update", "session": session})

    assert only(updated, "session.created")["session"]["model"] == "gpt-realtime"
    assert only(updated, "session.updated")["session"]["instructions"] == "Be brief"


def test_a_microphone_of_another_rate_is_heard_as_it_is() -> None:
    wanted = {"type": "audio/pcm", "rate": 16_000}
    audio = {"audio": {"input": {"format": wanted}, "output": {"format": wanted}}}
    flat = {"input_audio_sampling_rate": 16_000}
    vad = {"type": "server_vad", "create_response": False}
    live = SimDriver(path="/voice-live/realtime", headers=KEY)
    for driver, session in ((xai(), audio), (live, flat)):
        driver.ask({"type": "session.update", "session": {**session, "turn_detection": vad}})
        for data in (buzz(1000, rate_hz=16_000), buzz(1000, 0, rate_hz=16_000)):
            driver.ask(append(data))
        driver.ask({"type": "session.update", "session": {"instructions": "Be brief"}})
        driver.ask(append(buzz(500, 0, rate_hz=16_000)))

        stopped = only(driver.events, "input_audio_buffer.speech_stopped")
        assert 1_000 < stopped["audio_end_ms"] < 1_800


@pytest.mark.parametrize(
    ("dialect", "named", "is_taken"),
    [
        ("openai", "gpt-realtime", True),
        ("openai", "gpt-realtime-2.1", False),
        ("azure", "my-gpt-realtime", True),
        ("azure", "gpt-realtime-2.1", True),
    ],
)
def test_an_update_may_repeat_its_model_and_azure_does_not_read_it(
    dialect: str, named: str, *, is_taken: bool
) -> None:
    asked = "my-gpt-realtime" if dialect == "azure" else "gpt-realtime"
    driver = SimDriver(
        path=SIMULATED[dialect].path, query={"model": asked}, headers=KEY, dialect=dialect
    )

    driver.send(
        {"type": "session.update", "session": {"type": "realtime", "model": named, "tools": []}}
    )
    events = driver.run()

    if is_taken:
        assert only(events, "session.updated")["session"]["model"] == asked
    else:
        assert error(events)["param"] == "session.model"
        assert not of_type(events, "session.updated")


def qwen(**update: Any) -> SimDriver:
    driver = SimDriver(
        path="/api-ws/v1/realtime", query={"model": "qwen3-omni-flash-realtime"}, headers=KEY
    )
    driver.ask({"type": "session.update", "session": {"turn_detection": None, **update}})
    return driver


SDK_UPDATE: Body = {
    "modalities": ["text", "audio"],
    "voice": "Ethan",
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm16",
    "input_audio_transcription": {"model": None},
    "turn_detection": {
        "type": "server_vad",
        "threshold": -0.2,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 800,
    },
    "instructions": "Be brief.",
    "top_k": 20,
}
"""A session update as the SDK ``dashscope`` sends it."""


def test_qwen_begins_with_its_own_session_and_echoes_what_is_set() -> None:
    driver = qwen(**SDK_UPDATE)
    first = only(driver.events, "session.created")["session"]
    shown = only(driver.events, "session.updated")["session"]

    assert first["voice"] == "Cherry"
    assert first["turn_detection"]["silence_duration_ms"] == 800
    assert first["input_audio_transcription"] == {"model": "gummy-realtime-v1"}
    assert not {"audio", "type", "instructions", "expires_at"} & first.keys()
    assert shown["input_audio_transcription"] == {"model": "gummy-realtime-v1"}
    for name in ("modalities", "voice", "input_audio_format", "instructions", "top_k"):
        assert shown[name] == SDK_UPDATE[name]
    assert shown["turn_detection"].items() >= SDK_UPDATE["turn_detection"].items()


def test_qwen_hears_16_khz_and_speaks_the_events_of_the_beta() -> None:
    driver = qwen(modalities=["text", "audio"])
    for _ in range(3):
        driver.send(append(buzz(500, rate_hz=16_000)))
    driver.ask(COMMIT)
    events = driver.ask({"type": "response.create", "response": {"instructions": None}})

    committed = only(driver.events, "input_audio_buffer.committed")
    heard = only(driver.events, "conversation.item.input_audio_transcription.completed")
    assert committed.keys() == {"type", "event_id", "item_id"}
    assert "1.5 s" in heard["transcript"]
    assert not of_type(driver.events, "conversation.item.input_audio_transcription.delta")
    assert "usage" not in heard
    names = types(events)
    assert {"response.audio.delta", "response.audio_transcript.done"} <= set(names)
    assert names[-1] == "response.done"
    response = events[-1]["response"]
    assert response["usage"]["input_tokens_details"].keys() == {"text_tokens", "audio_tokens"}
    assert response["output"][0]["object"] == "realtime.item"


def test_qwen_takes_nested_tools_and_calls_them() -> None:
    place = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": "get_weather", "description": "Weather in a city", "parameters": place}
    tools = [{"type": "function", "function": function}]
    driver = qwen(tools=tools, modalities=["text"])
    driver.ask(user("What is the weather in Paris?"))
    events = driver.ask(CREATE)

    assert only(driver.events, "session.updated")["session"]["tools"] == tools
    called = only(events, "response.function_call_arguments.done")
    assert (called["name"], orjson.loads(called["arguments"])) == ("get_weather", {"city": "Paris"})


def test_qwen_refuses_in_its_words_and_keeps_what_was_in_force() -> None:
    driver = qwen(voice="Ethan")
    refused = driver.ask(
        {"type": "session.update", "session": {"modalities": ["audio"], "voice": "Dylan"}}
    )
    updated = driver.ask({"type": "session.update", "session": {"top_p": 0.5}})

    assert error(refused)["message"] == (
        "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text']."
    )
    assert error(refused)["param"] == "session.modalities"
    assert only(updated, "session.updated")["session"]["voice"] == "Ethan"


def test_qwen_takes_images_and_ends_when_it_is_told() -> None:
    driver = qwen()
    assert not driver.ask({"type": "input_image_buffer.append", "image": "aGk="})
    assert error(driver.ask({"type": "input_image_buffer.append"}))["param"] == "image"

    assert types(driver.ask({"type": "session.finish"})) == ["session.finished"]
    assert driver.session.is_closed
