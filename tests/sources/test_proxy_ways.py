"""Routes through the proxy: TLS on both sides, a network proxy, base paths, and unchanged header lines."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from inspector.clock import SystemClock
from inspector.engine.proxy_engine import Proxy
from inspector.errors import ConnectError, UsageError
from inspector.recording.writer import RecordingFile
from inspector.sources.certificate import self_signed
from inspector.sources.heads import Head, parse_head
from inspector.sources.proxy_port import ListenOptions
from inspector.sources.upstream import upstream_at
from tests.proxy_stage import proxied
from tests.sources.loopback import greet, raw_server, websocket_server
from tests.support import under_a_screen


def test_tls_to_the_app_and_to_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_tls)
    authority.cert_pem.write_to_path(str(tmp_path / "server-ca.pem"))
    ours = self_signed(["localhost", "127.0.0.1"], tmp_path / "ours.pem")
    clock = SystemClock()

    async def scenario(host: str) -> Any:
        async with websocket_server(greet, ssl=server_tls) as server:
            upstream = upstream_at(server.replace("ws://127.0.0.1", f"wss://{host}"))
            proxy = Proxy(clock, lambda _: RecordingFile(None, clock), lambda file: file.close())
            async with proxy.listen(ListenOptions(tls=ours), upstream) as url:
                trusting = ssl.create_default_context(cafile=str(tmp_path / "ours.pem"))
                async with connect(f"{url}/v1/realtime", ssl=trusting, proxy=None) as app:
                    return await app.recv()

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server-ca.pem"))
    assert asyncio.run(scenario("localhost")) == '{"type":"session.created"}'
    with pytest.raises(InvalidStatus) as wrong_name:
        asyncio.run(scenario("127.0.0.1"))
    assert b"certificate" in bytes(wrong_name.value.response.body or b"")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(InvalidStatus) as unknown_authority:
        asyncio.run(scenario("localhost"))
    assert unknown_authority.value.response.status_code == 502


def test_every_address_of_a_server_is_tried_under_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server:
            port = int(server.rpartition(":")[2])
            addresses = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
                for host in ("127.0.0.2", "127.0.0.1")
            ]
            async with proxied(f"ws://server.example:{port}") as stage:
                monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
                app = await asyncio.wait_for(stage.app(), 10)
                assert await app.recv() == '{"type":"session.created"}'
                await app.close()

    asyncio.run(under_a_screen(scenario()))


class NetworkProxy:
    """A network proxy that connects every client to one server."""

    def __init__(self, server: str, answer: bytes = b"HTTP/1.1 200 Joined\r\n\r\n") -> None:
        self.asked: list[bytes] = []
        self._server, self._answer = server, answer

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answer)
        if b" 200 " in self._answer:
            host, _, port = self._server.partition("://")[2].rpartition(":")
            there = await asyncio.open_connection(host, int(port))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, there[1]))
                tasks.create_task(self._pump(there[0], writer))
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()


@pytest.mark.parametrize("is_secure", [False, True])
def test_the_networks_own_proxy_is_used(
    is_secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example").configure_cert(server_tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def scenario() -> None:
        async with websocket_server(greet, ssl=server_tls if is_secure else None) as server:
            network = NetworkProxy(server)
            async with raw_server(network.handler) as out:
                there = out.replace("ws://", "http://us%40er:secret@")
                monkeypatch.setenv("HTTPS_PROXY", there)
                upstream = "wss://api.example" if is_secure else "ws://api.example"
                async with proxied(upstream) as stage, stage.app() as app:
                    assert await app.recv() == '{"type":"session.created"}'
                port = 443 if is_secure else 80
                assert network.asked[0].startswith(b"CONNECT api.example:%d HTTP/1.1\r\n" % port)
                assert b"Basic dXNAZXI6c2VjcmV0" in network.asked[0]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("variable", "words"), [("http://{}", b"answers 407"), ("socks5://{}", b"speaks no HTTP")]
)
def test_a_proxy_of_the_network_that_refuses_is_named(
    variable: str, words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        network = NetworkProxy("", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        async with raw_server(network.handler) as out:
            monkeypatch.setenv("HTTPS_PROXY", variable.format(out.removeprefix("ws://")))
            async with proxied("wss://api.example") as stage:
                with pytest.raises(InvalidStatus) as caught:
                    async with stage.app():
                        pass
                assert words in bytes(caught.value.response.body or b"")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "asked", "target"),
    [
        ("wss://a.example", "/v1/realtime?model=m", "/v1/realtime?model=m"),
        ("https://a.example/openai/", "/v1/realtime", "/openai/v1/realtime"),
        ("wss://a.example/v1/realtime?model=m", "/v1/realtime", "/v1/realtime?model=m"),
        ("wss://a.example/base", "/base/v1?x", "/base/v1?x"),
        ("a.example/base", "/", "/base"),
    ],
)
def test_the_path_of_the_app_is_found_on_the_server(address: str, asked: str, target: str) -> None:
    assert upstream_at(address).target(asked) == target


@pytest.mark.parametrize("address", ["ftp://x", "wss://", "wss://u:p@x", "wss://x:y", "ws://a b"])
def test_what_is_no_server_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        upstream_at(address)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01",
        b"GET /\r\nHost: x",
        b"GET / HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nHost : x",
        b"GET / HTTP/1.1\r\n folded",
        b"GET / HTTP/1.1\r\nA: b\nC: d",
    ],
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(ConnectError):
        parse_head(data)


def test_an_app_that_wants_tls_is_told_to_the_user() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server, proxied(server) as stage:
            _, writer = await stage.raw_app(b"\x16\x03\x01\x02\x00 a hello")
            await stage.until(lambda: stage.proxy.exchanges)
            writer.close()

            assert "--tls" in str(stage.proxy.exchanges[0])

    asyncio.run(scenario())


def test_a_head_is_changed_line_by_line() -> None:
    head = Head(b"GET / HTTP/1.1", (b"a:1", b"HOST:x", b"b:  2", b"host: y"))

    assert head.with_header("Host", "z").lines == (b"a:1", b"HOST: z", b"b:  2")
    assert head.without(["A"]).lines == (b"HOST:x", b"b:  2", b"host: y")
    assert head.value("host") == "x, y"
