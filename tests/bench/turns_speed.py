"""What a large recording costs: turns, usage and the verdict on it, against decoding its lines once in the same run; and live, an event.

    python tests/bench/turns_speed.py [FILE] [--mb 1000] [--text] [--runs 3]

Without a FILE a recording is made in the temporary folder: a conversation with sound (microphone, bursts of audio, words), or with
``--text`` one without. Each round decodes all lines with ``orjson.loads`` in a process of its own, then runs each question in one.
Times are of the processor (user and system, of the process and its children), so that other work on the machine counts little; memory
is the greatest resident size of a process.
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.core.codec import decode  # noqa: E402 - found through the line above
from inspector.core.event import Direction, Event, Origin  # noqa: E402
from inspector.core.state import SessionState  # noqa: E402
from inspector.recording.format import Header, render, render_header  # noqa: E402

RATE_HZ = 24_000
APPEND_MS, DELTA_MS = 40, 200
SPEECH_MS, SILENCE_MS, ANSWER_MS = 2_000, 500, 6_000


class Script:
    """Writes a conversation, turn after turn."""

    def __init__(self, *, is_text: bool) -> None:
        self.is_text = is_text
        self.t_ms, self.audio_ms, self.turn = 0.0, 0, 0
        chance = random.Random(1)
        self.voice = [chance.randbytes(RATE_HZ * DELTA_MS // 1000 * 2) for _ in range(16)]
        self.words = [f" word{number}" for number in range(50)]

    def session(self) -> Iterator[tuple[Direction, dict[str, object]]]:
        """Yield the description of the session."""
        detection = {"type": "server_vad", "silence_duration_ms": SILENCE_MS, "threshold": 0.5}
        audio = {
            "input": {"turn_detection": detection, "format": {"type": "audio/pcm", "rate": RATE_HZ}}
        }
        session = {"id": "sess_1", "type": "realtime", "model": "gpt-realtime", "audio": audio}
        yield Direction.SERVER, {"type": "session.created", "session": session}

    def exchange(self) -> Iterator[tuple[Direction, dict[str, object]]]:
        """Yield the events of one turn."""
        self.turn += 1
        user, item, response = (f"{what}_{self.turn:09d}" for what in ("item_u", "item_a", "resp"))
        if self.is_text:
            content = [{"type": "input_text", "text": "What is the weather?"}]
            said = {"id": user, "type": "message", "role": "user", "content": content}
            yield Direction.CLIENT, {"type": "conversation.item.create", "item": said}
            yield Direction.CLIENT, {"type": "response.create"}
        else:
            yield from self.speech(user)
            said = {
                "id": user,
                "type": "message",
                "role": "user",
                "content": [{"type": "input_audio"}],
            }
        yield Direction.SERVER, {"type": "conversation.item.added", "item": said}
        yield Direction.SERVER, self.boundary("response.created", response, "in_progress")
        where = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        put_out = {"id": item, "type": "message", "role": "assistant", "content": []}
        yield (
            Direction.SERVER,
            {"type": "response.output_item.added", "response_id": response, "item": put_out},
        )
        yield from self.answer(where)
        yield Direction.SERVER, self.boundary("response.done", response, "completed")

    def speech(self, user: str) -> Iterator[tuple[Direction, dict[str, object]]]:
        """Yield what the user says, and the silence after it."""
        begin = self.audio_ms
        for at in range(0, SPEECH_MS + SILENCE_MS, APPEND_MS):
            if at == 4 * APPEND_MS:
                yield (
                    Direction.SERVER,
                    {
                        "type": "input_audio_buffer.speech_started",
                        "audio_start_ms": begin,
                        "item_id": user,
                    },
                )
            size = RATE_HZ * APPEND_MS // 1000 * 2
            sound = self.voice[at // APPEND_MS % 16][:size] if at < SPEECH_MS else bytes(size)
            self.t_ms += APPEND_MS
            self.audio_ms += APPEND_MS
            yield (
                Direction.CLIENT,
                {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()},
            )
        yield (
            Direction.SERVER,
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": self.audio_ms,
                "item_id": user,
            },
        )
        yield Direction.SERVER, {"type": "input_audio_buffer.committed", "item_id": user}

    def answer(self, where: dict[str, object]) -> Iterator[tuple[Direction, dict[str, object]]]:
        """Yield the deltas of an answer."""
        words = (
            "response.output_text.delta"
            if self.is_text
            else "response.output_audio_transcript.delta"
        )
        for number in range(ANSWER_MS // DELTA_MS if not self.is_text else 400):
            self.t_ms += 5
            word = self.words[number % 50]
            yield (
                Direction.SERVER,
                {"type": words, "event_id": f"event_{number:08d}", **where, "delta": word},
            )
            if not self.is_text:
                sound = base64.b64encode(self.voice[number % 16]).decode()
                yield (
                    Direction.SERVER,
                    {
                        "type": "response.output_audio.delta",
                        "event_id": f"event_{number:08d}",
                        **where,
                        "delta": sound,
                    },
                )
        self.t_ms += ANSWER_MS

    @staticmethod
    def boundary(name: str, response_id: str, status: str) -> dict[str, object]:
        """Return an event that begins or ends a response."""
        response = {
            "id": response_id,
            "object": "realtime.response",
            "status": status,
            "conversation_id": "conv_1",
            "output": [],
        }
        return {"type": name, "response": response}


def write(path: Path, size: int, *, is_text: bool) -> int:
    """Write a recording of about a size; return its events."""
    script, seq = Script(is_text=is_text), 0
    with path.open("wb") as file:
        file.write(
            render_header(Header("2026-11-27T10:00:00.000000Z", "live", model="gpt-realtime"))
        )
        batch = script.session()
        while file.tell() < size:
            for direction, body in batch:
                seq += 1
                script.t_ms += 0.5
                data = orjson.dumps(body)
                event = Event(
                    seq, round(script.t_ms * 1e6), direction, Origin.WIRE, str(body["type"]), data
                )
                file.write(render(event))
            batch = script.exchange()
    return seq


ORJSON_PASS = "import orjson, sys\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)"
QUESTIONS = {
    "turns, usage and verdict": ("-m", "inspector.recording.recorded_verdict", "FILE"),
    "turns --no-sound": ("-m", "inspector", "turns", "FILE", "--json", "--no-sound"),
    "turns": ("-m", "inspector", "turns", "FILE", "--json"),
    "cost": ("-m", "inspector", "cost", "FILE", "--json"),
}
"""What is asked of the recording, and how; without ``--no-sound``, turns are also listened to."""


class Cost(NamedTuple):
    """What a process took."""

    cpu_s: float
    wall_s: float
    memory_mb: float


def cost_of(arguments: Sequence[str], path: Path, bytecode: Path) -> Cost:
    """Return what Python takes for some arguments, from the start of the process to its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [str(path) if part == "FILE" else part for part in arguments]
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, cwd=ROOT, env=environment
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024)


