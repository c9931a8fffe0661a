from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector.core.codec import Decoded, decode
from inspector.core.event import Direction, Event, Frame, Origin
from inspector.engine.live_engine import Connection, Engine
from inspector.engine.outbox import CAPACITY, MIC_CAPACITY, OutboxFull
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import ConnectError
from inspector.recording.reader import RecordingReader
from inspector.recording.writer import RecordingFile
from inspector.secret import Secret
from inspector.sources.base import Closed, Handshake, Side
from tests.support import FakeSource, ManualClock, under_a_screen

TURNS = 50
"""Loop iterations that suffice for everything that these tests wait for."""


async def settle() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def new_engine(
    path: Path | None = None, *, strict: bool = True
) -> tuple[Engine, FakeSource, ManualClock]:
    clock, source = ManualClock(), FakeSource()
    return Engine(source, RecordingFile(path, clock), clock, strict=strict), source, clock


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[asyncio.Task[Closed]]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(engine.run())
        await settle()
        yield task
        await engine.source.close()


def types(engine: Engine) -> list[str]:
    return [engine.log.type_of(row) for row in range(len(engine.log))]


def run(scenario: Any) -> Any:
    return asyncio.run(scenario)


def test_a_session_is_logged_from_open_to_close() -> None:
    async def scenario() -> None:
        engine, source, clock = new_engine()
        async with running(engine):
            source.say("session.created", session={"id": "s"})
            clock.advance(12.3456)
            await settle()
            assert engine.connection.value == "live"

        assert types(engine) == ["inspector.opened", "session.created", "inspector.closed"]
        assert engine.connection is Connection.CLOSED
        assert engine.closed == Closed(1000, "", Side.CLIENT)
        assert engine.state.session.id == "s"

    run(scenario())


def test_the_cause_is_logged_before_it_is_sent() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        logged_when_sent: list[int] = []
        send = source.send

        async def answering(data: bytes, *, is_text: bool = True) -> None:
            logged_when_sent.append(len(engine.log))
            await send(data, is_text=is_text)
            source.say("response.created", response={"id": "r"})

        source.send = answering  # type: ignore[method-assign]  # a server that answers at once
        async with running(engine):
            event_id = engine.submit({"type": "response.create"}, Origin.BUTTON)
            await settle()

        assert logged_when_sent == [2]
        assert types(engine)[1:3] == ["response.create", "response.created"]
        assert engine.log.event(1).origin is Origin.BUTTON
        assert orjson.loads(source.sent[0]) == {"type": "response.create", "event_id": event_id}
        assert engine.state.causes.cause_of[3] == 2

    run(scenario())


class Named(StrEnum):
    ITEM = "item_1"


