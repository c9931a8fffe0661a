"""The one test command: format, lint, types, import contracts, tests. Runs all, then says which failed.

What only reads the code runs beside the tests: the types alone would leave every other core idle.

With ``--fast`` what tells most in the least time, while you work: no screen, no sockets, no coverage.
With ``--other-python`` only what another interpreter may change: the types (numpy's differ), and the tests but for the snapshots.
With ``--lowest`` the same without the types, which are checked against the newest libraries only: for an environment that holds the lowest
versions that ``pyproject.toml`` allows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
PYTEST = ["-m", "pytest", "-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]
"""One worker more than cores, since some tests wait for a socket or a process. Each worker costs seconds, as it collects all tests."""
PURE = ["tests/spec", "tests/core", "tests/analysis", "tests/recording", "tests/sim"]
"""The tests of the layers whose coverage is measured; measuring the others would take a third longer."""
MEASURED = "measured"
"""The mark of the tests whose coverage is measured: those of the pure layers that run once. Measuring property tests would triple their time."""


class Check(NamedTuple):
    """One check: its name, and the arguments of the interpreter."""

    name: str
    options: list[str]
    """Arguments of the interpreter."""


class Lane(NamedTuple):
    """What one call runs: two sequences of checks, in parallel."""

    static: tuple[Check, ...]
    tests: tuple[Check, ...]


TYPES = Check("types", ["-m", "mypy"])
STATIC = (
    Check("format", ["-m", "ruff", "format", "--check", "."]),
    Check("lint", ["-m", "ruff", "check", "."]),
    TYPES,
    Check("import contracts", ["-c", LINT_IMPORTS]),
)
ALL_TESTS = (
    Check("tests of the pure layers and their coverage", [*PYTEST, "--cov", "-m", MEASURED, *PURE]),
    Check("all other tests", [*PYTEST, "-m", f"not {MEASURED}"]),
)
NO_SNAPSHOTS = (Check("tests", [*PYTEST, "--ignore=tests/tui/test_snapshots.py"]),)
LANES = {
    (): Lane(STATIC, ALL_TESTS),
    ("--fast",): Lane(STATIC, (Check("tests of the pure layers", [*PYTEST, *PURE]),)),
    ("--other-python",): Lane((TYPES,), NO_SNAPSHOTS),
    ("--lowest",): Lane((), NO_SNAPSHOTS),
}
"""The checks by the argument that selects them."""


def main(arguments: list[str]) -> int:
    """Run the checks from the project's root; return 1 if any failed, 2 for an unknown argument."""
    lane = LANES.get(tuple(arguments))
    if lane is None:
        print(f"usage: {Path(__file__).name} [--fast | --other-python | --lowest]", file=sys.stderr)
        return 2
    start = time.perf_counter()
    with ThreadPoolExecutor(1) as beside:
        static = [beside.submit(run, check, is_captured=True) for check in lane.static]
        failed = [check.name for check in lane.tests if not run(check, is_captured=False)]
        failed += [
            check.name for check, done in zip(lane.static, static, strict=True) if not done.result()
        ]
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", end="")
    print(f"  {time.perf_counter() - start:.0f} s")
    return 1 if failed else 0


def run(check: Check, *, is_captured: bool) -> bool:
    """Run a check and tell whether it passed; what it prints comes at once, or as one piece when it has ended."""
    if not is_captured:
        print(f"── {check.name}", flush=True)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *check.options],
        cwd=ROOT,
        env=environment(),
        check=False,
        text=True,
        stdout=subprocess.PIPE if is_captured else None,
        stderr=subprocess.STDOUT if is_captured else None,
    )
    is_passed = done.returncode == 0
    verdict = f"{'ok' if is_passed else 'FAILED'}  {time.perf_counter() - start:.1f} s"
    print(
        f"── {check.name}  {verdict}\n{done.stdout}" if is_captured else f"   {verdict}", flush=True
    )
    return is_passed


def environment() -> dict[str, str]:
    """Return ours, in which Python keeps what it has compiled: every worker and every program that a test starts would do it anew."""
    ours = {**os.environ, "PYTHONPATH": str(ROOT)}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
