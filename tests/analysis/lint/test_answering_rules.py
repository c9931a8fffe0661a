"""Rules about answers, each with a session that triggers it and a near miss."""

from __future__ import annotations

import pytest

from inspector.analysis.lint.answering_rules import (
    ActiveResponseCollision,
    AnsweredTwice,
    CancelHitsNext,
    CreateBeforeCommit,
    NobodyAsked,
)
from inspector.analysis.lint.failure_rules import (
    AnswerStalled,
    FailedAnswerHidden,
    RateLimitNear,
    TranscriptionFailed,
)
from inspector.analysis.lint.finding import Severity
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from tests.linted import (
    SERVER_VAD,
    began,
    called,
    created,
    done,
    error,
    findings_of,
    later,
    result,
    said,
    text_item,
)
from tests.support import at, client, server, silence

ASK = client("response.create")
ACTIVE = error(
    "conversation_already_has_active_response",
    "Conversation already has an active response in progress: resp_1. Wait until the response is finished before creating a new one.",
)


def append(ms: float = 100) -> Event:
    return client("input_audio_buffer.append", audio=silence(ms))


def test_a_request_while_turn_detection_has_begun_an_answer_collides() -> None:
    [found] = findings_of(ActiveResponseCollision, [*began(SERVER_VAD), created(), ASK, ACTIVE])

    assert found.text == (
        "response.create #4 was refused: resp_1 was in progress, begun by turn detection"
    )
    assert '"create_response": false' in found.fix


def test_a_request_for_each_of_two_results_collides() -> None:
    two = [result(), ASK, result("call_2"), ASK]
    active = error(
        "conversation_already_has_active_response", "Conversation already has an active response"
    )
    events = [*began(), *called(), *two, created("resp_2"), active]
    [found] = findings_of(ActiveResponseCollision, events)

    assert found.text == (
        "response.create #11 was refused: resp_2 was in progress, asked for by response.create #9; "
        "2 tool results were sent, each with a response.create of its own"
    )
    assert found.fix.startswith("send every result of a batch")


def test_one_request_after_the_end_of_an_answer_does_not_collide() -> None:
    events = [*began(), ASK, created(), done(), ASK, created("resp_2"), done("resp_2")]

    assert findings_of(ActiveResponseCollision, events) == []


def test_a_text_that_nobody_asks_about_waits() -> None:
    [found] = findings_of(NobodyAsked, [*began(), *said(), later(5000)])

    assert (found.severity, found.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert "nobody asked for an answer in 5.0 s" in found.text


@pytest.mark.parametrize("after", [[ASK], [created()]], ids=["asked", "answered"])
def test_a_text_that_is_asked_about_or_answered_does_not_wait(after: list[Event]) -> None:
    assert findings_of(NobodyAsked, [*began(), *said(), *after, later(5000)]) == []


def test_a_history_that_is_put_back_waits_for_nothing() -> None:
    before = text_item("Hi.", "assistant", "item_a")
    events = [*began(), *said(), client("conversation.item.create", item=before), later(5000)]

    assert findings_of(NobodyAsked, events) == []


def test_a_text_in_a_voice_session_may_be_for_the_next_spoken_turn() -> None:
    [found] = findings_of(NobodyAsked, [*began(SERVER_VAD), append(), *said(), later(5000)])

    assert (found.severity, found.confidence) == (Severity.NOTE, Confidence.POSSIBLE)


def test_a_commit_without_turn_detection_waits_for_a_request() -> None:
    committed = server("input_audio_buffer.committed", item_id="item_u", previous_item_id=None)
    commit = client("input_audio_buffer.commit")
    events = [*began(), append(), commit, committed, later(5000)]
    [found] = findings_of(NobodyAsked, events)

    assert "what the user said was committed and waits" in found.text
    assert findings_of(NobodyAsked, [*began(SERVER_VAD), append(), committed, later(5000)]) == []


def test_failed_answers_are_counted_by_reason() -> None:
    details = {"type": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}}
    failed = [
        event
        for n in range(3)
        for event in (created(f"r{n}"), done(f"r{n}", "failed", status_details=details))
    ]
    [found] = findings_of(FailedAnswerHidden, [*began(), *failed])

    assert found.text == ("3 of 3 answers failed, 3 in a row: rate_limit_exceeded (Slow down.)")
    assert "reset_seconds" in found.fix


def test_an_answer_that_ran_into_its_limit_is_a_warning() -> None:
    details = {"type": "incomplete", "reason": "max_output_tokens"}
    events = [*began(), created(), done(status="incomplete", status_details=details)]
    [found] = findings_of(FailedAnswerHidden, events)

    assert found.severity is Severity.WARNING
    assert found.text == "the only answer ended incomplete: max_output_tokens"


def test_an_interrupted_answer_has_not_failed() -> None:
    details = {"type": "cancelled", "reason": "turn_detected"}
    events = [*began(), created(), done(status="cancelled", status_details=details)]

    assert findings_of(FailedAnswerHidden, events) == []


def test_an_answer_that_brings_nothing_has_stalled() -> None:
    [found] = findings_of(AnswerStalled, [*began(), created(), later(6000)])

    assert found.text == "resp_1 began at 0.030 s and has produced nothing for 6.0 s"


