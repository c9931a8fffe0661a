"""Rules about frames and refusals, each with a session that triggers it and a near miss."""

from __future__ import annotations

import base64
from dataclasses import replace

from inspector.analysis.lint.dialect_rules import BadFrame, BenignRed, RequestRefused
from inspector.analysis.lint.finding import Severity
from inspector.core.event import Direction, Event
from tests.linted import began, created, done, error, findings_of, later, result
from tests.support import at, client, frame_event, silence

NOT_ACTIVE = error("response_cancel_not_active", "Cancellation failed: no active response found")
CANCEL = client("response.cancel")


def append(audio: object, **members: object) -> Event:
    return client("input_audio_buffer.append", audio=audio, **members)


def test_appends_that_are_no_base64_text_are_described_by_their_number() -> None:
    wav = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200)).decode()
    frames = [append({"audio": "AAAA"}), append("data:audio/wav;base64,AAAA"), append(wav)]
    refusals = [
        error("invalid_type", "Invalid type for 'audio': expected a string, but got an object instead.", param="audio"),
        error("invalid_value", "Invalid 'audio'. Expected base64-encoded audio bytes.", param="audio"),
    ]  # fmt: skip
    [found] = findings_of(BadFrame, [*began(), *frames, *refusals])

    assert found.severity is Severity.ERROR
    assert found.text == (
        "append 1 (#3) has an object for its audio, and must have a string; append 2 (#4) is a data URL, not base64 alone; "
        "append 3 (#5) begins with RIFF, the header of a WAV file"
    )


def test_broken_json_and_binary_frames_are_found() -> None:
    binary = replace(frame_event(Direction.CLIENT, b"\x00\x01"), is_text=False)
    broken = frame_event(Direction.CLIENT, b'{"type": ')
    refusal = error("invalid_json", "Invalid event: failed to parse JSON value.")
    [found] = findings_of(BadFrame, [*began(), broken, binary, refusal])

    assert "a frame (#3) cannot be read as JSON" in found.text
    assert "a frame (#4) is binary" in found.text


def test_a_missing_type_is_not_blamed_on_a_frame_that_has_one() -> None:
    cancel = client("response.cancel", event_id="event_567")
    members = {"type": "invalid_request_error", "event_id": "event_567"}
    refusal = error("invalid_event", "The 'type' field is missing.", **members)
    untyped = client("", event_id="event_567")

    assert findings_of(BadFrame, [*began(), cancel, refusal]) == []
    [found] = findings_of(BadFrame, [*began(), untyped, refusal])
    assert found.text == "a frame (#3) has no type"


def test_good_appends_and_what_the_server_sends_are_fine() -> None:
    odd = frame_event(Direction.SERVER, b"{}")

    assert findings_of(BadFrame, [*began(), append(silence(20)), odd]) == []


def test_the_same_refusal_again_and_again_is_one_finding_with_all_that_is_to_be_dropped() -> None:
    refusal = error("unknown_parameter", "Unknown parameter: 'session'.", param="session")
    flood = [
        event
        for _ in range(40)
        for event in (append(silence(20), session="s", encoding="pcm16"), refusal)
    ]
    [found] = findings_of(RequestRefused, [*began(), *flood])

    assert found.text == (
        "40× the same refusal, first at 0.040 s, in input_audio_buffer.append: Unknown parameter: 'session'. "
        "No audio has reached the server"
    )
    assert found.fix == (
        'without session and encoding: {"type": "input_audio_buffer.append", "audio": "<base64>"}'
    )


def test_an_error_that_no_other_rule_explains_is_reported_with_its_request() -> None:
    commit = client("input_audio_buffer.commit")
    empty = error(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small.",
    )
    [found] = findings_of(RequestRefused, [*began(), commit, empty])

    assert found.text.startswith("input_audio_buffer.commit #3 was refused: Error committing")
    assert found.fix.startswith("commit only after at least 100 ms")


def test_errors_that_other_rules_explain_are_left_to_them() -> None:
    update = client("session.update", session={"type": "realtime", "voice": "x"})
    bad_update = error("unknown_parameter", "Unknown parameter.", param="session.voice")
    bad_result = error("unknown_parameter", "Unknown parameter: 'item.role'.", param="item.role")
    events = [*began(), update, bad_update, result(role="x"), bad_result, CANCEL, NOT_ACTIVE]

    assert findings_of(RequestRefused, events) == []


def test_a_cancel_that_crosses_the_end_of_its_answer_is_harmless() -> None:
    events = [*began(), created(), at(500, done()), CANCEL, at(540, NOT_ACTIVE)]
    [found] = findings_of(BenignRed, events)

    assert found.severity is Severity.HARMLESS
    assert found.text == (
        "harmless: response.cancel came when the answer had just ended (#4 40 ms before #6)"
    )


def test_a_cancel_without_any_answer_is_a_note() -> None:
    [never] = findings_of(BenignRed, [*began(), CANCEL, NOT_ACTIVE, later(100)])
    [late] = findings_of(BenignRed, [*began(), created(), done(), CANCEL, at(9000, NOT_ACTIVE)])

    assert never.severity is late.severity is Severity.NOTE


def test_a_value_that_is_wrong_at_its_place_in_ga_is_not_taken_for_a_name_of_the_beta() -> None:
    ask = client("response.create", response={"audio": {"output": {"voice": "foo"}}})
    refusal = error(
        "invalid_value",
        "Invalid value: 'foo'. Supported values are: 'alloy'.",
        param="response.audio.output.voice",
    )
    [found] = findings_of(RequestRefused, [*began(), ask, refusal])

    assert found.text.endswith("Supported values are: 'alloy'.")
