"""TableImporter: CSV and its relatives, where one column holds the events and others their times and directions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from inspector.importing.directions import LabelReader
from inspector.importing.found import Found, FoundFrame, ImportNotes
from inspector.importing.moments import UnreadTime
from inspector.importing.records import may_hold_event, tags_of
from inspector.importing.source_file import SourceFile
from inspector.importing.text import BLOCK, MOST_EVENT, Blocks, TextScan

DELIMITERS = (",", "\t", ";", "|")
MOST_COLUMNS = 200
SNIFFED_ROWS = 20
LONGEST_NAME = 64


class TableImporter:
    """Reader of CSV files whose first row names the columns."""

    name = "CSV table"

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the protocol
        """Return whether a file is a table with events in its cells."""
        text = head.decode("utf-8", "replace")
        delimiter = _delimiter(text.partition("\n")[0])
        if not delimiter:
            return False
        rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
        try:
            names = next(rows, [])
            if not _are_names(names):
                return False
            for _, row in zip(range(SNIFFED_ROWS), rows, strict=False):
                # Two cells at least, or a log with commas in its first line would be taken for a table.
                if 1 < len(row) <= len(names) and any(_is_payload(cell) for cell in row):
                    return True
        except csv.Error:
            return False
        return False

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield the events in the cells, row by row."""
        csv.field_size_limit(MOST_EVENT)  # of the whole process: nothing else here reads CSV
        lines = _lines(source)
        head = next(lines, "")
        delimiter = _delimiter(head) or ","
        names = _names(head, delimiter)
        if not _are_names(names):
            # Named like a table or damaged: its cells may hold events all the same.
            yield from TextScan(source, notes).found()
            return
        labels = LabelReader()
        rows = csv.reader(lines, delimiter=delimiter)
        while True:
            line = rows.line_num + 2
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                notes.lose(line)
                continue
            yield from _events(dict(zip(names, row, strict=False)), line, notes, labels)


def table_words(head: bytes) -> str:
    """Describe a table without events; ``""`` if the file is not a table."""
    lines = head.decode("utf-8", "replace").splitlines()[:2]
    delimiter = _delimiter(lines[0]) if len(lines) == 2 else ""
    names = _names(lines[0], delimiter) if delimiter else []
    if not _are_names(names) or lines[1].count(delimiter) < len(names) - 1:
        return ""
    shown = ", ".join(names[:4])
    return f"a table (CSV) with no column of events (columns: {shown}{', …' * (len(names) > 4)})"


def _events(
    row: Mapping[str, str], line: int, notes: ImportNotes, labels: LabelReader
) -> Iterator[FoundFrame]:
    payloads = [cell for cell in row.values() if _is_payload(cell)]
    if not payloads:
        return
    tags = tags_of({name: cell for name, cell in row.items() if cell not in payloads})
    time = None if isinstance(tags.time, UnreadTime) else tags.time
    notes.unread_times += isinstance(tags.time, UnreadTime)
    said = tags.direction
    for cell in payloads:
        for frame in _frames(cell, notes, labels):
            frame.line = line
            if said is not None:
                frame.direction, frame.is_absolute = said
            elif frame.direction is None and tags.label:
                frame.direction = labels.direction(tags.label)
            frame.time = time or frame.time
            yield frame


def _frames(cell: str, notes: ImportNotes, labels: LabelReader) -> Iterator[FoundFrame]:
    return TextScan(Blocks(cell.strip().encode("utf-8", "replace")), notes, labels).found()


def _is_payload(cell: str) -> bool:
    return "{" in cell and may_hold_event(cell)


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a carriage return within the line
        return []


def _delimiter(line: str) -> str:
    """Return the delimiter of a table by its first line; ``""`` without a delimiter."""
    counts = {each: line.count(each) for each in DELIMITERS}
    best = max(counts, key=lambda each: counts[each])
    return best if counts[best] and "{" not in line else ""


def _are_names(names: list[str]) -> bool:
    plain = [name.strip() for name in names]
    return (
        1 < len(plain) <= MOST_COLUMNS
        and len(set(plain)) == len(plain)
        and all(
            (name and len(name) <= LONGEST_NAME and name[0].isalpha()) or name[:1] in "@_"
            for name in plain
        )
    )


def _lines(source: SourceFile) -> Iterator[str]:
    """Yield the lines of a file with their ends."""
    offset, rest = source.start, b""
    while True:
        block, offset_after = source.text(offset, BLOCK)
        if offset_after == offset:
            break
        offset = offset_after
        *whole, rest = (rest + block.replace(b"\0", b"")).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace") + "\n"
    if rest:
        yield rest.decode("utf-8", "replace")
