"""Access control of the proxy, and the masking of secrets."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from inspector.clock import SystemClock
from inspector.engine.proxy_engine import Proxy
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sources.access_control import AccessControl
from inspector.sources.frames import close_bytes
from inspector.sources.heads import parse_head
from inspector.sources.proxy_port import ListenOptions
from inspector.sources.upstream import upstream_at
from tests.proxy_stage import PATIENCE_S, proxied, upgrade_request, upgrade_response
from tests.sources.loopback import PLANTED_KEY, greet, raw_server, websocket_server

PAGE = "http://evil.example"
TOKEN = "a-token-of-some-length"


async def answer_to(url_lines: tuple[str, ...], **options: Any) -> tuple[bytes, int]:
    """Return the status line that an app receives, and the number of connections to the server."""
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
    status, connections = asyncio.run(answer_to((f"Origin: {origin}",)))

    assert status.startswith(b"HTTP/1.1 403 ")
    assert connections == 0


def test_an_allowed_page_is_let_in() -> None:
    admission = AccessControl(("http://localhost:3000",))
    status, connections = asyncio.run(
        answer_to(("Origin: http://localhost:3000",), admission=admission)
    )

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

    assert status in asyncio.run(scenario())


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
    admission = AccessControl(token=Secret(TOKEN), is_loopback=False, puts_key_in=True)
    status, connections = asyncio.run(
        answer_to(lines, admission=admission, target=target, key=Secret(PLANTED_KEY))
    )

    assert (b" 101 " in status, connections) == (is_let_in, int(is_let_in))
    assert is_let_in or b" 401 " in status


def test_the_apps_own_key_is_no_token_where_it_goes_to_the_server() -> None:
    admission = AccessControl(token=Secret(TOKEN), is_loopback=False)

    assert admission.refusal(parse_head(upgrade_request(f"Authorization: Bearer {TOKEN}")))


def test_the_token_does_not_leave_for_the_server() -> None:
    admission = AccessControl(token=Secret(TOKEN))
    head = parse_head(
        upgrade_request(f"X-Inspector-Token: {TOKEN}", target=f"/a?x=1&inspector_token={TOKEN}&y=")
    )
    cleaned = admission.without_token(head)

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

    shown = asyncio.run(scenario())
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

    asyncio.run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"not valid" in kept
    assert ODD_KEY.encode() not in kept


def test_a_key_in_a_frame_crosses_the_wire_and_is_masked_in_what_is_kept(tmp_path: Path) -> None:
    texts = [f'{{"type":"error","message":"{one}"}}' for one in (ODD_KEY, f"a {ODD_KEY} b")]

    async def server(connection: ServerConnection) -> None:
        for text in texts:
            await connection.send(text)
        await connection.send(ODD_KEY.encode())
        assert await connection.recv() == texts[1]
        await connection.close(3000, f"no {ODD_KEY}")

    async def scenario() -> None:
        async with websocket_server(server) as url, proxied(url, tmp_path) as stage:
            header = {"Authorization": f"Bearer {ODD_KEY}"}
            async with stage.app(additional_headers=header) as app:
                assert [await app.recv() for _ in texts] == texts
                assert await app.recv() == ODD_KEY.encode()
                await app.send(texts[1])
                await app.wait_closed()
                assert app.close_reason == f"no {ODD_KEY}"
            await stage.over()
            events = stage.events()
            stars = "*" * len(ODD_KEY)
            assert events[0].body == {"type": "error", "message": stars}
            assert events[1].body == events[3].body == {"type": "error", "message": f"a {stars} b"}
            assert [len(event.data) for event in events[:2]] == [len(text) for text in texts]

    asyncio.run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert kept.count(b'"type":"error","event"') == 3
    assert b"KeyOfNo" not in kept


def test_a_key_that_is_put_in_and_quoted_is_not_kept_either(tmp_path: Path) -> None:
    async def server(connection: ServerConnection) -> None:
        assert connection.request is not None
        await connection.send(connection.request.headers["Authorization"])

    async def scenario() -> None:
        key = Secret(ODD_KEY)
        async with websocket_server(server) as url, proxied(url, tmp_path, key=key) as stage:
            async with stage.app() as app:
                assert await app.recv() == f"Bearer {ODD_KEY}"
            await stage.over()

    asyncio.run(scenario())
    assert ODD_KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_key_that_a_refusal_quotes_in_pieces_is_not_kept(tmp_path: Path) -> None:
    halves = [f"bad key {ODD_KEY[:9]}".encode(), ODD_KEY[9:].encode()]
    chunks = [b"%x\r\n%b\r\n" % (len(half), half) for half in halves]

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (*chunks, b"0\r\n", b"\r\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()  # does not hang up: the end of the body must be seen

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url, tmp_path) as stage:
            line = f"Authorization: Bearer {ODD_KEY}"
            reader, writer = await stage.raw_app(upgrade_request(line))
            async with asyncio.timeout(PATIENCE_S / 2):
                answer = await reader.read()
            writer.close()
            await stage.over()

            assert answer.endswith(b"".join(chunks) + b"0\r\n\r\n")
            assert "bad key ***" in str(stage.session.refusal)

    asyncio.run(scenario())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"bad key ***" in kept
    assert ODD_KEY[:9].encode() not in kept


def test_a_second_proxy_cannot_take_the_port() -> None:
    async def scenario() -> None:
        async with websocket_server(greet) as server, proxied(server) as stage:
            clock = SystemClock()
            other = Proxy(clock, lambda _: RecordingFile(None, clock), lambda file: file.close())
            host, port = stage.place
            with pytest.raises(ConnectError, match="cannot listen"):
                async with other.listen(ListenOptions(host, port), upstream_at(server)):
                    pass

    asyncio.run(scenario())


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

    asyncio.run(scenario())
