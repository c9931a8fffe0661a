"""SphinxEar: the simulator understands short English sentences, with pocketsphinx and the model in its wheel.

One worker process for all sessions, behind one thread; what has to wait too long, or takes too long, is not understood. The event
loop is never held up: a hearing is asked for its result.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inspector.sim.ear import Hearing

log = logging.getLogger(__name__)

MAX_AUDIO_S = 12
"""Longer speech is not recognised beyond this: it takes too long, and little of it is right."""
MAX_WAITING = 16
TIME_LIMIT_S = 15.0
_WORKER = Path(__file__).with_name("sphinx_worker.py")
_RATE_HZ = 16_000
_START_S = 20.0
_PAD_S = 0.1
_QUIET = 200
"""Samples below it at both ends are cut off."""
_QUIET_S, _NOISE = 0.2, 10.0
"""A little faint noise at both ends (RMS, of 32768): the recognizer expects a room, and errs less in the first word."""
NOT_UNDERSTOOD = "(the simulator did not recognize the speech in time)"


class SphinxHearing:
    """One piece of audio on its way to being understood."""

    def __init__(self) -> None:
        self._hearing: Hearing | None = None

    def result(self) -> Hearing | None:
        """Return what was heard; None while that is not known."""
        return self._hearing

    def settle(self, hearing: Hearing) -> None:
        """Say what was heard."""
        self._hearing = hearing


@dataclass(frozen=True, slots=True)
class _Work:
    pcm16: bytes
    """At 16 kHz."""
    hearing: SphinxHearing
    asked_s: float


class SphinxWorker:
    """The worker process and the thread that talks to it; both begin when they are needed."""

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        """Prepare.

        Args:
            command: of the worker process; by default the one beside this module.
        """
        self._command = command or (sys.executable, "-P", str(_WORKER))
        self._work: queue.Queue[_Work | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def warm_up(self) -> None:
        """Start the process, so that the first words need not wait for it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speech", daemon=True)
            self._thread.start()

    def understand(self, pcm16: bytes) -> SphinxHearing:
        """Return the hearing of some audio of 16 kHz, which will have a result some time later."""
        self.warm_up()
        hearing = SphinxHearing()
        try:
            self._work.put_nowait(_Work(pcm16, hearing, time.monotonic()))
        except queue.Full:
            hearing.settle(Hearing(NOT_UNDERSTOOD))
        return hearing

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
            work.hearing.settle(Hearing(NOT_UNDERSTOOD) if text is None else _hearing(text))
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


def _hearing(text: str) -> Hearing:
    words = text.strip()
    return Hearing(f"{words[:1].upper()}{words[1:]}", words)


@cache
def shared_worker() -> SphinxWorker:
    """Return the worker of this process."""
    return SphinxWorker()


class SphinxEar:
    """An ear that understands."""

    def __init__(self, worker: SphinxWorker) -> None:
        self._worker = worker

    def hear(self, pcm16: bytes, rate_hz: int) -> Hearing | SphinxHearing:
        """Return the hearing of some audio; silence is known at once."""
        import numpy as np
        import soxr

        samples = np.frombuffer(pcm16[: len(pcm16) // 2 * 2], "<i2")[: MAX_AUDIO_S * rate_hz]
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
        if not len(loud):
            return Hearing("")
        pad = int(_PAD_S * rate_hz)
        spoken = samples[max(0, loud[0] - pad) : loud[-1] + pad]
        quiet = np.random.default_rng(0).normal(0, _NOISE, int(_QUIET_S * _RATE_HZ))
        padded = np.concatenate([quiet, soxr.resample(spoken, rate_hz, _RATE_HZ), quiet])
        return self._worker.understand(padded.astype("<i2").tobytes())