def measure(path: Path, runs: int, bytecode: Path) -> None:
    """Print what each question costs, in each round and in the median."""
    ratios: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    small = next((ROOT / "sessions").glob("*.jsonl"))
    for arguments in QUESTIONS.values():
        cost_of(arguments, small, bytecode)  # compiles what an installed program has compiled
    for _ in range(runs):
        base = cost_of(("-c", ORJSON_PASS, "FILE"), path, bytecode)
        for name, arguments in QUESTIONS.items():
            cost = cost_of(arguments, path, bytecode)
            ratios[name].append(cost.cpu_s / base.cpu_s)
            print(
                f"orjson {base.cpu_s:5.2f} s   {name:<24} {cost.cpu_s:5.2f} s   {ratios[name][-1]:.2f}×   "
                f"{cost.memory_mb:.0f} MB   (on the clock {base.wall_s:.2f} and {cost.wall_s:.2f} s)",
                flush=True,
            )
    for name, found in ratios.items():
        print(f"{name:<24} {statistics.median(found):.2f}× the pass of orjson")


def live() -> tuple[float, float]:
    """Return the microseconds an event costs in all folds of a session, and in that of the turns alone."""
    script = Script(is_text=False)
    events: list[Event] = []
    for batch in (script.session(), *(script.exchange() for _ in range(300))):
        for direction, body in batch:
            script.t_ms += 0.5
            data = orjson.dumps(body)
            name, read, problem = decode(data)
            events.append(
                Event(
                    len(events) + 1,
                    round(script.t_ms * 1e6),
                    direction,
                    Origin.WIRE,
                    name,
                    data,
                    True,
                    read,
                    problem,
                )
            )
    taken = []
    for folds in ((), ("session", "input_audio", "output_audio", "causes")):
        state = SessionState(only=folds)
        start = time.perf_counter()
        for event in events:
            state.apply(event)
        taken.append((time.perf_counter() - start) / len(events) * 1e6)
    with_turns = SessionState(only=("session", "input_audio", "output_audio", "causes", "turns"))
    start = time.perf_counter()
    for event in events:
        with_turns.apply(event)
    turns = (time.perf_counter() - start) / len(events) * 1e6 - taken[1]
    return taken[0], turns


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turns-speed-") as folder:
        path = arguments.file or Path(folder) / "large.jsonl"
        if arguments.file is None:
            write(path, arguments.mb * 1_000_000, is_text=arguments.text)
        print(f"{path.stat().st_size / 1e6:,.0f} MB")
        measure(path.resolve(), arguments.runs, Path(folder) / "bytecode")
    every, turns = live()
    print(f"live: all folds {every:.1f} µs an event, turns {turns:.1f} µs of it")


if __name__ == "__main__":
    main()
