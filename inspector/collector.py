"""Control over Python's garbage collector. The only module that switches it on or off.

An ended session is freed by reference counting, except for cycles inside asyncio (a transport holds its own bound methods).
Collections can therefore be rare while frames must not wait for them.
"""

from __future__ import annotations

import gc

CALM_THRESHOLDS = (10_000, 20, 50)
"""Allocations and collections before generations 0, 1 and 2 are collected; CPython 3.11's defaults are 700, 10, 10."""
SWEEP_EVERY = 64
"""Ended sessions to collect together; each leaves a few kilobytes behind."""


def pause() -> None:
    """Stop collecting while a screen loads, which creates no garbage. Must be followed by ``resume``."""
    gc.disable()


def resume() -> None:
    """Collect again."""
    gc.enable()


def spare_what_is_loaded() -> None:
    """Resume collecting, and exclude every object alive now: walking those of the libraries takes the longest."""
    gc.freeze()
    gc.enable()


def calm() -> None:
    """Exclude the objects alive now from collection, and collect less often.

    A full collection walks every object of the program and its libraries. With a screen that takes tens of milliseconds,
    during which no session forwards a frame.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*CALM_THRESHOLDS)


class Sweep:
    """Collect the garbage of ended sessions, many sessions at a time."""

    def __init__(self) -> None:
        self._ended = 0

    def session_ended(self, *, is_idle: bool) -> None:
        """Count an ended session and collect when enough have ended; pass ``is_idle`` when no other session runs."""
        self._ended += 1
        if self._ended >= SWEEP_EVERY:
            self._ended = 0
            # Generation 2 walks everything, so it runs only when no session would wait for it.
            gc.collect(2 if is_idle else 1)
