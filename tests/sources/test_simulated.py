"""The simulator as a source in this process, and as a server on a socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from inspector.clock import SystemClock
from inspector.core.event import Origin
from inspector.core.units import NS_PER_MS
from inspector.engine.live_engine import Engine
from inspector.engine.outbox import Outgoing
from inspector.errors import ConnectError, UsageError
from inspector.recording.writer import RecordingFile
from inspector.sim.provider import SimProvider
from inspector.sim.server import CloseSocket, ConnectRequest, SendText
from inspector.sources.base import Side
from inspector.sources.server_port import Listening, ServerHooks, serve
from inspector.sources.simulator import SimulatorSource
from tests.sources.loopback import events_of

OFFERED = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.k")]


@dataclass
class EchoSession:
    """The smallest possible session: greets, echoes each frame after 5 ms, and closes on request."""

    request: ConnectRequest
    is_closed: bool = False
    is_released: bool = False
    agenda: list[tuple[int, SendText | CloseSocket]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agenda.append((0, SendText(b'{"type":"session.created"}')))

    def receive(self, data: bytes, *, is_text: bool, now_ns: int) -> None:
        if data.startswith(b"close "):
            self.agenda.append((now_ns, CloseSocket(int(data[6:]), "asked to")))
        elif data.startswith(b"flood "):
            self.agenda += [(now_ns, SendText(b"x" * 100_000))] * int(data[6:])
        else:
            self.agenda.append((now_ns + 5 * NS_PER_MS, SendText(data if is_text else b"binary")))

    def due(self, now_ns: int) -> list[SendText | CloseSocket]:
        due = [action for t_ns, action in self.agenda if t_ns <= now_ns]
        self.agenda = [(t_ns, action) for t_ns, action in self.agenda if t_ns > now_ns]
        self.is_closed = any(isinstance(action, CloseSocket) for action in due)
        return due

    def close(self) -> None:
        self.is_released = True

    @property
    def next_due_ns(self) -> int | None:
        return min((t_ns for t_ns, _ in self.agenda), default=None)


def new_session(request: ConnectRequest) -> Any:
    return EchoSession(request)


def simulated_session(*sends: bytes) -> Engine:
    clock = SystemClock()
    engine = Engine(
        SimulatorSource(new_session, clock, model="m"),
        RecordingFile(None, clock),
        clock,
        strict=True,
    )
    for data in sends:
        engine.outbox.put(Outgoing(data, Origin.HAND, ""))
    asyncio.run(engine.run())
    return engine


def test_a_simulated_session_runs_without_a_socket() -> None:
    engine = simulated_session(b'{"type":"ping"}', b"close 1000")

    assert [event.type for event in events_of(engine)] == [
        "inspector.opened",
        "session.created",
        "ping",
        "",
        "inspector.closed",
    ]
    assert engine.closed is not None
    assert (engine.closed.code, engine.closed.by) == (1000, Side.SERVER)


def test_what_is_due_later_comes_later() -> None:
    async def scenario() -> list[int]:
        clock = SystemClock()
        source = SimulatorSource(new_session, clock, model="m")
        await source.connect()
        times = []
        async for frame in source.frames():
            times.append(clock.now_ns())
            if b"created" in frame.data:
                await source.send(b"{}")
            else:
                await source.close()
        return times

    greeted_ns, echoed_ns = asyncio.run(scenario())

    assert echoed_ns - greeted_ns >= 5 * NS_PER_MS


def test_a_dropped_simulated_session_looks_like_a_lost_network() -> None:
    closed = simulated_session(b"close 1006").closed

    assert closed is not None
    assert (closed.code, closed.by) == (1006, Side.NETWORK)


def test_a_fault_happens_in_the_running_session_and_in_no_other() -> None:
    async def run() -> list[int]:
        provider = SimProvider()
        source = SimulatorSource(
            lambda request: provider.open(request, 0), SystemClock(), model="gpt-realtime"
        )
        with pytest.raises(ConnectError):
            source.raise_fault("dropped")
        codes = []
        for name in ("closed-1011", "dropped"):
            await source.connect()
            async for _ in source.frames():
                with pytest.raises(UsageError):
                    source.raise_fault("nope")
                source.raise_fault(name)
            codes.append(source.closed.code if source.closed is not None else 0)
        return codes

    assert asyncio.run(run()) == [1011, 1006]


def test_an_ended_simulated_session_takes_nothing() -> None:
    source = SimulatorSource(new_session, SystemClock(), model="m")
    with pytest.raises(ConnectError):
        asyncio.run(source.send(b"{}"))
    asyncio.run(source.close())


def test_a_session_lets_go_of_what_it_holds_when_its_connection_ends() -> None:
    sessions: list[EchoSession] = []

    def noting(request: ConnectRequest) -> Any:
        sessions.append(EchoSession(request))
        return sessions[-1]

    async def run() -> list[bool]:
        source = SimulatorSource(noting, SystemClock(), model="m")
        await source.connect()
        async for _ in source.frames():
            await source.close()
        async with serve(noting, SystemClock(), Listening()) as url, connect(url) as client:
            await client.recv()
            before = sessions[-1].is_released
        return [sessions[0].is_released, before, sessions[1].is_released]

    assert asyncio.run(run()) == [True, False, True]


def test_clients_of_the_server_are_isolated_and_get_their_own_request() -> None:
    requests: list[ConnectRequest] = []

    def noting(request: ConnectRequest) -> Any:
        requests.append(request)
        return EchoSession(request)

    async def scenario() -> list[str | bytes]:
        async with (
            serve(noting, SystemClock(), Listening()) as url,
            connect(f"{url}?model=a") as one,
            connect(f"{url}?model=b", subprotocols=OFFERED) as two,
        ):
            assert two.subprotocol == "realtime"
            greetings = [await one.recv(), await two.recv()]
            await one.send("to one")
            await two.send(b"\x00")
            return [*greetings, await one.recv(), await two.recv()]

    replies = asyncio.run(scenario())

    assert replies[2:] == ["to one", "binary"]
    assert [request.query["model"] for request in requests] == ["a", "b"]
    assert requests[0].path == "/v1/realtime"
    assert requests[1].subprotocols == ("realtime", "openai-insecure-api-key.k")


@pytest.mark.parametrize(("code", "expected"), [(4000, 4000), (1006, None)])
def test_the_server_closes_and_drops_as_the_session_says(code: int, expected: int | None) -> None:
    async def scenario() -> int | None:
        async with serve(new_session, SystemClock(), Listening()) as url, connect(url) as client:
            await client.send(f"close {code}")
            await client.recv()
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            return caught.value.rcvd.code if caught.value.rcvd is not None else None

    assert asyncio.run(scenario()) == expected


def test_a_web_page_is_refused_unless_its_origin_is_allowed() -> None:
    async def scenario() -> tuple[int, str | bytes]:
        listening = Listening(allowed_origins=("http://good.example",))
        async with serve(new_session, SystemClock(), listening) as url:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url, additional_headers={"Origin": "http://evil.example"})
            async with connect(url, additional_headers={"Origin": "http://good.example"}) as client:
                return caught.value.response.status_code, await client.recv()

    status, greeting = asyncio.run(scenario())

    assert status == 403
    assert json.loads(greeting)["type"] == "session.created"


def test_a_client_that_does_not_read_does_not_stop_another() -> None:
    async def scenario() -> str | bytes:
        async with (
            serve(new_session, SystemClock(), Listening()) as url,
            connect(url, max_queue=1, close_timeout=0) as lazy,
            connect(url) as busy,
        ):
            await lazy.send("flood 200")
            await busy.recv()
            await busy.send("hello")
            reply = await busy.recv()
            lazy.transport.abort()
            return reply

    assert asyncio.run(scenario()) == "hello"


def test_words_about_clients_hold_no_secret() -> None:
    said: list[str] = []

    async def scenario() -> None:
        async with (
            serve(new_session, SystemClock(), Listening(), ServerHooks(tell=said.append)) as url,
            connect(f"{url}?model=m&api_key=sk-planted-secret") as client,
        ):
            await client.recv()

    asyncio.run(scenario())

    assert len(said) == 2
    assert "sk-planted" not in "".join(said)


def test_a_port_that_is_taken_is_named() -> None:
    async def scenario() -> None:
        async with serve(new_session, SystemClock(), Listening()) as url:
            port = int(url.split(":")[2].split("/")[0])
            async with serve(new_session, SystemClock(), Listening(port=port)):
                pass

    with pytest.raises(ConnectError) as caught:
        asyncio.run(scenario())

    assert caught.value.code == "cannot_listen"
