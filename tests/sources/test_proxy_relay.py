"""Sent and received bytes compared exactly, for every way in which the two sides may behave."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from inspector.core.event import Direction
from inspector.sources.base import Side
from tests.proxy_stage import PATIENCE_S, Stage, closed_with, proxied, upgrade_response
from tests.sources.loopback import echo, raw_server, websocket_server


def test_text_and_binary_come_back_as_they_left(tmp_path: Path) -> None:
    frames: list[str | bytes] = [
        '{"type": "session.update",  "session":{}}',
        "not json",
        "",
        "ünïcödé \u2028 😀",
        b"\x00\xff" * 700,
        "x" * 70_000,
        b"",
    ]

    async def scenario() -> None:
        async with websocket_server(echo) as server, proxied(server, tmp_path) as stage:
            async with stage.app() as app:
                for frame in frames:
                    await app.send(frame)
                    assert await app.recv() == frame
            await stage.over()

            sent = [e for e in stage.events() if e.direction is Direction.CLIENT]
            assert [(e.data, e.is_text) for e in sent] == [
                (f.encode() if isinstance(f, str) else f, isinstance(f, str)) for f in frames
            ]
            assert stage.types()[0] == "inspector.opened"
            assert stage.types()[-1] == "inspector.closed"
            recorded = stage.session.recording.path
            assert recorded is not None
        lines = recorded.read_bytes().splitlines()
        assert len(lines) == 1 + len(frames) * 2 + 2
        assert b'"type":"inspector.closed"' in lines[-1]

    asyncio.run(scenario())


def test_every_byte_of_the_stream_is_the_same_on_both_sides() -> None:
    """Forward fragments, pings between them and odd chunk sizes unchanged."""
    chance = random.Random(7)
    to_api, to_app = bytearray(), bytearray()
    for index in range(300):
        mask_bytes = chance.randbytes(chance.choice((0, 1, 125, 126, 3000, 66_000)))
        for stream, mask in ((to_api, True), (to_app, False)):
            if index % 7 == 0:
                stream += Frame(Opcode.TEXT, b'{"type":', False).serialize(mask=mask)
                stream += Frame(Opcode.PING, b"between").serialize(mask=mask)
                stream += Frame(Opcode.CONT, b'"x"', False).serialize(mask=mask)
                stream += Frame(Opcode.PONG, b"").serialize(mask=mask)
                stream += Frame(Opcode.CONT, b"}").serialize(mask=mask)
            else:
                stream += Frame(Opcode.BINARY, mask_bytes).serialize(mask=mask)
    received = bytearray()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(upgrade_response(request))
        await asyncio.gather(pour(to_app, writer), collect(reader, len(to_api), received))
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await reader.readuntil(b"\r\n\r\n")
            back = bytearray()
            await asyncio.gather(pour(to_api, writer), collect(reader, len(to_app), back))
            writer.close()
            await stage.over()

            assert back == to_app
            assert received == to_api
            logged = [event for event in stage.events() if event.direction is Direction.CLIENT]
            assert len(logged) == 300
            assert logged[0].data == b'{"type":"x"}'

    asyncio.run(scenario())


async def pour(data: bytearray, writer: asyncio.StreamWriter) -> None:
    chance = random.Random(3)
    at = 0
    while at < len(data):
        size = chance.choice((1, 2, 3, 1000, 40_000, 300_000))
        writer.write(bytes(data[at : at + size]))
        await writer.drain()
        at += size


async def collect(reader: asyncio.StreamReader, size: int, into: bytearray) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(into) < size:
            data = await reader.read(1 << 16)
            assert data, "the stream ended early"
            into += data


def test_fifteen_mebibytes_both_ways() -> None:
    payload = b'{"type":"input_audio_buffer.append","audio":"' + b"A" * (15 << 20) + b'"}'

    async def scenario() -> None:
        async with (
            websocket_server(echo) as server,
            proxied(server) as stage,
            stage.app() as app,
        ):
            await app.send(payload.decode())
            assert (await app.recv(decode=False)) == payload
            assert [len(event.data) for event in stage.events()] == [len(payload)] * 2

    asyncio.run(scenario())


def test_pings_are_answered_across_the_proxy() -> None:
    async def scenario() -> None:
        async def handler(connection: ServerConnection) -> None:
            await (await connection.ping(b"from the server"))
            await connection.send("answered")
            await connection.wait_closed()

        async with (
            websocket_server(handler) as server,
            proxied(server) as stage,
            stage.app() as app,
        ):
            assert await app.recv() == "answered"
            await asyncio.wait_for(await app.ping(b"from the app"), PATIENCE_S)

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4000])
def test_the_servers_close_reaches_the_app(code: int) -> None:
    async def scenario() -> None:
        async def handler(connection: ServerConnection) -> None:
            await connection.send('{"type":"session.created"}')
            await connection.close(code, "invalid_request_error.why")

        async with websocket_server(handler) as server, proxied(server) as stage:
            async with stage.app() as app:
                await app.recv()
                assert await closed_with(app) == (code, "invalid_request_error.why")
            await stage.over()

            closed = stage.session.closed
            assert closed is not None
            assert (closed.code, closed.reason, closed.by) == (
                code, "invalid_request_error.why", Side.SERVER,
            )  # fmt: skip

    asyncio.run(scenario())


def test_the_apps_close_reaches_the_server() -> None:
    seen: list[tuple[int | None, str | None]] = []

    async def scenario() -> None:
        async def handler(connection: ServerConnection) -> None:
            seen.append(await closed_with(connection))  # type: ignore[arg-type]  # both ends have it

        async with websocket_server(handler) as server, proxied(server) as stage:
            async with stage.app() as app:
                await app.close(4123, "enough")
            await stage.over()

            assert seen == [(4123, "enough")]
            assert stage.session.closed is not None
            assert stage.session.closed.by is Side.CLIENT

    asyncio.run(scenario())


def test_a_reset_of_the_server_is_a_reset_for_the_app() -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(upgrade_response(await reader.readuntil(b"\r\n\r\n")))
        await writer.drain()
        await reader.readexactly(1)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"\x81")
            with pytest.raises(ConnectionResetError):
                async with asyncio.timeout(PATIENCE_S):
                    await reader.read()
            await stage.over()

            closed = stage.session.closed
            assert closed is not None
            assert (closed.code, closed.by) == (1006, Side.NETWORK)
            assert "server" in closed.meaning

    asyncio.run(scenario())


def test_a_reset_of_the_app_is_a_reset_for_the_server() -> None:
    ends: list[str] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(upgrade_response(await reader.readuntil(b"\r\n\r\n")))
        try:
            ends.append(f"end after {await reader.read()!r}")
        except ConnectionResetError:
            ends.append("reset")
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await reader.readuntil(b"\r\n\r\n")
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            await stage.over()
            await stage.until(lambda: ends)

            assert ends == ["reset"]
            closed = stage.session.closed
            assert closed is not None
            assert (closed.code, closed.by) == (1006, Side.NETWORK)
            assert "app" in closed.meaning

    asyncio.run(scenario())


def test_an_app_that_vanishes_within_a_frame_ends_the_servers_connection() -> None:
    received: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(upgrade_response(await reader.readuntil(b"\r\n\r\n")))
        received.append(await reader.read())
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await reader.readuntil(b"\r\n\r\n")
            whole = Frame(Opcode.TEXT, b"x" * 5000).serialize(mask=True)
            writer.write(whole[:1234])
            await writer.drain()
            writer.close()
            await stage.over()
            await stage.until(lambda: received)

            assert received == [whole[:1234]]
            assert stage.events() == []
            assert stage.session.closed is not None
            assert "app" in stage.session.closed.meaning

    asyncio.run(scenario())


@pytest.mark.parametrize("who", ["app", "server"])
def test_a_side_that_does_not_read_stops_the_other_one(who: str) -> None:
    """Stop a fast writer once the kernel's buffers and one of ours are full."""
    frame = os.urandom(1 << 16)
    go_on = asyncio.Event()

    async def slow(connection: Any) -> int:
        connection.transport.pause_reading()
        await go_on.wait()
        connection.transport.resume_reading()
        count = 0
        try:
            async for _ in connection:
                count += 1
        except ConnectionClosed:
            pass
        return count

    async def flood(connection: Any, stage: Stage) -> int:
        sent = 0
        try:
            while True:
                async with asyncio.timeout(0.5):
                    await connection.send(frame)
                sent += 1
        except TimeoutError:
            pass
        go_on.set()
        assert sent * len(frame) < 32 << 20, "nothing has held the sender up"
        return sent

    async def scenario() -> None:
        result: dict[str, int] = {}
        done = asyncio.Event()

        async def handler(connection: ServerConnection) -> None:
            await started.wait()
            if who == "server":
                result["read"] = await slow(connection)
            else:
                result["sent"] = await flood(connection, stage)
                await connection.close()
            done.set()

        started = asyncio.Event()
        async with websocket_server(handler, max_queue=1) as server, proxied(server) as stage:
            async with stage.app(max_queue=1) as app:
                started.set()
                if who == "app":
                    result["read"] = await slow(app)
                else:
                    result["sent"] = await flood(app, stage)
            await asyncio.wait_for(done.wait(), PATIENCE_S)
            # The last frame was given up in the middle of being drained, and is written all the same.
            assert result["read"] in (result["sent"], result["sent"] + 1)

    asyncio.run(scenario())


