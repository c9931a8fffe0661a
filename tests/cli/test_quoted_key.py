"""A server that quotes the key: in a refusal, in a frame, and in its close reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from tests.cli.conftest import Run
from tests.cli.far_end import server

KEY = "Zz98/planted+8yQ3=ABC"
"""Does not look like a key, and has several spellings in URLs and JSON."""
TOKEN = "Zz98.planted-8yQ3_ABC"
"""The same, with characters that are allowed in a subprotocol."""
WAYS = (
    "environment",
    "key-env",
    "key-file",
    "profile",
    "subprotocol",
    "authorization",
    "authorization=",
    "api-key",
    "x-functions-key",
    "any token",
    "query",
)
PARTS = ("Zz98", "planted", "8yQ3")


def spelled(key: str, spelling: str) -> str:
    match spelling:
        case "escaped":
            return key.replace("+", "\\u002B").replace("/", "\\/")
        case "percent":
            return quote(key, safe="")
    return key


@contextmanager
def quoting_server(key: str, quoted: str) -> Iterator[str]:
    """Quote the key in everything that a server can send."""

    def handler(connection: ServerConnection) -> None:
        error = f'"error":{{"code":"x","message":"bad key {quoted}"}}'
        connection.send(f'{{"type":"error",{error}}}')
        connection.send(quoted.encode())
        connection.send(f"no JSON {quoted}")
        connection.close(3000, f"bad key {key}")

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if not request.path.startswith("/refuse"):
            return None
        body = ("." * 285 + f" bad key {quoted}") if "long" in request.path else quoted
        response = connection.respond(HTTPStatus.UNAUTHORIZED, body)
        response.headers["X-Request-Id"] = key
        return response

    with server(
        handler,
        process_request=refuse,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as url:
        yield url


def planted(way: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """Provide the key; return its form in the query, and the options."""
    holder = home / "holder"
    holder.parent.mkdir(parents=True, exist_ok=True)
    key = TOKEN if way == "subprotocol" else KEY
    holder.write_text(key)
    monkeypatch.setenv("MINE", key)
    headers = {
        "authorization": f"Authorization: Bearer {KEY}",
        "authorization=": f"Authorization=Bearer {KEY}",
        "api-key": f"api-key={KEY}",
        "x-functions-key": f"x-functions-key={KEY}",
        "any token": f"X-My-Token={KEY}",
    }
    match way:
        case "environment":
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            return "", ["--profile", "openai"]
        case "key-env":
            return "", ["--key-env", "MINE"]
        case "key-file":
            return "", ["--key-file", str(holder)]
        case "profile":
            config = home / ".config/realtime-inspector/config.toml"
            config.parent.mkdir(parents=True)
            config.write_text('[profiles.mine]\nprovider = "azure"\nkey_env = "MINE"\n')
            return "", ["--profile", "mine"]
        case "subprotocol":
            return "", ["--key-env", "MINE", "--browser-auth"]
        case "query":
            return f"&code={quote(KEY, safe='')}", []
    return "", ["--header", headers[way]]


@pytest.mark.parametrize("spelling", ["plain", "escaped", "percent"])
@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_a_server_quotes_is_neither_printed_nor_recorded(
    way: str,
    spelling: str,
    inspector: Run,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query, options = planted(way, home, monkeypatch)
    key = TOKEN if way == "subprotocol" else KEY
    quoted = spelled(key, spelling)
    recordings = [tmp_path / f"{number}.jsonl" for number in range(4)]
    with quoting_server(key, quoted) as url:
        outcomes = [
            inspector(
                "live",
                *("--headless", "--url", f"{url}{path}?model=m{query}", "-o", recording),
                *(*form, *options),
            )
            for path, recording, form in zip(
                ("/v1/realtime", "/v1/realtime", "/refuse", "/refuse-long"),
                recordings,
                (["--jsonl"], [], [], ["--json"]),
                strict=True,
            )
        ]

    assert [outcome.status for outcome in outcomes] == [3] * 4
    told = [outcome.out.decode() + outcome.err for outcome in outcomes]
    told += [recording.read_text() for recording in recordings]
    assert "bad key" in told[0]
    assert [part for text in told for part in PARTS if part in text] == []
    first = [json.loads(line) for line in recordings[0].read_text().splitlines()]
    assert first[2]["event"]["error"]["message"].replace("*", "") == "bad key "
    assert len(first[3]["b64"]) == 4 * -(-len(quoted) // 3)
