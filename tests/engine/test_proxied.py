"""A session of somebody else's app: injections, breakpoints, rules, and what fails beside it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from inspector.clock import SystemClock
from inspector.core.event import Direction, Event, Origin
from inspector.engine.proxied import Faults
from inspector.engine.rules import read_rules
from inspector.errors import ConnectError, FilterError, UsageError
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Side
from tests.proxy_stage import PATIENCE_S, Stage, closed_with, proxied
from tests.sources.loopback import websocket_server


def run(scenario: Any) -> Any:
    return asyncio.run(scenario)


class Server:
    """A server that keeps what it gets, and says what it is told to."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.connections: list[ServerConnection] = []

    async def handler(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for data in connection:
                self.received.put_nowait(data)
        except ConnectionClosed:
            pass

    async def say(self, text: str) -> None:
        await self.connections[-1].send(text)

    async def next(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.received.get()


@asynccontextmanager
async def joined(
    folder: Path | None = None, *, compression: str | None = None, **options: Any
) -> AsyncIterator[tuple[Stage, ClientConnection, Server]]:
    server = Server()
    async with (
        websocket_server(server.handler, compression=compression) as url,
        proxied(url, folder, **options) as stage,
        stage.app(compression=compression) as app,
    ):
        await stage.until(lambda: server.connections)
        yield stage, app, server


async def heard(app: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return await app.recv()


def event(name: str, **members: Any) -> str:
    return orjson.dumps({"type": name, **members}).decode()


def faults(tmp_path: Path, text: str) -> Faults:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    return Faults(read_rules(file))


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

    run(scenario())


def test_an_injection_waits_for_the_end_of_the_frame_that_goes_by() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):

            async def halves() -> Any:
                yield '{"type":'
                await stage.until(lambda: not stage.session._gates[0]._lane._reader.is_at_boundary)  # type: ignore[union-attr]  # it is not blind
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

    run(scenario())


def test_without_a_connection_nothing_is_injected() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, _):
            await app.close()
            await stage.over()

            assert not stage.session.can_send
            with pytest.raises(ConnectError):
                stage.session.submit({"type": "x"}, Origin.HAND)

    run(scenario())


def test_a_held_frame_waits_with_those_behind_it_and_goes_on_in_order() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            point = points.arm("type:response.create", Direction.CLIENT)
            for text in (event("a"), event("response.create"), event("b"), event("c")):
                await app.send(text)
            await server.say(event("session.created"))
            assert await server.next() == event("a")
            await stage.until(lambda: len(points.waiting) == 3)
            assert await heard(app) == event("session.created"), "the other way is free"

            assert [held.event.type for held in points.held] == ["response.create"]
            assert stage.facts("inspector.held")[0]["event_type"] == "response.create"
            assert "response.create" not in [e.type for e in stage.events()]
            revision = points.revision
            points.forward(points.held[0])
            assert [await server.next() for _ in range(3)] == [
                event("response.create"), event("b"), event("c"),
            ]  # fmt: skip
            assert points.revision > revision
            assert points.waiting == []
            points.disarm(point)
            await app.send(event("response.create"))
            assert await server.next() == event("response.create")
            assert stage.session._gates[0].is_open

    run(scenario())


def test_a_held_frame_can_be_changed_and_what_it_was_is_kept() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("", Direction.CLIENT)
            for name in ("edited", "dropped", "doubled", "answered", "last"):
                await app.send(event(name))
            await stage.until(lambda: len(points.held) == 5)
            edited, dropped, doubled, answered, last = points.held
            points.edit(edited, b'{"type":"other"}')
            points.drop(dropped)
            points.duplicate(doubled, 2)
            points.answer(answered, b'{"type":"error"}', b'{"type":"and more"}')
            points.forward(last)

            assert [await server.next() for _ in range(5)] == [
                event("other"), *[event("doubled")] * 3, event("last"),
            ]  # fmt: skip
            assert [await heard(app), await heard(app)] == [event("error"), event("and more")]
            altered = stage.facts("inspector.altered")
            assert [(f["change"], f["original"]) for f in altered] == [
                ("edit", event("edited")),
                ("drop", event("dropped")),
                ("duplicate", event("doubled")),
                ("answer", event("answered")),
            ]
            assert [e.origin for e in stage.events() if e.type == "other"] == [Origin.HAND]
            with pytest.raises(UsageError):
                points.forward(last)

    run(scenario())


def test_a_delay_keeps_the_order() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("slow", Direction.SERVER)
            await server.say(event("slow"))
            await server.say(event("quick"))
            await stage.until(lambda: len(points.waiting) == 2)
            points.delay(points.held[0], 0.05)

            assert [await heard(app), await heard(app)] == [event("slow"), event("quick")]

    run(scenario())


def test_resuming_lets_all_go() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await server.say(event("b"))
            await stage.until(lambda: len(points.held) == 2)
            points.resume()

            assert await server.next() == event("a")
            assert await heard(app) == event("b")

    run(scenario())


def test_a_filter_that_does_not_parse_arms_nothing() -> None:
    async def scenario() -> None:
        async with joined() as (stage, _, __):
            with pytest.raises(FilterError):
                stage.session.breakpoints.arm("(")
            assert stage.session.breakpoints.armed == ()

    run(scenario())


def test_pings_pass_and_are_sent_while_a_frame_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.proxied.PING_S", 0.01)

    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await stage.until(lambda: points.held)
            await asyncio.wait_for(await app.ping(), PATIENCE_S)
            await asyncio.wait_for(await server.connections[0].ping(), PATIENCE_S)
            pings: list[bytes] = []
            relay = stage.session._relay
            assert relay is not None
            write, relay._to_app.write = relay._to_app.write, pings.append
            await stage.until(lambda: pings)
            relay._to_app.write = write

            assert pings[0] == b"\x89\x12realtime-inspector"

    run(scenario())


def test_a_held_frame_whose_sender_has_gone_goes_on_and_is_told() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            stage.session.breakpoints.arm("", Direction.SERVER)
            await server.say(event("held"))
            await stage.until(lambda: stage.session.breakpoints.held)
            await server.connections[0].close(1011, "fell over")

            assert await heard(app) == event("held")
            assert await closed_with(app) == (1011, "fell over")
            await stage.over()
            assert stage.facts("inspector.released")[0]["count"] == 1

    run(scenario())


def test_a_held_frame_whose_receiver_has_gone_is_reported() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            stage.session.breakpoints.arm("", Direction.SERVER)
            await server.say(event("held"))
            await stage.until(lambda: stage.session.breakpoints.held)
            app.transport.abort()
            await stage.over()

            assert stage.session.breakpoints.waiting == []
            lost = stage.facts("inspector.undelivered")[0]
            assert (lost["event_type"], lost["original"]) == ("held", event("held"))

    run(scenario())


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound the sender is not read from: it stands still, and not the memory grows."""
    monkeypatch.setattr("inspector.engine.gate.MAX_WAITING_BYTES", 1 << 20)
    text = event("x", fill="x" * (1 << 16))

    async def scenario() -> None:
        async with joined() as (stage, app, server):
            stage.session.breakpoints.arm("")
            sent = 0
            with contextlib.suppress(TimeoutError):
                while sent < 1000:
                    async with asyncio.timeout(0.5):
                        await app.send(text)
                    sent += 1
            assert sent < 1000, "nothing has held the sender up"
            held = sum(len(one.event.data) for one in stage.session.breakpoints.waiting)
            assert 1 << 20 <= held < 3 << 20

            stage.session.breakpoints.disarm()
            stage.session.breakpoints.resume()
            for _ in range(sent):
                assert await server.next() == text

    run(scenario())


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_raw_bytes_again_after_a_breakpoint(compression: str | None) -> None:
    """Compressed frames refer to earlier ones, so a dropped one must not break those after it."""
    text = event("session.update", text="the same words again and again " * 20)

    async def scenario() -> None:
        async with joined(compression=compression) as (stage, app, server):
            points = stage.session.breakpoints
            await app.send(text)
            assert await server.next() == text
            points.arm("")
            await app.send(text)
            await stage.until(lambda: points.held)
            points.drop(points.held[0])
            points.disarm()
            stage.session.submit(event("mine"), Origin.HAND)
            for _ in range(3):
                await app.send(text)

            assert [await server.next() for _ in range(4)] == [event("mine"), text, text, text]

    run(scenario())


RULES = {
    "drop": ('do="drop"', ["response.created", "last"]),
    "replace": (
        'do="replace"\npointer="/response/status"\nvalue="failed"',
        ["response.created", "response.done", "last"],
    ),
    "delay": ('do="delay"\nseconds=0.02', ["response.created", "response.done", "last"]),
    "inject": (
        'do="inject"\nevent={type="error", error={code="rate_limit_exceeded"}}',
        ["response.created", "response.done", "error", "last"],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_what_a_hand_would(name: str, tmp_path: Path) -> None:
    text, expected = RULES[name]

    async def scenario() -> None:
        rules = faults(tmp_path, f'[[rule]]\nmatch="type:response.done"\ntimes=1\n{text}\n')
        async with joined(faults=rules) as (stage, app, server):
            await server.say(event("response.created"))
            await server.say(event("response.done", response={"status": "completed", "id": "r"}))
            await server.say(event("last"))
            got = [orjson.loads(await heard(app)) for _ in expected]

            assert [body["type"] for body in got] == expected
            assert [e.type for e in stage.events()] == expected
            if name == "replace":
                assert got[1]["response"] == {"status": "failed", "id": "r"}
            if name != "inject":
                fact = stage.facts("inspector.altered")[0]
                assert fact["by"].startswith("rule 1")
                assert b"completed" in fact["original"].encode()
            assert stage.session._gates[1].is_open, "one match was all"

    run(scenario())


def test_a_rule_can_close_the_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        rules = faults(
            tmp_path, '[[rule]]\nmatch="type:bye"\ndo="close"\ncode=4000\nreason="by rule"\n'
        )
        async with joined(faults=rules) as (stage, app, server):
            await app.send(event("bye"))

            assert await server.next() == event("bye")
            assert await closed_with(app) == (4000, "by rule")
            await stage.over()
            assert stage.session.closed is not None
            assert stage.session.closed.by is Side.INSPECTOR
            assert server.connections[0].close_code == 4000

    run(scenario())


def test_a_rule_can_answer_the_other_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        rules = faults(
            tmp_path,
            '[[rule]]\nmatch="type:response.create"\ndo="drop"\n'
            '[[rule]]\nmatch="type:session.update"\ndirection="client"\ndo="inject"\nto="app"\n'
            'event=\'{"type":"error"}\'\n',
        )
        async with joined(faults=rules) as (_, app, server):
            await app.send(event("response.create"))
            await app.send(event("session.update"))

            assert await server.next() == event("session.update")
            assert await heard(app) == event("error")

    run(scenario())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not TOML"),
        ("x=1", "holds no rules"),
        ('[[rule]]\ndo="drop"', "needs 'match'"),
        ('[[rule]]\nmatch="x"\ndo="explode"', "one of drop, delay"),
        ('[[rule]]\nmatch="("\ndo="drop"', "rule 1"),
        ('[[rule]]\nmatch="x"\ndo="delay"\nseconds=-1', "from 0"),
        ('[[rule]]\nmatch="x"\ndo="drop"\nseconds=1', "has no 'seconds'"),
        ('[[rule]]\nmatch="x"\ndo="replace"\npointer="a"\nvalue=1', "JSON pointer"),
        ('[[rule]]\nmatch="x"\ndo="close"\ncode=1006', "never stands"),
        ('[[rule]]\nmatch="x"\ndo="close"\ncode=99', "whole number"),
        ('[[rule]]\nmatch="x"\ndo="inject"\nevent=7', "table or a text"),
        ('[[rule]]\nmatch="x"\ndo="drop"\ntimes=0', "from 1"),
        ('[[rule]]\nmatch="x"\ndo="drop"\ndirection="up"', "client, server"),
    ],
)
def test_a_bad_rule_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        faults(tmp_path, text)


def test_client_events_get_an_id_on_demand_and_nothing_else() -> None:
    async def scenario() -> None:
        async with joined(faults=Faults(adds_event_ids=True)) as (stage, app, server):
            for text in ('{ "type" : "x" }', "{}", '{"event_id":"mine"}', "no json", "[1]"):
                await app.send(text)

            assert [await server.next() for _ in range(5)] == [
                '{"event_id":"evt_inspector_000001", "type" : "x" }',
                '{"event_id":"evt_inspector_000002"}',
                '{"event_id":"mine"}',
                "no json",
                "[1]",
            ]
            assert [e.origin for e in stage.events()] == [Origin.WIRE] * 5
            await server.say("{}")
            assert await heard(app) == "{}"

    run(scenario())


@pytest.mark.parametrize("half", ["write", "catch_up"])
def test_frames_go_on_when_the_log_fails(half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):

            def broken(*_: Any) -> Event:
                raise RuntimeError("broken")

            monkeypatch.setattr(stage.session, half, broken)
            await app.send(event("a"))
            await server.say(event("b"))

            assert await server.next() == event("a")
            assert await heard(app) == event("b")

    run(scenario())


@pytest.mark.parametrize("half", ["write", "catch_up"])
def test_a_held_frame_goes_on_when_the_log_fails(
    half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await stage.until(lambda: points.held)

            def broken(*_: Any) -> Event:
                raise RuntimeError("broken")

            monkeypatch.setattr(stage.session, half, broken)
            points.edit(points.held[0], b"b")

            assert await server.next() == "b"

    run(scenario())


def test_frames_go_on_when_a_tap_or_the_gate_fails(monkeypatch: pytest.MonkeyPatch) -> None:
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
            assert "the gate failed" in stage.facts("inspector.degraded")[0]["message"]

    run(scenario())


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

    run(scenario())


def test_a_session_that_cannot_be_recorded_at_all_still_runs() -> None:
    def refuse(_: Any) -> RecordingFile:
        raise RuntimeError("no file today")

    async def scenario() -> None:
        async with joined(new_recording=refuse) as (_, app, server):
            await app.send(event("a"))

            assert await server.next() == event("a")

    run(scenario())


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

    run(scenario())


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

    run(scenario())


def test_only_so_many_sessions_are_let_in() -> None:
    async def scenario() -> None:
        async with joined(max_sessions=1) as (stage, _, __):
            reader, writer = await stage.raw_app()
            async with asyncio.timeout(PATIENCE_S):
                assert b" 503 " in await reader.readline()
            writer.close()

    run(scenario())