def test_an_answer_that_has_an_item_or_has_ended_has_not_stalled() -> None:
    item = server("response.output_item.added", response_id="resp_1", item={"id": "item_a"})

    assert findings_of(AnswerStalled, [*began(), created(), item, later(6000)]) == []
    assert findings_of(AnswerStalled, [*began(), created(), done(), later(6000)]) == []


def test_an_answer_that_repeats_what_was_said_with_the_call_is_given_twice() -> None:
    spoken = text_item("The film starts at nine in Leeds.", "assistant", "item_a")
    call = {"id": "item_c", "type": "function_call", "name": "f", "call_id": "c"}
    first = done("resp_1", output=[spoken, call])
    second = done("resp_2", output=[spoken])
    [found] = findings_of(AnsweredTwice, [*began(), first, second])

    assert found.text.startswith("said twice: 100% of the words of this answer (#4)")


def test_a_filler_before_the_call_is_not_the_answer() -> None:
    filler = text_item("One moment, I look that up for you.", "assistant", "item_a")
    call = {"id": "item_c", "type": "function_call", "name": "f", "call_id": "c"}
    answer = text_item("The film starts at nine in Leeds.", "assistant", "item_b")
    events = [*began(), done("resp_1", output=[filler, call]), done("resp_2", output=[answer])]

    assert findings_of(AnsweredTwice, events) == []


def test_a_request_while_speech_is_open_comes_before_the_commit() -> None:
    detection = {**SERVER_VAD, "create_response": False}
    events = [
        *began(detection),
        append(),
        server("input_audio_buffer.speech_started", item_id="item_u", audio_start_ms=0),
        at(100, ASK),
        at(140, server("input_audio_buffer.committed", item_id="item_u")),
    ]
    [found] = findings_of(CreateBeforeCommit, events)

    assert found.text == (
        "response.create #5 was sent while the user's speech was still open; the commit (#6) came 40 ms later: "
        "this answer may not contain it"
    )


def test_a_request_with_a_full_buffer_and_no_commit_is_too_early() -> None:
    [found] = findings_of(CreateBeforeCommit, [*began(), append(), append(), append(), ASK])

    assert "with 300 ms of audio not committed; no commit followed" in found.text


def test_a_request_right_after_the_apps_own_commit_is_in_time() -> None:
    commit = client("input_audio_buffer.commit")
    events = [*began(), append(), append(), append(), commit, ASK]

    assert findings_of(CreateBeforeCommit, events) == []
    aside = client("response.create", response={"conversation": "none"})
    assert findings_of(CreateBeforeCommit, [*began(), append(), append(), aside]) == []


CANCEL = client("response.cancel")


def spoke(ms: float, item_id: str = "item_u") -> Event:
    started = server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
    return at(ms, started)


def test_a_cancel_beside_turn_detection_meets_the_next_answer() -> None:
    by_app = {"type": "cancelled", "reason": "client_cancelled"}
    by_server = {"type": "cancelled", "reason": "turn_detected"}
    events = [
        *began(SERVER_VAD),
        created("resp_1"),
        spoke(1000),
        at(1010, done("resp_1", "cancelled", status_details=by_server)),
        at(1400, CANCEL),
        at(1450, created("resp_2")),
        at(1500, done("resp_2", "cancelled", status_details=by_app)),
    ]
    [found] = findings_of(CancelHitsNext, events)

    assert found.severity is Severity.ERROR
    assert "response.cancel #6 cancelled the answer to the user's new words (#8)" in found.text


def test_a_cancel_of_the_answer_that_is_heard_is_meant() -> None:
    by_app = {"type": "cancelled", "reason": "client_cancelled"}
    button = [
        created("resp_1"),
        at(900, CANCEL),
        at(950, done("resp_1", "cancelled", status_details=by_app)),
    ]

    assert findings_of(CancelHitsNext, [*began(SERVER_VAD), *button]) == []


def test_a_cancel_before_the_answer_has_begun_has_no_effect() -> None:
    [found] = findings_of(CancelHitsNext, [*began(), ASK, CANCEL, created(), done()])

    assert "came before the answer had begun and had no effect" in found.text
    assert (
        findings_of(CancelHitsNext, [*began(), ASK, created(), CANCEL, done(status="cancelled")])
        == []
    )


def test_a_rate_limit_that_is_nearly_used_up_is_found() -> None:
    def limits(left: int) -> Event:
        rows = [{"name": "tokens", "limit": 40_000, "remaining": left, "reset_seconds": 30.0}]
        return server("rate_limits.updated", rate_limits=rows)

    [found] = findings_of(RateLimitNear, [*began(), limits(30_000), limits(1_200), limits(20_000)])

    assert found.text == "only 1,200 of 40,000 tokens were left (3%) before the limit resets"
    assert findings_of(RateLimitNear, [*began(), limits(30_000)]) == []


def test_transcriptions_that_fail_are_counted_by_reason() -> None:
    name = "conversation.item.input_audio_transcription"
    error = {"type": "server_error", "code": "DeploymentNotFound", "message": "No such deployment."}
    failed = server(f"{name}.failed", item_id="item_u", content_index=0, error=error)
    whole = server(f"{name}.completed", item_id="item_v", content_index=0, transcript="Hello")
    [found] = findings_of(TranscriptionFailed, [*began(), failed, whole, failed])

    assert found.text == "2 of 3 transcriptions failed: DeploymentNotFound"
    assert '"transcription": {"model": "<name of a deployment>"}' in found.fix
    assert findings_of(TranscriptionFailed, [*began(), whole]) == []
