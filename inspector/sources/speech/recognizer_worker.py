"""The process that listens: PCM16 at 16 kHz comes in on stdin, what was said goes out on stdout, one JSON line each.

A process of its own, because recognition takes a second of pure computing that would hold up every session, and because one that
takes too long can only be stopped by ending it. It ends with its stdin. Frames: 4 bytes of length, big-endian, then the samples.
Its argument is the name of the recognizer. The models are in the wheels: nothing is fetched.
"""

from __future__ import annotations

import json
import os
import re
import sys
from array import array
from collections.abc import Callable

Understand = Callable[[bytes], str]
"""Turns samples into words."""

_SPHINX = {
    "samprate": 16_000,
    "loglevel": "FATAL",
    "maxhmmpf": 5_000,
    "maxwpf": 20,
    "lw": 9.0,
    "cmn": "batch",
}
"""Narrower than usual, so that it keeps up; measured on short questions it is no less right. The audio is there as a whole, so
its mean is too."""

RECOGNIZED_RATE_HZ = 16_000
_FULL_SCALE = 32768.0
_OLD_SPELLING = re.compile(r"\b(to)-(?=(?:day|night|morrow)\b)", re.IGNORECASE)
"""The model read old books."""
_OF_NOTHING = "You"
"""What the model makes of noise, tones and silence; said by a person it would have its full stop."""

_NICENESS = 10
"""The sessions come first: a transcript may be late, their events may not."""


def main() -> None:
    """Answer until stdin ends."""
    source = sys.stdin.buffer
    # Whatever a library prints goes to stderr: stdout is for answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink:
        os.dup2(2, 1)
        os.nice(_NICENESS)
        understand = _RECOGNIZERS[sys.argv[1]]()
        while len(head := source.read(4)) == 4:
            pcm16 = source.read(int.from_bytes(head, "big"))
            sink.write(json.dumps(understand(pcm16)) + "\n")
            sink.flush()


def _moonshine() -> Understand:
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber
    from moonshine_voice.utils import get_model_path

    # Its own voice detection is off: it cuts sentences in two, and the simulator has found the turn already.
    options = {"vad_threshold": "0"}
    model = Transcriber(get_model_path("tiny-en"), ModelArch.TINY, options=options)

    def understand(pcm16: bytes) -> str:
        samples = array("h", pcm16)
        if sys.byteorder == "big":
            samples.byteswap()
        levels = [sample / _FULL_SCALE for sample in samples]
        found = model.transcribe_without_streaming(levels, RECOGNIZED_RATE_HZ)
        text = " ".join(line.text.strip() for line in found.lines)
        is_nothing = text == _OF_NOTHING or not any(letter.isalnum() for letter in text)
        return "" if is_nothing else _OLD_SPELLING.sub(r"\1", text)

    return understand


def _sphinx() -> Understand:
    import pocketsphinx

    decoder = pocketsphinx.Decoder(**_SPHINX)

    def understand(pcm16: bytes) -> str:
        decoder.start_utt()
        decoder.process_raw(pcm16, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return found.hypstr if found is not None else ""

    return understand


_RECOGNIZERS: dict[str, Callable[[], Understand]] = {
    "moonshine-voice": _moonshine,
    "pocketsphinx": _sphinx,
}
"""By the name of the distribution."""


if __name__ == "__main__":
    main()
