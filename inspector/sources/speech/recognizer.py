"""Recognition of English speech with moonshine-voice if it is installed, else with pocketsphinx.

Both include their model in the wheel. All sessions share one worker process, behind one thread. Audio that waits or takes too
long is reported as not recognized. The event loop never blocks: the simulator polls a ``WorkerTranscript``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inspector.sim.speech_recognizer import Transcript
from inspector.sources.speech.recognizer_worker import RECOGNIZED_RATE_HZ

log = logging.getLogger(__name__)

MAX_WAITING = 16
"""Pieces of audio in the queue, beyond which further ones are not recognized."""
TIME_LIMIT_S = 15.0
"""How long a piece of audio may wait, and then may take."""
_WORKER = Path(__file__).with_name("recognizer_worker.py")
FEW_WAITING = 4
"""Pieces of audio in the queue, beyond which the worker rests between two: it cannot keep up anyway, and turns are more urgent."""
REST_SHARE, LONGEST_REST_S = 3, 1.0
"""How long it rests, as a multiple of the time that it took, and at most. Measured with 50 sessions that speak on two cores: the 95th
percentile of ``speech_stopped`` is about 90 ms late."""
_START_S = 20.0
"""Additional time for the first result, while the worker loads its model."""
_PAD_S = 0.1
"""Audio kept before and after the speech."""
_QUIET = 200
"""Samples below this level (of 32768) are trimmed at both ends."""
_NOISE = 10.0
"""RMS (of 32768) of the noise added at both ends; with it, recognizers make fewer errors in the first and last word."""
NOT_UNDERSTOOD = "(the simulator did not recognize the speech in time)"


@dataclass(frozen=True, slots=True)
class RecognizerProgram:
    """A speech recognition library."""

    name: str
    """Name of its distribution, and argument of the worker process."""
    module: str
    model: str
    """Path within the module of the model file; ``""`` if the module always has its model."""
    max_audio_s: int
    """Audio beyond this length is ignored, because it would take too long or be mostly wrong."""
    quiet_s: tuple[float, float]
    """Length of the noise added before and after; measured, it avoids up to half of the errors."""

    @property
    def is_usable(self) -> bool:
        """Return True if the library is installed with its model; does not import it."""
        found = importlib.util.find_spec(self.module)
        folders = (found.submodule_search_locations or ()) if found is not None else ()
        return any((Path(folder) / self.model).exists() for folder in folders)


MOONSHINE = RecognizerProgram(
    "moonshine-voice", "moonshine_voice", "assets/tiny-en/encoder_model.ort", 30, (0.2, 0.6)
)
"""Checked for its model file, because versions after 0.1.0 download the model instead of including it."""
SPHINX = RecognizerProgram("pocketsphinx", "pocketsphinx", "", 12, (0.2, 0.2))
RECOGNIZERS = (MOONSHINE, SPHINX)
"""In order of preference."""


def usable_recognizer() -> RecognizerProgram | None:
    """Return the preferred installed recognizer; None if none is installed."""
    return next((each for each in RECOGNIZERS if each.is_usable), None)


class WorkerTranscript:
    """The pending transcript of one piece of audio."""

    def __init__(self) -> None:
        self._transcription: Transcript | None = None

    def result(self) -> Transcript | None:
        """Return the transcript; None until it is known."""
        return self._transcription

    def resolve(self, transcription: Transcript) -> None:
        """Set the transcript; called in the worker's thread."""
        self._transcription = transcription


@dataclass(frozen=True, slots=True)
class _Work:
    pcm16: bytes
    """At 16 kHz."""
    transcription: WorkerTranscript
    queued_s: float
    """``time.monotonic()`` when it was queued."""


