"""The one test command: format, lint, types, import contracts, tests. Runs all, then says which failed.

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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
PYTEST = ["-m", "pytest", "-n", str(2 * (os.cpu_count() or 1))]
"""Two workers per core, because most tests wait for a screen, a socket or a process half of the time."""
PURE = ["tests/spec", "tests/core", "tests/analysis", "tests/recording", "tests/sim"]
"""The tests of the layers whose coverage is measured; measuring the others would take a third longer."""
TYPES = ("types", ["-m", "mypy"])
STATIC = (
    ("format", ["-m", "ruff", "format", "--check", "."]),
    ("lint", ["-m", "ruff", "check", "."]),
    TYPES,
    ("import contracts", ["-c", LINT_IMPORTS]),
)
CHECKS = (
    *STATIC,
    ("tests of the pure layers and their coverage", [*PYTEST, "--cov", *PURE]),
    ("all other tests", [*PYTEST, *(f"--ignore={folder}" for folder in PURE)]),
)
FAST = (*STATIC, ("tests of the pure layers", [*PYTEST, *PURE]))
LOWEST = (("tests", [*PYTEST, "--ignore=tests/tui/test_snapshots.py"]),)
OTHER_PYTHON = (TYPES, *LOWEST)
LANES: dict[tuple[str, ...], tuple[tuple[str, list[str]], ...]] = {
    (): CHECKS,
    ("--fast",): FAST,
    ("--other-python",): OTHER_PYTHON,
    ("--lowest",): LOWEST,
}
"""The checks by the argument that selects them."""


def main(arguments: list[str]) -> int:
    """Run the checks from the project's root; return 1 if any failed, 2 for an unknown argument."""
    checks = LANES.get(tuple(arguments))
    if checks is None:
        print(f"usage: {Path(__file__).name} [--fast | --other-python | --lowest]", file=sys.stderr)
        return 2
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    failed = []
    for name, options in checks:
        print(f"── {name}", flush=True)
        start = time.perf_counter()
        status = subprocess.run(
            [sys.executable, *options], cwd=ROOT, env=environment, check=False
        ).returncode
        print(
            f"   {'ok' if status == 0 else 'FAILED'}  {time.perf_counter() - start:.1f} s",
            flush=True,
        )
        if status:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
