"""The command line: parsing, starting, printing. Imports the screen, the network and audio only where used."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program on ``sys.argv`` and leave with its exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it stays open as long as we run
    try:
        from inspector.cli.entry_point import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # so early, or so late, that nobody else has caught it
        status = 130
    sys.exit(status)
