"""Rules about tools, each with a session that triggers it and a near miss."""

from __future__ import annotations

from dataclasses import replace

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.lint_run import lint
from inspector.analysis.lint.mcp_rules import McpApprovalWaits, McpFailed
from inspector.analysis.lint.tool_rules import (
    ToolCallId,
    ToolCallUnanswered,
    ToolOutputShape,
    ToolResultUnspoken,
)
from inspector.core.error_attribution import Confidence
from tests.linted import began, called, created, done, error, findings_of, later, result, text_item
from tests.support import at, client, numbered, server

ASK = client("response.create")


def test_a_result_without_a_request_for_an_answer_was_never_spoken() -> None:
    [found] = findings_of(ToolResultUnspoken, [*began(), *called(), result(), later(4000)])

    assert (found.severity, found.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert found.text.startswith(
        "the result of search_film was never spoken: no response.create followed in 3.9 s"
    )
    assert found.seqs == (8,)


def test_a_result_with_a_request_is_fine() -> None:
    events = [*began(), *called(), result(), ASK, created("resp_2"), done("resp_2"), later(9000)]

    assert findings_of(ToolResultUnspoken, events) == []


def test_a_result_that_was_sent_a_moment_ago_is_not_yet_unspoken() -> None:
    assert findings_of(ToolResultUnspoken, [*began(), *called(), result(), later(2500)]) == []


def test_a_result_before_the_end_of_its_response_is_spoken_by_the_next() -> None:
    *calls, last = called()
    events = [*began(), *calls, result(), last, ASK, created("resp_2"), later(9000)]

    assert findings_of(ToolResultUnspoken, events) == []


def test_a_refused_request_leaves_the_result_unspoken_and_says_what_ga_calls_the_field() -> None:
    ask = client("response.create", response={"modalities": ["text", "audio"], "input": []})
    refusal = error(
        "unknown_parameter",
        "Unknown parameter: 'response.modalities'.",
        param="response.modalities",
    )
    [found] = findings_of(ToolResultUnspoken, [*began(), *called(), result(), ask, refusal])

    assert "was refused as a whole: Unknown parameter" in found.text
    assert found.text.endswith("In GA: output_modalities.")
    assert found.fix == '{"type": "response.create", "response": {"output_modalities": ["audio"]}}'


def test_the_results_of_a_batch_wait_for_the_last_call() -> None:
    first, *calls, last = called()
    more = called("film_times", "call_2")[1:-1]
    events = [*began(), first, *calls, *more, last, result(), later(5000)]

    assert findings_of(ToolResultUnspoken, events) == []


def test_a_result_that_waits_for_the_users_next_words_is_a_warning() -> None:
    events = [*began(), *called(), result(), at(8000, created("resp_2")), done("resp_2")]
    [found] = findings_of(ToolResultUnspoken, events)

    assert found.severity is Severity.WARNING
    assert "waited 7.9 s" in found.text


def test_a_tool_that_takes_notes_while_the_model_speaks_may_need_no_answer() -> None:
    item = text_item("Noted.", "assistant", "item_a")
    *calls, _ = called()
    speaks = server("response.output_item.done", response_id="resp_1", output_index=1, item=item)
    call = {"id": "item_call_1", "type": "function_call", "call_id": "call_1"}
    events = [*calls, speaks, done(output=[item, call])]
    [found] = findings_of(ToolResultUnspoken, [*began(), *events, result(), later(4000)])

    assert (found.severity, found.confidence) == (Severity.NOTE, Confidence.POSSIBLE)


def test_a_result_at_the_end_of_a_recording_without_times_is_only_possibly_unspoken() -> None:
    events = numbered([*began(), *called(), result()])
    [found] = lint([replace(e, t_ns=None) for e in events], [ToolResultUnspoken]).findings

    assert (found.severity, found.confidence) == (Severity.WARNING, Confidence.POSSIBLE)


def test_a_result_with_foreign_members_has_the_wrong_shape() -> None:
    bad = result(role="system", content={"call_id": "call_1"})
    refusal = error("unknown_parameter", "Unknown parameter: 'item.role'.", param="item.role")
    [found] = findings_of(ToolOutputShape, [*began(), *called(), bad, refusal])

    assert found.severity is Severity.ERROR
    assert "it has role and content" in found.text


def test_a_result_that_is_an_object_has_the_wrong_shape() -> None:
    [found] = findings_of(ToolOutputShape, [*began(), *called(), result(output={"a": 1})])

    assert found.severity is Severity.WARNING
    assert "its output is an object, and must be a string" in found.text


def test_a_result_within_the_input_of_a_response_starts_an_empty_context() -> None:
    inside = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    ask = client("response.create", response={"input": [inside]})
    [found] = findings_of(ToolOutputShape, [*began(), *called(), ask])

    assert "is in response.input (#8)" in found.text


def test_a_result_in_its_usual_form_has_the_right_shape() -> None:
    whole = result(id="item_9", status="completed", object="realtime.item")

    assert findings_of(ToolOutputShape, [*began(), *called(), whole]) == []


def test_a_result_for_a_call_that_was_never_made_is_found() -> None:
    [found] = findings_of(ToolCallId, [*began(), *called(), result("call_9")])

    assert "'call_9', which the model never made; the calls were search_film" in found.text


def test_a_second_result_for_one_call_is_found() -> None:
    [found] = findings_of(ToolCallId, [*began(), *called(), result(), result()])

    assert found.text == "search_film was answered twice (#8 and #9)"


def test_a_history_of_calls_and_results_that_the_app_puts_back_is_fine() -> None:
    call = {"type": "function_call", "call_id": "call_old", "name": "f", "arguments": "{}"}
    events = [*began(), client("conversation.item.create", item=call), result("call_old")]

    assert findings_of(ToolCallId, events) == []


def test_a_call_without_a_result_is_a_warning_after_ten_seconds() -> None:
    [found] = findings_of(ToolCallUnanswered, [*began(), ASK, *called(), later(15_000)])

    assert found.severity is Severity.WARNING
    assert found.text == "search_film was called and has had no result for 14.9 s"


def test_a_call_at_the_end_of_a_session_is_a_warning_unless_it_ends_the_call() -> None:
    [lost] = findings_of(ToolCallUnanswered, [*began(), ASK, *called(), later(1000)])
    [meant] = findings_of(ToolCallUnanswered, [*began(), ASK, *called("end_call"), later(1000)])

    assert (lost.severity, meant.severity) == (Severity.WARNING, Severity.NOTE)


def test_a_call_that_the_app_has_answered_is_fine_even_before_the_server_confirms_it() -> None:
    assert findings_of(ToolCallUnanswered, [*began(), *called(), result(), later(15_000)]) == []


def test_a_call_of_an_interrupted_response_needs_no_result() -> None:
    *events, _ = called()
    cut = done("resp_1", "cancelled")

    assert findings_of(ToolCallUnanswered, [*began(), ASK, *events, cut, later(15_000)]) == []


def test_an_mcp_call_that_waits_for_approval_is_found() -> None:
    asked = {"id": "mcpr_1", "type": "mcp_approval_request", "name": "send", "server_label": "mail"}
    request = server("response.output_item.done", response_id="resp_1", item=asked)
    approval = {
        "id": "item_2",
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": True,
    }
    answer = server("conversation.item.added", item=approval)
    [found] = findings_of(McpApprovalWaits, [*began(), ASK, request, later(20_000)])

    assert found.text == "send of mail has waited for approval for 20.0 s"
    assert findings_of(McpApprovalWaits, [*began(), ASK, request, answer, later(20_000)]) == []
    assert findings_of(McpApprovalWaits, [*began(), ASK, request, later(2000)]) == []


def test_an_mcp_server_whose_tools_cannot_be_listed_is_found() -> None:
    item = {
        "id": "mcpl_1",
        "type": "mcp_list_tools",
        "server_label": "mail",
        "error": {"type": "http_error", "message": "401"},
    }
    added = server("conversation.item.added", item=item)
    failed = server("mcp_list_tools.failed", item_id="mcpl_1")
    listed = server("mcp_list_tools.completed", item_id="mcpl_1")
    [found] = findings_of(McpFailed, [*began(), added, failed])

    assert found.text == "the tools of mail could not be listed: http_error: 401"
    assert findings_of(McpFailed, [*began(), added, listed]) == []
