"""Explanations of refusals and closes: no unproven cause, no repeated advice."""

from __future__ import annotations

import pytest

from inspector.sources.base import Side
from inspector.sources.reasons import closing_words, proxy_step, refusal_words

REALTIME = "wss://api.openai.com/v1/realtime"


@pytest.mark.parametrize(
    ("url", "code", "meaning"),
    [
        (f"{REALTIME}?call_id=rtc_1", "", "the call does not exist"),
        (f"{REALTIME}?model=m&call_id=rtc_1", "", "the call does not exist"),
        (REALTIME, "call_id_not_found", "the call does not exist"),
        (f"{REALTIME}?model=call_id=x", "", "the server has nothing at this address"),
        ("wss://api.openai.com/v1/live/sessions/live_1/attach", "", "the session to attach to does not exist"),
        ("wss://r.openai.azure.com/openai/v1/realtime?model=d", "DeploymentNotFound", "the resource has no deployment with this name"),
        (f"{REALTIME}?model=m", "", "the server has nothing at this address"),
    ],
)  # fmt: skip
def test_a_404_says_what_was_not_found(url: str, code: str, meaning: str) -> None:
    assert refusal_words(404, url, code).meaning == meaning


def test_a_call_that_is_not_found_is_no_matter_of_the_address() -> None:
    step = refusal_words(404, f"{REALTIME}?call_id=rtc_1").next_step

    assert "not be accepted yet" in step
    assert "another project or key" in step
    assert "path" not in step


@pytest.mark.parametrize(
    ("status", "retry_after", "step"),
    [
        (503, "", "wait a little"),
        (503, "9", "wait 9 s"),
        (503, "Fri, 27 Nov 2026 20:00:00 GMT", "wait until Fri, 27 Nov 2026 20:00:00 GMT"),
        (429, "9", "wait 9 s; if it happens again, check the account's limits and billing"),
        (429, "", "wait a little; if it happens again, check the account's limits and billing"),
        (401, "9", f"wait 9 s; {refusal_words(401).next_step}"),
    ],
)
def test_waiting_is_advised_once(status: int, retry_after: str, step: str) -> None:
    assert refusal_words(status, REALTIME, "", retry_after).next_step == step


def test_a_quota_that_is_used_up_does_not_pass_by_waiting() -> None:
    assert "wait" not in refusal_words(429, REALTIME, "insufficient_quota").next_step


@pytest.mark.parametrize("status", [403, 404, 502])
def test_what_a_proxy_on_the_way_answers_is_not_blamed_on_the_url(status: int) -> None:
    assert (
        proxy_step(status) == "check HTTPS_PROXY, and whether that proxy may connect to this host"
    )


@pytest.mark.parametrize("code", [1001, 1003, 1008, 1009, 1011, 1012, 1013, 4000, 4321])
def test_what_the_client_closed_is_not_said_of_the_server(code: int) -> None:
    words = closing_words(code, "", Side.CLIENT)

    assert "the client" in words.meaning
    assert "server" not in words.meaning
    assert not words.next_step


def test_a_code_in_the_clients_own_reason_is_no_verdict_of_the_server() -> None:
    assert closing_words(1000, "invalid_api_key", Side.CLIENT).meaning == "closed normally"
