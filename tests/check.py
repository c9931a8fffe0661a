"""The one test command: format, lint, types, import contracts, tests. Runs all, then says which failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("format", ["-m", "ruff", "format", "--check", "."]),
    ("lint", ["-m", "ruff", "check", "."]),
    ("types", ["-m", "mypy"]),
    ("import contracts", ["-c", LINT_IMPORTS]),
    ("tests", ["-m", "pytest", "-n", "auto"]),
)


def main() -> int:
    """Run every check from the project's root; return 1 if any failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    failed = []
    for name, arguments in CHECKS:
        print(f"── {name}", flush=True)
        start = time.perf_counter()
        status = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, check=False
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
    sys.exit(main())
