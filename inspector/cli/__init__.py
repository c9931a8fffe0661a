"""The command line: parsing, starting, printing. Imports the screen, the network and audio only where used."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program on ``sys.argv`` and leave with its exit status."""
    from inspector.cli.entry import run

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it stays open as long as we run
    sys.exit(run(sys.argv[1:]))
