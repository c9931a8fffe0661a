"""Opening a large recording: first rows, all rows, keys meanwhile, memory; against toolong on the same file in the same run.

    python tests/bench/open_large.py FILE [--toolong PATH-OF-tl]

All rows are reachable when the header counts all of them. toolong has settled when it has used no processor time worth
naming (under 5 % of a core) for half a second; the moment before that half second counts.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.pty_run import EMPTY_APP, Terminal, python, visible


def inspector(path: str, needle: bytes) -> tuple[float, float, float, list[float], float]:
    """Return first frame, first rows, all rows, key lags, and memory; all rows are there when the header counts them."""
    terminal = Terminal(python("-m", "inspector", "replay", path))
    frame = terminal.first_text()
    rows = terminal.wait_for(b"session.created", 5)
    lags: list[float] = []
    done = float("inf")
    last = time.perf_counter()
    until = last + 60
    header = b""
    while time.perf_counter() < until:
        header = (header + visible(terminal.read(0.01)))[-6000:]
        if needle in header:
            done = time.perf_counter() - terminal.started
            break
        if time.perf_counter() - last > 0.1:
            last = time.perf_counter()
            lags.append(terminal.key_lag(b"j", 0.2))
            header += visible(bytes(terminal.output[-4000:]))
    time.sleep(1.0)
    memory = terminal.memory_mb()
    terminal.close()
    return frame, rows, done, lags, memory


def events_in(path: str) -> int:
    """Return how many events a recording of ours holds: its lines but the first."""
    with Path(path).open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 24), b"")) - 1


def toolong(command: str, path: str) -> float:
    """Return the seconds until toolong has settled."""
    terminal = Terminal([command, path])
    terminal.first_text()
    quiet_since = time.perf_counter()
    cpu = terminal.cpu_s()
    while time.perf_counter() - terminal.started < 120:
        terminal.read(0.05)
        used = terminal.cpu_s()
        if used - cpu > 0.0025:
            quiet_since = time.perf_counter()
        cpu = used
        if time.perf_counter() - quiet_since > 0.5:
            break
    terminal.close()
    return quiet_since - terminal.started


def empty_memory() -> float:
    """Return the resident memory of an empty Textual app."""
    terminal = Terminal(EMPTY_APP)
    terminal.first_text()
    time.sleep(0.5)
    memory = terminal.memory_mb()
    terminal.close()
    return memory


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--toolong", default=shutil.which("tl"))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    needle = f"{events_in(arguments.file):,} events".encode()
    peer = []
    for _ in range(arguments.runs):
        frame, rows, done, lags, memory = inspector(arguments.file, needle)
        milliseconds = sorted(lag * 1000 for lag in lags)
        print(
            f"inspector   first frame {frame:.2f} s   first rows +{rows - frame:.2f} s   all rows {done:.2f} s   memory {memory:.0f} MB"
            f"   keys median {statistics.median(milliseconds):.0f} ms  max {milliseconds[-1]:.0f} ms  n={len(milliseconds)}"
        )
        if arguments.toolong:
            settled = toolong(arguments.toolong, arguments.file)
            peer.append(done / settled)
            print(f"toolong     settled {settled:.2f} s   ratio {done / settled:.2f}")
    print(f"empty Textual app   memory {empty_memory():.0f} MB")
    if peer:
        print(f"ratio of all rows to toolong, median: {statistics.median(peer):.2f}")


if __name__ == "__main__":
    main()
