"""The process that listens: PCM16 at 16 kHz comes in on stdin, what was said goes out on stdout, one JSON line each.

A process of its own, because recognition takes a second of pure computing that would hold up every session, and because one that
takes too long can only be stopped by ending it. It ends with its stdin. Frames: 4 bytes of length, big-endian, then the samples.
"""

from __future__ import annotations

import json
import sys

SETTINGS = {
    "samprate": 16_000,
    "loglevel": "FATAL",
    "maxhmmpf": 5_000,
    "maxwpf": 20,
    "lw": 9.0,
    "cmn": "batch",
}
"""Narrower than usual, so that it keeps up; measured on short questions it is no less right. The audio is there as a whole, so
its mean is too."""


def main() -> None:
    """Answer until stdin ends."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(**SETTINGS)
    source, sink = sys.stdin.buffer, sys.stdout
    while len(head := source.read(4)) == 4:
        pcm16 = source.read(int.from_bytes(head, "big"))
        decoder.start_utt()
        decoder.process_raw(pcm16, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        sink.write(json.dumps(found.hypstr if found is not None else "") + "\n")
        sink.flush()


if __name__ == "__main__":
    main()
