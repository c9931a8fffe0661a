"""When Python's garbage collector runs. The only place that switches it.

What sessions leave behind is freed without it but for rings inside of asyncio (a transport holds methods of its own), so it may be
kept rare where frames must not wait for it.
"""

from __future__ import annotations

import gc

CALM_THRESHOLDS = (10_000, 20, 50)
"""Against 700, 10, 10: objects that came and stayed before each kind of collection."""
SWEEP_EVERY = 64
"""Sessions whose leftovers are collected at once: some hundred kilobytes."""


def pause() -> None:
    """Stop collecting while a screen is loaded: what is being loaded is no garbage. ``resume`` must follow."""
    gc.disable()


def resume() -> None:
    """Collect again."""
    gc.enable()


def spare_what_is_loaded() -> None:
    """Collect again, but never what is alive now: it would walk every object of the libraries."""
    gc.freeze()
    gc.enable()


def calm() -> None:
    """Spare what is alive now, and collect less often.

    A full collection walks every object of the program and its libraries: tens of milliseconds with a screen, in which no
    frame of any session goes on.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*CALM_THRESHOLDS)


class Sweep:
    """Collects what ended sessions leave, many at once."""

    def __init__(self) -> None:
        self._ended = 0

    def session_ended(self, *, is_idle: bool) -> None:
        """Count a session; where no other one runs (``is_idle``) there is time to look at everything."""
        self._ended += 1
        if self._ended >= SWEEP_EVERY:
            self._ended = 0
            gc.collect(2 if is_idle else 1)
