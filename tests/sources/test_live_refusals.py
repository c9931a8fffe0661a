"""Refused and failed connections of a live source: messages with a hint, and without secrets."""

from __future__ import annotations

import asyncio
import json

import pytest

from inspector.errors import ConnectError
from inspector.sources.live import LiveSource, LiveTarget
from tests.sources.loopback import (
    PLANTED_KEY,
    http_server,
    raw_server,
    target,
    websocket_server,
)


async def refusal_of(response: bytes) -> ConnectError:
    async with raw_server(http_server(response)) as url:
        with pytest.raises(ConnectError) as caught:
            await LiveSource(target(url)).connect()
        return caught.value


def http(status: str, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


def test_a_server_that_never_answers_times_out() -> None:
    async def scenario() -> ConnectError:
        done = asyncio.Event()

        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await done.wait()
            writer.close()

        async with raw_server(silent) as url:
            with pytest.raises(ConnectError) as caught:
                await LiveSource(target(url, open_timeout_s=0.05)).connect()
            done.set()
            return caught.value

    error = asyncio.run(scenario())

    assert error.code == "connect_timeout"
    assert "0.05 s" in error.message


@pytest.mark.parametrize(
    ("status", "word", "hint"),
    [
        ("400 Bad Request", "invalid", "--model"),
        ("401 Unauthorized", "not authorised", "--key-env"),
        ("403 Forbidden", "forbidden", "permissions"),
        ("404 Not Found", "nothing at this address", "path"),
        ("429 Too Many Requests", "too many", "wait"),
        ("500 Internal Server Error", "failed", "wait"),
        ("418 I'm a teapot", "refused", "check"),
        ("200 OK", "does not speak WebSocket", "path"),
    ],
)
def test_a_refused_upgrade_says_why_and_what_next(status: str, word: str, hint: str) -> None:
    error = asyncio.run(refusal_of(http(status)))

    assert error.code == f"http_{status[:3]}"
    assert error.exit_code == 3
    assert word in error.message
    assert hint in error.hint


def test_the_body_of_a_refusal_is_quoted_harmless_and_without_the_key() -> None:
    body = json.dumps({"error": {"message": f"Incorrect key {PLANTED_KEY}\x1b[31m\u202e here"}})
    error = asyncio.run(
        refusal_of(http("401 Unauthorized", body, "x-request-id: req_7", "Retry-After: 9"))
    )

    assert "Incorrect key" in error.message
    assert "req_7" in error.message
    assert error.hint.startswith("wait 9 s")
    assert PLANTED_KEY not in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("response", "word"),
    [
        (b"\x00\xff\x1b[31mhello\r\n\r\n", "hello"),
        (http("500 \x1b[31mBad [bold]"), "[bold]"),
        (http("101 Switching Protocols", "", "X: " + "x" * 9_000), "8192"),
        (b"", "closed"),
    ],
    ids=["no HTTP", "escapes", "endless header", "nothing"],
)
def test_an_answer_that_is_no_handshake_is_quoted_harmless(response: bytes, word: str) -> None:
    error = asyncio.run(refusal_of(response))

    assert error.code == "bad_handshake"
    assert word in error.message
    assert error.message.isprintable()


def test_a_redirect_is_not_followed() -> None:
    response = http("302 Found", "", "Location: ws://elsewhere.example/steal")
    error = asyncio.run(refusal_of(response))

    assert error.code == "http_302"
    assert "elsewhere.example" in error.message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://127.0.0.1:1", "refused"),
        ("ws://no-such-host.invalid", "dns"),
        ("http://127.0.0.1", "bad_url"),
    ],
)
def test_what_cannot_be_reached_is_named(url: str, code: str) -> None:
    with pytest.raises(ConnectError) as caught:
        asyncio.run(LiveSource(LiveTarget(url)).connect())

    assert caught.value.code == code


@pytest.mark.parametrize(("scheme", "code"), [("wss", "tls"), ("ws", "bad_handshake")])
def test_a_server_of_another_protocol_is_named(scheme: str, code: str) -> None:
    async def scenario() -> ConnectError:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        async with raw_server(handler) as url:
            with pytest.raises(ConnectError) as caught:
                await LiveSource(LiveTarget(url.replace("ws", scheme, 1))).connect()
            return caught.value

    assert asyncio.run(scenario()).code == code


def test_a_proxy_of_the_environment_is_used_and_its_refusal_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def scenario() -> ConnectError:
        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(http("407 Proxy Authentication Required"))
            writer.close()

        async with raw_server(proxy) as url:
            monkeypatch.setenv("https_proxy", url.replace("ws://", "http://"))
            with pytest.raises(ConnectError) as caught:
                await LiveSource(target("wss://api.example")).connect()
            return caught.value

    error = asyncio.run(scenario())

    assert asked[0].startswith(b"CONNECT api.example:443")
    assert PLANTED_KEY.encode() not in asked[0]
    assert (error.code, "407" in error.message) == ("proxy", True)


def test_a_bad_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "ftp://user:hunter22@proxy.example:1")
    with pytest.raises(ConnectError) as caught:
        asyncio.run(LiveSource(LiveTarget("wss://api.example")).connect())

    assert caught.value.code == "proxy"
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("held", "shown", "words"),
    [
        ("http://[", "http://[", "Invalid IPv6 URL"),
        ("http://u:hunter22@[", "http://***@[", "Invalid IPv6 URL"),
        ("u:hunter22@proxy.example:1", "***@proxy.example:1", "it needs a scheme"),
        ("http://h:99999", "http://h:99999", "Port out of range"),
        ("http://", "http://", "there is no host"),
        ("http://h/path", "http://h/path", "there is a path"),
        ("http://a b", "http://a b", "not plain ASCII"),
        ("http://\udcff", "http://\\udcff", "not plain ASCII"),
        ("http://%ff:x@h", "http://***@h", "can't decode"),
        ("ftp://h", "ftp://h", "it needs a scheme"),
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY"])
def test_a_variable_that_names_no_proxy_is_named_itself(
    variable: str, held: str, shown: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, held)
    with pytest.raises(ConnectError) as caught:
        asyncio.run(LiveSource(LiveTarget("wss://api.example")).connect())

    error = caught.value
    assert error.message.startswith(f"{variable} ({shown}) is not an address of a proxy: ")
    assert words in error.message
    assert "api.example" not in error.words
    assert "hunter22" not in error.words


def test_a_proxy_that_cannot_be_reached_is_not_taken_for_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(ConnectError) as caught:
        asyncio.run(LiveSource(LiveTarget("wss://api.example")).connect())

    assert caught.value.message.startswith("the network's proxy cannot be reached: ")
    assert "HTTPS_PROXY (http://127.0.0.1:9)" in caught.value.hint


def test_this_machine_is_reached_without_the_networks_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    async def scenario() -> int:
        async with websocket_server(lambda connection: connection.wait_closed()) as url:
            source = LiveSource(LiveTarget(url))
            handshake = await source.connect()
            await source.close()
            return handshake.status

    assert asyncio.run(scenario()) == 101
