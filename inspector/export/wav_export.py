"""WAV: PCM16 from a recording, streamed, in a few megabytes of memory however long the session was.

Channels are laid out in temporary files without a name (a session is mostly silence, so they are mostly holes), then
interleaved. Where input and output have different rates, the lower one is resampled.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.analysis.placement import AudioSide
from inspector.audio.pcm import Samples, bytes_of
from inspector.audio.pcm import samples_of as samples_in
from inspector.errors import ExportError
from inspector.export.log_sound import Clip, LogSound, samples_of

BLOCK_FRAMES = 1 << 16
MAX_DATA_BYTES = (1 << 32) - 64
"""A RIFF size has 32 bits."""
WHAT = ("stereo", "heard", "user", "assistant", "items")
"""What can be exported."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One file to be written."""

    name: str
    """What it holds, usable in a file name."""
    channels: tuple[tuple[Clip, ...], ...]
    """The clips of each channel."""
    rate_hz: int
    duration_us: int

    @property
    def frames(self) -> int:
        """Return the length in samples of each channel."""
        return round(self.duration_us * self.rate_hz / 1e6)


def plans(sound: LogSound, what: str) -> list[Plan]:
    """Return the files that ``what`` asks for.

    * ``stereo``: session time, user left, assistant right, all that came.
    * ``heard``: the same, with the assistant cut where its listener no longer heard it.
    * ``user``: what was appended, back to back, so that its times are the server's (``audio_start_ms``).
    * ``assistant``: what was received, back to back.
    * ``items``: each item by itself.

    Raises:
        ExportError: there is no such audio, or more than fits into a WAV.
    """
    if what in ("user", "assistant"):
        made = [plan(what, [sound.side(AudioSide(what))])]
    elif what == "items":
        ids = sound.item_ids
        made = [
            plan(
                f"{number:03d}-{sound.side_of(item_id)}-{file_name(item_id)}", [sound.item(item_id)]
            )
            for number, item_id in enumerate(ids, 1)
        ]
    else:
        is_heard = what == "heard"
        made = [
            plan(
                what,
                [
                    sound.placed(AudioSide.USER),
                    sound.placed(AudioSide.ASSISTANT, heard_only=is_heard),
                ],
            )
        ]
    usable = [one for one in made if one.duration_us]
    if not usable:
        raise ExportError(
            "there is no such audio in this recording",
            hint="what the server refused is left out, a sideband connection carries none, and --what user or assistant has one side only",
        )
    return usable


def span_plan(sound: LogSound, from_us: int, to_us: int, *, channels: int = 2) -> Plan:
    """Return what was heard in a span of session time: user left and assistant right, or both in one channel."""
    sides = [
        [
            cut
            for clip in sound.placed(side, heard_only=True)
            if (cut := clip.within(from_us, to_us)) is not None
        ]
        for side in AudioSide
    ]
    name = f"{from_us / 1e6:.3f}-{to_us / 1e6:.3f}s"
    made = plan(name, sides if channels == 2 else [[*sides[0], *sides[1]]])
    return Plan(made.name, made.channels, made.rate_hz, to_us - from_us)


def plan(name: str, channels: Sequence[Iterable[Clip]]) -> Plan:
    """Return a file of these clips, at the highest rate among them, as long as it takes."""
    kept = tuple(tuple(clip for clip in clips if clip.duration_us) for clips in channels)
    clips = [clip for channel in kept for clip in channel]
    rate_hz = max((clip.segment.format.rate_hz for clip in clips), default=24_000)
    duration_us = max((clip.at_us + clip.duration_us for clip in clips), default=0)
    return Plan(name, kept, rate_hz, duration_us)


def write_wav(sound: LogSound, plan: Plan, write: Callable[[bytes], object]) -> None:
    """Write a plan as a WAV file, front to back.

    Args:
        sound: where the plan's clips are from.
        plan: what to write.
        write: takes the file's bytes, piece by piece.

    Raises:
        ExportError: it is longer than a WAV can be.
        OSError: the folder for temporary files takes no more.
    """
    if plan.frames * 2 * len(plan.channels) > MAX_DATA_BYTES:
        raise ExportError(
            f"{plan.duration_us / 3.6e9:,.1f} hours do not fit into a WAV file",
            hint="--what user, assistant or items leaves the silence out",
        )
    write(wav_header(plan.frames, plan.rate_hz, len(plan.channels)))
    for block in _blocks(sound, plan):
        write(block)


def pcm(sound: LogSound, plan: Plan) -> bytes:
    """Return a plan as interleaved PCM16 bytes; the caller must keep it short."""
    return b"".join(_blocks(sound, plan))


def wav_header(frames: int, rate_hz: int, channels: int) -> bytes:
    """Return the 44 bytes before the samples (PCM, 16 bit, little-endian)."""
    size = frames * channels * 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        channels,
        rate_hz,
        rate_hz * channels * 2,
        channels * 2,
        16,
        b"data",
        size,
    )


def file_name(item_id: str) -> str:
    """Return an id as a part of a file name: no server gets to choose a path."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in item_id)[:64]


def _blocks(sound: LogSound, plan: Plan) -> Iterator[bytes]:
    laid = [_Channel(sound, clips, plan.rate_hz) for clips in plan.channels]
    try:
        for start in range(0, plan.frames, BLOCK_FRAMES):
            count = min(BLOCK_FRAMES, plan.frames - start)
            block = np.zeros((count, len(laid)), np.int16)
            for index, channel in enumerate(laid):
                block[:, index] = channel.read(start, count)
            yield bytes_of(block)
    finally:
        for channel in laid:
            channel.close()


class _Channel:
    """One channel laid out in time; clips that overlap are added."""

    def __init__(self, sound: LogSound, clips: Iterable[Clip], rate_hz: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``
        for clip in clips:
            position = round(clip.at_us * rate_hz / 1e6)
            for samples in samples_of(sound, clip, rate_hz):
                self._add(position, samples)
                position += len(samples)

    def read(self, start: int, count: int) -> Samples:
        """Return ``count`` samples from one on; silence where there is nothing."""
        self._file.seek(start * 2)
        found = samples_in(self._file.read(count * 2))
        return np.pad(found, (0, count - len(found)))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _add(self, start: int, samples: Samples) -> None:
        there = self.read(start, len(samples)).astype(np.int32)
        mixed = np.clip(there + samples, -32_768, 32_767).astype(np.int16)
        self._file.seek(start * 2)
        self._file.write(bytes_of(mixed))
