"""Rules about settings, each with a session that triggers it and a near miss."""

from __future__ import annotations

import json
from typing import Any

from inspector.analysis.lint.beta_rules import BetaNames
from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.settings_rules import (
    ImmutableField,
    ManualUnderVad,
    NeverConfigured,
    UpdateOmits,
    UpdateSideEffect,
    UpdateUnanswered,
    UpdateVoid,
)
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from tests.linted import (
    OPENED,
    SERVER_VAD,
    began,
    created,
    error,
    findings_of,
    later,
    session,
    text_item,
)
from tests.support import at, client, local, server

ASK = client("response.create")
COMMIT = client("input_audio_buffer.commit")
SERVERS_OWN = "Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI."
UNKNOWN_VOICE = error(
    "unknown_parameter", "Unknown parameter: 'session.voice'.", param="session.voice"
)


def update(**members: Any) -> Event:
    return client("session.update", session={"type": "realtime", **members})


def updated(detection: Any = None, **members: Any) -> Event:
    return server("session.updated", session=session(detection, **members))


def committed(item_id: str = "item_u") -> Event:
    return server("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)


def test_a_refused_update_is_void_with_all_that_it_carries() -> None:
    wanted = update(voice="marin", instructions="Speak French.", tools=[])
    [found] = findings_of(UpdateVoid, [*began(), wanted, UNKNOWN_VOICE])

    assert found.text == (
        "the session.update #3 was refused as a whole: Unknown parameter: 'session.voice'. In GA: audio.output.voice. "
        "Instructions and tools are not in force"
    )
    assert json.loads(found.fix)["session"]["audio"] == {"output": {"voice": "marin"}}


def test_an_update_without_a_session_object_is_void() -> None:
    wanted = client("session.update", modalities=["text"], instructions="Speak French.")
    refusal = error("unknown_parameter", "Unknown parameter: 'modalities'.", param="modalities")
    [found] = findings_of(UpdateVoid, [*began(), wanted, refusal])

    assert "it has no session object; modalities and instructions stand beside type" in found.text


def test_an_update_that_was_repeated_correctly_is_only_a_note() -> None:
    events = [
        *began(),
        update(voice="marin", instructions="Speak French."),
        UNKNOWN_VOICE,
        update(instructions="Speak French."),
        updated(instructions="Speak French."),
    ]
    [found] = findings_of(UpdateVoid, events)

    assert found.severity is Severity.NOTE


def test_an_accepted_update_is_not_void() -> None:
    events = [*began(), update(instructions="Be brief."), updated()]

    assert findings_of(UpdateVoid, events) == []


def test_an_update_with_another_model_is_refused_for_what_cannot_change() -> None:
    wanted = update(model="gpt-realtime-2", instructions="Speak French.")
    refusal = error("invalid_value", "The model cannot be changed.", param="session.model")
    events = [*began(), wanted, refusal]
    [found] = findings_of(ImmutableField, events)

    assert "Model and instructions are not in force" in found.text
    assert "model" not in json.loads(found.fix)["session"]
    assert findings_of(UpdateVoid, events) == []


def test_beta_names_in_a_ga_session_are_found_before_the_server_refuses_them() -> None:
    ask = client("response.create", response={"modalities": ["text"], "temperature": 0.7})
    [found] = findings_of(BetaNames, [*began(), ask])

    assert found.severity is Severity.WARNING
    assert "response.modalities and response.temperature are names of the beta API" in found.text
    assert found.fix.startswith("response.modalities → response.output_modalities")


def test_beta_event_types_and_content_types_are_found() -> None:
    item = text_item("Hi", "assistant")
    item["content"] = [{"type": "text", "text": "Hi"}]
    beta = [
        client("transcription_session.update", session={}),
        client("conversation.item.create", item=item),
    ]
    [found] = findings_of(BetaNames, [*began(), *beta])

    assert "transcription_session.update and content type 'text'" in found.text


def test_ga_names_and_a_beta_server_are_fine() -> None:
    ask = client("response.create", response={"output_modalities": ["text"]})
    assert findings_of(BetaNames, [*began(), ask]) == []

    flat = {"id": "sess_1", "modalities": ["text"], "input_audio_format": "pcm16"}
    at_home = local("inspector.opened", url="ws://localhost:8000/v1/realtime")
    beta = [at_home, server("session.created", session=flat)]
    assert findings_of(BetaNames, [*beta, client("session.update", session=flat)]) == []


def test_the_betas_header_is_found_and_its_refusal_is_an_error() -> None:
    url = "wss://api.openai.com/v1/realtime?model=gpt-realtime"
    opened = local("inspector.opened", url=url, request_headers={"Openai-Beta": "realtime=v1"})
    closed = local(
        "inspector.closed", code=4000, reason="invalid_request_error.beta_api_shape_disabled"
    )
    [warned] = findings_of(BetaNames, [opened, *began()[1:]])
    [refused] = findings_of(BetaNames, [opened, closed])

    assert (warned.severity, refused.severity) == (Severity.WARNING, Severity.ERROR)


def test_turn_detection_that_no_update_mentions_stays_on() -> None:
    events = [*began(SERVER_VAD), update(instructions="x"), updated(SERVER_VAD), COMMIT, ASK]
    [found] = findings_of(UpdateOmits, events)

    assert (
        "turn_detection was not in your session.update (#3), so server_vad is still on"
        in found.text
    )
    assert '"turn_detection": null' in found.fix


def test_turn_detection_that_an_update_sets_is_meant() -> None:
    wanted = update(audio={"input": {"turn_detection": SERVER_VAD}})

    assert findings_of(UpdateOmits, [*began(SERVER_VAD), wanted, COMMIT]) == []
    off = update(audio={"input": {"turn_detection": None}})
    assert findings_of(UpdateOmits, [*began(SERVER_VAD), off, updated(), COMMIT]) == []


def test_a_commit_beside_the_servers_own_is_found() -> None:
    events = [*began(SERVER_VAD), at(1000, committed()), at(1080, COMMIT)]
    [found] = findings_of(ManualUnderVad, events)

    assert "#4 and #3 are 80 ms apart" in found.text


def test_a_commit_long_after_the_servers_or_without_turn_detection_is_fine() -> None:
    apart = [*began(SERVER_VAD), at(1000, committed()), at(3000, COMMIT), committed("item_2")]

    assert findings_of(ManualUnderVad, apart) == []
    assert findings_of(ManualUnderVad, [*began(), at(1000, COMMIT), at(1080, committed())]) == []


def test_an_update_that_changes_what_it_does_not_carry_has_a_side_effect() -> None:
    other = {"input": {"format": {"type": "audio/pcmu"}}, "output": {}}
    events = [*began(), update(tools=[]), updated(audio=other)]
    [found] = findings_of(UpdateSideEffect, events)

    assert (
        "the session.update #3 also changed audio.input.format.type (audio/pcm → audio/pcmu)"
        in found.text
    )


def test_what_an_update_carries_and_the_defaults_of_another_type_are_no_side_effect() -> None:
    semantic = {**SERVER_VAD, "type": "semantic_vad", "create_response": False}
    wanted = update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})

    assert findings_of(UpdateSideEffect, [*began(SERVER_VAD), wanted, updated(semantic)]) == []
    assert findings_of(UpdateSideEffect, [*began(), updated(instructions="x")]) == []


