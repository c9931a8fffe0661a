"""Accepted and refused connections, and the end of a session after 60 minutes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.sim.settings import SimSettings
from tests.sim_driver import REALTIME, SimDriver, types
from tests.support import recording

NEEDS_KEY = SimSettings(require_key=True)
SOME_KEY = {"authorization": "Bearer sk-something"}


@pytest.mark.parametrize(
    ("query", "headers", "settings", "close", "message"),
    [
        (
            REALTIME,
            {"authorization": "Bearer sk-bad-12345678"},
            None,
            (3000, "invalid_request_error.invalid_api_key"),
            (
                "Incorrect API key provided: sk-bad-1***5678. You can find your API key at "
                "https://platform.openai.com/account/api-keys."
            ),
        ),
        (
            REALTIME,
            {},
            NEEDS_KEY,
            (3000, "invalid_request_error"),
            "Missing bearer or basic authentication in header",
        ),
        (
            {},
            {},
            None,
            (4000, "invalid_request_error.missing_model"),
            (
                "You must provide a model parameter, for example "
                "wss://api.openai.com/v1/realtime?model=gpt-realtime-1.5"
            ),
        ),
        (
            {"model": "gpt-nope"},
            SOME_KEY,
            NEEDS_KEY,
            (4000, "invalid_request_error.invalid_model"),
            'Model "gpt-nope" is not supported in realtime mode.',
        ),
        (
            REALTIME,
            {"openai-beta": "realtime=v1"},
            None,
            (4000, "invalid_request_error.beta_api_shape_disabled"),
            "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
        ),
    ],
)
def test_a_refused_connection_gets_an_error_and_a_close_at_once(
    query: dict[str, str],
    headers: dict[str, str],
    settings: SimSettings | None,
    close: tuple[int, str],
    message: str,
) -> None:
    driver = SimDriver(query=query, headers=headers, settings=settings)
    (refused,) = driver.run()

    assert refused["error"]["message"] == message
    assert driver.close is not None
    assert (driver.close.code, driver.close.reason) == close
    assert driver.session.is_closed
    assert driver.session.next_due_ns is None
    assert driver.times_ms[-1] <= 10


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        (SOME_KEY, ()),
        ({"authorization": "Basic c2s6"}, ()),
        ({"api-key": "azure"}, ()),
        ({}, ("realtime", "openai-insecure-api-key.ek_1")),
    ],
)
def test_a_key_comes_in_any_of_its_ways(
    headers: dict[str, str], subprotocols: tuple[str, ...]
) -> None:
    driver = SimDriver(headers=headers, subprotocols=subprotocols, settings=NEEDS_KEY)

    assert types(driver.run()) == ["session.created"]


def test_a_key_in_a_subprotocol_can_be_refused() -> None:
    driver = SimDriver(subprotocols=("realtime", "openai-insecure-api-key.ek_expired"))

    assert types(driver.run()) == ["error"]


@pytest.mark.parametrize(
    ("model", "voice", "silence_ms"),
    [
        ("gpt-realtime", "alloy", 200),
        ("gpt-realtime-mini", "alloy", 200),
        ("gpt-realtime-2.1", "marin", 500),
        ("gpt-realtime-2.1-mini", "marin", 500),
    ],
)
def test_defaults_are_those_of_the_model(model: str, voice: str, silence_ms: int) -> None:
    session = SimDriver(query={"model": model}).run()[0]["session"]

    assert session["model"] == model
    assert session["expires_at"] == 1_760_000_000 + 3600
    assert session["audio"]["output"]["voice"] == voice
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == silence_ms


def test_a_transcription_session_names_no_model() -> None:
    session = SimDriver(query={"intent": "transcription"}).run()[0]["session"]

    assert list(session) == ["type", "object", "id", "expires_at", "audio", "include"]
    assert session["object"] == "realtime.transcription_session"
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
    }


def key_tree(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, key_tree(member)) for key, member in value.items()]
    return None


def test_the_session_object_has_the_keys_of_the_recorded_one_in_its_order() -> None:
    lines = recording("openai-text-in-audio-out").read_bytes().splitlines()
    recorded = orjson.loads(lines[0])["event"]

    assert key_tree(SimDriver().run()[0]) == key_tree(recorded)


def test_an_hour_is_the_longest_session() -> None:
    driver = SimDriver()
    driver.run(3599)
    assert not driver.session.is_closed
    (expired,) = driver.run(10)

    text = "Your session hit the maximum duration of 60 minutes."
    assert (expired["error"]["code"], expired["error"]["message"]) == ("session_expired", text)
    assert driver.close is not None
    assert (driver.close.code, driver.close.reason) == (1001, text)


def test_time_may_begin_anywhere() -> None:
    driver = SimDriver()
    driver.now_ns = 10**18

    assert types(driver.run()) == ["session.created"]


def test_a_closed_session_takes_nothing_and_says_nothing() -> None:
    driver = SimDriver(query={})
    driver.run()
    driver.send(b"{")

    assert driver.session.due(driver.now_ns + 10**12) == []


def test_one_seed_makes_one_session() -> None:
    assert SimDriver(seed=1).run() == SimDriver(seed=1).run()
    assert SimDriver(seed=1).run() != SimDriver(seed=2).run()
