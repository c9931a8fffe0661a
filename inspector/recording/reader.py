"""Opening a file as a recording: what shape it has, its rows one by one, and reading them back.

Nothing here loads the file: rows are indexed in order by ``index_rows`` (small files, and the first screen of a large
one) or by the bulk scanner (``recording.scan``), and read back with ``pread``.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator
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
    is_whole,
    parse,
    parse_header,
    shape_of,
)

READ_BYTES = 1 << 18
SNIFFED_BYTES = 1 << 16
"""How far into a foreign file its first event must start."""
TORN_HEADER = Header(started_at="", source="")
"""Of a recording whose writer ended within its first line."""


class RecordingReader:
    """A recording opened for reading; the ``RowStore`` and ``RowDecoder`` of its log."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            RecordingError: no such file, a directory, not readable, not a recording, or of an unknown version.
        """
        self.path = path
        self.fd = _open(path)
        """The open file; -1 once it is closed."""
        self.shape = FileShape.BARE
        self.times = ForeignTimes()
        """Of a foreign file, as far as it was read."""
        try:
            self.header, self.shape, self.start = self._sniff()
        except BaseException:
            os.close(self.fd)
            raise
        self._unread: list[tuple[int, str]] = []
        """Offsets of the lines whose time cannot be used, and why not."""
        self._runs_back_at = -1
        """Offset of the first line that says an earlier time than one before it; -1 where none does so far."""
        self._latest_ns: int | None = None

    @property
    def size(self) -> int:
        """Return the file's size in bytes now."""
        return os.fstat(self.fd).st_size

    def new_log(self) -> EventLog:
        """Return an empty log whose rows are read back from this file."""
        return EventLog(self, self.decode)

    def read(self, offset: int, length: int) -> bytes:
        """Return a line; fewer bytes where the file has shrunk, or cannot be read."""
        try:
            return os.pread(self.fd, length, offset)
        except (
            OSError
        ):  # a line that cannot be read is shown as one, like what stood where the file has shrunk
            return b""

    def decode(self, line: bytes, row: int) -> Event:
        """Read a line back as an event, numbered by its row whatever the file says."""
        event = parse(line, row, self.shape, self.times)
        return event if event.seq == row + 1 else replace(event, seq=row + 1)

    def lines(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield ``(offset, line)`` of every non-blank line that starts in ``[start, end)`` and ends with a newline.

        A last line without a newline is yielded only if it is whole (a foreign file may lack the newline).

        Raises:
            RecordingError: the disk does not give it.
        """
        # Read, not mapped: a mapped file that becomes shorter ends the whole program.
        base, text, at, is_at_end = start, b"", 0, False
        while base + at < end:
            newline = text.find(b"\n", at)
            while newline < 0 and not is_at_end:
                searched = len(text) - at
                more = self._part(max(READ_BYTES, searched), base + len(text))
                base, text, at, is_at_end = base + at, text[at:] + more, 0, not more
                newline = text.find(b"\n", searched)
            line = text[at:newline] if newline >= 0 else text[at:]
            if line.strip() and (newline >= 0 or is_whole(line, self.shape)):
                yield base + at, line
            if newline < 0:
                return
            at = newline + 1

    def index_rows(self, log: EventLog, start: int, end: int) -> int:
        """Append the events of ``[start, end)`` to ``log``; return the offset where indexing may go on."""
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
        """Return what there is to say of a foreign file's times, as far as it was read."""
        notes = []
        if self._unread:
            offset, why = self._unread[0]
            count, line = len(self._unread), self._line_number(offset)
            whose = "a time is" if count == 1 else f"the times of {count:,} lines are"
            first = "on" if count == 1 else "first on"
            notes.append(f"{whose} left out, {first} line {line:,}: {sanitized(why)}")
        if self._runs_back_at >= 0:
            line = self._line_number(self._runs_back_at)
            notes.append(
                f"times run back, first on line {line:,}; events stand in the order of the lines"
            )
        return notes

    def first_reading(self, line: bytes, row: int, offset: int) -> Event:
        """Read a line for the first time, in the file's order, and note what is wrong with its time."""
        if self.shape is FileShape.OURS:
            return parse(line, row)
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
        """Return the torn last line of the file, ``b""`` where it ends well."""
        size = self.size
        if not size:
            return b""
        parts: list[bytes] = []
        position = size
        first = self.start if self.header is not TORN_HEADER else 0
        while position > first:
            step = min(1 << 16, position - first)
            position -= step
            _, newline, part = self._part(step, position).rpartition(b"\n")
            parts.append(part)
            if newline:
                break
        last = b"".join(reversed(parts))
        return b"" if not last.strip() or is_whole(last, self.shape) else last

    def is_replaced(self) -> bool:
        """Tell whether another file, or none, stands at the path now."""
        ours = os.fstat(self.fd)
        try:
            there = self.path.stat()
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def close(self) -> None:
        """Let go of the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _part(self, size: int, offset: int) -> bytes:
        try:
            return os.pread(self.fd, size, offset)
        except OSError as error:
            raise RecordingError(
                f"cannot read {self.path} from byte {offset:,} on: {error.strerror}",
                code="cannot_read",
                hint="copy what can be read of it to another disk, and open that",
            ) from error

    def _sniff(self) -> tuple[Header, FileShape, int]:
        head = self._part(SNIFFED_BYTES, 0)
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
            # Its times, if it has any, count from here.
            line = head[position:].partition(b"\n")[0]
            parse(line if shape_of(line) else self._line_at(position), 0, shape, self.times)
            return Header(self.times.started_at, source="import"), shape, position
        seen = contents(head[skipped:])
        raise RecordingError(
            f"{self.path} is not a recording{': ' * bool(seen)}{seen}",
            code="not_a_recording",
            hint='expected JSON lines: a recording of Realtime Inspector, {"dir":…,"event":{…}}, or bare events {"type":…}',
        )

    def _first_event(self, head: bytes, skipped: int) -> tuple[FileShape, int] | None:
        """Return the shape of a foreign file and where its first event begins; None where it holds none.

        Bare events are ones only if the program knows the type of any: JSON lines with a ``type`` are of many trades.
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
                if shape is FileShape.TAGGED or (shape is FileShape.BARE and has_known_type(whole)):
                    return shape, begin
            position += len(line) + 1
        return None

    def _line_at(self, position: int) -> bytes:
        """Return a line that is longer than what was read of the file."""
        return next((line for _, line in self.lines(position, position + 1)), b"")


def _is_torn_header(head: bytes) -> bool:
    """Tell whether a file that has no whole line yet can be the beginning of a recording of ours."""
    start = f'{{"format":"{FORMAT_NAME}"'.encode()
    return head[: len(start)] == start[: len(head)]


def _open(path: Path) -> int:
    hint = "give the path of a JSONL file; inspector paths prints where recordings are kept"
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
            what = "a pipe"
            hint = "inspector cat - reads its standard input; for all else save it to a file first"
        else:
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise RecordingError(f"{path} is {what}", code="cannot_open", hint=hint)
    return fd
