"""Events per second through Engine.ingest, recording included, against decoding and writing alone in the same run.

python tests/bench/ingest.py [EVENTS]
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inspector.clock import SystemClock  # noqa: E402 - found through the line above
from inspector.core.event import Direction, Frame  # noqa: E402
from inspector.engine.live_engine import Engine  # noqa: E402
from inspector.recording.writer import RecordingFile  # noqa: E402
from tests.support import FakeSource  # noqa: E402


def frames(count: int) -> list[Frame]:
    """Return a conversation's mix: microphone, words, sound of two sizes, and the events around them."""
    mic = orjson.dumps(
        {"type": "input_audio_buffer.append", "audio": base64.b64encode(os.urandom(1920)).decode()}
    )
    where = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    word = orjson.dumps(
        {
            "type": "response.output_audio_transcript.delta",
            "event_id": "e",
            **where,
            "delta": " word",
        }
    )
    sounds = [
        orjson.dumps(
            {
                "type": "response.output_audio.delta",
                "event_id": "e",
                **where,
                "delta": base64.b64encode(os.urandom(n)).decode(),
            }
        )
        for n in (1440, 4800)
    ]
    done = orjson.dumps({"type": "response.output_audio.done", "event_id": "e", **where})
    pattern = [
        Frame(Direction.CLIENT, mic),
        Frame(Direction.SERVER, word),
        Frame(Direction.CLIENT, mic),
        Frame(Direction.SERVER, sounds[0]),
        Frame(Direction.SERVER, word),
        Frame(Direction.CLIENT, mic),
        Frame(Direction.SERVER, word),
        Frame(Direction.SERVER, sounds[1]),
        Frame(Direction.CLIENT, mic),
        Frame(Direction.SERVER, done),
    ]
    return (pattern * (count // len(pattern) + 1))[:count]


def main() -> None:
    """Measure both, five times in turn, and print the best of each."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    events = frames(count)
    best = {"decode and write alone (baseline)": 0.0, "Engine.ingest": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(5):
            fd = os.open(f"{folder}/base{run}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            start = time.perf_counter()
            for frame in events:
                orjson.loads(frame.data)
                os.write(fd, frame.data)
            best["decode and write alone (baseline)"] = max(
                best["decode and write alone (baseline)"], count / (time.perf_counter() - start)
            )
            os.close(fd)
            Path(f"{folder}/base{run}").unlink()
            recording = RecordingFile(Path(folder) / f"{run}.jsonl", SystemClock())
            engine = Engine(FakeSource(), recording, SystemClock())
            start = time.perf_counter()
            for frame in events:
                engine.ingest(frame)
            best["Engine.ingest"] = max(
                best["Engine.ingest"], count / (time.perf_counter() - start)
            )
            recording.close()
            Path(f"{folder}/{run}.jsonl").unlink()
    base = best["decode and write alone (baseline)"]
    for name, rate in best.items():
        print(f"{name:<36} {rate:10,.0f} events/s   {1e6 / rate:5.1f} us   {rate / base:.2f}x")


if __name__ == "__main__":
    main()
