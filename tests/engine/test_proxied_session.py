"""A proxied session: injections, breakpoints, rules, and failures beside the forwarding."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector.clock import SystemClock
from inspector.core.event import Direction, Event, Origin
from inspector.engine import proxy_engine
from inspector.errors import ConnectError
from inspector.recording.writer import RecordingFile
from inspector.sources.frames import TEXT, frame_bytes
from tests.engine.proxied_stage import Server, event, heard, joined
from tests.proxy_stage import PATIENCE_S, closed_with, proxied
from tests.sources.loopback import websocket_server


def test_an_injection_reaches_either_side_and_is_marked() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            session = stage.session
            event_id = session.submit({"type": "response.create"}, Origin.BUTTON)
            session.submit('{"type": "error" }', Origin.HAND, to="app")

            sent = orjson.loads(await server.next())
            assert sent == {"type": "response.create", "event_id": event_id}
            assert await heard(app) == '{"type": "error" }'
            assert [(e.type, e.direction, e.origin) for e in stage.events()] == [
                ("response.create", Direction.CLIENT, Origin.BUTTON),
                ("error", Direction.SERVER, Origin.HAND),
            ]
            assert [(f["to"], f["event_type"]) for f in stage.facts("inspector.injected")] == [
                ("api", "response.create"),
                ("app", "error"),
            ]
            assert stage.types().index("inspector.injected") < stage.types().index(
                "response.create"
            )

    asyncio.run(scenario())


def test_an_injection_waits_for_the_end_of_the_frame_that_goes_by() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):

            async def halves() -> Any:
                yield '{"type":'
                await stage.until(lambda: not stage.session._queues[0]._pipe._reader.is_at_boundary)  # type: ignore[union-attr]  # it is not blind
                stage.session.submit('{"type":"mine"}', Origin.HAND)
                stage.session.submit('{"type":"mine too"}', Origin.HAND)
                yield '"theirs"}'

            await app.send(halves())
            await app.send('{"type":"later"}')

            got = [await server.next() for _ in range(4)]
            assert got == [
                '{"type":"theirs"}', '{"type":"mine"}', '{"type":"mine too"}', '{"type":"later"}',
            ]  # fmt: skip
            assert [e.data.decode() for e in stage.events()] == got

    asyncio.run(scenario())


def test_without_a_connection_nothing_is_injected() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, _):
            await app.close()
            await stage.over()

            assert not stage.session.can_send
            with pytest.raises(ConnectError):
                stage.session.submit({"type": "x"}, Origin.HAND)

    asyncio.run(scenario())


@pytest.mark.parametrize("half", ["write", "catch_up"])
def test_frames_go_on_when_the_log_fails(half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):

            def broken(*_: Any) -> Event:
                raise RuntimeError("broken")

            monkeypatch.setattr(stage.session, half, broken)
            monkeypatch.setattr(proxy_engine, "CLOSE_TIMEOUT_S", 0.1)  # it cannot log its end
            await app.send(event("a"))
            await server.say(event("b"))

            assert await server.next() == event("a")
            assert await heard(app) == event("b")

    asyncio.run(scenario())


@pytest.mark.parametrize("half", ["write", "catch_up"])
def test_a_held_frame_goes_on_when_the_log_fails(
    half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await stage.until(lambda: points.paused)

            def broken(*_: Any) -> Event:
                raise RuntimeError("broken")

            monkeypatch.setattr(stage.session, half, broken)
            monkeypatch.setattr(proxy_engine, "CLOSE_TIMEOUT_S", 0.1)  # it cannot log its end
            points.edit(points.paused[0], b"b")

            assert await server.next() == "b"

    asyncio.run(scenario())


def test_frames_are_forwarded_when_a_tap_or_the_intercept_queue_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):

            def broken(_: Any) -> Any:
                raise RuntimeError("broken")

            stage.session.tap(broken)
            stage.session.breakpoints.arm("type:never")
            monkeypatch.setattr(stage.session.breakpoints, "stopping", broken)
            await app.send(event("a"))

            assert await server.next() == event("a")
            assert stage.session.disabled
            assert "the intercept queue failed" in stage.facts("inspector.degraded")[0]["message"]

    asyncio.run(scenario())


def test_frames_go_on_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    is_full = False

    def writing(fd: int, data: bytes) -> int:
        if is_full and b'"seq"' in bytes(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", writing)

    async def scenario() -> None:
        nonlocal is_full
        async with joined(tmp_path) as (stage, app, server):
            is_full = True
            await app.send(event("a"))

            assert await server.next() == event("a")
            assert stage.facts("inspector.recorder_failed")
            assert [e.type for e in stage.events()] == ["a"]
            is_full = False

    asyncio.run(scenario())


def test_a_session_that_cannot_be_recorded_at_all_still_runs() -> None:
    def refuse(_: Any) -> RecordingFile:
        raise RuntimeError("no file today")

    async def scenario() -> None:
        async with joined(new_recording=refuse) as (_, app, server):
            await app.send(event("a"))

            assert await server.next() == event("a")

    asyncio.run(scenario())


def test_a_clock_that_jumps_back_keeps_the_log_in_order() -> None:
    class Jumping(SystemClock):
        ns = 10**12

        def now_ns(self) -> int:
            return self.ns

    clock = Jumping()

    async def scenario() -> None:
        async with joined(clock=clock) as (stage, app, server):
            await app.send(event("a"))
            await server.next()
            clock.ns -= 10**11
            await app.send(event("b"))

            assert await server.next() == event("b")
            times = list(stage.session.log.t_us)
            assert times == sorted(times)

    asyncio.run(scenario())


def test_closing_the_proxy_closes_every_session_with_1001() -> None:
    server = Server()

    async def scenario() -> None:
        async with websocket_server(server.handler) as url:
            async with proxied(url) as stage:
                app = await stage.app()
                await stage.until(lambda: server.connections)
                closing = asyncio.gather(closed_with(app), stage.proxy.close_all())
                assert (await closing)[0] == (1001, "closed by Realtime Inspector")
            assert server.connections[0].close_code == 1001

    asyncio.run(scenario())


def test_only_so_many_sessions_are_let_in() -> None:
    async def scenario() -> None:
        async with joined(max_sessions=1) as (stage, _, __):
            reader, writer = await stage.raw_app()
            async with asyncio.timeout(PATIENCE_S):
                assert b" 503 " in await reader.readline()
            writer.close()

    asyncio.run(scenario())


def test_frames_are_forwarded_when_a_close_frame_cannot_be_processed() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            relay = stage.session._relay
            assert relay is not None
            pipe = relay.pipe(Direction.CLIENT)

            def broken(_: Any) -> None:
                raise RuntimeError("broken")

            pipe.close_seen = broken
            await app.send(event("a"))
            assert await server.next() == event("a")
            await app.close(4001, "bye")

            await stage.over()
            assert server.connections[0].close_code == 4001
            assert not pipe._is_busy
            assert (
                "a close frame was not processed" in stage.facts("inspector.degraded")[0]["message"]
            )

    asyncio.run(scenario())


def test_a_direction_pipe_is_not_busy_for_ever_when_writing_fails() -> None:
    async def scenario() -> None:
        async with joined() as (stage, _, __):
            stage.session.breakpoints.arm("type:never")
            relay = stage.session._relay
            assert relay is not None
            pipe = relay.pipe(Direction.CLIENT)

            def broken(_: bytes) -> None:
                raise RuntimeError("broken")

            write, pipe.write = pipe.write, broken
            with pytest.raises(RuntimeError):
                pipe.received(frame_bytes(TEXT, b"{}", is_masked=True))
            pipe.write = write

            assert not pipe._is_busy
            assert pipe.add(b"mine", is_text=True, origin=Origin.HAND)

    asyncio.run(scenario())
