"""The process that recognizes speech: PCM16 at 16 kHz on stdin, one JSON string per line on stdout.

It is a separate process because recognition computes for about a second while it holds the interpreter lock, and because a
recognition that takes too long can only be stopped by killing it. Each piece of audio is its length in 4 bytes, big-endian,
followed by the samples. The argument is the name of the recognizer. The process ends with its stdin, and never accesses the
network: the models are in the wheels.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from array import array
from collections.abc import Callable
from pathlib import Path

Recognize = Callable[[bytes], str]
"""Returns the text in PCM16 at 16 kHz."""

_SPHINX = {
    "samprate": 16_000,
    "loglevel": "FATAL",
    "maxhmmpf": 5_000,
    "maxwpf": 20,
    "lw": 9.0,
    "cmn": "batch",
}
"""Narrower search beams than the defaults, for speed; measured on short questions, accuracy is the same. ``batch``
normalization is possible because the whole audio is available."""

RECOGNIZED_RATE_HZ = 16_000
_FULL_SCALE = 32768.0
_OLD_SPELLING = re.compile(r"\b(to)-(?=(?:day|night|morrow)\b)", re.IGNORECASE)
"""Moonshine writes "to-day", from the old books in its training data."""
_OF_NOTHING = "You"
"""Moonshine's text for noise, tones and silence; a spoken "you" ends with a period."""

_NICENESS = 10
"""A transcript may be late, the events of the sessions may not; but on a busy machine it should still come, in a tenth of a core."""
_AUTOGROUP = "/proc/self/autogroup"
"""Linux gives processor time to process groups of one ``setsid`` (sched(7), "The autogroup feature") in equal shares: a process's
own niceness counts only inside its group, and this process is alone in one."""


def give_way() -> None:
    """Leave processor time to the sessions: a lower priority, and one core of several.

    The recognizer computes in threads on all cores, which a lower priority alone does not prevent.
    """
    os.nice(_NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a kernel without the feature has no such file
            Path(_AUTOGROUP).write_text(str(_NICENESS))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    """Recognize audio until stdin ends."""
    source = sys.stdin.buffer
    # Redirect file descriptor 1 to stderr: what a library prints must not mix with the results.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink:
        os.dup2(2, 1)
        give_way()
        recognize = _RECOGNIZERS[sys.argv[1]]()
        while len(head := source.read(4)) == 4:
            pcm16 = source.read(int.from_bytes(head, "big"))
            sink.write(json.dumps(recognize(pcm16)) + "\n")
            sink.flush()


def _moonshine() -> Recognize:
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber
    from moonshine_voice.utils import get_model_path

    # Turn off its voice detection: it splits sentences, and the simulator has already detected the turn.
    options = {"vad_threshold": "0"}
    model = Transcriber(get_model_path("tiny-en"), ModelArch.TINY, options=options)

    def recognize(pcm16: bytes) -> str:
        samples = array("h", pcm16)
        if sys.byteorder == "big":
            samples.byteswap()
        levels = [sample / _FULL_SCALE for sample in samples]
        found = model.transcribe_without_streaming(levels, RECOGNIZED_RATE_HZ)
        text = " ".join(line.text.strip() for line in found.lines)
        is_noise = text == _OF_NOTHING or not any(letter.isalnum() for letter in text)
        return "" if is_noise else _OLD_SPELLING.sub(r"\1", text)

    return recognize


def _sphinx() -> Recognize:
    import pocketsphinx

    decoder = pocketsphinx.Decoder(**_SPHINX)

    def recognize(pcm16: bytes) -> str:
        decoder.start_utt()
        decoder.process_raw(pcm16, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return found.hypstr if found is not None else ""

    return recognize


_RECOGNIZERS: dict[str, Callable[[], Recognize]] = {
    "moonshine-voice": _moonshine,
    "pocketsphinx": _sphinx,
}
"""By the name of the distribution."""


if __name__ == "__main__":
    main()
