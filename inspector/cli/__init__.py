"""The command line: parsing, starting, printing. Imports the screen, the network and audio only where used."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the program on ``sys.argv`` and leave with its exit status."""
    from inspector.cli.entry import run

    sys.exit(run(sys.argv[1:]))
