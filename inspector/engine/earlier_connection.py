"""EarlierConnection: what the rules remember of the connection of the same app before a recording, worked out in slices.

With it, a reconnect that forgot its settings or its conversation is found on the screen as ``inspector lint`` finds it in files
that are given one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.analysis.lint.linted_state import LintedState
from inspector.engine.session_cost import ledger_of
from inspector.errors import RecordingError
from inspector.recording.reader import RecordingReader
from inspector.recording.reconnects import connection_before

if TYPE_CHECKING:
    from inspector.analysis.lint.lint_run import LintRun

EVENTS_PER_LOOK = 64
"""Events between two looks at the clock."""
MAX_BYTES = 8 << 20
"""Of either recording: reading a larger one, or reading it once more with what the rules remember, would take seconds."""


class EarlierConnection:
    """The connection before a recording: found in the folder of the recording, and read once."""

    def __init__(self, path: Path) -> None:
        """Begin without looking.

        Args:
            path: of the recording.
        """
        self.path: Path | None = None
        """The recording of the connection before; None if there is none, or it is too large."""
        self.run: LintRun | None = None
        """The rules, which remember it; copy them for each use. None without one."""
        self.is_done = False
        self._steps = self._work(path)

    def advance(self, is_time_up: Callable[[], bool]) -> bool:
        """Look and read on for a while; return True if that has just ended."""
        if self.is_done:
            return False
        for _ in self._steps:
            if is_time_up():
                return False
        self.is_done = True
        return True

    def close(self) -> None:
        """Stop, and close the file that is being read."""
        self._steps.close()
        self.is_done = True

    def _work(self, path: Path) -> Generator[None]:
        if not _is_small(path):
            return
        found: Path | None = None
        for step in connection_before(path):
            found = step
            yield
        if found is None or not _is_small(found):
            return
        try:
            with closing(RecordingReader(found)) as reader:
                state = LintedState(new_ledger=partial(ledger_of, reader.header))
                for number, event in enumerate(reader.events()):
                    state.apply(event)
                    if number % EVENTS_PER_LOOK == 0:
                        yield
        except RecordingError:
            return
        self.path, self.run = found, state.next_log()


def _is_small(path: Path) -> bool:
    try:
        return path.stat().st_size <= MAX_BYTES
    except OSError:
        return False
