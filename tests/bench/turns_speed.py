"""What turns cost: of a large recording from the start of the process, against decoding its lines once in the same run; and live, an event.

    python tests/bench/turns_speed.py [--mb 1000] [--text] [--runs 3] [--keep FILE]

The recording is made in the temporary folder, and deleted: a conversation with sound (microphone, bursts of audio, words), or
with ``--text`` one without. Each round decodes all lines with ``orjson.loads``, then runs ``inspector turns --json`` without and
with sound questions. Memory is the greatest resident size of the process.
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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


def pass_of_orjson(path: Path) -> float:
    """Return the seconds that decoding each line takes."""
    start = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
    return time.perf_counter() - start


def command(path: Path, *options: str) -> tuple[float, float]:
    """Return the seconds and the greatest memory in MB of ``inspector turns``."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "inspector", "turns", str(path), "--json", *options],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"inspector turns ended with {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


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
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turns-speed-") as folder:
        path = Path(folder) / "large.jsonl"
        events = write(path, arguments.mb * 1_000_000, is_text=arguments.text)
        print(f"{path.stat().st_size / 1e6:,.0f} MB, {events:,} events")
        for _ in range(arguments.runs):
            base = pass_of_orjson(path)
            for name, options in (
                ("without sound questions", ("--no-sound",)),
                ("with sound questions", ()),
            ):
                seconds, memory = command(path, *options)
                print(
                    f"orjson {base:5.2f} s   {name:<24} {seconds:5.2f} s   {seconds / base:.2f}×   {memory:.0f} MB"
                )
    every, turns = live()
    print(f"live: all folds {every:.1f} µs an event, turns {turns:.1f} µs of it")
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
