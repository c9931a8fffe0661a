"""The recordings that a command is given, opened one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from inspector.cli.listing import opened
from inspector.cli.printing import flush, say
from inspector.errors import InspectorError, RecordingError
from inspector.recording.format import FileShape
from inspector.recording.reader import RecordingReader

STDIN = "-"


def each_recording(files: Sequence[str]) -> Iterator[tuple[str, RecordingReader]]:
    """Yield (name, recording); report unreadable files and continue with the others.

    Raises:
        RecordingError: after the last, where one could not be read.
    """
    failure: InspectorError | None = None
    for file in files:
        try:
            with opened(None if file == STDIN else Path(file)) as reader:
                yield file, reader
        except RecordingError as error:
            if failure is not None:
                say(f"{failure.message}")
            failure = error
    if failure is not None:
        flush()
        raise failure


def file_notes(reader: RecordingReader) -> Iterator[str]:
    """Yield the notes on a file that every command prints."""
    if not reader.size:
        yield "the file is empty"
    if reader.torn_tail():
        yield "the last line is torn; the recording was cut off there"
    yield from reader.time_notes()
    if reader.shape is FileShape.BARE:
        yield "the file does not say who sent what; directions are inferred from the types"