@pytest.mark.parametrize(
    ("payload", "decodes"),
    [
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, 0),
        ({"type": "response.cancel", "event_id": "mine", "response_id": None}, 0),
        ({"type": "conversation.item.delete", "item_id": Named.ITEM}, 1),
        ({"type": "x", "temperature": float("nan")}, 1),
        ({"type": "session.update", "session": {"tools": []}}, 1),
        ('{"type":"response.create","event_id":"typed"}', 1),
        ("not json", 2),
    ],
)
def test_what_is_made_here_is_decoded_once_at_most(
    payload: dict[str, Any] | str, decodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _, _ = new_engine()
    engine.connection = Connection.LIVE
    decoded: list[bytes] = []

    def counted(data: bytes, *, is_text: bool = True) -> Decoded:
        decoded.append(data)
        return decode(data, is_text=is_text)

    monkeypatch.setattr("inspector.engine.record.decode", counted)
    engine.submit(payload, Origin.BUTTON)
    item = engine.outbox._queue.popleft()
    event = engine.ingest(Frame(Direction.CLIENT, item.data, item.is_text, item.origin, item.body))

    assert len(decoded) == decodes
    assert event == engine.log.read(0)
    assert event.type == decode(item.data)[0]


def test_what_is_logged_stays_though_the_sender_goes_on_with_its_payload() -> None:
    engine, _, _ = new_engine()
    engine.connection = Connection.LIVE
    payload: dict[str, Any] = {"type": "session.update", "session": {"tools": []}}
    engine.submit(payload, Origin.FORM)
    payload["session"]["tools"].append("later")
    payload["type"] = "other"
    item = engine.outbox._queue.popleft()

    event = engine.ingest(Frame(Direction.CLIENT, item.data, item.is_text, item.origin, item.body))

    assert event.type == "session.update"
    assert event.body is not None
    assert event.body["session"] == {"tools": []}


def test_the_key_is_masked_in_what_is_made_here_too() -> None:
    engine, source, _ = new_engine()
    source.secrets = (Secret("sk-planted-0123456789abcdef"),)  # type: ignore[attr-defined]
    engine = Engine(source, engine.recording, ManualClock(), strict=True)

    event = engine.note("inspector.note", {"text": "with sk-planted-0123456789abcdef in it"})

    assert event.body is not None
    assert "planted" not in str(event.body)


@pytest.mark.parametrize(
    "text", ['{"type": "x",\n "a": 1.0}', "not json", "", '{"type":"x","event_id":7}', "\udcff"]
)
def test_a_text_typed_by_hand_goes_out_verbatim(text: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine(tmp_path / "a.jsonl")
        async with running(engine):
            assert engine.submit(text, Origin.HAND) == ""
            await settle()

        assert source.sent == [text.encode("utf-8", "replace")]
        assert engine.log.event(1).data == source.sent[0]

    run(scenario())


def test_an_event_id_that_is_given_is_kept() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        async with running(engine):
            assert engine.submit({"type": "x", "event_id": "mine"}, Origin.FORM) == "mine"
            assert engine.submit('{"type":"x","event_id":"typed"}', Origin.HAND) == "typed"
            assert engine.submit({"type": "x", "event_id": 7}, Origin.FORM) == ""
            first = engine.submit({"type": "x"}, Origin.FORM)
            assert first != engine.submit({"type": "x"}, Origin.FORM)
            await settle()

        assert len(source.sent) == 5

    run(scenario())


def test_a_refused_connection_is_recorded_and_raised() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        source.refusal = ConnectError("no", hint="why", code="unauthorised")
        with pytest.raises(ConnectError):
            await engine.run()

        assert types(engine) == ["inspector.connect_failed"]
        assert engine.connection is Connection.REFUSED
        assert engine.refusal is source.refusal
        assert engine.state.problems.all[0].code == "unauthorised"
        with pytest.raises(ConnectError):
            engine.submit({"type": "x"}, Origin.HAND)

    run(scenario())


def test_a_frame_that_could_not_be_sent_is_told() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        source.send_error = ConnectError("gone")
        async with running(engine):
            engine.submit({"type": "x"}, Origin.HAND)
            await settle()

        assert types(engine)[1:3] == ["x", "inspector.send_failed"]
        failed = engine.log.event(2).body
        assert failed is not None
        assert failed["seq"] == 2
        assert engine.state.causes.cause_of[3] == 2

    run(scenario())


def test_a_session_reconnects_in_the_same_log() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        for session_id in ("one", "two"):
            async with running(engine):
                source.say("session.created", session={"id": session_id})
                await settle()

        assert types(engine) == ["inspector.opened", "session.created", "inspector.closed"] * 2
        assert source.connections == 2
        assert engine.state.session.id == "two"

    run(scenario())


def test_a_session_that_was_refused_at_once_can_be_connected_again_under_a_screen() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        source.refusal = ConnectError("no such address", code="bad_url")
        async with TaskSupervisor() as host:
            await asyncio.wait([host.start(engine)])
            source.refusal = None
            host.start(engine)
            await settle()

            assert engine.connection is Connection.LIVE

    run(under_a_screen(scenario()))


def test_the_greeting_is_logged_before_what_waited_for_it_under_a_screen() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        source.say("session.created", session={"id": "s"})
        engine.connection = Connection.CONNECTING
        engine.submit({"type": "response.create"}, Origin.HAND)
        async with running(engine):
            pass

        assert types(engine)[:3] == ["inspector.opened", "session.created", "response.create"]

    run(under_a_screen(scenario()))


def test_what_was_not_sent_when_the_connection_ended_is_counted() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()
        source.send_error = ConnectError("gone")
        async with running(engine):
            for _ in range(3):
                engine.submit({"type": "x"}, Origin.HAND)
            await settle()
            source.hang_up(1006, by=Side.NETWORK)
            await settle()

        closed = engine.log.event(len(engine.log) - 1).body
        assert closed is not None
        assert (closed["code"], closed["by"], closed["unsent"]) == (1006, "network", 2)
        assert len(engine.outbox) == 0

    run(scenario())


def test_a_session_that_is_stopped_while_connecting_is_not_left_connecting() -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine()

        async def hanging() -> Handshake:
            await asyncio.Event().wait()
            return Handshake(source.url)

        source.connect = hanging  # type: ignore[method-assign]  # a server that never answers
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(engine.run())
            await settle()
            assert engine.can_send
            task.cancel()

        assert not engine.can_send
        assert types(engine) == ["inspector.connect_failed"]

    run(scenario())


def test_the_outbox_is_bounded_and_the_microphone_leaves_room() -> None:
    async def scenario() -> None:
        engine, _, _ = new_engine()
        async with running(engine):
            for _ in range(CAPACITY):
                engine.submit({"type": "input_audio_buffer.append"}, Origin.MIC)
            assert len(engine.outbox) == MIC_CAPACITY
            assert engine.outbox.dropped_mic_frames == CAPACITY - MIC_CAPACITY
            for _ in range(CAPACITY - MIC_CAPACITY):
                engine.submit({"type": "x"}, Origin.BUTTON)
            with pytest.raises(OutboxFull):
                engine.submit({"type": "x"}, Origin.BUTTON)

    run(scenario())


def test_what_the_microphone_lost_stands_in_the_recording(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine, _, _ = new_engine()
        async with running(engine):
            for _ in range(CAPACITY):
                engine.submit({"type": "input_audio_buffer.append"}, Origin.MIC)
        closed = engine.log.event(len(engine.log) - 1)
        assert closed.body is not None
        assert closed.body["dropped_appends"] == CAPACITY - MIC_CAPACITY

    run(scenario())


class Broken:
    name = "broken"

    def copy(self) -> Broken:
        return self

    def apply(self, event: Event) -> None:
        if event.type == "bad":
            raise ValueError("no")


def test_a_fold_that_fails_is_switched_off_and_told() -> None:
    engine, _, _ = new_engine(strict=False)
    engine.state.folds = (*engine.state.folds, Broken())
    engine.note("bad", {})
    engine.note("bad", {})

    assert types(engine) == ["bad", "inspector.fold_failed", "bad"]
    assert engine.disabled == ["broken"]


def test_a_tap_that_fails_is_switched_off_and_the_others_go_on() -> None:
    engine, _, _ = new_engine(strict=False)
    seen: list[str] = []

    def failing(event: Event) -> None:
        raise ValueError("no")

    engine.tap(failing)
    engine.tap(lambda event: seen.append(event.type))
    engine.note("a", {})
    engine.note("b", {})

    assert seen == ["a", "inspector.fold_failed", "b"]
    assert len(engine.disabled) == 1


def test_strict_engines_let_errors_through() -> None:
    engine, _, _ = new_engine(strict=True)
    engine.state.folds = (Broken(),)

    with pytest.raises(ValueError, match="no"):
        engine.note("bad", {})


def test_undecodable_and_binary_frames_are_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine, source, _ = new_engine(tmp_path / "a.jsonl")
        async with running(engine):
            source.say_bytes(b"{nope")
            source.say_bytes(b"\x00\xff", is_text=False)
            await settle()

        assert [engine.log.event(row).data for row in (1, 2)] == [b"{nope", b"\x00\xff"]
        assert engine.state.problems.errors == 2

    run(scenario())


def test_times_never_go_back_and_are_whole_microseconds() -> None:
    engine, _, clock = new_engine()
    clock.ns += 1_999
    first = engine.note("a", {})
    clock.ns -= 1_000
    second = engine.note("b", {})

    assert (first.t_ns, second.t_ns) == (1_000, 1_000)


def test_the_recording_reads_back_as_the_live_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine, source, clock = new_engine(tmp_path / "a.jsonl")
        async with running(engine):
            source.say("session.created", session={"id": "s"})
            await settle()
            clock.advance(3)
            engine.submit('{"type":\n"x"}', Origin.HAND)
            await settle()

        reader = RecordingReader(tmp_path / "a.jsonl")
        log = reader.new_log()
        reader.index_rows(log, reader.start, reader.size)
        assert [log.event(r) for r in range(len(log))] == [
            engine.log.event(r) for r in range(len(engine.log))
        ]
        assert reader.header == engine.header
        reader.close()
        engine.recording.close()

    run(scenario())
