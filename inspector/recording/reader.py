"""RecordingReader: detects the shape of a file, indexes its lines in order, and reads them back.

The file is never loaded as a whole: rows are indexed by ``index_rows`` (small files, and the first screen of a large one) or by
the bulk scanner (``recording.scan``), and read back with ``pread``.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from inspector.analysis.sanitize import sanitized
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.errors import RecordingError
from inspector.recording.contents import contents, has_known_type
from inspector.recording.foreign_times import ForeignTimes
from inspector.recording.format import (
    FORMAT_NAME,
    FileShape,
    Header,
    has_event,
    is_whole,
    parse,
    parse_header,
    shape_of,
)

READ_BYTES = 1 << 18
"""Bytes read at a time."""
SNIFFED_BYTES = 1 << 16
"""Bytes within which the first event of a foreign file must begin."""
NOT_A_RECORDING = "not_a_recording"
"""Code of the error for a file whose shape cannot be read directly; it may be possible to import it."""
TAIL_BYTES = 1 << 20
"""End of a file that is searched for its last event."""
TORN_HEADER = Header(started_at="", source="")
"""Header of a recording whose writer was interrupted within its first line."""


class RecordingReader:
    """A recording that is open for reading; also the ``RowStore`` and ``RowDecoder`` of its log."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            RecordingError: the file does not exist, cannot be read, is a directory, is not a recording, or has an unknown version.
        """
        self.path = path
        self.fd = _open(path)
        """Descriptor of the open file; -1 once it is closed."""
        self.shape = FileShape.BARE
        self.times = ForeignTimes()
        """Reader of a foreign file's times."""
        self.source_lines: Sequence[int] = ()
        """For a recording that was imported: the line of the user's file for each row, 0 if unknown; empty for all others."""
        try:
            self.header, self.shape, self.start = self._sniff()
        except BaseException:
            os.close(self.fd)
            raise
        self._unread: list[tuple[int, str]] = []
        """Offset of each line whose time cannot be used, with the reason."""
        self._runs_back_at = -1
        """Offset of the first line with an earlier time than a line before it; -1 if there is no such line so far."""
        self._latest_ns: int | None = None
        self._noted = -1
        """Offset of the last line whose time was looked at: a file that is read twice is not noted twice."""

    @property
    def size(self) -> int:
        """Return the file's size in bytes now."""
        return os.fstat(self.fd).st_size

    def new_log(self) -> EventLog:
        """Return an empty log that reads its rows back from this file."""
        return EventLog(self, self.decode)

    def read(self, offset: int, length: int) -> bytes:
        """Return a line; fewer bytes if the file has shrunk, none if it cannot be read."""
        try:
            return os.pread(self.fd, length, offset)
        except OSError:
            return b""  # shown as a torn line, in the row; a bad sector must not end the program

    def decode(self, line: bytes, row: int) -> Event:
        """Return a line's event, numbered by its row; the ``seq`` in the file is ignored, as views rely on ``seq == row + 1``."""
        event = parse(line, row, self.shape, self.times)
        return event if event.seq == row + 1 else replace(event, seq=row + 1)

    def lines(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield ``(offset, line)`` of every non-blank line that starts in ``[start, end)`` and ends with a newline.

        A last line without a newline is yielded only if it is complete (a foreign file may lack the newline).

        Raises:
            RecordingError: the file cannot be read.
        """
        # Not mmap: access to a mapped file that was truncated raises SIGBUS, which ends the process.
        base, text, at, is_at_end = start, b"", 0, False
        while base + at < end:
            newline = text.find(b"\n", at)
            while newline < 0 and not is_at_end:
                searched = len(text) - at
                more = self.part(max(READ_BYTES, searched), base + len(text))
                base, text, at, is_at_end = base + at, text[at:] + more, 0, not more
                newline = text.find(b"\n", searched)
            line = text[at:newline] if newline >= 0 else text[at:]
            if line.strip() and (newline >= 0 or is_whole(line, self.shape)):
                yield base + at, line
            if newline < 0:
                return
            at = newline + 1

    def index_rows(self, log: EventLog, start: int, end: int) -> int:
        """Append the events of ``[start, end)`` to ``log``; return the offset at which to continue."""
        position = start
        for offset, line in self.lines(start, end):
            log.append(self.first_reading(line, len(log), offset), offset, len(line))
            position = offset + len(line) + 1
        return position

    def events(self) -> Iterator[Event]:
        """Yield the events of the whole file, in order."""
        for row, (offset, line) in enumerate(self.lines(self.start, self.size)):
            yield self.first_reading(line, row, offset)

    def time_notes(self) -> list[str]:
        """Return notes for the user about a foreign file's times, as far as it was read."""
        notes = []
        if self._unread:
            offset, why = self._unread[0]
            count, line = len(self._unread), self._line_number(offset)
            subject = "a time was" if count == 1 else f"the times of {count:,} lines were"
            first = "on" if count == 1 else "first on"
            notes.append(f"{subject} ignored, {first} line {line:,}: {sanitized(why)}")
        if self._runs_back_at >= 0:
            line = self._line_number(self._runs_back_at)
            notes.append(
                f"times run backwards, first on line {line:,}; events keep the order of the lines"
            )
        return notes

    def first_reading(self, line: bytes, row: int, offset: int) -> Event:
        """Return the event of a line that is read for the first time, in the file's order, and record a problem with its time."""
        if self.shape is FileShape.OURS:
            return parse(line, row)
        if offset <= self._noted:
            return self.decode(line, row)
        self._noted = offset
        self.times.problem = ""
        event = parse(line, row, self.shape, self.times)
        if self.times.problem:
            self._unread.append((offset, self.times.problem))
        if event.t_ns is not None:
            if self._latest_ns is None or event.t_ns >= self._latest_ns:
                self._latest_ns = event.t_ns
            elif self._runs_back_at < 0:
                self._runs_back_at = offset
        return event

    def _line_number(self, offset: int) -> int:
        """Return the number of the line that begins at an offset, from 1."""
        count, position = 1, 0
        while position < offset:
            part = os.pread(self.fd, min(READ_BYTES, offset - position), position)
            if not part:
                break
            count += part.count(b"\n")
            position += len(part)
        return count

    def torn_tail(self) -> bytes:
        """Return the incomplete last line of the file; ``b""`` if the last line is complete."""
        size = self.size
        if not size:
            return b""
        parts: list[bytes] = []
        position = size
        first = self.start if self.header is not TORN_HEADER else 0
        # Read backwards: the last line may be a few bytes or many megabytes.
        while position > first:
            step = min(1 << 16, position - first)
            position -= step
            _, newline, part = self.part(step, position).rpartition(b"\n")
            parts.append(part)
            if newline:
                break
        last = b"".join(reversed(parts))
        return b"" if not last.strip() or is_whole(last, self.shape) else last

    def is_replaced(self) -> bool:
        """Return whether the path now leads to another file, or to none."""
        ours = os.fstat(self.fd)
        try:
            there = self.path.stat()
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def last_t_us(self) -> int | None:
        """Return the time of the last event, searched in the end of the file only; None if it is not known.

        Raises:
            RecordingError: the disk does not give the bytes.
        """
        size = self.size
        start = max(self.start, size - TAIL_BYTES)
        lines = self.part(size - start, start).split(b"\n")
        # The first line is cut off, unless it is the file's own.
        for line in reversed(lines[start > self.start :]):
            if line.strip():
                event = self.decode(line, 0)
                if event.problem is None and event.t_ns is not None:
                    return event.t_ns // 1000
        return None

    def close(self) -> None:
        """Close the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def part(self, size: int, offset: int) -> bytes:
        """Return bytes of the file, fewer at its end.

        Raises:
            RecordingError: the disk does not give them.
        """
        try:
            return os.pread(self.fd, size, offset)
        except OSError as error:
            raise RecordingError(
                f"cannot read {self.path} from byte {offset:,} on: {error.strerror}",
                code="cannot_read",
                hint="copy the readable part to another disk and open the copy",
            ) from error

    def _sniff(self) -> tuple[Header, FileShape, int]:
        head = self.part(SNIFFED_BYTES, 0)
        skipped = len(head) - len(head.removeprefix(BOM_UTF8))
        first, newline, _ = head[skipped:].partition(b"\n")
        header = parse_header(first)
        if header is not None:
            return header, FileShape.OURS, skipped + len(first) + 1
        if not newline and _is_torn_header(head):
            return TORN_HEADER, FileShape.OURS, len(head)
        begin = self._first_event(head, skipped)
        if begin is not None:
            shape, position = begin
            # Parsed only to set the origin of the file's times to that of its first event.
            line = head[position:].partition(b"\n")[0]
            parse(line if shape_of(line) else self._line_at(position), 0, shape, self.times)
            return Header(self.times.started_at, source="import"), shape, position
        seen = contents(head[skipped:])
        raise RecordingError(
            f"{self.path} is not a recording{': ' * bool(seen)}{seen}",
            code=NOT_A_RECORDING,
            hint='expected JSON lines: a recording of Realtime Inspector, {"dir":…,"event":{…}}, or bare events {"type":…}',
        )

    def _first_event(self, head: bytes, skipped: int) -> tuple[FileShape, int] | None:
        """Return the shape of a foreign file and the offset of its first event; None if it contains no events.

        Bare events are accepted only if at least one has a known type, because many other programs write JSON lines with a ``type``.
        """
        begin, position = None, skipped
        for line in head[skipped:].split(b"\n"):
            if line.strip():
                is_cut = position + len(line) == len(head) and line.lstrip().startswith(b"{")
                whole = self._line_at(position) if is_cut and shape_of(line) is None else line
                shape = shape_of(whole)
                if begin is None and shape is None:
                    return None
                begin = position if begin is None else begin
                if shape is FileShape.TAGGED and not has_event(whole):
                    return (
                        None  # directions in other words, or events in strings: it can be imported
                    )
                if shape is FileShape.TAGGED or (shape is FileShape.BARE and has_known_type(whole)):
                    return shape, begin
            position += len(line) + 1
        return None

    def _line_at(self, position: int) -> bytes:
        """Return a line that extends beyond ``SNIFFED_BYTES``."""
        return next((line for _, line in self.lines(position, position + 1)), b"")


def _is_torn_header(head: bytes) -> bool:
    """Return whether a file without a complete line can be the beginning of a recording."""
    start = f'{{"format":"{FORMAT_NAME}"'.encode()
    return head[: len(start)] == start[: len(head)]


def _open(path: Path) -> int:
    hint = "give the path of a recording, or of a file to import; inspector paths prints the folder of recordings"
    # O_NONBLOCK, because opening a FIFO for reading would otherwise wait for a writer.
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise RecordingError(
            f"cannot open {path}: {error.strerror}", code="cannot_open", hint=hint
        ) from error
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        if stat.S_ISFIFO(mode):
            kind = "a pipe"
            hint = "save it to a file first; only inspector cat - reads its standard input"
        else:
            kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise RecordingError(f"{path} is {kind}", code="cannot_open", hint=hint)
    return fd
