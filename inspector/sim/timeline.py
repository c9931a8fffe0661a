"""What happens when: steps of work in time order, driven from outside.

A process is a generator that does something, then yields how many nanoseconds to wait before it goes on. Nothing here
knows a real clock: whoever calls ``run_until`` does.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator

Process = Generator[int, None, None]


class Timeline:
    """Processes that wait for their time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Process]] = []
        self._order = 0
        self.now_ns = 0
        """Time of the step that runs."""

    def start(self, process: Process, at_ns: int) -> None:
        """Run a process from ``at_ns`` on; processes that are due at the same time run in order of their start."""
        self._order += 1
        heapq.heappush(self._heap, (at_ns, self._order, process))

    def run_until(self, now_ns: int) -> None:
        """Run every step whose time has come."""
        while self._heap and self._heap[0][0] <= now_ns:
            at_ns, _, process = heapq.heappop(self._heap)
            self.now_ns = at_ns
            delay = next(process, None)
            if delay is not None:
                self.start(process, at_ns + delay)
        self.now_ns = max(self.now_ns, now_ns)

    def stop(self, process: Process) -> None:
        """End a process where it waits."""
        process.close()
        self._heap = [entry for entry in self._heap if entry[2] is not process]
        heapq.heapify(self._heap)

    @property
    def next_ns(self) -> int | None:
        """Return when the next step is due; None where nothing waits."""
        return self._heap[0][0] if self._heap else None
