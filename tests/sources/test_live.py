from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from inspector.clock import SystemClock
from inspector.engine.live_engine import Connection, Engine
from inspector.errors import ConnectError
from inspector.recording.reader import RecordingReader
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sources import live
from inspector.sources.base import Closed, Side
from inspector.sources.live import LiveSource
from tests.sources.loopback import (
    PLANTED_KEY,
    error_event,
    events_of,
    raw_server,
    received,
    session_with,
    target,
    upgrade,
    websocket_server,
)

ODD_FRAMES = [
    '{"type":"a","text":"\\ud83d lone"}',
    '{"type" : "b",\n "pretty": true}',
    '  {"type":"c"}  ',
    '{"type":"d","n":1e400,"n":1,"big":123456789012345678901234567890}',
    "not json at all",
    "[1,2]",
    "",
    '{"type":"e","t":"\x7f\u2028\u009b31m"}',
    '{"type":"' + "x" * 70_000 + '"}',
]


async def close_with(code: int, reason: str, *frames: str) -> Closed:
    async def handler(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
        await connection.close(code, reason)

    async with websocket_server(handler) as url:
        engine = await session_with(url)
        assert [event.data.decode() for event in received(engine)] == list(frames)
        assert engine.closed is not None
        return engine.closed


def test_a_bad_key_is_told_by_the_close_after_the_upgrade() -> None:
    closed = asyncio.run(
        close_with(3000, "invalid_request_error.invalid_api_key", error_event("invalid_api_key"))
    )

    assert (closed.code, closed.by) == (3000, Side.SERVER)
    assert "key is not valid" in closed.meaning
    assert "OPENAI_API_KEY" in closed.next_step


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (1000, "", "normally"),
        (1001, "Your session hit the maximum duration of 60 minutes.", "maximum duration"),
        (1011, "", "failed"),
        (1012, "", "restart"),
        (1013, "", "overloaded"),
        (3000, "invalid_request_error", "no API key"),
        (4000, "invalid_request_error.beta_api_shape_disabled", "Beta"),
        (4000, "invalid_request_error.missing_model", "no model"),
        (4000, "invalid_request_error.invalid_model", "model"),
        (4321, "something", "4321"),
    ],
)
def test_a_close_is_explained(code: int, reason: str, word: str) -> None:
    closed = asyncio.run(close_with(code, reason))

    assert (closed.code, closed.reason, closed.by) == (code, reason, Side.SERVER)
    assert word in closed.meaning


def test_a_close_without_a_code_is_1005() -> None:
    async def scenario() -> Closed | None:
        async def handler(connection: ServerConnection) -> None:
            connection.protocol.send_close()
            connection.transport.write(b"".join(connection.protocol.data_to_send()))
            await connection.wait_closed()

        async with websocket_server(handler) as url:
            return (await session_with(url)).closed

    closed = asyncio.run(scenario())

    assert closed is not None
    assert (closed.code, closed.by) == (1005, Side.SERVER)


def test_a_dropped_connection_is_1006_of_the_network() -> None:
    async def scenario() -> Engine:
        async def handler(connection: ServerConnection) -> None:
            await connection.send('{"type":"session.created"}')
            await connection.recv()
            connection.transport.abort()

        async with websocket_server(handler) as url:
            return await session_with(url, sends=["{}"])

    engine = asyncio.run(scenario())

    assert engine.closed is not None
    assert (engine.closed.code, engine.closed.by) == (1006, Side.NETWORK)
    assert events_of(engine)[-1].type == "inspector.closed"


def test_odd_frames_come_and_go_verbatim_and_are_kept(tmp_path: Path) -> None:
    async def scenario() -> Engine:
        async def echo(connection: ServerConnection) -> None:
            for _ in ODD_FRAMES:
                data = await connection.recv(decode=False)
                await connection.send(data, text=True)

        async with websocket_server(echo) as url:
            return await session_with(url, tmp_path / "r.jsonl", sends=ODD_FRAMES)

    engine = asyncio.run(scenario())

    expected = [frame.encode() for frame in ODD_FRAMES]
    assert [event.data for event in received(engine)] == expected
    reader = RecordingReader(tmp_path / "r.jsonl")
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    kept = [log.event(row) for row in range(len(log))]
    reader.close()
    assert [event.data for event in kept if event.direction == "server"] == expected
    assert [event.data for event in kept if event.direction == "client"] == expected


def test_binary_frames_and_text_that_is_not_utf8_are_events() -> None:
    async def scenario() -> Engine:
        async def handler(connection: ServerConnection) -> None:
            await connection.send(b"\x00\xff")
            await connection.send(b'{"type":"\xff"}', text=True)
            connection.protocol.send_text(b'{"type":', fin=False)
            connection.protocol.send_continuation(b'"split"}', fin=True)
            connection.transport.write(b"".join(connection.protocol.data_to_send()))

        async with websocket_server(handler) as url:
            return await session_with(url)

    engine = asyncio.run(scenario())

    assert [(event.data, event.is_text) for event in received(engine)] == [
        (b"\x00\xff", False),
        (b'{"type":"\xff"}', True),
        (b'{"type":"split"}', True),
    ]
    assert engine.closed is not None
    assert engine.closed.code == 1000


