"""The handshake through the proxy: unchanged request lines, unchanged refusals, and unreachable servers."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.exceptions import InvalidStatus

from tests.proxy_stage import PATIENCE_S, proxied, upgrade_response
from tests.sources.loopback import echo, http_server, raw_server, websocket_server


@pytest.mark.parametrize("offered", ["deflate", None])
def test_compression_is_agreed_on_between_the_ends(offered: str | None) -> None:
    async def scenario() -> None:
        async with (
            websocket_server(echo, compression="deflate") as server,
            proxied(server) as stage,
            stage.app(compression=offered) as app,
        ):
            for number in range(5):
                text = f'{{"type":"session.update","n":{number},"text":"{"abc" * 500}"}}'
                await app.send(text)
                assert await app.recv() == text

            assert [e.type for e in stage.events()] == ["session.update"] * 10
            assert b'"n":4' in stage.events()[-1].data

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "lines", [("authorization: bEARER  x", "X-A:1", "x-a:  2", "OpenAI-Beta: realtime=v1")]
)
def test_the_request_passes_through_line_by_line(lines: tuple[str, ...]) -> None:
    seen: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        seen.append(request)
        writer.write(upgrade_response(request, "X-Server: yes", "x-server:no"))
        await reader.read()
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            request = (
                b"GET /openai/v1/realtime?model=a%20b&x HTTP/1.1\r\nHost: 127.0.0.1:9\r\nUpgrade: WebSocket\r\n"
                b"connection: upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "\r\n".join(lines).encode()
                + b"\r\n\r\n"
            )
            reader, writer = await stage.raw_app(request)
            response = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await stage.over()

            host = url.partition("://")[2].encode()
            assert seen == [request.replace(b"127.0.0.1:9", host)]
            assert response == upgrade_response(request, "X-Server: yes", "x-server:no")

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refusal_comes_back_as_it_was(status: int) -> None:
    body = b'{"error":{"message":"no, since sk-abcdefghij"}}'
    response = (
        f"HTTP/1.1 {status} Whatever It Says\r\nContent-Type: application/json\r\nx-request-id: req_1\r\n"
        f"Retry-After: 7\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def scenario() -> None:
        async with raw_server(http_server(response)) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == response
            writer.close()
            await stage.over()

            assert stage.session.refusal is not None
            assert stage.session.refusal.code == f"http_{status}"
            assert "req_1" in stage.session.refusal.message
            assert "sk-abcdefghij" not in stage.session.refusal.message
            assert stage.types() == ["inspector.connect_failed"]
            with pytest.raises(InvalidStatus):
                async with stage.app():
                    pass

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_a_bad_gateway() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with proxied(f"ws://127.0.0.1:{taken.getsockname()[1]}") as stage:
                with pytest.raises(InvalidStatus) as caught:
                    async with stage.app():
                        pass

                assert caught.value.response.status_code == 502
                assert b"refused the connection" in bytes(caught.value.response.body or b"")
                assert stage.session.refusal is not None

    asyncio.run(scenario())


def test_a_server_that_never_answers_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.sources.upgrade_forwarder.HEAD_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        async with websocket_server(echo) as _, raw_server(_silent) as url, proxied(url) as stage:
            with pytest.raises(InvalidStatus) as caught:
                async with stage.app():
                    pass

            assert caught.value.response.status_code == 504

    asyncio.run(scenario())


def test_a_session_that_waits_for_the_server_can_be_given_up() -> None:
    asked = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await asked.wait()
            stage.session.close()
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
            writer.close()
            await stage.over()

            assert stage.session.refusal is not None
            assert stage.session.refusal.code == "cancelled"

    asyncio.run(scenario())


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def test_a_server_that_cannot_be_reached_in_time_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.sources.upstream.CONNECT_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        with socket.socket() as full:
            # Nobody accepts, and the queue is full: the kernel leaves a further connection without an answer.
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            place = full.getsockname()
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(place)
            async with proxied(f"ws://127.0.0.1:{place[1]}") as stage:
                with pytest.raises(InvalidStatus) as caught:
                    async with stage.app():
                        pass
            for one in waiting:
                one.close()

            assert caught.value.response.status_code == 504

    asyncio.run(scenario())
