"""YamlImporter: events as YAML, as test cassettes keep them: documents, or the elements of a list.

A document is not loaded as a whole: a list of thousands of messages is split at its elements, each of which is then read by PyYAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import yaml

from inspector.core.codec import decode
from inspector.importing.elision import is_elided
from inspector.importing.found import Found, FoundFrame, ImportNotes
from inspector.importing.moments import UnreadTime, keyed_time
from inspector.importing.records import NO_TAGS, Inner, described, inner_payloads, is_event
from inspector.importing.source_file import SourceFile
from inspector.importing.text import BLOCK, MOST_EVENT, Blocks, TextScan
from inspector.recording.foreign_times import OWN_TIMES
from inspector.spec.events import EVENT_TYPES

_TYPE = re.compile(rb"^[ \t]*(?:- )?type:[ \t]+[\"']?([a-z_.]+)[\"']?[ \t]*\r?$", re.MULTILINE)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAMES = (".yaml", ".yml")
_ELEMENT = re.compile(rb"^( *)- ")
MOST_WHOLE = 1 << 18
"""A larger document is split at the elements of its outermost list."""
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
        for line, part in _parts(source):
            try:
                for offset, record in _records(part.decode("utf-8", "replace")):
                    yield from _events(record, line + offset, notes)
            except UNREADABLE:
                if (known := _TYPE.search(part)) and known.group(1).decode() in EVENT_TYPES:
                    notes.lose(line)


UNREADABLE = (yaml.YAMLError, ValueError, RecursionError, OverflowError)


def _records(text: str) -> Iterator[tuple[int, Any]]:
    """Yield the records of a document, each with the number of lines before it."""
    loader = _LOADER(text)
    try:
        while loader.check_node():
            for node in _nodes(loader.get_node()):
                if _is_bounded(node):
                    yield node.start_mark.line, loader.construct_document(node)
    finally:
        loader.dispose()


def _nodes(node: Any) -> Iterator[Any]:
    """Yield the nodes of records: a mapping that is an event, or else the mappings in its lists."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _nodes(each)
    elif isinstance(node, yaml.MappingNode):
        lists = [value for _, value in node.value if _holds_mappings(value)]
        if lists and not _names_event(node):
            for each in lists:
                yield from _nodes(each)
        else:
            yield node


def _holds_mappings(node: Any) -> bool:
    return isinstance(node, yaml.SequenceNode) and any(
        isinstance(each, yaml.MappingNode) for each in node.value
    )


def _names_event(node: Any) -> bool:
    return any(
        key.value == "type" and value.value in EVENT_TYPES
        for key, value in node.value
        if isinstance(value, yaml.ScalarNode)
    )


def _is_bounded(node: Any) -> bool:
    """Return whether a node has a bounded number of parts, aliases counted as often as they are used."""
    waiting, count = [node], 0
    while waiting:
        one = waiting.pop()
        count += 1
        if count > MOST_NODES:
            return False
        if isinstance(one, yaml.MappingNode):
            waiting += [part for pair in one.value for part in pair]
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value
    return True


def _events(record: Any, line: int, notes: ImportNotes) -> Iterator[FoundFrame]:
    if not isinstance(record, dict):
        return
    if is_event(record):
        yield from _frame(Inner((), record, NO_TAGS), line, notes)
        return
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


def _parts(source: SourceFile) -> Iterator[tuple[int, bytes]]:
    """Yield the elements of the outermost list, or the documents, each with the number of its first line."""
    part: list[bytes] = []
    size, begun = 0, 1
    indent: bytes | None = None
    for line, each in enumerate(_lines(source), 1):
        is_document = each.startswith(b"---")
        element = _ELEMENT.match(each) if not is_document else None
        if element is not None and indent is None:
            indent = element.group(1)
        is_element = element is not None and element.group(1) == indent
        if is_document or (is_element and size > MOST_WHOLE) or size > MOST_EVENT:
            yield begun, b"".join(part)
            part, size, begun = [], 0, line
        if is_document:
            indent, begun = None, line + 1
            continue
        part.append(each)
        size += len(each)
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
