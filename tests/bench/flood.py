"""The session screen while events stream in, over a long session: processor time, and the lag from a key to the screen.

    python tests/bench/flood.py [--rate 10000] [--rows 1000000] [--seconds 8]

A source inside the program fills the session with so many rows first, then sends events at the rate, half of them deltas; the
engine records and folds every one. Three runs: the engine alone, the screen without a flood, the screen with it, both panes
following. The key types into the command line, and the lag ends when the screen shows the letter.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.clock import SystemClock  # noqa: E402 - found through the line above
from inspector.engine.live_engine import Engine  # noqa: E402
from inspector.engine.task_supervisor import TaskSupervisor  # noqa: E402
from inspector.recording.writer import RecordingFile  # noqa: E402
from inspector.sources.base import Closed, Handshake, Received  # noqa: E402
from tests.bench.pty_run import Terminal, python, visible  # noqa: E402

LETTER = "Ω"
"""Typed into the command line; nothing else on the screen holds it."""
KEYS = 60
BATCH_S = 0.005


class Flood:
    """A server that says a great deal."""

    kind, url, model = "sim", "ws://flood/v1/realtime", "gpt-realtime"
    closed: Closed | None = None

    def __init__(self, rows: int, rate: int, full: Path) -> None:
        self._rows, self._rate, self._full = rows, rate, full
        self.sent = 0

    async def connect(self) -> Handshake:
        """Open at once."""
        return Handshake(self.url)

    async def frames(self) -> AsyncIterator[Received]:
        """Yield the rows of the past as fast as they are taken, then those of the flood at their rate."""
        while self.sent < self._rows:
            for _ in range(500):
                yield self._next()
            await asyncio.sleep(0)
        self._full.touch()
        begun, past = time.perf_counter(), self.sent
        while True:
            due = past + int((time.perf_counter() - begun) * self._rate)
            while self.sent < due:
                yield self._next()
            await asyncio.sleep(BATCH_S)

    async def send(self, data: bytes, *, is_text: bool = True) -> None:
        """Take what is sent."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Never end by itself."""

    def _next(self) -> Received:
        self.sent += 1
        number = self.sent
        item = f"item_{number // 40:016d}"
        where = {"response_id": "resp_1", "item_id": item, "output_index": 0, "content_index": 0}
        body: dict[str, object]
        if number % 2:
            body = {"type": "response.output_audio_transcript.delta", **where, "delta": " word"}
        elif number % 8 == 0:
            body = {"type": "rate_limits.updated", "rate_limits": []}
        else:
            body = {"type": "response.output_audio.done", "event_id": f"event_{number}", **where}
        return Received(orjson.dumps(body), True)


async def run(rows: int, rate: int, folder: str, *, has_screen: bool) -> None:
    """Run the program on a flood until it is killed."""
    from inspector.tui.app import run_session
    from inspector.tui.common.look import Look

    source = Flood(rows, rate, Path(folder) / "full")
    recording = RecordingFile(Path(folder) / "flood.jsonl", SystemClock())
    engine = Engine(source, recording, SystemClock())
    async with TaskSupervisor() as host:
        if has_screen:
            await run_session(host, engine, Look())
        else:
            print("engine alone", flush=True)
            await host.start(engine)


def measure(name: str, rows: int, rate: int, seconds: float, *, has_screen: bool) -> float:
    """Start the program, measure it, print, and return the share of a core that it used."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"--run": int(has_screen), "--rows": rows, "--rate": rate, "--folder": folder}
        words = [str(word) for option in options.items() for word in option]
        terminal = Terminal(python(__file__, *words))
        while not (Path(folder) / "full").exists():
            terminal.read(0.05)
        until = time.perf_counter() + 3
        while time.perf_counter() < until:
            terminal.read(0.05)
        lags = typed(terminal) if has_screen else []
        cpu, begun = terminal.cpu_s(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            terminal.read(0.05)
        share = (terminal.cpu_s() - cpu) / (time.perf_counter() - begun)
        memory = terminal.memory_mb()
        terminal.close()
    keys = ""
    if lags:
        keys = f"   key to screen: median {statistics.median(lags) * 1000:.0f} ms   p95 {sorted(lags)[int(len(lags) * 0.95)] * 1000:.0f} ms"
    print(f"{name:<28} {share:.2f} of a core   {memory:.0f} MB{keys}", flush=True)
    return share


def typed(terminal: Terminal) -> list[float]:
    """Type into the command line and return how long each letter took to show."""
    os.write(terminal.fd, b":")
    terminal.read(0.5)
    lags = []
    for count in range(1, KEYS + 1):
        seen = len(terminal.output)
        sent = time.perf_counter()
        os.write(terminal.fd, LETTER.encode())
        while time.perf_counter() - sent < 2:
            terminal.read(0.002)
            runs = re.findall(f"(?:{LETTER})+".encode(), visible(bytes(terminal.output[seen:])))
            if any(len(run) == count * len(LETTER.encode()) for run in runs):
                break
        lags.append(time.perf_counter() - sent)
        until = time.perf_counter() + 0.05 + 0.013 * (count % 5)
        while time.perf_counter() < until:
            terminal.read(0.005)
    os.write(terminal.fd, b"\x1b")
    return lags


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run is not None:
        asyncio.run(run(given.rows, given.rate, given.folder, has_screen=bool(given.run)))
        return
    print(f"{given.rate:,} events/s over {given.rows:,} rows, 120x40")
    alone = measure("engine alone", given.rows, given.rate, given.seconds, has_screen=False)
    measure("screen, no flood", given.rows, 0, given.seconds, has_screen=True)
    whole = measure("screen and flood", given.rows, given.rate, given.seconds, has_screen=True)
    print(f"the screen alone under the flood: {whole - alone:.2f} of a core")


if __name__ == "__main__":
    main()