def test_binary_is_sent_as_binary() -> None:
    async def scenario() -> object:
        async def handler(connection: ServerConnection) -> None:
            got.append(await connection.recv())

        got: list[object] = []
        async with websocket_server(handler) as url:
            source = LiveSource(target(url))
            await source.connect()
            await source.send(b"\x01", is_text=False)
            async for _ in source.frames():
                pass
            with pytest.raises(ConnectError):
                await source.send(b"late")
        return got[0]

    assert asyncio.run(scenario()) == b"\x01"


def test_a_frame_of_60_megabytes_passes_and_one_over_the_limit_ends_the_session() -> None:
    async def scenario(size: int) -> Engine:
        async def handler(connection: ServerConnection) -> None:
            await connection.send(b" " * size, text=True)

        async with websocket_server(handler) as url:
            return await session_with(url)

    assert len(received(asyncio.run(scenario(60_000_000)))[0].data) == 60_000_000
    closed = asyncio.run(scenario((64 << 20) + 1)).closed
    assert closed is not None
    assert (closed.code, closed.by) == (1009, Side.CLIENT)
    assert "larger" in closed.meaning


def test_a_stalled_server_does_not_hold_up_a_close(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> Closed | None:
        stalled = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await upgrade(reader, writer)
            await stalled.wait()
            writer.close()

        async with raw_server(handler) as url:
            source = LiveSource(target(url))
            await source.connect()

            async def end() -> None:
                async for _ in source.frames():
                    pass

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(end())
                await asyncio.sleep(0)
                await source.close()
            stalled.set()
            return source.closed

    monkeypatch.setattr(live, "CLOSE_TIMEOUT_S", 0.05)
    closed = asyncio.run(scenario())

    assert closed is not None
    assert (closed.code, closed.by) == (1000, Side.CLIENT)


@pytest.mark.parametrize(
    ("frames", "code", "by"),
    [
        (b"\x88\x02\x0b\xb8", 3000, Side.SERVER),
        (b"\x88\x00", 1005, Side.SERVER),
        (b'\x01\x08{"type":\x88\x02\x03\xe8', 1000, Side.SERVER),
        (b"\x88\x02\x00\x01", 1002, Side.CLIENT),
        (b"\xf3\x05hello", 1002, Side.CLIENT),
        (b"\x81\x80\x00\x00\x00\x00", 1002, Side.CLIENT),
        (b"\x81\xff" + b"\xff" * 8, 1002, Side.CLIENT),
        (b"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", 1009, Side.CLIENT),
    ],
)
def test_a_server_that_ends_it_and_never_hangs_up_is_left(
    frames: bytes, code: int, by: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> Closed | None:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await upgrade(reader, writer)
            writer.write(frames)
            with contextlib.suppress(ConnectionError):
                await reader.read()

        async with raw_server(handler) as url:
            async with asyncio.timeout(5):
                return (await session_with(url)).closed

    monkeypatch.setattr(live, "CLOSE_TIMEOUT_S", 0.02)
    closed = asyncio.run(scenario())

    assert closed is not None
    assert (closed.code, closed.by) == (code, by)


def test_the_handshake_is_recorded_without_secrets(tmp_path: Path) -> None:
    async def scenario() -> tuple[Engine, dict[str, str]]:
        seen: dict[str, str] = {}

        async def handler(connection: ServerConnection) -> None:
            assert connection.request is not None
            seen.update(connection.request.headers)

        async with websocket_server(
            handler, select_subprotocol=lambda _, offered: offered[0]
        ) as url:
            engine = await session_with(
                url,
                tmp_path / "r.jsonl",
                headers=(
                    ("Authorization", Secret(f"Bearer {PLANTED_KEY}")),
                    ("api-key", PLANTED_KEY),
                    ("Cookie", f"c={PLANTED_KEY}"),
                    ("X-Plain", "shown"),
                ),
                subprotocols=("realtime", Secret(f"openai-insecure-api-key.{PLANTED_KEY}")),
            )
            return engine, seen

    engine, seen = asyncio.run(scenario())

    assert seen["authorization"] == f"Bearer {PLANTED_KEY}"
    assert "openai-beta" not in seen
    opened = events_of(engine)[0].body
    assert opened is not None
    assert opened["request_headers"]["Authorization"] == "Bearer ***"
    assert opened["request_headers"]["X-Plain"] == "shown"
    assert opened["subprotocol"] == "realtime"
    assert PLANTED_KEY not in (tmp_path / "r.jsonl").read_text()


def test_a_client_can_reconnect_with_the_same_engine() -> None:
    async def scenario() -> Engine:
        async def handler(connection: ServerConnection) -> None:
            await connection.send('{"type":"session.created"}')

        async with websocket_server(handler) as url:
            engine = Engine(
                LiveSource(target(url)),
                RecordingFile(None, SystemClock()),
                SystemClock(),
                strict=True,
            )
            await engine.run()
            await engine.run()
            return engine

    engine = asyncio.run(scenario())

    names = [event.type for event in events_of(engine)]
    assert names == ["inspector.opened", "session.created", "inspector.closed"] * 2
    assert engine.connection is Connection.CLOSED


def test_pings_of_the_server_are_answered() -> None:
    async def scenario() -> float:
        latency = 0.0

        async def handler(connection: ServerConnection) -> None:
            nonlocal latency
            latency = await (await connection.ping(b"\x00\x01\x02\x03"))

        async with websocket_server(handler) as url:
            await session_with(url)
        return latency

    assert asyncio.run(scenario()) > 0
