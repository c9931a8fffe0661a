"""How many clients ``inspector serve`` carries: text sessions at once, voice sessions at real time, and the first frame.

    python tests/bench/serve_load.py [--text 200] [--voice 50] [--seconds 20] [--audio FILE.wav]

The speech is a recording (24 kHz, PCM16, mono) or else the simulator's own voice; without the ``voice`` extra a tone, which
passes for speech there.
The server runs in a process of its own, the clients in this one. Printed: time from the upgrade to the first frame; time of
whole text turns; for voice, how late frames of the server come against a session that has the machine to itself, and what
share of a core the server takes.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.sources.speech.seams import is_installed  # noqa: E402 - found from the checkout

CHUNK_MS = 40
RATE_HZ = 24_000
TEXT_SESSION = json.dumps(
    {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
)
TURNS = 3


def recorded_speech(path: str, seconds: float) -> bytes:
    """Return a recording, each time followed by a pause of a second, for so long."""
    with wave.open(path) as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (RATE_HZ, 2, 1):
            sys.exit(f"{path} is not 24 kHz PCM16 mono")
        return repeated(file.readframes(file.getnframes()), seconds)


def repeated(spoken: bytes, seconds: float) -> bytes:
    """Return some speech, each time followed by a pause of a second, for so long."""
    turn = spoken + bytes(2 * RATE_HZ)
    size = int(seconds * RATE_HZ) * 2
    return (turn * (size // len(turn) + 1))[:size]


def speech(seconds: float) -> bytes:
    """Return PCM16 that passes for speech, with pauses of a second."""
    if is_installed("espeakng_loader"):
        from inspector.sources.speech.espeak import EspeakVoice

        text = "What is the weather like in San Francisco today?"
        pieces = EspeakVoice().speak(text, voice="alloy", rate_hz=RATE_HZ, speed=1.0)
        return repeated(b"".join(pieces), seconds)
    samples = []
    for index in range(int(seconds * RATE_HZ)):
        at_s = index / RATE_HZ
        loud = 6000 if at_s % 3 < 2 and at_s < seconds - 1 else 0
        samples.append(int(loud * math.sin(2 * math.pi * 180 * at_s)))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    """Run a server; yield its URL and process."""
    command = [sys.executable, "-m", "inspector", "serve"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"], process
    finally:
        process.terminate()
        process.wait()


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def next_of(client: ClientConnection, kind: str) -> dict[str, object]:
    """Return the next event of a type."""
    while True:
        text = await client.recv(decode=False)
        if kind.encode() in text[:80]:
            found: dict[str, object] = json.loads(text)
            return found


async def first_frame_ms(url: str) -> float:
    async with connect(url, compression=None) as client:
        start = time.perf_counter()
        await client.recv()
        return (time.perf_counter() - start) * 1000


async def text_client(url: str, turns: list[float], first: list[float]) -> None:
    async with connect(url, compression=None, open_timeout=60) as client:
        start = time.perf_counter()
        await client.recv()
        first.append((time.perf_counter() - start) * 1000)
        await client.send(TEXT_SESSION)
        await next_of(client, "session.updated")
        for number in range(TURNS):
            start = time.perf_counter()
            part = {"type": "input_text", "text": f"Say the number {number}"}
            item = {"type": "message", "role": "user", "content": [part]}
            await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await client.send('{"type":"response.create"}')
            await next_of(client, "rate_limits.updated")
            turns.append((time.perf_counter() - start) * 1000)


async def voice_client(url: str, chunks: Sequence[str], lags: list[float], delay_s: float) -> int:
    """Speak at real time; note how long after the end of each turn its ``speech_stopped`` came. Returns the answers."""
    await asyncio.sleep(delay_s)
    answers = 0
    async with connect(url, compression=None, open_timeout=60) as client:
        start = time.perf_counter()

        async def listen() -> None:
            nonlocal answers
            async for text in client:
                head = text[:60]
                if "speech_stopped" in head:
                    heard_ms = json.loads(text)["audio_end_ms"]
                    lags.append((time.perf_counter() - start) * 1000 - heard_ms)
                elif '"response.done"' in head:
                    answers += 1

        async with asyncio.TaskGroup() as tasks:
            listener = tasks.create_task(listen())
            for number, chunk in enumerate(chunks):
                due = start + (number + 1) * CHUNK_MS / 1000
                await asyncio.sleep(max(0, due - time.perf_counter()))
                await client.send(chunk)
            await asyncio.sleep(0.5)
            listener.cancel()
    return answers


def told(name: str, values: list[float]) -> None:
    if not values:
        print(f"{name}: never")
        return
    values.sort()
    p95 = values[int(len(values) * 0.95)]
    print(
        f"{name}: median {statistics.median(values):.1f} ms, p95 {p95:.1f} ms, worst {values[-1]:.1f} ms"
    )


async def run(options: argparse.Namespace) -> None:
    async with serving() as (url, process):
        told("first frame, one client", [await first_frame_ms(url) for _ in range(50)])
        turns: list[float] = []
        first: list[float] = []
        before, start = cpu_s(process.pid), time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(options.text):
                tasks.create_task(text_client(url, turns, first))
        took = time.perf_counter() - start
        told(f"first frame, {options.text} at once", first)
        told(f"text turn, {options.text} sessions", turns)
        print(f"  server {(cpu_s(process.pid) - before) / took:.2f} of a core for {took:.1f} s")

        given = options.audio
        data = recorded_speech(given, options.seconds) if given else speech(options.seconds)
        size = CHUNK_MS * RATE_HZ // 500
        chunks = [
            json.dumps(
                {
                    "type": "input_audio_buffer.append",
                    "audio": base64.b64encode(data[at : at + size]).decode(),
                }
            )
            for at in range(0, len(data), size)
        ]
        for count in (1, options.voice):
            lags: list[float] = []
            before, start = cpu_s(process.pid), time.perf_counter()
            async with asyncio.TaskGroup() as tasks:
                clients = [
                    tasks.create_task(voice_client(url, chunks, lags, index * 3 / count))
                    for index in range(count)
                ]
            took = time.perf_counter() - start
            told(f"speech_stopped after its time, {count} voice sessions", lags)
            answers = sum(client.result() for client in clients)
            core = (cpu_s(process.pid) - before) / took
            print(f"  {answers} answers; server {core:.2f} of a core")
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(f"clients took {own.ru_utime + own.ru_stime:.1f} s of processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=int, default=200)
    parser.add_argument("--voice", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--audio", default="")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