def test_two_hundred_sessions_in_a_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            websocket_server(echo, backlog=512) as server,
            proxied(server, tmp_path, kept_sessions=0) as stage,
        ):

            async def one(number: int) -> None:
                async with stage.app() as app:
                    await app.send(f'{{"type":"x","n":{number}}}')
                    await app.recv()
                    if number % 2:
                        app.transport.abort()

            await asyncio.gather(*(one(number) for number in range(200)))
            await stage.over()

            assert stage.proxy.opened_count == stage.proxy.ended_count == 200
            assert stage.proxy.sessions == []
            assert len(list(tmp_path.glob("*.jsonl"))) == 200

    asyncio.run(scenario())


def test_what_breaks_the_protocol_goes_by_as_well() -> None:
    """Forward invalid frames: reserved bits, unknown opcodes, a lone continuation, a wrong mask."""
    odd = b"\xf3\x01x\x80\x02yz\x8b\x00\x81\x83\1\2\3\4abc\x89\x7e\x00\x80" + b"p" * 128

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(upgrade_response(await reader.readuntil(b"\r\n\r\n")) + odd)
        writer.write(await reader.readexactly(len(odd)))
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with raw_server(server) as url, proxied(url) as stage:
            reader, writer = await stage.raw_app()
            await reader.readuntil(b"\r\n\r\n")
            writer.write(odd)
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == odd + odd
            writer.close()
            await stage.over()

    asyncio.run(scenario())
