"""A discrete-event scheduler: processes that run in time order, without a real clock.

A process is a generator that does a step of work and then yields how many nanoseconds to wait before the next step. The
caller of ``run_until`` supplies the time, so that tests run instantly and reproducibly.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator

Process = Generator[int, None, None]


class Schedule:
    """Processes ordered by the time of their next step."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Process]] = []
        self._order = 0
        self.now_ns = 0
        """The time of the current step."""

    def start(self, process: Process, at_ns: int | None = None) -> None:
        """Schedule a process to start at ``at_ns`` (None for now); processes with the same time run first in, first out."""
        self._order += 1  # breaks ties: heapq would compare the generators, which fails
        heapq.heappush(self._heap, (self.now_ns if at_ns is None else at_ns, self._order, process))

    def call(self, action: Callable[[], None], at_ns: int) -> None:
        """Schedule a single call at ``at_ns``."""
        self.start(_once(action), at_ns)

    def run_until(self, now_ns: int) -> None:
        """Run all steps that are due by ``now_ns``."""
        while self._heap and self._heap[0][0] <= now_ns:
            at_ns, _, process = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, at_ns)
            delay_ns = next(process, None)
            if delay_ns is not None:
                self.start(process, self.now_ns + delay_ns)
        self.now_ns = max(self.now_ns, now_ns)

    def stop(self, process: Process) -> None:
        """Close a process, which runs its ``finally`` blocks, and remove it."""
        process.close()
        self._heap = [entry for entry in self._heap if entry[2] is not process]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        """Close and remove all processes."""
        for _, _, process in self._heap:
            process.close()
        self._heap.clear()

    @property
    def next_ns(self) -> int | None:
        """Return when the next step is due; None if there are no processes."""
        return self._heap[0][0] if self._heap else None


def _once(action: Callable[[], None]) -> Process:
    action()
    return
    yield 0  # unreachable, but makes this function a generator
