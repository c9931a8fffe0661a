"""What a hop through the proxy costs: direct, through ours (recording on), and through mitmproxy's reverse mode, in one run.

python tests/bench/proxy_hop.py [--mitmdump PATH] [--frames N] [--no-tui]

The same echo server and the same frames of 2.6 KB for all. Rounds of the three take turns, so that whatever else the
machine does hits all of them. The echo server is a process of its own and does as little as it can: the figures are the
proxies', not its.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.pty_run import Terminal  # noqa: E402 - found through the line above
from tests.proxy_stage import upgrade_request, upgrade_response  # noqa: E402

PAYLOAD = (
    b'{"type":"response.output_audio.delta","event_id":"event_0123456789","response_id":"resp_0123456789",'
    b'"item_id":"item_0123456789","output_index":0,"content_index":0,"delta":"'
)
PAYLOAD += b"A" * (2598 - len(PAYLOAD)) + b'"}'
LENGTH = len(PAYLOAD).to_bytes(2)
TO_SERVER = b"\x81\xfe" + LENGTH + b"\0\0\0\0" + PAYLOAD
"""Masked with zeros, which costs the client nothing and a proxy as much as any mask."""
TO_CLIENT = b"\x81\x7e" + LENGTH + PAYLOAD
WINDOW = 64
"""Frames on their way at once while throughput is measured."""
SESSIONS, RATE_HZ, LOAD_S = 50, 50, 4.0


class Echo(asyncio.Protocol):
    """Answers each frame with its payload."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = bytearray()
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        self._pending += data
        if not self._is_open:
            end = self._pending.find(b"\r\n\r\n")
            if end < 0:
                return
            self._transport.write(upgrade_response(bytes(self._pending[: end + 4])))
            del self._pending[: end + 4]
            self._is_open = True
        count, _ = divmod(len(self._pending), len(TO_SERVER))
        if count:
            del self._pending[: count * len(TO_SERVER)]
            self._transport.write(TO_CLIENT * count)


async def serve_echo() -> None:
    """Print the port and serve."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@dataclass
class Way:
    """One way to the echo server, and what was measured on it."""

    name: str
    port: int
    round_trips_us: list[float] = field(default_factory=list)
    loaded_us: list[float] = field(default_factory=list)
    frames_per_s: list[float] = field(default_factory=list)


def connected(port: int) -> socket.socket:
    """Return an upgraded connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(upgrade_request())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def receive(connection: socket.socket, size: int) -> None:
    """Read exactly so many bytes."""
    while size:
        data = connection.recv(min(size, 1 << 20))
        assert data, "the connection ended"
        size -= len(data)


def measure_round_trips(way: Way, frames: int) -> None:
    """One frame at a time."""
    with connected(way.port) as connection:
        for index in range(frames + 50):
            started = time.perf_counter()
            connection.sendall(TO_SERVER)
            receive(connection, len(TO_CLIENT))
            if index >= 50:
                way.round_trips_us.append((time.perf_counter() - started) * 1e6)


