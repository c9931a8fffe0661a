"""YamlImporter: events as YAML, as test cassettes keep them: documents, or the elements of a list.

A document is not loaded as a whole: a list of thousands of messages is split at its elements, each of which is then read by PyYAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.importing.elision import is_elided
from inspector.importing.found import Found, FoundFrame, ImportNotes
from inspector.importing.moments import UnreadTime, keyed_time
from inspector.importing.records import NO_TAGS, Inner, described, inner_payloads, is_event
from inspector.importing.source_file import SourceFile
from inspector.importing.text import BLOCK, MOST_EVENT, Blocks, TextScan
from inspector.recording.foreign_times import OWN_TIMES
from inspector.spec.events import EVENT_TYPES

_TYPE = re.compile(
    rb"^[ \t]*(?:- )?[\"']?type[\"']?:[ \t]+[\"']?([a-z_.]+)[\"']?[ \t]*\r?$", re.MULTILINE
)
_NAMES = (".yaml", ".yml")
_ELEMENT = re.compile(rb"^( *)- ")
MOST_NODES = 200_000
"""Values of one element, aliases counted as often as they are used: a few lines of aliases can mean a billion values."""


class YamlImporter:
    """Reader of YAML."""

    name = "YAML"

    def recognises(self, head: bytes, name: str) -> bool:
        """Return whether a file is YAML with events in it."""
        if head.lstrip()[:1] in (b"{", b"["):
            return False
        types = {found.decode() for found in _TYPE.findall(head)}
        return bool(types & EVENT_TYPES.keys()) or (
            name.lower().endswith(_NAMES) and b"type" in head and b": " in head
        )

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield the events of the documents and lists."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for line, part in _parts(source):
            try:
                value = yaml.load(part.decode("utf-8", "replace"), Loader=loader)  # noqa: S506 - a safe loader
            except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
                if (known := _TYPE.search(part)) and known.group(1).decode() in EVENT_TYPES:
                    notes.lose(line)
                continue
            yield from _events(value, line, notes)


def _events(value: Any, line: int, notes: ImportNotes) -> Iterator[FoundFrame]:
    if not _is_bounded(value):
        notes.lose(line)
        return
    for record in value if isinstance(value, list) else [value]:
        if not isinstance(record, dict):
            continue
        if is_event(record):
            yield from _frame(Inner((), record, NO_TAGS), line, notes)
            continue
        payloads, _ = inner_payloads(record)
        events = [inner for inner in payloads if not isinstance(inner.payload, str)] or payloads
        if not events:
            notes.skip(described({str(key): each for key, each in record.items()}))
        for inner in events:
            yield from _frame(inner, line, notes)


def _frame(inner: Inner, line: int, notes: ImportNotes) -> Iterator[FoundFrame]:
    payload, tags = inner.payload, inner.tags
    direction, is_absolute = tags.direction or (None, False)
    if isinstance(payload, str):
        text = Blocks(payload.encode("utf-8", "replace"))
        frames = list(TextScan(text, notes).found())
    else:
        frame = _rendered(payload, line)
        if frame is None:
            notes.lose(line)
            return
        frames = [frame]
    for frame in frames:
        time = tags.time or keyed_time(frame.body or {}, OWN_TIMES.get(frame.type, ()))
        if isinstance(time, UnreadTime):
            notes.unread_times += 1
            time = None
        frame.line, frame.time = line, time or frame.time
        if direction is not None:
            frame.direction, frame.is_absolute = direction, is_absolute
        yield frame


def _rendered(payload: Mapping[str, Any], line: int) -> FoundFrame | None:
    """Return an event as JSON; dates, which YAML reads from plain text, become ISO 8601."""
    try:
        data = orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        return None
    name, body, _ = decode(data)
    return FoundFrame(
        data, name, body, line, is_elided=body is not None and is_elided(name, body, data)
    )


def _is_bounded(value: Any) -> bool:
    """Return whether a value has a bounded number of parts, aliases counted as often as they are used."""
    waiting, count = [value], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > MOST_NODES:
            return False
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return True


def _parts(source: SourceFile) -> Iterator[tuple[int, bytes]]:
    """Yield the elements of the outermost list, or the documents, each with the number of its first line."""
    part: list[bytes] = []
    size, line, begun = 0, 0, 1
    indent: bytes | None = None
    for each in _lines(source):
        line += 1
        is_document = each.startswith(b"---")
        element = _ELEMENT.match(each) if not is_document else None
        if element is not None and indent is None:
            indent = element.group(1)
        is_new = is_document or (element is not None and element.group(1) == indent)
        if is_new or size > MOST_EVENT:
            if part:
                yield begun, b"".join(part)
            part, size, begun = [], 0, line
        if is_document:
            indent = None
            continue
        part.append(each)
        size += len(each)
    if part:
        yield begun, b"".join(part)


def _lines(source: SourceFile) -> Iterator[bytes]:
    offset, rest = source.start, b""
    while True:
        block, after = source.text(offset, BLOCK)
        if after == offset:
            break
        offset = after
        *whole, rest = (rest + block.replace(b"\0", b"")).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
