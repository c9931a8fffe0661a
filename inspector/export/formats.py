"""Export formats. To add one, subclass ``Format`` and list it in ``FORMATS``; the command's options and help follow from it.

A format describes the files of an export; the caller opens them (``output_file``), so that each appears complete or not at all.
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
    """A file to be written by an export."""

    name: str
    """Name of its content, valid in a file name and unique within the export."""
    write: Callable[[Write], None]
    """Writes the file from beginning to end, through the function that it is given."""
    words: str = ""
    """Summary for the user, shown after it was written."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs (``--json``)."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of one export."""

    files: tuple[ExportedFile, ...]
    facts: Callable[[], Mapping[str, Any]] = dict
    """Returns facts about the whole export for programs; called after its files were written."""
    note: Callable[[], str] = str
    """Returns a note for the user, or ``""``; called after its files were written."""


class Format(ABC):
    """Base class of the export formats."""

    name: ClassVar[str]
    """Value of ``--to``."""
    suffix: ClassVar[str]
    """Suffix of its files, with the dot."""
    help: ClassVar[str]
    """Clause in the command's help."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Values of ``--what``, the default first; empty if the format has only one."""
    several: ClassVar[frozenset[str]] = frozenset()
    """Parts that consist of several files, which go into a folder."""
    is_text: ClassVar[bool] = False
    """True if it is written to stdout without ``-o``."""

    @abstractmethod
    def export(self, log: EventLog, part: str) -> Exported:
        """Return the files for a part of a recording.

        Raises:
            ExportError: the recording contains no such data.
        """


class WavFormat(Format):
    """The audio as WAV files."""

    name = "wav"
    suffix = ".wav"
    help = (
        "wav (--what stereo: user left, assistant right, the default; heard: the same, without interrupted audio; "
        "user or assistant: one side, back to back; items: one file per item)"
    )
    parts = ("stereo", "heard", "user", "assistant", "items")
    several = frozenset({"items"})

    def export(self, log: EventLog, part: str) -> Exported:
        """Return one file, or one per item."""
        # Imported here, because they import numpy, which the other commands do not need.
        from inspector.export.log_sound import LogSound
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
            words = f"{count:,} audio deltas are not valid base64 and were replaced by silence"
            return words if count else ""

        files = tuple(file(plan) for plan in plans(sound, part))
        return Exported(files, lambda: {"damaged_pieces": len(sound.damaged_rows)}, damage)


class TextFormat(Format):
    """The conversation as a readable transcript."""

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
"""All formats, in the order of the command's help."""
