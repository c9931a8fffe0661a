"""Formats: what a recording can be written as. A new one is a ``Format`` here and a place in ``FORMATS``: the command follows.

A format says which files there are to be; whoever calls it opens them, so that each appears whole or not at all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from inspector.core.log import EventLog

Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file that is to be written."""

    name: str
    """What it holds, usable in a file name: ``items`` of a format are told apart by it."""
    write: Callable[[Write], None]
    """Writes it, front to back."""
    words: str = ""
    """What to say of it once it is written."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of one export."""

    files: tuple[ExportedFile, ...]
    facts: Callable[[], Mapping[str, Any]] = dict
    """Returns what is known of the whole export once its files are written, for programs."""
    note: Callable[[], str] = str
    """Returns what to say of it then; ``""`` for nothing."""


class Format(ABC):
    """A format."""

    name: ClassVar[str]
    """After ``--to``."""
    suffix: ClassVar[str]
    help: ClassVar[str]
    """A clause of the command's help."""
    parts: ClassVar[tuple[str, ...]] = ()
    """What ``--what`` may ask for, the default first; empty where there is nothing to choose."""
    several: ClassVar[frozenset[str]] = frozenset()
    """Parts that are a file each of many, and go into a folder."""
    is_text: ClassVar[bool] = False
    """Whether it goes to stdout where no file is named."""

    @abstractmethod
    def export(self, log: EventLog, part: str) -> Exported:
        """Return the files for a part of a recording.

        Raises:
            ExportError: the recording has nothing of the kind.
        """


class WavFormat(Format):
    """The sound."""

    name = "wav"
    suffix = ".wav"
    help = (
        "wav (--what stereo: user left, assistant right, the default; heard: the same, without what was cut off; "
        "user or assistant: one side, back to back; items: a file each)"
    )
    parts = ("stereo", "heard", "user", "assistant", "items")
    several = frozenset({"items"})

    def export(self, log: EventLog, part: str) -> Exported:
        """Return one file, or one for each item."""
        from inspector.export.log_sound import LogSound  # which brings numpy
        from inspector.export.wav_export import Plan, plans, write_wav

        sound = LogSound(log)

        def file(plan: Plan) -> ExportedFile:
            seconds, channels = plan.frames / plan.rate_hz, len(plan.channels)
            kind = "stereo" if channels == 2 else "mono"
            return ExportedFile(
                plan.name,
                lambda write: write_wav(sound, plan, write),
                f"{seconds:.3f} s, {kind}, {plan.rate_hz:,} Hz",
                {"seconds": round(seconds, 6), "rate_hz": plan.rate_hz, "channels": channels},
            )

        def damage() -> str:
            count = len(sound.damaged_rows)
            words = f"{count:,} pieces of audio are not base64; silence stands in their place"
            return words if count else ""

        files = tuple(file(plan) for plan in plans(sound, part))
        return Exported(files, lambda: {"damaged_pieces": len(sound.damaged_rows)}, damage)


class TextFormat(Format):
    """The conversation, to be read."""

    name = "text"
    suffix = ".txt"
    help = "text: a transcript"
    is_text = True

    def export(self, log: EventLog, part: str) -> Exported:  # noqa: ARG002 - it has no parts
        """Return one file."""
        from inspector.export.text_export import transcript

        def lines() -> Iterator[str]:
            yield from transcript(log.read(row) for row in range(len(log)))

        def write(write: Write) -> None:
            for line in lines():
                write(line.encode("utf-8", "replace") + b"\n")

        return Exported((ExportedFile("transcript", write),))


FORMATS: tuple[Format, ...] = (WavFormat(), TextFormat())
"""Every format."""
