"""Frames that a breakpoint pauses: their order, the actions on them, and the end of a side."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from inspector.core.event import Direction, Origin
from inspector.errors import FilterError, UsageError
from tests.engine.proxied_stage import event, heard, joined
from tests.proxy_stage import PATIENCE_S, closed_with


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

            assert [paused.event.type for paused in points.paused] == ["response.create"]
            assert stage.facts("inspector.held")[0]["event_type"] == "response.create"
            assert "response.create" not in [e.type for e in stage.events()]
            revision = points.revision
            points.forward(points.paused[0])
            assert [await server.next() for _ in range(3)] == [
                event("response.create"), event("b"), event("c"),
            ]  # fmt: skip
            assert points.revision > revision
            assert points.waiting == []
            points.disarm(point)
            await app.send(event("response.create"))
            assert await server.next() == event("response.create")
            assert stage.session._queues[0].is_open

    asyncio.run(scenario())


def test_a_held_frame_can_be_changed_and_what_it_was_is_kept() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("", Direction.CLIENT)
            for name in ("edited", "dropped", "doubled", "answered", "last"):
                await app.send(event(name))
            await stage.until(lambda: len(points.paused) == 5)
            edited, dropped, doubled, answered, last = points.paused
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

    asyncio.run(scenario())


def test_a_delay_keeps_the_order() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("slow", Direction.SERVER)
            await server.say(event("slow"))
            await server.say(event("quick"))
            await stage.until(lambda: len(points.waiting) == 2)
            points.delay(points.paused[0], 0.05)

            assert [await heard(app), await heard(app)] == [event("slow"), event("quick")]

    asyncio.run(scenario())


def test_resuming_lets_all_go() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await server.say(event("b"))
            await stage.until(lambda: len(points.paused) == 2)
            points.resume()

            assert await server.next() == event("a")
            assert await heard(app) == event("b")

    asyncio.run(scenario())


def test_a_filter_that_does_not_parse_arms_nothing() -> None:
    async def scenario() -> None:
        async with joined() as (stage, _, __):
            with pytest.raises(FilterError):
                stage.session.breakpoints.arm("(")
            assert stage.session.breakpoints.armed == ()

    asyncio.run(scenario())


def test_pings_pass_and_are_sent_while_a_frame_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.proxied_session.PING_S", 0.01)

    async def scenario() -> None:
        async with joined() as (stage, app, server):
            points = stage.session.breakpoints
            points.arm("")
            await app.send(event("a"))
            await stage.until(lambda: points.paused)
            await asyncio.wait_for(await app.ping(), PATIENCE_S)
            await asyncio.wait_for(await server.connections[0].ping(), PATIENCE_S)
            pings: list[bytes] = []
            relay = stage.session._relay
            assert relay is not None
            write, relay._to_app.write = relay._to_app.write, pings.append
            await stage.until(lambda: pings)
            relay._to_app.write = write

            assert pings[0] == b"\x89\x12realtime-inspector"

    asyncio.run(scenario())


def test_a_held_frame_whose_sender_has_gone_goes_on_and_is_told() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            stage.session.breakpoints.arm("", Direction.SERVER)
            await server.say(event("held"))
            await stage.until(lambda: stage.session.breakpoints.paused)
            await server.connections[0].close(1011, "fell over")

            assert await heard(app) == event("held")
            assert await closed_with(app) == (1011, "fell over")
            await stage.over()
            assert stage.facts("inspector.released")[0]["count"] == 1

    asyncio.run(scenario())


def test_a_held_frame_whose_receiver_has_gone_is_reported() -> None:
    async def scenario() -> None:
        async with joined() as (stage, app, server):
            stage.session.breakpoints.arm("", Direction.SERVER)
            await server.say(event("held"))
            await stage.until(lambda: stage.session.breakpoints.paused)
            app.transport.abort()
            await stage.over()

            assert stage.session.breakpoints.waiting == []
            lost = stage.facts("inspector.undelivered")[0]
            assert (lost["event_type"], lost["original"]) == ("held", event("held"))

    asyncio.run(scenario())


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop reading from the sender beyond the limit, instead of using more memory."""
    monkeypatch.setattr("inspector.engine.intercept_queue.MAX_WAITING_BYTES", 1 << 20)
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
            paused = sum(len(one.event.data) for one in stage.session.breakpoints.waiting)
            assert 1 << 20 <= paused < 3 << 20

            stage.session.breakpoints.disarm()
            stage.session.breakpoints.resume()
            for _ in range(sent):
                assert await server.next() == text

    asyncio.run(scenario())


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_raw_bytes_again_after_a_breakpoint(compression: str | None) -> None:
    """Drop a compressed frame without breaking the frames after it, which refer to it."""
    text = event("session.update", text="the same words again and again " * 20)

    async def scenario() -> None:
        async with joined(compression=compression) as (stage, app, server):
            points = stage.session.breakpoints
            await app.send(text)
            assert await server.next() == text
            points.arm("")
            await app.send(text)
            await stage.until(lambda: points.paused)
            points.drop(points.paused[0])
            points.disarm()
            stage.session.submit(event("mine"), Origin.HAND)
            for _ in range(3):
                await app.send(text)

            assert [await server.next() for _ in range(4)] == [event("mine"), text, text, text]

    asyncio.run(scenario())
