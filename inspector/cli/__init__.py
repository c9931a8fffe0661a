"""The command line: parses arguments, opens sessions, prints. Imports screens, network and audio only where used."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program on ``sys.argv`` and exit with its status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the parent process closed it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - stays open until the process ends
    try:
        from inspector.cli.entry_point import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after ``run`` could handle it
        status = 130
    sys.exit(status)
