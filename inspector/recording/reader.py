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

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.errors import RecordingError
from inspector.recording.format import (
    FORMAT_NAME,
    Header,
    Shape,
    is_whole,
    parse,
    parse_header,
    shape_of,
)

READ_BYTES = 1 << 18
SNIFFED_BYTES = 1 << 16
"""How far into a foreign file its first event must start."""
_UNKNOWN_HEADER = Header(started_at="", source="import")
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
        self.shape = Shape.BARE
        try:
            self.header, self.shape, self.start = self._sniff()
        except BaseException:
            os.close(self.fd)
            raise
        self._last_t_ns = 0

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
        event = parse(line, row, self.shape)
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
            event = parse(line, len(log), self.shape, self._last_t_ns)
            self._last_t_ns = event.t_ns
            log.append(event, offset, len(line))
            position = offset + len(line) + 1
        if self.shape is not Shape.OURS:
            log.has_times = self._last_t_ns > 0
        return position

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

    def _sniff(self) -> tuple[Header, Shape, int]:
        head = self._part(SNIFFED_BYTES, 0)
        skipped = len(head) - len(head.removeprefix(BOM_UTF8))
        first, newline, _ = head[skipped:].partition(b"\n")
        header = parse_header(first)
        if header is not None:
            return header, Shape.OURS, skipped + len(first) + 1
        if not newline and _is_torn_header(head):
            return TORN_HEADER, Shape.OURS, len(head)
        position = skipped
        for line in head[skipped:].split(b"\n"):
            if line.strip():
                shape = shape_of(line) or (
                    self._shape_of_long_line(position)
                    if position + len(line) == len(head) and line.lstrip().startswith(b"{")
                    else None
                )
                if shape is None:
                    break
                return _UNKNOWN_HEADER, shape, position
            position += len(line) + 1
        raise RecordingError(
            f"{self.path} is not a recording",
            code="not_a_recording",
            hint='expected JSON lines: a recording of Realtime Inspector, {"dir":…,"event":{…}}, or bare events {"type":…}',
        )

    def _shape_of_long_line(self, position: int) -> Shape | None:
        for _, line in self.lines(position, position + 1):
            return shape_of(line)
        return None


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
