"""MCP servers: lists of tools, calls and approvals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim_driver import (
    CREATE,
    TEXT_SESSION,
    WEATHER,
    Body,
    SimDriver,
    answer,
    create,
    error,
    of_type,
    only,
    types,
    update,
    user,
)

DOCS: Body = {
    "type": "mcp",
    "server_label": "docs",
    "server_url": "https://docs.example/mcp",
    "require_approval": "never",
}
ASK = user("Search the docs for Realtime")


def driver_with(*tools: Body, **session: Any) -> SimDriver:
    driver = SimDriver()
    driver.ask(TEXT_SESSION, update(tools=list(tools), **session))
    return driver


def approval(request_id: str, *, is_given: bool) -> Body:
    return {
        "type": "mcp_approval_response",
        "approval_request_id": request_id,
        "approve": is_given,
    }


def test_the_tools_of_a_server_are_listed_after_the_update() -> None:
    events = driver_with(DOCS).events[2:]

    assert types(events) == [
        "session.updated",
        "mcp_list_tools.in_progress",
        "conversation.item.added",
        "conversation.item.done",
        "mcp_list_tools.completed",
    ]
    item = events[3]["item"]
    assert events[2]["item"] == {**item, "tools": []}
    assert (item["type"], item["server_label"]) == ("mcp_list_tools", "docs")
    assert [tool["name"] for tool in item["tools"]] == ["search", "fetch"]
    assert {event["item_id"] for event in (events[1], events[4])} == {item["id"]}


def test_a_server_that_cannot_be_reached_lists_nothing() -> None:
    events = driver_with({**DOCS, "server_url": "https://nowhere.invalid/mcp"}).events

    assert types(events)[-1] == "mcp_list_tools.failed"
    assert only(events, "conversation.item.done")["item"]["tools"] == []


def test_a_list_can_be_fetched_as_soon_as_it_is_spoken_of() -> None:
    driver = SimDriver()
    driver.ask(TEXT_SESSION)
    driver.send(update(tools=[DOCS]))
    item_id = driver.run_to("mcp_list_tools.in_progress")[1]["item_id"]
    events = driver.ask({"type": "conversation.item.retrieve", "item_id": item_id})

    assert only(events, "conversation.item.retrieved")["item"]["tools"] == []


def test_allowed_tools_are_what_there_is() -> None:
    events = driver_with({**DOCS, "allowed_tools": {"tool_names": ["roll_dice"]}}).events

    assert [tool["name"] for tool in events[-2]["item"]["tools"]] == ["roll_dice"]


def test_a_call_is_made_without_the_client() -> None:
    events = driver_with(DOCS).ask(ASK, CREATE)

    assert types(events)[2:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    added = only(events, "response.output_item.added")["item"]
    done = only(events, "response.output_item.done")["item"]
    assert (added["arguments"], added["output"]) == ("", None)
    assert "simulated result of search on docs" in done["output"]
    assert done["arguments"] == only(events, "response.mcp_call_arguments.done")["arguments"]


def test_the_result_is_what_the_next_answer_speaks_of() -> None:
    driver = driver_with(DOCS)
    driver.ask(ASK, CREATE)

    assert "simulated result of search on docs" in answer(driver.ask(CREATE))


def test_a_tool_may_fail() -> None:
    driver = driver_with({**DOCS, "allowed_tools": ["fail_search"]}, tool_choice="required")
    events = driver.ask(ASK, CREATE)

    assert only(events, "response.mcp_call.failed")
    error_ = only(events, "response.output_item.done")["item"]["error"]
    assert error_["type"] == "tool_execution_error"


def test_a_call_waits_for_approval_unless_told_otherwise() -> None:
    driver = driver_with({key: DOCS[key] for key in DOCS if key != "require_approval"})
    asked = driver.ask(ASK, CREATE)
    request = only(asked, "response.output_item.done")["item"]
    yes = approval(request["id"], is_given=True)
    events = driver.ask({"type": "conversation.item.create", "item": yes})

    assert request["type"] == "mcp_approval_request"
    assert not of_type(asked, "response.mcp_call.in_progress")
    assert types(events) == [
        "conversation.item.added",
        "conversation.item.done",
        "response.output_item.added",
        "conversation.item.added",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "conversation.item.done",
        "response.output_item.done",
    ]
    call = only(events, "response.output_item.done")
    assert call["item"]["approval_request_id"] == request["id"]
    assert call["response_id"] == only(asked, "response.created")["response"]["id"]
    again = driver.ask({"type": "conversation.item.create", "item": yes})
    assert error(again)["param"] == "item.approval_request_id"


def test_a_call_that_is_not_approved_is_not_made() -> None:
    driver = driver_with({**DOCS, "require_approval": {"always": {"tool_names": ["search"]}}})
    asked = driver.ask(ASK, CREATE)
    request_id = only(asked, "response.output_item.done")["item"]["id"]
    no = approval(request_id, is_given=False)
    events = driver.ask({"type": "conversation.item.create", "item": no})

    assert types(events) == ["conversation.item.added", "conversation.item.done"]
    assert "did not approve" in answer(driver.ask(CREATE))


def test_a_turn_before_the_list_has_come_has_no_tools() -> None:
    driver = SimDriver()
    driver.ask(TEXT_SESSION)
    driver.send(update(tools=[DOCS]))
    events = driver.ask(ASK, create(tools=[WEATHER]))

    assert not of_type(events, "response.mcp_call.in_progress")


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "mcp", "server_label": "docs"},
        {"type": "mcp", "server_label": "docs", "name": "fetch"},
    ],
)
def test_a_server_can_be_forced(choice: Body) -> None:
    driver = driver_with(WEATHER, DOCS, tool_choice=choice)
    events = driver.ask(user("Hello"), CREATE)

    call = only(events, "response.output_item.done")["item"]
    assert (call["type"], call["name"]) == ("mcp_call", choice.get("name", "search"))


def test_a_server_that_is_known_needs_only_its_label() -> None:
    driver = driver_with(DOCS)
    again = driver.ask(update(tools=[{"type": "mcp", "server_label": "docs"}]))

    assert types(again) == ["session.updated"]
    assert of_type(driver.ask(ASK, CREATE), "response.mcp_call.completed")


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"type": "mcp", "server_label": "x"}], "session.tools[0].server_url"),
        ([DOCS, DOCS], "session.tools[1].server_label"),
        ([{**DOCS, "connector_id": "connector_gmail"}], "session.tools[0].server_url"),
        (
            [{**DOCS, "authorization": "a", "headers": {"Authorization": "b"}}],
            "session.tools[0].authorization",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused_whole(tools: list[Body], param: str) -> None:
    driver = SimDriver()
    driver.run()
    events = driver.ask(update(instructions="new", tools=tools))

    assert error(events)["param"] == param
    assert types(events) == ["error"]


def test_what_a_server_is_told_in_confidence_does_not_come_back() -> None:
    events = driver_with({**DOCS, "authorization": "planted-secret"}).events

    assert "planted-secret" not in str(events)
    assert of_type(events, "mcp_list_tools.completed")
