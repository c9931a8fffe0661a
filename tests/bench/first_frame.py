"""Time from the start of the process to the first readable frame, against an empty Textual app in the same run.

python tests/bench/first_frame.py [RUNS]
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.pty_run import EMPTY_APP, ROOT, Terminal, python

COMMANDS = {
    "empty Textual app (baseline)": EMPTY_APP,
    "home": python("-m", "inspector"),
    "replay": python(
        "-m", "inspector", "replay", str(ROOT / "sessions" / "example-truncated-answer.jsonl")
    ),
}


def main() -> None:
    """Run the commands in turn, so that a drift of the machine meets all of them."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs + 1):
        for name, command in COMMANDS.items():
            terminal = Terminal(command)
            times[name].append(terminal.first_text())
            terminal.close()
    base = statistics.median(times["empty Textual app (baseline)"][1:])
    for name, values in times.items():
        median = statistics.median(values[1:])
        print(f"{name:<32} {median * 1000:7.0f} ms   {median / base:.2f}x")


if __name__ == "__main__":
    main()
