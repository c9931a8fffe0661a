"""Opening a large recording: first rows, all rows, keys meanwhile, memory; against toolong on the same file in the same run.

    python tests/bench/open_large.py FILE [--toolong PATH-OF-tl]

All rows are reachable when the header counts all of them. toolong has settled when it has used no processor time worth
naming (under 5 % of a core) for half a second; the moment before that half second counts. Each round opens the file twice: without an
index kept from before (first), and with it (again). The indexes go to a folder that is thrown away.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.pty_run import EMPTY_APP, Terminal, python


def inspector(path: str, needle: bytes) -> tuple[float, float, float, list[float], float]:
    """Return first frame, first rows, all rows, key lags, and memory; all rows are there when the header counts them."""
    terminal = Terminal(python("-m", "inspector", "replay", path))
    frame = terminal.first_text()
    rows = terminal.wait_for(
        b"+0.", 5
    )  # the time since the row above, wherever the recording is opened
    lags: list[float] = []
    done = float("inf")
    last = time.perf_counter()
    until = last + 60
    while time.perf_counter() < until:
        # All of the latest output, not the pieces it came in: a piece may end within a control code.
        if terminal.read(0.01) and needle in terminal.output[-20_000:]:
            done = time.perf_counter() - terminal.started
            break
        if time.perf_counter() - last > 0.1:
            last = time.perf_counter()
            lags.append(terminal.key_lag(b"j", 0.2))
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
    ratios: dict[str, list[float]] = {"first": [], "again": []}
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["XDG_CACHE_HOME"] = cache
            done = {name: opened(arguments.file, needle, name) for name in ratios}
        if arguments.toolong:
            settled = toolong(arguments.toolong, arguments.file)
            for name, found in ratios.items():
                found.append(done[name] / settled)
            shown = "   ".join(f"{name} {found[-1]:.2f}" for name, found in ratios.items())
            print(f"toolong     settled {settled:.2f} s   ratio: {shown}")
    print(f"empty Textual app   memory {empty_memory():.0f} MB")
    for name, found in ratios.items():
        if found:
            print(f"ratio of all rows to toolong, median, {name}: {statistics.median(found):.2f}")


def opened(file: str, needle: bytes, name: str) -> float:
    """Open a file, print what was measured, and return the seconds until all rows were there."""
    frame, rows, done, lags, memory = inspector(file, needle)
    milliseconds = sorted(lag * 1000 for lag in lags)
    keys = (
        f"keys median {statistics.median(milliseconds):.0f} ms  max {milliseconds[-1]:.0f} ms  n={len(lags)}"
        if lags
        else "done before the first key"
    )
    print(
        f"inspector   {name}: first frame {frame:.2f} s   first rows +{rows - frame:.2f} s   all rows {done:.2f} s"
        f"   memory {memory:.0f} MB   {keys}"
    )
    return done


if __name__ == "__main__":
    main()
