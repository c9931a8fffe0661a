"""EnglishRecognizer: the simulator understands English, with moonshine-voice where it is installed, else with pocketsphinx.

Both bring their model in the wheel. One worker process for all sessions, behind one thread; what has to wait too long, or takes too
long, is not understood. The event loop is never held up: a hearing is asked for its result.
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

log = logging.getLogger(__name__)

MAX_WAITING = 16
TIME_LIMIT_S = 15.0
_WORKER = Path(__file__).with_name("recognizer_worker.py")
_RATE_HZ = 16_000
_START_S = 20.0
_PAD_S = 0.1
_QUIET = 200
"""Samples below it at both ends are cut off."""
_NOISE = 10.0
"""A little faint noise at both ends (RMS, of 32768): a recognizer expects a room, and errs less in the first and last word."""
NOT_UNDERSTOOD = "(the simulator did not recognize the speech in time)"


@dataclass(frozen=True, slots=True)
class RecognizerProgram:
    """A library that recognises speech."""

    name: str
    """Of its distribution, and in the worker process."""
    module: str
    model: str
    """A file inside of the module without which it recognises nothing; ``""`` where it always has one."""
    max_audio_s: int
    """Speech is not recognised beyond this: it would take too long, or little of it would be right."""
    quiet_s: tuple[float, float]
    """Faint noise that is put before and behind: measured, it saves up to half of the errors."""

    @property
    def is_usable(self) -> bool:
        """Tell whether it is installed with its model, without importing it."""
        found = importlib.util.find_spec(self.module)
        folders = (found.submodule_search_locations or ()) if found is not None else ()
        return any((Path(folder) / self.model).exists() for folder in folders)


MOONSHINE = RecognizerProgram(
    "moonshine-voice", "moonshine_voice", "assets/tiny-en/encoder_model.ort", 30, (0.2, 0.6)
)
"""Versions after 0.1.0 would fetch their model."""
SPHINX = RecognizerProgram("pocketsphinx", "pocketsphinx", "", 12, (0.2, 0.2))
RECOGNIZERS = (MOONSHINE, SPHINX)
"""The better one first."""


def usable_recognizer() -> RecognizerProgram | None:
    """Return the recognizer that is used; None where none is installed."""
    return next((each for each in RECOGNIZERS if each.is_usable), None)


class WorkerTranscript:
    """One piece of audio on its way to being understood."""

    def __init__(self) -> None:
        self._transcription: Transcript | None = None

    def result(self) -> Transcript | None:
        """Return what was heard; None while that is not known."""
        return self._transcription

    def settle(self, transcription: Transcript) -> None:
        """Say what was heard."""
        self._transcription = transcription


@dataclass(frozen=True, slots=True)
class _Work:
    pcm16: bytes
    """At 16 kHz."""
    transcription: WorkerTranscript
    asked_s: float


class RecognizerWorker:
    """The worker process and the thread that talks to it; both begin when they are needed."""

    def __init__(self, command: Sequence[str]) -> None:
        """Prepare.

        Args:
            command: of the worker process.
        """
        self._command = command
        self._work: queue.Queue[_Work | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def warm_up(self) -> None:
        """Start the process, so that the first words need not wait for it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speech", daemon=True)
            self._thread.start()

    def understand(self, pcm16: bytes) -> WorkerTranscript:
        """Return the hearing of some audio of 16 kHz, which will have a result some time later."""
        self.warm_up()
        transcription = WorkerTranscript()
        try:
            self._work.put_nowait(_Work(pcm16, transcription, time.monotonic()))
        except queue.Full:
            transcription.settle(Transcript(NOT_UNDERSTOOD))
        return transcription

    def stop(self) -> None:
        """End the process and the thread."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()

    def _run(self) -> None:
        self._started()
        while (work := self._work.get()) is not None:
            is_stale = time.monotonic() - work.asked_s > TIME_LIMIT_S
            text = None if is_stale else self._text(work.pcm16)
            work.transcription.settle(
                Transcript(NOT_UNDERSTOOD) if text is None else _transcription(text)
            )
        self._end()

    def _text(self, pcm16: bytes) -> str | None:
        """Return what the worker understands; None where it takes too long or dies."""
        try:
            process = self._started()
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
            self._end()
            return None
        self._is_ready = True
        return str(json.loads(line))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._is_ready = False
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # ctrl+c is for the parent: the worker ends with its stdin
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # what nobody reads cannot be flushed
                    if pipe is not None:
                        pipe.close()
            self._process.wait()
            self._process = None


def _transcription(text: str) -> Transcript:
    said = text.strip()
    # A recognizer that punctuates ends everything with a full stop, a sentence that was broken off too.
    words = said if said.endswith("..") else said.removesuffix(".")
    return Transcript(f"{said[:1].upper()}{said[1:]}", words)


@cache
def shared_worker(name: str) -> RecognizerWorker:
    """Return this process's worker for a recognizer of that name."""
    return RecognizerWorker((sys.executable, "-P", str(_WORKER), name))


class EnglishRecognizer:
    """A recognizer that understands."""

    def __init__(self, worker: RecognizerWorker, program: RecognizerProgram) -> None:
        self._worker = worker
        self._program = program

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | WorkerTranscript:
        """Return the hearing of some audio; silence is known at once."""
        import numpy as np
        import soxr

        longest = self._program.max_audio_s * rate_hz
        samples = np.frombuffer(pcm16[: len(pcm16) // 2 * 2], "<i2")[:longest]
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
        if not len(loud):
            return Transcript("")
        pad = int(_PAD_S * rate_hz)
        spoken = samples[max(0, loud[0] - pad) : loud[-1] + pad]
        chance = np.random.default_rng(0)
        before, behind = (
            chance.normal(0, _NOISE, int(quiet_s * _RATE_HZ)) for quiet_s in self._program.quiet_s
        )
        padded = np.concatenate([before, soxr.resample(spoken, rate_hz, _RATE_HZ), behind])
        return self._worker.understand(padded.astype("<i2").tobytes())
