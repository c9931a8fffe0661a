"""Requests that the proxy accepts: targets cannot name another server, and no request is ambiguous."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inspector.secret import Secret
from inspector.sources.access_control import AccessControl
from inspector.sources.frames import close_bytes
from tests.proxy_stage import PATIENCE_S, Stage, proxied, upgrade_request, upgrade_response
from tests.sources.loopback import PLANTED_KEY, greet, raw_server, websocket_server
from tests.sources.test_proxy_http import Site

REST = b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"


async def said_to(stage: Stage, request: bytes, *, half_closes: bool = False) -> bytes:
    """Return all bytes that an app receives for those that it sends."""
    reader, writer = await stage.raw_app(request)
    if half_closes:
        writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer


def answers_of(request: bytes, **options: Any) -> tuple[bytes, Site, Stage]:
    """Return the bytes that an app receives, and those that the server received."""
    site = Site(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")

    async def scenario() -> tuple[bytes, Site, Stage]:
        async with raw_server(site.handler) as url, proxied(url, **options) as stage:
            return await said_to(stage, request, half_closes=True), site, stage

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "start",
    [
        b"GET @127.0.0.1:1/steal",
        b"GET :1/steal",
        b"GET .evil.example/steal",
        b"GET http://127.0.0.1:1/abs",
        b"GET HTTP://127.0.0.1/abs",
        b"CONNECT 127.0.0.1:1",
        b"OPTIONS *",
        b"GET \\\\host/x",
        b"GET ?q=1",
        b"GET #frag",
        b"GET /a#frag",
        b"GET %2f",
        b"GET /a b",
        "GET /ä".encode(),
        b"GET /a\rX: y",
        b"GET /a\nX: y",
        b"GET /a\tb",
        b"GET /a\x00",
        b"GET  /a",
        b"GET",
    ],
)
@pytest.mark.parametrize("headers", [b"", UPGRADE])
def test_a_target_that_is_no_path_goes_nowhere(start: bytes, headers: bytes) -> None:
    request = start + REST[:-2] + headers + b"\r\n"
    answer, site, stage = answers_of(request, key=Secret(PLANTED_KEY))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"message":"' in answer
    assert not site.heads
    assert stage.proxy.exchanges
    assert stage.proxy.exchanges[0].refusal


@pytest.mark.parametrize(
    "target",
    [
        "/ok",
        "//127.0.0.1/x",
        "/\\host",
        "/@host:1/x",
        "/%2f%2fhost",
        "/a/../../b%2e%2e/./c?x=%20+&y=%C3%A4?z",
        "/:1",
        "/?",
    ],
)
def test_a_path_goes_to_the_server_as_it_is(target: str) -> None:
    answer, site, _ = answers_of(b"GET " + target.encode() + REST, key=Secret(PLANTED_KEY))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert site.heads[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())
    assert f"Bearer {PLANTED_KEY}".encode() in site.heads[0]


@pytest.mark.parametrize(
    ("headers", "body", "word"),
    [
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked", b"0\r\n\r\n", "Transfer-Encoding"),
        (b"Content-Length: 3\r\ncontent-length: 3", b"abc", "more than one"),
        (b"Content-Length: 3, 3", b"abc", "not a number"),
        (b"Content-Length: +3", b"abc", "not a number"),
        (b"Content-Length: \xc2\xb3", b"abc", "not a number"),
        (b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n", "chunked"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n", "chunked"),
        (b"Transfer-Encoding: xchunked", b"0\r\n\r\n", "chunked"),
        (b"Transfer-Encoding : chunked", b"0\r\n\r\n", "colon"),
        (b"X: a\r\n folded: b", b"", "folded"),
        (b"X: a\r\n\tfolded", b"", "folded"),
        (b"X: a\nY: b", b"", "CR and LF"),
        (b"X: a\rY: b", b"", "CR and LF"),
        (b"X: a\0b", b"", "NUL"),
        (b"no colon", b"", "colon"),
    ],
)
@pytest.mark.parametrize("is_second", [False, True])
def test_what_could_be_two_requests_is_refused_with_the_reason(
    headers: bytes, body: bytes, word: str, is_second: bool
) -> None:
    first = b"GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n" if is_second else b""
    odd = b"POST /odd HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\n" + body
    site = Site()

    async def scenario() -> bytes:
        async with raw_server(site.handler) as url, proxied(url) as stage:
            return await said_to(stage, first + odd)

    answer = asyncio.run(scenario())

    assert answer.count(b"HTTP/1.1 200 ") == is_second
    assert b"HTTP/1.1 400 " in answer
    assert word.encode() in answer
    assert not [head for head in site.heads if b"/odd" in head]


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nabc\r\n", b"3\r\nabcd\r\n", b"3\nabc\n0\n\n", b"-1\r\n\r\n"]
)
def test_a_body_in_bad_chunks_is_refused(chunks: bytes) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer, site, _ = answers_of(head + chunks)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_request"' in answer
    assert not any(site.bodies)


def test_lines_that_end_with_lf_alone_are_told_at_once() -> None:
    answer, _, _ = answers_of(b"GET / HTTP/1.1\nHost: localhost\n\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"CR and LF" in answer


HOP = (
    b"Proxy-Authorization: Basic cHJveHk6cHc=\r\nProxy-Connection: keep-alive\r\n"
    b"X-Mine: 1\r\nX-Kept: 2\r\n"
)


def test_what_is_for_the_proxy_stays_here() -> None:
    request = b"GET /a HTTP/1.1\r\nHost: localhost\r\n" + HOP + b"Connection: X-Mine\r\n\r\n"
    _, site, _ = answers_of(request)

    head = site.heads[0].lower()
    assert b"x-kept: 2" in head
    assert not [name for name in (b"proxy-", b"x-mine", b"chjvehk") if name in head]


def test_what_is_for_the_proxy_stays_here_at_an_upgrade_too() -> None:
    seen: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            lines = HOP.decode().strip().split("\r\n")
            request = upgrade_request(*lines).replace(
                b"Connection: Upgrade", b"Connection: keep-alive, Upgrade, X-Mine"
            )
            await said_to(stage, request)

    asyncio.run(scenario())
    head = seen[0].lower()
    assert b"connection: keep-alive, upgrade" in head
    assert b"x-kept: 2" in head
    assert not [name for name in (b"proxy-", b"x-mine: 1", b"chjvehk") if name in head]


@pytest.mark.parametrize(
    ("site_header", "is_let_in"),
    [
        ("cross-site", False),
        ("same-site", False),
        ("Cross-Site", False),
        ("same-origin", True),
        ("none", True),
        ("", True),
    ],
)
@pytest.mark.parametrize("upgrades", [False, True])
def test_a_key_is_not_put_in_for_a_page_that_hides_its_origin(
    site_header: str, is_let_in: bool, upgrades: bool
) -> None:
    line = f"Sec-Fetch-Site: {site_header}\r\n".encode() if site_header else b""
    head = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + line
    request = head + (UPGRADE if upgrades else b"") + b"\r\n"
    admission = AccessControl(puts_key_in=True)
    answer, site, _ = answers_of(request, key=Secret(PLANTED_KEY), admission=admission)

    assert answer.startswith(b"HTTP/1.1 200 " if is_let_in else b"HTTP/1.1 403 ")
    assert bool(site.heads) is is_let_in


def test_an_app_that_half_closes_gets_its_answer() -> None:
    answer, site, _ = answers_of(
        b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
    )

    assert answer.endswith(b"{}")
    assert site.bodies == [b"abc"]


def test_an_app_that_half_closes_after_an_upgrade_gets_what_the_server_says() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(upgrade_response(request))
        await reader.read()  # the app has said all, and the server is told so
        writer.write(close_bytes(1000, "bye", is_masked=False))
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            assert b"bye" in await said_to(stage, upgrade_request(), half_closes=True)
            await stage.over()
            assert stage.session.closed is not None
            assert stage.session.closed.code == 1000

    asyncio.run(scenario())


def test_a_refusal_reaches_an_app_that_half_closes() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            answer = await said_to(stage, upgrade_request(), half_closes=True)
            assert answer.endswith(b"\r\n\r\nno")
            await stage.over()
            assert stage.session.refusal is not None
            assert stage.session.refusal.code == "http_401"

    asyncio.run(scenario())


def test_an_app_that_says_no_more_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.sources.upgrade_forwarder.HALF_CLOSED_S", 0.01)

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            _, writer = await stage.raw_app()
            writer.close()
            await stage.over()
            assert stage.session.refusal is not None
            assert stage.session.refusal.code == "cancelled"

    asyncio.run(scenario())


def test_an_interim_answer_before_the_101_is_passed_on_and_is_no_refusal() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(interim + upgrade_response(request))
        writer.write(close_bytes(1000, "bye", is_masked=False))
        await reader.read(99)
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.readexactly(len(interim)) == interim
                assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
            writer.close()
            await stage.over()
            assert stage.session.refusal is None
            assert stage.types()[0] == "inspector.opened"

    asyncio.run(scenario())


def test_a_health_check_is_not_told_of() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as url, proxied(url) as stage:
            await said_to(stage, b"G", half_closes=True)
            assert not stage.proxy.exchanges

    asyncio.run(scenario())
