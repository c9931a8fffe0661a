"""WAV export: PCM16 from a recording, streamed with a few megabytes of memory, however long the session is.

Each channel is laid out in an unnamed temporary file (a sparse one, as a session is mostly silence); then the channels are
interleaved. If input and output have different sample rates, the lower one is resampled to the higher.
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
"""Frames interleaved at a time: 256 KB in stereo."""
MAX_DATA_BYTES = (1 << 32) - 64
"""A RIFF size has 32 bits; the margin leaves room for the header."""
WHAT = ("stereo", "heard", "user", "assistant", "items")
"""Values of ``--what``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Content of one WAV file."""

    name: str
    """Name of the content, valid in a file name."""
    channels: tuple[tuple[Clip, ...], ...]
    """The clips of each channel."""
    rate_hz: int
    """Sample rate of the file."""
    duration_us: int
    """Length of the file."""

    @property
    def frames(self) -> int:
        """Return the length of each channel in samples."""
        return round(self.duration_us * self.rate_hz / 1e6)


def plans(sound: LogSound, what: str) -> list[Plan]:
    """Return the files for a value of ``--what``.

    * ``stereo``: all audio in session time, user left, assistant right.
    * ``heard``: the same, without the assistant's audio that was not heard.
    * ``user``: the appended audio, back to back, so that its times are the server's (``audio_start_ms``).
    * ``assistant``: the received audio, back to back.
    * ``items``: one file per item.

    Raises:
        ExportError: the recording contains no such audio.
    """
    if what in ("user", "assistant"):
        found = [plan(what, [sound.side(AudioSide(what))])]
    elif what == "items":
        ids = sound.item_ids
        found = [
            plan(
                f"{number:03d}-{sound.side_of(item_id)}-{file_name(item_id)}", [sound.item(item_id)]
            )
            for number, item_id in enumerate(ids, 1)
        ]
    else:
        is_heard = what == "heard"
        found = [
            plan(
                what,
                [
                    sound.placed(AudioSide.USER),
                    sound.placed(AudioSide.ASSISTANT, heard_only=is_heard),
                ],
            )
        ]
    usable = [one for one in found if one.duration_us]
    if not usable:
        raise ExportError(
            f"the recording contains no audio for --what {what}",
            hint="audio that the server rejected is left out, and sideband connections carry none; try --what stereo",
        )
    return usable


def span_plan(sound: LogSound, from_us: int, to_us: int, *, channels: int = 2) -> Plan:
    """Return the audio heard in a span of session time: user left and assistant right, or both mixed into one channel."""
    sides = [
        [
            cut
            for clip in sound.placed(side, heard_only=True)
            if (cut := clip.within(from_us, to_us)) is not None
        ]
        for side in AudioSide
    ]
    name = f"{from_us / 1e6:.3f}-{to_us / 1e6:.3f}s"
    content = plan(name, sides if channels == 2 else [[*sides[0], *sides[1]]])
    # As long as the span, even if its audio ends earlier.
    return Plan(content.name, content.channels, content.rate_hz, to_us - from_us)


def plan(name: str, channels: Sequence[Iterable[Clip]]) -> Plan:
    """Return a file of these clips, with the highest rate among them and the length of its longest channel."""
    kept = tuple(tuple(clip for clip in clips if clip.duration_us) for clips in channels)
    clips = [clip for channel in kept for clip in channel]
    rate_hz = max((clip.segment.format.rate_hz for clip in clips), default=24_000)
    duration_us = max((clip.at_us + clip.duration_us for clip in clips), default=0)
    return Plan(name, kept, rate_hz, duration_us)


def write_wav(sound: LogSound, plan: Plan, write: Callable[[bytes], object]) -> None:
    """Write a plan as a WAV file, from beginning to end.

    Args:
        sound: source of the plan's clips.
        plan: the content.
        write: called with the file's bytes, piece by piece; it need not seek, so that pipes work.

    Raises:
        ExportError: the audio is longer than a WAV file can hold.
        OSError: the folder for temporary files is full.
    """
    if plan.frames * 2 * len(plan.channels) > MAX_DATA_BYTES:
        raise ExportError(
            f"{plan.duration_us / 3.6e9:,.1f} hours of audio exceed the 4 GB limit of WAV files",
            hint="use --what user, assistant or items, which leave the silence out",
        )
    write(wav_header(plan.frames, plan.rate_hz, len(plan.channels)))
    for block in _blocks(sound, plan):
        write(block)


def pcm(sound: LogSound, plan: Plan) -> bytes:
    """Return a plan as interleaved PCM16 bytes, in memory; the caller must limit its length."""
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
    """Return an item id as a safe part of a file name; a server could otherwise choose a path with it."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in item_id)[:64]


def _blocks(sound: LogSound, plan: Plan) -> Iterator[bytes]:
    channels = [_Channel(sound, clips, plan.rate_hz) for clips in plan.channels]
    try:
        for start in range(0, plan.frames, BLOCK_FRAMES):
            count = min(BLOCK_FRAMES, plan.frames - start)
            block = np.zeros((count, len(channels)), np.int16)
            for index, channel in enumerate(channels):
                block[:, index] = channel.read(start, count)
            yield bytes_of(block)
    finally:
        for channel in channels:
            channel.close()


class _Channel:
    """One channel laid out in time in a temporary file; overlapping clips are mixed."""

    def __init__(self, sound: LogSound, clips: Iterable[Clip], rate_hz: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``
        for clip in clips:
            position = round(clip.at_us * rate_hz / 1e6)
            for samples in samples_of(sound, clip, rate_hz):
                self._add(position, samples)
                position += len(samples)

    def read(self, start: int, count: int) -> Samples:
        """Return ``count`` samples from ``start`` on; silence where no clip is."""
        self._file.seek(start * 2)
        found = samples_in(self._file.read(count * 2))
        return np.pad(found, (0, count - len(found)))

    def close(self) -> None:
        """Close and thereby delete the temporary file."""
        self._file.close()

    def _add(self, start: int, samples: Samples) -> None:
        # Mixed in 32 bits, so that the sum is clipped instead of wrapping round.
        present = self.read(start, len(samples)).astype(np.int32)
        mixed = np.clip(present + samples, -32_768, 32_767).astype(np.int16)
        self._file.seek(start * 2)
        self._file.write(bytes_of(mixed))
