"""Who is let in, and what of their secrets is kept."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from inspector.clock import SystemClock
from inspector.engine.proxy import Proxy
from inspector.errors import ConnectError, UsageError
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sources.admission import Admission
from inspector.sources.certificate import self_signed
from inspector.sources.frames import close_bytes
from inspector.sources.heads import Head, parse_head
from inspector.sources.proxy import Entrance
from inspector.sources.upstream import upstream_at
from tests.proxy_stage import PATIENCE_S, proxied, upgrade_request, upgrade_response
from tests.sources.loopback import PLANTED_KEY, raw_server, websocket_server

PAGE = "http://evil.example"
TOKEN = "a-token-of-some-length"


def run(scenario: Any) -> Any:
    return asyncio.run(scenario)


async def greet(connection: ServerConnection) -> None:
    await connection.send('{"type":"session.created"}')
    await connection.wait_closed()


async def answer_to(url_lines: tuple[str, ...], **options: Any) -> tuple[bytes, int]:
    """Return the status line that an app gets, and how many connections the server saw."""
    connections = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await greet(connection)

    target = options.pop("target", "/v1/realtime?model=m")
    async with websocket_server(handler) as server, proxied(server, **options) as stage:
        reader, writer = await stage.raw_app(upgrade_request(*url_lines, target=target))
        async with asyncio.timeout(PATIENCE_S):
            status = await reader.readline()
        writer.close()
        await stage.until(lambda: not stage.proxy.running)
    return status, connections


@pytest.mark.parametrize("origin", [PAGE, "null", "http://localhost:3000", ""])
def test_a_web_page_is_refused_before_the_server_hears_of_it(origin: str) -> None:
    status, connections = run(answer_to((f"Origin: {origin}",)))

    assert status.startswith(b"HTTP/1.1 403 ")
    assert connections == 0


def test_an_allowed_page_is_let_in() -> None:
    admission = Admission(("http://localhost:3000",))
    status, connections = run(answer_to(("Origin: http://localhost:3000",), admission=admission))

    assert status.startswith(b"HTTP/1.1 101 ")
    assert connections == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8899", b" 101 "),
        ("localhost", b" 101 "),
        ("[::1]:80", b" 101 "),
        ("app.localhost:1", b" 101 "),
        ("host.docker.internal:8899", b" 101 "),
        ("rebound.evil.example:8899", b" 403 "),
    ],
)
def test_a_name_that_was_rebound_is_refused(host: str, status: bytes) -> None:
    async def scenario() -> bytes:
        async with websocket_server(greet) as server, proxied(server) as stage:
            head = upgrade_request().replace(b"Host: 127.0.0.1", b"Host: " + host.encode())
            reader, writer = await stage.raw_app(head)
            line = await reader.readline()
            writer.close()
            return line

    assert status in run(scenario())


@pytest.mark.parametrize(
    ("lines", "target", "is_let_in"),
    [
        ((), "/v1/realtime", False),
        (("X-Inspector-Token: wrong",), "/v1/realtime", False),
        ((f"x-inspector-token: {TOKEN}",), "/v1/realtime", True),
        ((), f"/v1/realtime?model=m&inspector_token={TOKEN}", True),
        ((f"Authorization: Bearer {TOKEN}",), "/v1/realtime", True),
        ((f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{TOKEN}",), "/x", True),
        (("Authorization: Bearer", "api-key: ü"), "/v1/realtime", False),
    ],
)
def test_nothing_passes_without_the_token(
    lines: tuple[str, ...], target: str, is_let_in: bool
) -> None:
    admission = Admission(token=Secret(TOKEN), is_loopback=False, takes_key_as_token=True)
    status, connections = run(
        answer_to(lines, admission=admission, target=target, key=Secret(PLANTED_KEY))
    )

    assert (b" 101 " in status, connections) == (is_let_in, int(is_let_in))
    assert is_let_in or b" 401 " in status


def test_the_apps_own_key_is_no_token_where_it_goes_to_the_server() -> None:
    admission = Admission(token=Secret(TOKEN), is_loopback=False)

    assert admission.refusal(parse_head(upgrade_request(f"Authorization: Bearer {TOKEN}")))


def test_the_token_does_not_leave_for_the_server() -> None:
    admission = Admission(token=Secret(TOKEN))
    head = parse_head(
        upgrade_request(f"X-Inspector-Token: {TOKEN}", target=f"/a?x=1&inspector_token={TOKEN}&y=")
    )
    cleaned = admission.cleaned(head)

    assert TOKEN.encode() not in cleaned.raw
    assert cleaned.target == "/a?x=1&y="


def test_the_key_takes_the_place_of_whatever_the_app_sends() -> None:
    upstream = upstream_at("wss://api.example", key=Secret(PLANTED_KEY))
    asked = parse_head(
        upgrade_request(
            "authorization: Bearer app",
            "Api-Key: other",
            "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.app",
        )
    )
    request = upstream.request(asked)

    assert request.values("authorization") == [f"Bearer {PLANTED_KEY}"]
    assert request.values("api-key") == []
    assert request.value("sec-websocket-protocol") == "realtime"
    assert request.value("host") == "api.example"


def test_a_key_for_another_header_goes_there() -> None:
    upstream = upstream_at("x.example", key=Secret(PLANTED_KEY), key_header="api-key")
    request = upstream.request(parse_head(upgrade_request("Authorization: Bearer app")))

    assert request.values("authorization") == []
    assert request.values("api-key") == [PLANTED_KEY]


def test_no_key_is_ever_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> str:
        async with websocket_server(greet) as server, proxied(server, tmp_path) as stage:
            async with stage.app(
                f"/v1/realtime?model=m&api_key={PLANTED_KEY}",
                additional_headers={
                    "Authorization": f"Bearer {PLANTED_KEY}",
                    "api-key": PLANTED_KEY,
                    "User-Agent": f"app {PLANTED_KEY}",
                    "X-Odd": f"say {PLANTED_KEY}",
                },
                user_agent_header=None,
                subprotocols=["realtime", f"openai-insecure-api-key.{PLANTED_KEY}"],
            ) as app:
                await app.recv()
            await stage.over()
            opening = stage.session.source
            return repr(opening) + repr(stage.facts("inspector.opened"))

    shown = run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"session.created" in kept
    assert PLANTED_KEY.encode() not in kept
    assert PLANTED_KEY not in shown
    assert PLANTED_KEY not in caplog.text


ODD_KEY = "0123456789abcdefKeyOfNoKnownShape"


@pytest.mark.parametrize(
    ("line", "query"),
    [
        (f"api-key: {ODD_KEY}", ""),
        (f"Authorization: Bearer {ODD_KEY}", ""),
        (f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{ODD_KEY}", ""),
        ("X-Nothing: here", f"&api-key={ODD_KEY}"),
    ],
)
@pytest.mark.parametrize("refuses", [True, False])
def test_a_key_that_the_server_quotes_is_not_kept(
    line: str, query: str, refuses: bool, tmp_path: Path
) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if refuses:
            body = f"the key {ODD_KEY} is not valid".encode()
            writer.write(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        else:
            writer.write(upgrade_response(request, f"X-Your-Key: {ODD_KEY}"))
            writer.write(close_bytes(3000, f"not valid: {ODD_KEY}", is_masked=False))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url, tmp_path) as stage:
            target = f"/v1/realtime?model=m{query}"
            reader, writer = await stage.raw_app(upgrade_request(line, target=target))
            answer = await reader.read()
            writer.close()
            await stage.over()

            assert ODD_KEY.encode() in answer  # what passes is not touched
            session = stage.session
            assert "not valid" in f"{session.refusal}{session.closed}"
            assert ODD_KEY not in f"{session.refusal}{session.closed}{session.source}"
            assert "--key-from" in f"{session.refusal and session.refusal.hint}{session.closed}"

    run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"not valid" in kept
    assert ODD_KEY.encode() not in kept


def test_a_second_proxy_cannot_take_the_port() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server, proxied(server) as stage:
            clock = SystemClock()
            other = Proxy(clock, lambda _: RecordingFile(None, clock), lambda file: file.close())
            host, port = stage.place
            with pytest.raises(ConnectError, match="cannot listen"):
                async with other.listen(Entrance(host, port), upstream_at(server)):
                    pass

    run(scenario())


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
            async with proxy.listen(Entrance(tls=ours), upstream) as url:
                trusting = ssl.create_default_context(cafile=str(tmp_path / "ours.pem"))
                async with connect(f"{url}/v1/realtime", ssl=trusting, proxy=None) as app:
                    return await app.recv()

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server-ca.pem"))
    assert run(scenario("localhost")) == '{"type":"session.created"}'
    with pytest.raises(InvalidStatus) as wrong_name:
        run(scenario("127.0.0.1"))
    assert b"certificate" in bytes(wrong_name.value.response.body or b"")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(InvalidStatus) as unknown_authority:
        run(scenario("localhost"))
    assert unknown_authority.value.response.status_code == 502


class NetworkProxy:
    """A proxy of the network: joins whoever asks to the one server that it knows."""

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

    run(scenario())


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

    run(scenario())


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


def test_garbage_on_the_port_gets_an_answer_and_no_session() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server, proxied(server) as stage:
            for data in (b"\x16\x03\x01\r\n\r\n", b"X" * 200_000):
                reader, writer = await stage.raw_app(data)
                async with asyncio.timeout(PATIENCE_S):
                    # What is not read of it resets the connection.
                    with contextlib.suppress(ConnectionResetError):
                        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
                writer.close()
            assert stage.proxy.opened_count == 0

    run(scenario())


def test_an_app_that_wants_tls_is_told_to_the_user() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server, proxied(server) as stage:
            _, writer = await stage.raw_app(b"\x16\x03\x01\x02\x00 a hello")
            await stage.until(lambda: stage.proxy.exchanges)
            writer.close()

            assert "--tls" in str(stage.proxy.exchanges[0])

    run(scenario())


def test_a_head_is_changed_line_by_line() -> None:
    head = Head(b"GET / HTTP/1.1", (b"a:1", b"HOST:x", b"b:  2", b"host: y"))

    assert head.with_header("Host", "z").lines == (b"a:1", b"HOST: z", b"b:  2")
    assert head.without(["A"]).lines == (b"HOST:x", b"b:  2", b"host: y")
    assert head.value("host") == "x, y"