def test_a_session_without_an_update_runs_on_the_servers_defaults() -> None:
    events = [*began(instructions=SERVERS_OWN), ASK, created()]
    [found] = findings_of(NeverConfigured, events)

    assert found.confidence is Confidence.LIKELY
    assert found.text.startswith(
        "the first answer at 0.040 s runs on the server's default instructions"
    )


def test_a_reconnect_that_forgot_the_update_is_certain() -> None:
    first = [
        *began(),
        update(instructions="x"),
        client("conversation.item.create", item=text_item()),
    ]
    again = server("session.created", session=session(id="sess_2", instructions=SERVERS_OWN))
    [found] = findings_of(NeverConfigured, [*first, OPENED, again, ASK, created()])

    assert found.confidence is Confidence.CERTAIN
    assert found.text.endswith("The connection before had one, and 1 item of the app's")


def test_instructions_in_the_request_or_from_elsewhere_are_a_configuration() -> None:
    ask = client("response.create", response={"instructions": "Greet."})

    assert findings_of(NeverConfigured, [*began(instructions=SERVERS_OWN), ask, created()]) == []
    assert findings_of(NeverConfigured, [*began(), ASK, created()]) == []


def test_an_update_that_the_server_does_not_answer_is_found() -> None:
    wanted = update(instructions="x")
    [found] = findings_of(UpdateUnanswered, [*began(), wanted, later(5000)])

    assert "has had no answer for 5.0 s" in found.text
    assert findings_of(UpdateUnanswered, [*began(), wanted, updated(), later(5000)]) == []
    assert findings_of(UpdateUnanswered, [*began(), wanted, later(1000)]) == []


def test_a_tool_in_the_nesting_of_chat_completions_is_flattened_in_the_fix() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    refusal = error(
        "missing_required_parameter",
        "Missing required parameter: 'session.tools[0].name'.",
        param="session.tools[0].name",
    )
    [found] = findings_of(UpdateVoid, [*began(), update(tools=[tool]), refusal])

    assert json.loads(found.fix)["session"]["tools"] == [
        {"type": "function", "name": "f", "parameters": {}}
    ]
