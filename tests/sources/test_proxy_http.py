"""Plain HTTP on the proxy's port."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx2
import pytest

from inspector.secret import Secret
from inspector.sources.access_control import AccessControl
from tests.proxy_stage import PATIENCE_S, Stage, proxied
from tests.sources.loopback import PLANTED_KEY, raw_server


def run(scenario: Any) -> Any:
    return asyncio.run(scenario)


class Site:
    """A plain HTTP server with scripted responses that records its requests."""

    def __init__(self, response: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") -> None:
        self.response = response
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                self.bodies.append(await self._body(head, reader))
                writer.write(self.response)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
            return body
        length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(length or b"0"))


def client(stage: Stage) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=stage.url.replace("ws", "http", 1), trust_env=False, timeout=PATIENCE_S
    )


def test_requests_and_answers_pass_with_their_bodies() -> None:
    body = b'{"value":"ek_secretsecretsecret"}'
    site = Site(
        b"HTTP/1.1 201 Made\r\nX-Request-Id: req_1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )

    async def scenario() -> None:
        async with raw_server(site.handler) as url, proxied(url) as stage, client(stage) as http:
            for number in range(2):
                response = await http.post(
                    f"/v1/realtime/client_secrets?n={number}&api_key={PLANTED_KEY}",
                    content=b'{"session":{}}',
                    headers={"Authorization": f"Bearer {PLANTED_KEY}", "OpenAI-Project": "p"},
                )

                assert response.status_code == 201
                assert response.content == body
                assert response.headers["x-request-id"] == "req_1"
            assert site.bodies == [b'{"session":{}}'] * 2
            assert f"authorization: bearer {PLANTED_KEY}".encode() in site.heads[0].lower()
            assert b"openai-project: p" in site.heads[0].lower()
            exchange = stage.proxy.exchanges[0]
            assert (exchange.method, exchange.status) == ("POST", 201)
            assert (exchange.request_bytes, exchange.response_bytes) == (14, len(body))
            assert PLANTED_KEY not in str(exchange)
            assert "client_secrets?n=0&api_key=***" in str(exchange)

    run(scenario())


def test_bodies_stream_both_ways_undecoded() -> None:
    site = Site(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nnot a\r\n5\r\n gzip\r\n0\r\n\r\n"
    )

    async def chunks() -> Any:
        for _ in range(300):
            yield b"x" * 10_000

    async def scenario() -> None:
        async with (
            raw_server(site.handler) as url,
            proxied(url) as stage,
            client(stage) as http,
            http.stream("POST", "/v1/audio", content=chunks()) as response,
        ):
            assert b"".join([chunk async for chunk in response.aiter_raw()]) == b"not a gzip"
            assert response.headers["content-encoding"] == "gzip"
            assert site.bodies == [b"x" * 3_000_000]

    run(scenario())


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_methods_without_a_body(method: str) -> None:
    site = Site(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def scenario() -> None:
        async with raw_server(site.handler) as url, proxied(url) as stage, client(stage) as http:
            assert (await http.request(method, "/v1/models")).status_code == 204
            assert site.heads[0].startswith(f"{method} /v1/models HTTP/1.1\r\n".encode())
            assert b"transfer-encoding" not in site.heads[0].lower()

    run(scenario())


def test_a_redirect_is_not_followed_with_the_key() -> None:
    site = Site(
        b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n"
    )

    async def scenario() -> None:
        async with raw_server(site.handler) as url, proxied(url) as stage, client(stage) as http:
            response = await http.get("/v1/models")

            assert response.status_code == 302
            assert response.headers["location"] == "http://evil.example/"
            assert len(site.heads) == 1

    run(scenario())


def test_a_server_that_is_not_there_is_a_bad_gateway() -> None:
    async def scenario() -> None:
        async with raw_server(Site().handler) as url:
            pass
        async with proxied(url) as stage, client(stage) as http:
            response = await http.get("/v1/models")

            assert response.status_code == 502
            assert response.json()["error"]["code"] == "upstream_failed"
            assert stage.proxy.exchanges[0].status == 0

    run(scenario())


def test_the_key_and_the_rules_of_admission_hold_here_too() -> None:
    site = Site()

    async def scenario() -> None:
        async with (
            raw_server(site.handler) as url,
            proxied(
                url,
                key=Secret(PLANTED_KEY),
                admission=AccessControl(token=Secret("the-token"), puts_key_in=True),
            ) as stage,
            client(stage) as http,
        ):
            page = await http.get("/v1/models", headers={"Origin": "http://evil.example"})
            stranger = await http.get("/v1/models")
            known = await http.get("/v1/models", headers={"Authorization": "Bearer the-token"})

            assert [r.status_code for r in (page, stranger, known)] == [403, 401, 200]
            assert len(site.heads) == 1
            assert PLANTED_KEY.encode() in site.heads[0]
            assert b"the-token" not in site.heads[0]

    run(scenario())


def test_requests_on_one_connection_are_each_looked_at() -> None:
    site = Site()
    first = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
    second = b"GET /b HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n"

    async def scenario() -> None:
        async with raw_server(site.handler) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app(first + second)
            async with asyncio.timeout(PATIENCE_S):
                answers = await reader.read()
            writer.close()

            assert answers.startswith(b"HTTP/1.1 200")
            assert b"HTTP/1.1 403" in answers
            assert len(site.heads) == 1

    run(scenario())


def test_a_client_that_waits_to_be_told_to_go_on_is_told() -> None:
    site = Site()
    head = (
        b"POST /a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )

    async def scenario() -> None:
        async with raw_server(site.handler) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app(head)
            async with asyncio.timeout(PATIENCE_S):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
                writer.write(b"abc")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()
            assert site.bodies == [b"abc"]

    run(scenario())


def test_no_key_of_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Guard against the HTTP library, which logs the URL of every request, and headers at DEBUG."""
    caplog.set_level(logging.DEBUG)
    site = Site()

    async def scenario() -> str:
        async with raw_server(site.handler) as url, proxied(url) as stage, client(stage) as app:
            key = {"Authorization": "Bearer key-of-no-known-shape"}
            await app.post("/v1/x?api-key=key-of-no-known-shape", json={}, headers=key)
            return str(stage.proxy.exchanges[-1])

    told = run(scenario())
    assert b"key-of-no-known-shape" in site.heads[0]
    assert "POST /v1/x?api-key=*** 200" in told
    assert "key-of-no-known-shape" not in caplog.text
