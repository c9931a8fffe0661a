"""Modules that a session needs soon after its first frame, which their import would delay."""

from __future__ import annotations

import sys


def import_later() -> None:
    """Import numpy and what the first cost and the first verdict need, in a thread."""
    # The import holds the interpreter lock, and the screen waits for it several times per key: switch more often.
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        import numpy  # noqa: F401, ICN001 - only to load it

        from inspector.analysis import latency_summary, verdict  # noqa: F401 - only to load them
        from inspector.price_file import prices_here

        prices_here()
    finally:
        sys.setswitchinterval(before)
