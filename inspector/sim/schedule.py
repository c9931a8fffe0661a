"""What happens when: steps of work in time order, driven from outside.

A process is a generator that does something, then yields how many nanoseconds to wait before it goes on. Nothing here
knows a real clock: whoever calls ``run_until`` does.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator

Process = Generator[int, None, None]


class Schedule:
    """Processes that wait for their time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Process]] = []
        self._order = 0
        self.now_ns = 0
        """Time of the step that runs."""

    def start(self, process: Process, at_ns: int | None = None) -> None:
        """Run a process from ``at_ns`` on (None: now); those due at one time run in the order of their start."""
        self._order += 1
        heapq.heappush(self._heap, (self.now_ns if at_ns is None else at_ns, self._order, process))

    def call(self, action: Callable[[], None], at_ns: int) -> None:
        """Do one thing at ``at_ns``."""
        self.start(_once(action), at_ns)

    def run_until(self, now_ns: int) -> None:
        """Run every step whose time has come."""
        while self._heap and self._heap[0][0] <= now_ns:
            at_ns, _, process = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, at_ns)
            delay_ns = next(process, None)
            if delay_ns is not None:
                self.start(process, self.now_ns + delay_ns)
        self.now_ns = max(self.now_ns, now_ns)

    def stop(self, process: Process) -> None:
        """End a process where it waits."""
        process.close()
        self._heap = [entry for entry in self._heap if entry[2] is not process]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        """End everything."""
        for _, _, process in self._heap:
            process.close()
        self._heap.clear()

    @property
    def next_ns(self) -> int | None:
        """Return when the next step is due; None where nothing waits."""
        return self._heap[0][0] if self._heap else None


def _once(action: Callable[[], None]) -> Process:
    action()
    return
    yield 0
