"""The sound of a session on the bench and in the VAD lab, read beside the screen; nothing is loaded or read before it is looked at.

``compute`` runs in a thread, since an hour of sound takes a minute or two. It reads the rows that have come since, and what it publishes is
replaced as a whole or only grows, so that a screen may look at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from inspector.clock import time_is_up
from inspector.core.event import Event
from inspector.core.log import EventLog

if TYPE_CHECKING:
    from inspector.analysis.sound_bench import BenchReport, SoundBench
    from inspector.analysis.speech_track import SpeechTrack
    from inspector.analysis.vad_lab import VadLab
    from inspector.sim.vad import SpeechDetector
    from inspector.sources.speech.detector_process import DetectorProcess

WORK_S = 0.008
"""Time for which a thread keeps the interpreter at once, and then leaves it to the screen."""
IN_CHILD = frozenset({"silero"})
"""Detectors that take so long that they need a process of their own."""
Cancelled = Callable[[], bool]
"""Returns whether to stop at once."""


def _always() -> bool:
    return True


class _LogPass:
    """Reads the rows of a growing log once, in order."""

    def __init__(self, log: EventLog, is_ready: Callable[[], bool]) -> None:
        self._log = log
        self._is_ready = is_ready
        self.rows = 0

    @property
    def is_due(self) -> bool:
        """Return whether there are rows to read; False while a large recording is being opened, which replaces its rows."""
        return self.rows < len(self._log) and self._is_ready()

    @property
    def progress(self) -> float:
        """Return the share of the rows that have been read, 0..1."""
        return self.rows / len(self._log) if len(self._log) else 1.0

    def run(
        self, types: Collection[str], feed: Callable[[Event], None], is_cancelled: Cancelled
    ) -> None:
        """Feed events of some types up to the last row, resting as long as working."""
        rest = threading.Event()
        is_tired = time_is_up(WORK_S)
        while self.rows < len(self._log) and not is_cancelled():
            if self._log.type_of(self.rows) in types:
                feed(self._log.read(self.rows))
            self.rows += 1
            if is_tired():
                rest.wait(WORK_S)
                is_tired = time_is_up(WORK_S)


class SessionBench:
    """Measures the sound of a log."""

    def __init__(self, log: EventLog, is_ready: Callable[[], bool] = _always) -> None:
        """Begin.

        Args:
            log: the events; all of them count, wherever a replay's cursor is.
            is_ready: returns whether the log only grows from now on.
        """
        self.report: BenchReport | None = None
        """None before the first measurement."""
        self.revision = 0
        """Grows with every report."""
        self._pass = _LogPass(log, is_ready)
        self._bench: SoundBench | None = None

    @property
    def is_due(self) -> bool:
        """Return whether there is anything to measure."""
        return self._pass.is_due

    @property
    def progress(self) -> float:
        """Return the share of the log that has been measured, 0..1."""
        return self._pass.progress

    def compute(self, is_cancelled: Cancelled) -> None:
        """Measure what has come since, and report; call it from one thread at a time."""
        from inspector.analysis.sound_bench import BENCH_TYPES, SoundBench

        if self._bench is None:
            self._bench = SoundBench()
        self._pass.run(BENCH_TYPES, self._bench.feed, is_cancelled)
        if not is_cancelled():
            self.report = self._bench.report()
            self.revision += 1

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class SessionVadLab:
    """Tells speech from everything else in the microphone's audio of a log, for the VAD lab."""

    def __init__(self, log: EventLog, is_ready: Callable[[], bool] = _always) -> None:
        """Begin; see ``SessionBench``."""
        self.lab: VadLab | None = None
        """None before the first audio was read; it grows while ``compute`` runs."""
        self.detector_name = ""
        """The detector; ``""`` before the first audio was read."""
        self._log, self._is_ready = log, is_ready
        self._pass = _LogPass(log, is_ready)
        self._track: SpeechTrack | None = None
        self._process: DetectorProcess | None = None

    @property
    def revision(self) -> int:
        """Return a number that changes with everything that is drawn."""
        return 0 if self._track is None else self._track.revision

    @property
    def is_due(self) -> bool:
        """Return whether there is audio to listen to."""
        return self._pass.is_due

    @property
    def progress(self) -> float:
        """Return the share of the log that has been listened to, 0..1."""
        return self._pass.progress

    def compute(self, is_cancelled: Cancelled) -> None:
        """Listen to what has come since; call it from one thread at a time."""
        from inspector.analysis.speech_track import TRACK_TYPES, SpeechTrack
        from inspector.analysis.vad_lab import VadLab
        from inspector.sources.speech.detectors import best_detector

        reading, track = self._pass, self._track
        if track is None:
            self.detector_name = self.detector_name or best_detector()
            track = SpeechTrack(self._detectors(), self.detector_name)
            self._track, self.lab = track, VadLab(track)

        def is_over() -> bool:
            return is_cancelled() or self._pass is not reading

        reading.run(TRACK_TYPES, track.feed, is_over)
        if not is_over():
            track.finish()

    def next_detector(self) -> str:
        """Listen anew with the next detector that is installed; return its name."""
        from inspector.sources.speech.detectors import best_detector, installed_detectors

        names = installed_detectors()
        here = names.index(self.detector_name or best_detector())
        self.detector_name = names[(here + 1) % len(names)]
        self._pass, self._track, self.lab = _LogPass(self._log, self._is_ready), None, None
        self.close()
        return self.detector_name

    def close(self) -> None:
        """End the detector's process, if it has one."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _detectors(self) -> Callable[[], SpeechDetector]:
        """Return a function that creates a detector per connection."""
        from inspector.sources.speech.detectors import detector_named

        if self.detector_name not in IN_CHILD:
            return detector_named(self.detector_name)
        from inspector.sources.speech.detector_process import DetectorProcess

        self._process = DetectorProcess(self.detector_name)
        return self._process.stream
