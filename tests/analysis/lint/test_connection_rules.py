"""Rules about the connection, each with a session that triggers it and a near miss."""

from __future__ import annotations

from typing import Any

from inspector.analysis.lint.connection_rules import (
    CallGone,
    ClosedByWhom,
    ConnectionLost,
    SessionExpiry,
)
from inspector.analysis.lint.finding import Severity
from inspector.core.event import Event
from tests.linted import (
    OPENED,
    began,
    called,
    created,
    done,
    error,
    findings_of,
    later,
    said,
    session,
    text_item,
)
from tests.support import at, client, local, server

UPDATE = client("session.update", session={"type": "realtime", "instructions": "x"})
ATTACHED = local("inspector.opened", url="wss://api.openai.com/v1/realtime?call_id=rtc_1")
MINUTE = 60_000.0


def closed(code: int = 1000, by: str = "client", **members: Any) -> Event:
    return local("inspector.closed", code=code, by=by, **members)


def test_a_lost_connection_says_what_went_with_it() -> None:
    events = [*began(), *said(), *called(), created("resp_2"), at(900, closed(1006, "network"))]
    [found] = findings_of(ConnectionLost, events)

    assert found.severity is Severity.ERROR
    assert found.text == (
        "the connection was lost at 0.900 s without a close frame (1006); with it went resp_2 in progress, "
        "the calls of search_film and a conversation of 2 items"
    )


def test_a_connection_that_was_closed_on_purpose_is_not_lost() -> None:
    assert findings_of(ConnectionLost, [*began(), created(), done(), closed()]) == []


def test_a_reconnect_that_does_not_put_the_conversation_back_is_found() -> None:
    lost = [*began(), *said(), closed(1011, "server")]
    again = [OPENED, server("session.created", session=session(id="sess_2")), UPDATE]
    answer = [created("r2"), done("r2")]
    replayed = client("conversation.item.create", item=text_item())

    texts = [one.text for one in findings_of(ConnectionLost, [*lost, *again, *answer])]
    assert any(
        "1 item of the conversation on the connection that was lost was not put back" in t
        for t in texts
    )
    texts = [
        one.text
        for one in findings_of(ConnectionLost, [*lost, *again, replayed, replayed, *answer])
    ]
    assert not any("put back" in text for text in texts)


def test_a_close_right_after_an_update_names_who_closed() -> None:
    [found] = findings_of(ClosedByWhom, [*began(), at(30, UPDATE), at(32, closed())])

    assert found.severity is Severity.WARNING
    assert found.text == (
        "your app closed the connection (1000) 2 ms after session.update #3, before the server answered it"
    )


def test_a_close_after_the_answer_to_an_update_is_fine() -> None:
    events = [*began(), UPDATE, server("session.updated", session=session()), closed()]

    assert findings_of(ClosedByWhom, events) == []
    assert findings_of(ClosedByWhom, [*began(), UPDATE, at(9000, closed())]) == []


def test_a_server_that_refuses_the_connection_says_why() -> None:
    refusal = error("invalid_api_key", "Incorrect API key provided: sk-….")
    end = closed(
        3000, "server", reason="invalid_request_error.invalid_api_key", next_step="check the key"
    )
    [found] = findings_of(ClosedByWhom, [OPENED, refusal, end])

    assert found.severity is Severity.ERROR
    assert found.text.endswith("closed it with 3000: Incorrect API key provided: sk-….")
    assert found.fix == "check the key"


def test_a_session_that_expired_is_an_error() -> None:
    expired = error("session_expired", "Your session hit the maximum duration of 60 minutes.")
    reason = "Your session hit the maximum duration of 60 minutes."
    end = closed(1001, "server", reason=reason)
    [found] = findings_of(SessionExpiry, [*began(), at(60 * MINUTE, expired), end])

    assert found.text.startswith("the session expired after 60 minutes")


def test_a_session_that_ends_in_five_minutes_is_a_warning_while_it_is_open() -> None:
    old = [*began(), later(56 * MINUTE)]
    [found] = findings_of(SessionExpiry, old)

    assert found.text == "the session ends in 4 minutes: it is 56 minutes old"
    assert findings_of(SessionExpiry, [*old, at(56 * MINUTE, closed())]) == []
    assert findings_of(SessionExpiry, [*began(), later(30 * MINUTE)]) == []


def test_a_call_that_is_not_found_is_gone() -> None:
    failed = local(
        "inspector.connect_failed",
        url="wss://api.openai.com/v1/realtime?call_id=rtc_1",
        code="http_404",
        message="the call does not exist",
    )
    [found] = findings_of(CallGone, [failed])

    assert found.text.startswith("no such call: rtc_1 is not accepted yet, has ended")


def test_a_connection_to_a_call_that_shows_nothing_is_suspicious_and_another_is_not() -> None:
    [found] = findings_of(CallGone, [ATTACHED, later(6000)])

    assert found.severity is Severity.WARNING
    assert findings_of(CallGone, [ATTACHED, *began()[1:], later(6000)]) == []
    assert findings_of(CallGone, [OPENED, later(6000)]) == []
