"""``inspector cost`` on a large recording, against one pass of ``orjson.loads`` over its lines in the same run.

python tests/bench/cost_large.py FILE [RUNS]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]


def parsed(path: Path) -> float:
    """Return the seconds that it takes to parse every line."""
    begun = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
    return time.perf_counter() - begun


def priced(path: Path) -> float:
    """Return the seconds of the command, from the start of its process."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "inspector", "cost", str(path), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begun


def main() -> None:
    """Measure, and print the ratio."""
    path = Path(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    pairs = [(priced(path), parsed(path)) for _ in range(runs)]
    ours = statistics.median(pair[0] for pair in pairs)
    floor = statistics.median(pair[1] for pair in pairs)
    memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{path.stat().st_size / 1e6:,.0f} MB: inspector cost {ours:.2f} s, {memory_mb:.0f} MB")
    print(f"orjson.loads over its lines {floor:.2f} s: {ours / floor:.2f}×")


if __name__ == "__main__":
    main()
