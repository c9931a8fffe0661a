from __future__ import annotations

import copy
import logging
import pickle

import pytest

from inspector.secret import Secret, mask_headers, mask_subprotocol, mask_text, mask_url

KEY = "sk-proj-abcdefghijklmnop"


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(KEY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>9}",
        repr([secret]),
        f"{secret!r:10}",
    ]
    shown.append(logging.LogRecord("n", 1, "p", 1, "%s", (secret,), None).getMessage())

    assert KEY not in "".join(shown)
    assert secret.reveal() == KEY
    assert copy.deepcopy(secret) is secret


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))


def test_a_living_secret_is_masked_wherever_it_turns_up() -> None:
    secret = Secret("hunter2/hunter2")

    assert mask_text("a hunter2/hunter2 b hunter2%2Fhunter2") == "a *** b ***"
    assert secret


def test_what_looks_like_a_key_is_masked() -> None:
    assert KEY not in mask_text(f"Incorrect API key provided: {KEY}.")
    assert mask_text("risk-averse ek_1") == "risk-averse ek_1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://h/p?model=m&key=abc&x=1", "wss://h/p?model=m&key=***&x=1"),
        ("wss://h/?API_KEY=abc&access_token=t", "wss://h/?API_KEY=***&access_token=***"),
        ("wss://h/?ephemeral-token=t&api%5Fkey=u", "wss://h/?ephemeral-token=***&api%5Fkey=***"),
        ("wss://user:pw@h:1/p", "wss://***@h:1/p"),
        ("ws://[::1]:9/p?key=", "ws://[::1]:9/p?key="),
        (f"wss://h/?x={KEY}", "wss://h/?x=sk-***"),
        ("wss://h/p", "wss://h/p"),
    ],
)
def test_secrets_in_urls_are_masked_and_nothing_else(url: str, expected: str) -> None:
    assert mask_url(url) == expected


def test_secrets_in_headers_are_masked_and_the_rest_is_kept() -> None:
    masked = mask_headers(
        [
            ("Authorization", f"Bearer {KEY}"),
            ("api-key", "abc"),
            ("X-Session-Token", "abc"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{KEY}"),
            ("Server", "cloudflare"),
        ]
    )

    assert masked == {
        "Authorization": "Bearer ***",
        "api-key": "***",
        "X-Session-Token": "***",
        "set-cookie": "***, ***",
        "Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.***",
        "Server": "cloudflare",
    }
    assert mask_subprotocol("realtime") == "realtime"
