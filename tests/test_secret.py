from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import re
from urllib.parse import quote, quote_plus

import pytest

from inspector.secret import (
    FrameMask,
    Secret,
    is_secret_header,
    mask_headers,
    mask_subprotocol,
    mask_text,
    mask_url,
    secrets_of,
)

KEY = "sk-proj-abcdefghijklmnop"


def test_a_secret_is_never_shown() -> None:
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


def test_a_live_secret_is_masked_everywhere() -> None:
    secret = Secret("hunter2/hunter2")

    assert mask_text("a hunter2/hunter2 b hunter2%2Fhunter2") == "a *** b ***"
    assert secret


def test_text_that_looks_like_a_key_is_masked() -> None:
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


ODD = "pl/4nt+ed=0123&<k'e\"y>\\"
"""A key with every character that some JSON or URL encoder escapes."""


def spellings(key: str) -> dict[str, str]:
    plain = json.dumps(key)[1:-1]
    dotnet = "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in key)
    return {
        "plain": plain,
        "php": plain.replace("/", "\\/"),
        ".net": dotnet,
        "url": quote(key, safe=""),
        "path": quote(key),
        "form": quote_plus(key).lower(),
        "url in url": quote(quote(key, safe=""), safe=""),
        "json in json": json.dumps(plain)[1:-1],
        "json in json in json": json.dumps(json.dumps(dotnet)[1:-1])[1:-1],
    }


@pytest.mark.parametrize("way", list(spellings(ODD)))
def test_a_key_is_masked_in_every_spelling(way: str) -> None:
    secret, spelled = Secret(ODD), spellings(ODD)[way]
    frame = f'{{"type":"error","error":{{"message":"bad key {spelled}."}}}}'.encode()
    masked = FrameMask([secret]).masked(frame)

    assert mask_text(f"bad key {spelled}.") == "bad key ***."
    assert len(masked) == len(frame)
    assert re.fullmatch(r"bad key \*+\.", json.loads(masked)["error"]["message"])


def test_a_frame_without_the_key_is_the_very_same_frame() -> None:
    frame = b'{"type":"session.created","session":{"model":"gpt-realtime"}}'

    assert FrameMask([Secret(KEY), Secret(ODD)]).masked(frame) is frame


@pytest.mark.parametrize("dummy", ["session", "realtime", "response.created", "none", "local-key"])
def test_a_protocol_word_used_as_a_key_is_not_masked_in_frames(dummy: str) -> None:
    frame = f'{{"type":"{dummy}.x"}}'.encode()

    assert FrameMask([Secret(dummy)]).masked(frame) is frame


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api-key", True),
        ("x-functions-key", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("X-My-Token", True),
        ("Sec-WebSocket-Key", False),
        ("X-Monkey", False),
    ],
)
def test_headers_that_carry_keys_are_known(name: str, is_secret: bool) -> None:
    assert is_secret_header(name) is is_secret


def test_the_keys_of_a_request_are_found_in_every_place() -> None:
    basic = base64.b64encode(b"user:pass-word-1").decode()
    token = base64.urlsafe_b64encode(b"a-token-in-base64").decode().rstrip("=")
    found = secrets_of(
        [
            ("Authorization", "Bearer in-authorization"),
            ("Proxy-Authorization", f"Basic {basic}"),
            ("x-functions-key", "in-functions"),
            ("X-Anything", Secret("said-to-be-one")),
            ("X-Harmless", "voice"),
            (
                "Sec-WebSocket-Protocol",
                f"realtime, openai-insecure-api-key.in-subprotocol, base64url.bearer.authorization.k8s.io.{token}",
            ),
        ],
        "wss://me:in-the-host@h/p?model=m&code=in%2Fquery&subscription_key=s_key",
    )

    assert {one.reveal() for one in found} >= {
        "in-authorization",
        "pass-word-1",
        "in-functions",
        "said-to-be-one",
        "in-subprotocol",
        "in-the-host",
        "in%2Fquery",
        "in/query",
        "s_key",
    }
    assert not {"voice", "realtime", "m"} & {one.reveal() for one in found}
