"""DetectorProcess: speech detection in a child process, for sound that is listened to while a screen is to answer keys.

Silero computes for 3 ms per window while it holds the interpreter lock. The child gets pieces of PCM16 on stdin, each after a head with
its stream, rate and size, and answers with the probability of each window as 32-bit floats, after their number. It ends with its stdin.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from inspector.sim.vad import SpeechDetector
from inspector.sources.speech.detectors import detector_named

_HEAD = struct.Struct("=III")
"""Stream, rate in Hz, size in bytes."""
_COUNT = struct.Struct("=I")
_LOWEST_PRIORITY = 19
_MODULE = "inspector.sources.speech.detector_process"


class DetectorProcess:
    """The child, started at the first sound."""

    def __init__(self, name: str) -> None:
        """Create it.

        Args:
            name: the detector, as in ``detectors.LIBRARIES``.
        """
        self.name = name
        self._child: subprocess.Popen[bytes] | None = None
        self._streams = 0

    def stream(self) -> SpeechDetector:
        """Return a detector for another stream of sound; streams follow each other, and are not mixed."""
        self._streams += 1
        return _RemoteDetector(self, self._streams)

    def ask(self, stream: int, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probabilities of a piece of a stream.

        Raises:
            OSError: the child cannot be started, or has ended.
        """
        child = self._started()
        if child.stdin is None or child.stdout is None:
            raise BrokenPipeError
        child.stdin.write(_HEAD.pack(stream, rate_hz, len(pcm16)) + pcm16)
        child.stdin.flush()
        head = child.stdout.read(_COUNT.size)
        if len(head) < _COUNT.size:
            raise BrokenPipeError
        (count,) = _COUNT.unpack(head)
        found = array("f")
        data = child.stdout.read(count * found.itemsize)
        if len(data) < count * found.itemsize:
            raise BrokenPipeError
        found.frombytes(data)
        return found

    def close(self) -> None:
        """End the child; the next sound starts another one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):  # flushing to a killed process fails
                if pipe is not None:
                    pipe.close()
        child.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            root = str(Path(__file__).resolve().parents[3])
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, self.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that ctrl+c reaches the parent only
                env={**os.environ, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"},
            )
        return self._child


class _RemoteDetector:
    """One stream of the child's; if the child fails, the same detector goes on here."""

    def __init__(self, process: DetectorProcess, stream: int) -> None:
        self._process, self._stream = process, stream
        self._own: SpeechDetector | None = None

    def probabilities(self, pcm16: bytes, rate_hz: int) -> Sequence[float]:
        """Return the probability of speech in each window of 32 ms."""
        if self._own is None:
            try:
                return self._process.ask(self._stream, pcm16, rate_hz)
            except (
                OSError,
                ValueError,
            ):  # a pipe that ``close`` has closed meanwhile is a ValueError
                self._own = detector_named(self._process.name)()
        return self._own.probabilities(pcm16, rate_hz)

    def close(self) -> None:
        """Do nothing: the process is closed as a whole."""


def serve(name: str, source: BinaryIO, sink: BinaryIO) -> None:
    """Detect until the source ends."""
    detector, known = detector_named(name)(), 0
    while len(head := source.read(_HEAD.size)) == _HEAD.size:
        stream, rate_hz, size = _HEAD.unpack(head)
        if stream != known:
            detector, known = detector_named(name)(), stream
        found = array("f", detector.probabilities(source.read(size), rate_hz))
        sink.write(_COUNT.pack(len(found)) + found.tobytes())
        sink.flush()


if __name__ == "__main__":
    os.nice(_LOWEST_PRIORITY)
    serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
