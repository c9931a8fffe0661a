"""How fast foreign files are imported: processor time against reading the same bytes and parsing their JSON with orjson.

    python tests/bench/importing.py [--mb 300] [--runs 3]

Each shape is measured with sound (most bytes are audio, as in a voice session) and as text alone (only short deltas, the most events a
byte). Every measurement is a process of its own; so is its baseline: one plain read, and one ``orjson.loads`` of what stands between the
first and the last brace of each line.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMPORT = """
import resource, sys, time
from pathlib import Path
from inspector.importing.import_run import ImportRun
from inspector.importing.source_file import SourceFile
begun = time.process_time()
with open("/dev/null", "wb") as out:
    source = SourceFile(Path(sys.argv[1]))
    ImportRun(source, out.write).run()
    source.close()
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
PLAIN = """
import sys, time
import orjson
begun = time.process_time()
with open(sys.argv[1], "rb") as file:
    while file.read(1 << 20):
        pass
with open(sys.argv[1], "rb") as file:
    for line in file:
        try:
            orjson.loads(line[line.find(b"{") : line.rfind(b"}") + 1])
        except ValueError:
            pass
print(time.process_time() - begun, 0)
"""
SHAPES = ("log", "tagged", "har")
Frame = tuple[str, dict[str, object]]


def frames(*, has_sound: bool) -> Iterator[Frame]:
    """Yield frames without end."""
    chance = random.Random(1)
    sound = [base64.b64encode(chance.randbytes(4800)).decode() for _ in range(50)]
    ids = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    number = 0
    while True:
        number += 1
        kind = "response.output_audio_transcript.delta"
        yield "server", {"type": kind, "event_id": f"event_t{number}", **ids, "delta": " hello"}
        if has_sound:
            yield "client", {"type": "input_audio_buffer.append", "audio": sound[number % 50]}
            delta = sound[(number + 7) % 50]
            kind = "response.output_audio.delta"
            yield "server", {"type": kind, "event_id": f"event_a{number}", **ids, "delta": delta}


def line(shape: str, index: int, frame: Frame) -> str:
    """Return a frame as a line of a file."""
    direction, event = frame
    if shape == "tagged":
        return (
            json.dumps({"time": 1795e6 + index * 0.02, "source": direction, "event": event}) + "\n"
        )
    if shape == "har":
        message = {
            "type": "send" if direction == "client" else "receive",
            "time": 1795e6 + index * 0.02,
        }
        return (
            "," * (index > 0)
            + json.dumps({**message, "opcode": 1, "data": json.dumps(event)})
            + "\n"
        )
    word = "Sending" if direction == "client" else "Received"
    minute, second = divmod(index * 0.02, 60)
    clock = f"{int(minute) // 60 % 24:02d}:{int(minute) % 60:02d}:{second:09.6f}"
    return f"2026-11-20T{clock}Z DEBUG app {word} {json.dumps(event)}\n"


def write(path: Path, shape: str, size: int, *, has_sound: bool) -> None:
    """Write a file of a size."""
    with path.open("w") as file:
        if shape == "har":
            file.write('{"log":{"version":"1.2","entries":[{"_webSocketMessages":[\n')
        written = 0
        for index, frame in enumerate(frames(has_sound=has_sound)):
            written += file.write(line(shape, index, frame))
            if written >= size:
                break
        if shape == "har":
            url = "wss://api.openai.com/v1/realtime?model=m"
            file.write(f'],"request":{{"url":"{url}","headers":[]}}}}]}}}}\n')


def measured(code: str, path: Path, runs: int) -> tuple[float, float]:
    """Return the median of the processor time in seconds, and the most memory in MB."""
    times, memory = [], 0.0
    for _ in range(runs):
        command = [sys.executable, "-c", code, str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        times.append(float(told[0]))
        memory = max(memory, int(told[1]) / 1024)
    return statistics.median(times), memory


def main() -> None:
    """Print a row for each shape."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    for has_sound in (True, False):
        for shape in SHAPES:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "file"
                write(path, shape, given.mb << 20, has_sound=has_sound)
                size = path.stat().st_size / 1e6
                took, memory = measured(IMPORT, path, given.runs)
                plain, _ = measured(PLAIN, path, given.runs)
            name = f"{shape}, {'with sound' if has_sound else 'text alone'}"
            print(
                f"{name:22} {size / took:6.0f} MB/s  {took / plain:5.1f} x read and orjson  {memory:5.0f} MB"
            )


if __name__ == "__main__":
    main()
