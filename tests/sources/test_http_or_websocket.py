"""Plain HTTP, TLS and recordings at the server's one port."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from inspector.clock import SystemClock
from inspector.recording.format import FileShape, parse
from inspector.recording.writer import RecordingFile
from inspector.sim.provider import HttpRequest, SimProvider
from inspector.sim.server import ConnectRequest, SimSession
from inspector.sources.certificate import self_signed
from inspector.sources.client_recorder import ClientRecorder
from inspector.sources.server_port import Listening, ServerHooks, serve

CLOCK = SystemClock()


class Provided:
    """A provider with the hooks to serve it."""

    def __init__(self, **hooks: Any) -> None:
        self.provider = SimProvider()
        self.hooks = ServerHooks(
            http_refusal=self.provider.http_refusal,
            answer=lambda request: self.provider.answer(request, 0),
            **hooks,
        )

    def open(self, request: ConnectRequest) -> SimSession:
        return self.provider.open(request, 0)


async def exchange(url: str, *chunks: bytes) -> bytes:
    """Send bytes to the server's port in several pieces; return everything that it answers."""
    host, port = url.split("//")[1].split("/", maxsplit=1)[0].rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)
    found = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return found


def ask(*chunks: bytes, origins: tuple[str, ...] = ()) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and JSON of the response to a plain request."""
    served = Provided()

    async def scenario() -> bytes:
        listening = Listening(allowed_origins=origins)
        async with serve(served.open, CLOCK, listening, served.hooks) as url:
            return await exchange(url, *chunks)

    head, _, body = asyncio.run(scenario()).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body) if body else None


BODY = b'{"session":{"type":"realtime"}}'
CHUNKED = (
    b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
)
POST = b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"


def test_a_secret_is_minted_over_http_however_its_request_is_cut() -> None:
    whole = POST % (len(BODY), b"") + BODY
    for chunks in ((whole,), (whole[:20], whole[20:-5], whole[-5:])):
        status, headers, body = ask(*chunks)

        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert body["value"].startswith("ek_")


def test_a_chunked_body_and_an_offer_of_http2_are_taken() -> None:
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    )
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

    assert ask(CHUNKED + chunks)[0] == 200
    assert ask(POST % (len(BODY), offer) + BODY)[0] == 200


def test_a_client_that_waits_for_consent_gets_it() -> None:
    served = Provided()

    async def scenario() -> tuple[bytes, bytes]:
        async with serve(served.open, CLOCK, Listening(), served.hooks) as url:
            host, port = url.split("//")[1].split("/", maxsplit=1)[0].rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(POST % (len(BODY), b"Expect: 100-continue\r\n"))
            consent = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.write(BODY)
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return consent, answer

    consent, answer = asyncio.run(scenario())

    assert consent.startswith(b"HTTP/1.1 100 ")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_head_request_is_answered_without_a_body() -> None:
    status, headers, body = ask(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (status, body) == (404, None)
    assert int(headers["Content-Length"]) > 0


def test_models_are_listed_and_other_paths_are_not_found() -> None:
    assert ask(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")[2]["object"] == "list"
    assert ask(b"GET /v1/nope?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 404


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", 413),
        (CHUNKED + b"110000\r\n" + bytes(0x110000), 413),
        (CHUNKED + b"nonsense\r\n", 400),
        (POST % (len(BODY), b"Origin: http://evil.example\r\n") + BODY, 403),
    ],
)
def test_what_is_not_taken_is_refused(request_: bytes, status: int) -> None:
    assert ask(request_)[0] == status


def test_a_page_of_an_allowed_origin_may_mint_one() -> None:
    origin = b"Origin: http://good.example\r\n"
    allowed = ("http://good.example",)
    status, headers, _ = ask(POST % (len(BODY), origin) + BODY, origins=allowed)
    preflight = ask(b"OPTIONS /v1/x HTTP/1.1\r\nHost: x\r\n" + origin + b"\r\n", origins=allowed)

    assert (status, headers["Access-Control-Allow-Origin"]) == (200, allowed[0])
    assert preflight[0] == 204
    assert "authorization" in preflight[1]["Access-Control-Allow-Headers"]


def test_azure_refuses_over_http() -> None:
    served = Provided()

    async def scenario() -> tuple[int, Any, str | bytes]:
        async with serve(served.open, CLOCK, Listening(), served.hooks) as url:
            azure = url.replace("/v1/", "/openai/v1/") + "?model=mine"
            with pytest.raises(InvalidStatus) as caught:
                await connect(azure)
            async with connect(azure, additional_headers={"api-key": "k"}) as client:
                response = caught.value.response
                return response.status_code, json.loads(response.body or b""), await client.recv()

    status, body, greeting = asyncio.run(scenario())

    assert (status, body["error"]["code"]) == (401, "401")
    assert json.loads(greeting)["type"] == "session.created"


def test_a_client_that_trusts_the_certificate_speaks_tls(tmp_path: Path) -> None:
    served, path = Provided(), tmp_path / "cert.pem"
    context = self_signed(["127.0.0.1"], path)

    async def scenario() -> tuple[str, str | bytes]:
        listening = Listening(tls=context)
        async with (
            serve(served.open, CLOCK, listening, served.hooks) as url,
            connect(
                f"{url}?model=gpt-realtime", ssl=ssl.create_default_context(cafile=path)
            ) as client,
        ):
            return url, await client.recv()

    url, greeting = asyncio.run(scenario())

    assert url.startswith("wss://")
    assert json.loads(greeting)["type"] == "session.created"
    assert b"PRIVATE KEY" not in path.read_bytes()


def test_a_client_is_recorded_from_its_coming_to_its_leaving(tmp_path: Path) -> None:
    path = tmp_path / "client.jsonl"
    left = asyncio.Event()

    def new_recorder(url: str, model: str, _: object) -> ClientRecorder:
        return ClientRecorder(RecordingFile(path, CLOCK), CLOCK, url, model)

    served = Provided(new_recorder=new_recorder, left=left.set)

    async def scenario() -> list[bytes]:
        async with serve(served.open, CLOCK, Listening(), served.hooks) as url:
            query = "?model=gpt-realtime&api_key=sk-planted-secret"
            key = {"Authorization": "Bearer sk-planted-secret"}
            async with connect(url + query, additional_headers=key) as client:
                got = [await client.recv(decode=False)]
                await client.send('{"type":"session.update","session":{"type":"realtime"}}')
                got.append(await client.recv(decode=False))
                await client.send(b"\x00")
                got.append(await client.recv(decode=False))
            await asyncio.wait_for(left.wait(), 5)
            return got

    got = asyncio.run(scenario())
    header, *lines = path.read_bytes().splitlines()
    events = [parse(line, row, FileShape.OURS) for row, line in enumerate(lines)]

    assert orjson.loads(header)["model"] == "gpt-realtime"
    assert [(event.direction.value, event.type) for event in events] == [
        ("local", "inspector.opened"),
        ("server", "session.created"),
        ("client", "session.update"),
        ("server", "session.updated"),
        ("client", ""),
        ("server", "error"),
        ("local", "inspector.closed"),
    ]
    assert [event.data for event in events if event.direction == "server"] == got
    assert events[-1].body is not None
    assert (events[-1].body["code"], events[-1].body["by"]) == (1000, "client")
    assert b"sk-planted" not in path.read_bytes()


def test_a_text_frame_that_is_not_utf8_is_an_error_and_no_end() -> None:
    served = Provided()

    async def scenario() -> list[Any]:
        async with (
            serve(served.open, CLOCK, Listening(), served.hooks) as url,
            connect(f"{url}?model=gpt-realtime") as client,
        ):
            await client.recv()
            await client.send(b"\xff\xfe", text=True)
            refused = json.loads(await client.recv())
            await client.send('{"type":"session.update","session":{"type":"realtime"}}')
            return [refused["error"]["code"], json.loads(await client.recv())["type"]]

    assert asyncio.run(scenario()) == ["invalid_json", "session.updated"]


def test_a_client_that_speaks_tls_to_a_plain_port_is_told_of() -> None:
    said: list[str] = []
    served = Provided(tell=said.append)

    async def scenario() -> bytes:
        async with serve(served.open, CLOCK, Listening(), served.hooks) as url:
            try:
                return await exchange(url, b"\x16\x03\x01\x02\x00\x01")
            except ConnectionResetError:
                return b""

    assert asyncio.run(scenario()) == b""
    assert "--tls" in said[0]


def test_a_request_is_what_the_provider_sees() -> None:
    seen: list[HttpRequest] = []

    async def scenario() -> None:
        provider = SimProvider()

        def answer(request: HttpRequest) -> Any:
            seen.append(request)
            return provider.answer(request, 0)

        hooks = ServerHooks(answer=answer)
        async with serve(lambda r: provider.open(r, 0), CLOCK, Listening(), hooks) as url:
            await exchange(
                url, b"PUT /a/b?c=d&e= HTTP/1.1\r\nHost: x\r\nX-Y: z\r\nContent-Length: 2\r\n\r\nhi"
            )

    asyncio.run(scenario())

    (request,) = seen
    assert (request.method, request.path, request.body) == ("PUT", "/a/b", b"hi")
    assert (dict(request.query), request.headers["x-y"]) == ({"c": "d", "e": ""}, "z")


def test_a_target_that_is_no_url_is_a_path_like_another() -> None:
    served = Provided()
    request = b"GET //[?model=m HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )

    async def first_line(more: bytes) -> bytes:
        async with serve(served.open, CLOCK, Listening(), served.hooks) as url:
            answer = await exchange(url, request + more + b"\r\n")
            return answer.split(b"\r\n")[0]

    assert asyncio.run(first_line(b"")).startswith(b"HTTP/1.1 404")
    assert not asyncio.run(first_line(upgrade)).startswith(b"HTTP/1.1 5")