class RecognizerWorker:
    """The worker process and the thread that communicates with it, both started when they are needed."""

    def __init__(self, command: Sequence[str]) -> None:
        """Create a worker without starting it.

        Args:
            command: command line of the worker process.
        """
        self._command = command
        self._work: queue.Queue[_Work | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def warm_up(self) -> None:
        """Start the process now, so that the first transcript need not wait for its model."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speech", daemon=True)
            self._thread.start()

    def recognize(self, pcm16: bytes) -> WorkerTranscript:
        """Queue audio at 16 kHz, and return its pending transcript."""
        self.warm_up()
        transcription = WorkerTranscript()
        try:
            self._work.put_nowait(_Work(pcm16, transcription, time.monotonic()))
        except queue.Full:
            transcription.resolve(Transcript(NOT_UNDERSTOOD))
        return transcription

    def stop(self) -> None:
        """End the process and the thread."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()

    def _run(self) -> None:
        self._started_process()
        while (work := self._work.get()) is not None:
            is_stale = time.monotonic() - work.queued_s > TIME_LIMIT_S
            start_s = time.monotonic()
            text = None if is_stale else self._text(work.pcm16)
            took_s = time.monotonic() - start_s
            work.transcription.resolve(
                Transcript(NOT_UNDERSTOOD) if text is None else _transcription(text)
            )
            if self._work.qsize() > FEW_WAITING:
                time.sleep(min(REST_SHARE * took_s, LONGEST_REST_S))
        self._end()

    def _text(self, pcm16: bytes) -> str | None:
        """Return the text that the worker recognizes; None if it takes too long or dies."""
        try:
            process = self._started_process()
            if process.stdin is None or process.stdout is None:
                return None
            process.stdin.write(len(pcm16).to_bytes(4, "big") + pcm16)
            process.stdin.flush()
            limit_s = TIME_LIMIT_S if self._is_ready else TIME_LIMIT_S + _START_S
            readable, _, _ = select.select([process.stdout], [], [], limit_s)
            line = process.stdout.readline() if readable else b""
        except OSError as error:
            log.warning("speech recognition: %s", error)
            line = b""
        if not line:
            # Recognition cannot be interrupted, only killed; the next audio starts a new process.
            self._end()
            return None
        self._is_ready = True
        return str(json.loads(line))

    def _started_process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._is_ready = False
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that ctrl+c reaches the parent only; the worker ends with its stdin
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # flushing to a killed process fails
                    if pipe is not None:
                        pipe.close()
            self._process.wait()
            self._process = None


def _transcription(text: str) -> Transcript:
    text = text.strip()
    # Moonshine ends every text with a period, even an unfinished sentence, so the period tells nothing to semantic VAD.
    words = text if text.endswith("..") else text.removesuffix(".")
    return Transcript(f"{text[:1].upper()}{text[1:]}", words)


@cache
def shared_worker(name: str) -> RecognizerWorker:
    """Return the process-wide worker of a recognizer."""
    return RecognizerWorker((sys.executable, "-P", str(_WORKER), name))


class EnglishRecognizer:
    """Recognize English speech in a worker process."""

    def __init__(self, worker: RecognizerWorker, program: RecognizerProgram) -> None:
        self._worker = worker
        self._program = program

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | WorkerTranscript:
        """Return the pending transcript of some audio; for silence, an empty transcript at once."""
        import numpy as np
        import soxr

        longest = self._program.max_audio_s * rate_hz
        samples = np.frombuffer(pcm16[: len(pcm16) // 2 * 2], "<i2")[:longest]
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
        if not len(loud):
            return Transcript("")
        pad = int(_PAD_S * rate_hz)
        spoken = samples[max(0, loud[0] - pad) : loud[-1] + pad]
        random = np.random.default_rng(0)  # the same audio must get the same transcript
        before, after = (
            random.normal(0, _NOISE, int(quiet_s * RECOGNIZED_RATE_HZ))
            for quiet_s in self._program.quiet_s
        )
        padded = np.concatenate([before, soxr.resample(spoken, rate_hz, RECOGNIZED_RATE_HZ), after])
        return self._worker.recognize(padded.astype("<i2").tobytes())
