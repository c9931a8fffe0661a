from __future__ import annotations

import pytest

from inspector.errors import UsageError
from inspector.sources.address import is_loopback, model_in, realtime_url


@pytest.mark.parametrize(
    ("address", "options", "expected"),
    [
        ("wss://h", {}, "wss://h/v1/realtime"),
        ("https://h/", {"model": "m"}, "wss://h/v1/realtime?model=m"),
        ("http://h:8080/v1", {"model": "m"}, "ws://h:8080/v1/realtime?model=m"),
        ("https://gateway/openai/v1/", {}, "wss://gateway/openai/v1/realtime"),
        ("h", {}, "wss://h/v1/realtime"),
        ("localhost:8080", {}, "ws://localhost:8080/v1/realtime"),
        ("[::1]:9", {}, "ws://[::1]:9/v1/realtime"),
        ("ws://h/own/path?x=1", {"model": "m"}, "ws://h/own/path?x=1&model=m"),
        ("ws://h?model=theirs", {"model": "m"}, "ws://h/v1/realtime?model=theirs"),
        ("wss://h", {"call_id": "rtc_1", "model": "m"}, "wss://h/v1/realtime?call_id=rtc_1"),
        ("wss://h", {"intent": "transcription"}, "wss://h/v1/realtime?intent=transcription"),
        ("wss://h", {"model": "gpt://f/a b"}, "wss://h/v1/realtime?model=gpt%3A%2F%2Ff%2Fa%20b"),
        ("wss://r", {"path": "/openai/v1/realtime"}, "wss://r/openai/v1/realtime"),
    ],
)
def test_an_address_is_completed(address: str, options: dict[str, str], expected: str) -> None:
    assert realtime_url(address, **options) == expected


@pytest.mark.parametrize(
    "address", ["ftp://h", "ws://", "", "ws://h:port", "ws://a b", "ws://[::1"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        realtime_url(address)

    assert caught.value.code == "bad_url"


def test_an_error_about_an_address_holds_no_password() -> None:
    with pytest.raises(UsageError) as caught:
        realtime_url("ftp://user:hunter22@h/?api_key=abc123")

    assert "hunter22" not in caught.value.message
    assert "abc123" not in caught.value.message


def test_the_model_and_the_machine_are_read_from_a_url() -> None:
    assert model_in("ws://h/?model=m") == "m"
    assert model_in("ws://h/?deployment=d") == "d"
    assert is_loopback("ws://127.0.0.1:1/")
    assert not is_loopback("ws://example.com/")