def measure_throughput(way: Way, frames: int) -> None:
    """As many frames as go through, a window of them on the way."""
    with connected(way.port) as connection:
        started = time.perf_counter()
        connection.sendall(TO_SERVER * WINDOW)
        for _ in range(frames // WINDOW - 1):
            receive(connection, len(TO_CLIENT) * WINDOW // 2)
            connection.sendall(TO_SERVER * (WINDOW // 2))
            receive(connection, len(TO_CLIENT) * WINDOW // 2)
            connection.sendall(TO_SERVER * (WINDOW // 2))
        receive(connection, len(TO_CLIENT) * WINDOW)
        way.frames_per_s.append(frames // WINDOW * WINDOW / (time.perf_counter() - started))


class Load:
    """Many sessions, each with a frame now and then, evenly spread over time.

    Timed by ``select``: an event loop's timers are rounded to milliseconds, and would let several frames go at once.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._sessions = [connected(way.port) for _ in range(SESSIONS)]
        self._sent: dict[socket.socket, deque[float]] = {one: deque() for one in self._sessions}
        self._missing = dict.fromkeys(self._sessions, len(TO_CLIENT))

    def run(self) -> None:
        """Send, and measure what comes back."""
        first = time.perf_counter() + 0.5
        for number in range(int(SESSIONS * RATE_HZ * LOAD_S)):
            self._receive_until(first + number / SESSIONS / RATE_HZ)
            session = self._sessions[number % SESSIONS]
            self._sent[session].append(time.perf_counter())
            session.sendall(TO_SERVER)
        self._receive_until(time.perf_counter() + 0.5)
        for session in self._sessions:
            session.close()

    def _receive_until(self, due: float) -> None:
        while (left := due - time.perf_counter()) > 0:
            for session in select.select(self._sessions, (), (), left)[0]:
                self._receive(session)

    def _receive(self, session: socket.socket) -> None:
        size = len(session.recv(1 << 16))
        assert size, "the connection ended"
        while size >= self._missing[session]:
            size -= self._missing[session]
            self._missing[session] = len(TO_CLIENT)
            started = self._sent[session].popleft()
            self._way.loaded_us.append((time.perf_counter() - started) * 1e6)
        self._missing[session] -= size


@contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for a while."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def on_screen(*command: str) -> Iterator[None]:
    """Run a program on a terminal that is read all the time."""
    terminal = Terminal(list(command))
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            terminal.read(0.05)
            terminal.output.clear()

    reader = threading.Thread(target=read)
    terminal.wait_for(b"No app has connected")
    reader.start()
    try:
        os.write(terminal.fd, b"f")
        yield
    finally:
        is_over.set()
        reader.join()
        terminal.close()


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return what a program says first."""
    assert process.stdout is not None
    return process.stdout.readline()


def await_port(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def run(mitmdump: str | None, frames: int, *, with_screen: bool) -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        program(sys.executable, __file__, "--echo") as echo,
    ):
        server = int(first_line(echo))
        ours = (
            sys.executable,
            "-m",
            "inspector",
            "proxy",
            "--upstream",
            f"ws://127.0.0.1:{server}",
        )
        headless = (*ours, "--headless", "--listen", "127.0.0.1:0", "-o", f"{folder}/recordings")
        with program(*headless) as proxy:
            port = urlsplit(json.loads(first_line(proxy))["url"]).port
            ways = [Way("direct", server), Way("inspector", port or 0)]
            with mitm(mitmdump, server) as mitm_port:
                if mitm_port:
                    ways.append(Way("mitmproxy", mitm_port))
                measure(ways, frames)
        report(ways)
        if with_screen:
            port = free_port()
            screen = (*ours, "--listen", f"127.0.0.1:{port}", "-o", f"{folder}/on-screen")
            with on_screen(*screen):
                both = [Way("direct", server), Way("with screen", port)]
                for _ in range(4):
                    for way in both:
                        measure_round_trips(way, frames // 4)
                for way in both:
                    Load(way).run()
            report(both)


@contextmanager
def mitm(mitmdump: str | None, server: int) -> Iterator[int]:
    """Run mitmproxy before the server; its value is the port, 0 where it is not installed."""
    if mitmdump is None:
        print("mitmdump was not found: give --mitmdump PATH to compare")
        yield 0
        return
    port = free_port()
    mode = f"reverse:http://127.0.0.1:{server}@127.0.0.1:{port}"
    with program(mitmdump, "-q", "--mode", mode):
        await_port(port)
        yield port


def measure(ways: list[Way], frames: int) -> None:
    """Let the ways take turns."""
    for _ in range(4):
        for way in ways:
            measure_round_trips(way, frames // 4)
    for _ in range(2):
        for way in ways:
            measure_throughput(way, frames * (1 if way.name == "mitmproxy" else 10))
    for way in ways:
        Load(way).run()


def report(ways: list[Way]) -> None:
    """Print a line a way, and what the hop adds."""
    print(
        f"{'':<12}{'median':>9}{'added':>9}{'p99':>9}{'added':>9}{'frames/s':>11}{'50×50':>9}{'added':>9}"
    )
    direct = ways[0]
    for way in ways:
        median, p99 = summary(way.round_trips_us)
        base, base_p99 = summary(direct.round_trips_us)
        loaded, base_loaded = summary(way.loaded_us)[0], summary(direct.loaded_us)[0]
        rate = max(way.frames_per_s, default=0.0)
        print(
            f"{way.name:<12}{median:>6.0f} µs{median - base:>6.0f} µs{p99:>6.0f} µs{p99 - base_p99:>6.0f} µs"
            f"{rate:>11,.0f}{loaded:>6.0f} µs{loaded - base_loaded:>6.0f} µs"
        )


def summary(times_us: list[float]) -> tuple[float, float]:
    """Return median and 99th percentile."""
    return statistics.median(times_us), statistics.quantiles(times_us, n=100)[98]


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--no-tui", action="store_true")
    parser.add_argument("--echo", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.echo:
        asyncio.run(serve_echo())
    else:
        run(options.mitmdump, options.frames, with_screen=not options.no_tui)


if __name__ == "__main__":
    main()
