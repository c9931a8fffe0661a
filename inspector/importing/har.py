"""HarImporter: WebSockets in HAR files of Chrome, Firefox, mitmproxy and others, as ``_webSocketMessages`` of an entry.

The file is not parsed as a whole: it is searched for the lists of messages, and each is read message by message. The handshake
stands in the same entry, before the list or behind it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.core.dialect_evidence import dialect_of_url
from inspector.core.event import Direction
from inspector.core.read import Body, int_at, object_at, objects_at, text_at
from inspector.importing.directions import said_direction
from inspector.importing.elision import gist, is_elided
from inspector.importing.found import (
    Found,
    FoundClosing,
    FoundFrame,
    FoundOpening,
    FrameOpcode,
    ImportNotes,
)
from inspector.importing.moments import FoundTime, value_time
from inspector.importing.records import is_event
from inspector.importing.source_file import SourceFile
from inspector.importing.text import BLOCK, MOST_EVENT
from inspector.importing.text_pieces import scan_json
from inspector.secret import mask_url

_LIST = b'"_webSocketMessages"'
AROUND = 1 << 18
"""Bytes before and behind a list of messages in which its handshake is looked for: cookies may be long."""
SMALL_MESSAGE = 1 << 14
"""Bytes that most messages fit in."""
BACKSLASH = ord("\\")
LOOKED_AT = 200
"""Messages of a socket by which it is recognised."""
MOST_APART_NS = 3600 * 10**9
"""A handshake at a greater distance from the first message was stamped by another clock."""
_CLOSE_CODE = re.compile(r"\b([1-4]\d{3})\b")


class HarImporter:
    """Reader of HAR files."""

    name = "HAR file"

    def recognises(self, head: bytes, name: str) -> bool:
        """Return whether a file is a HAR file."""
        begin = head.lstrip()[:2000]
        return begin.startswith(b"{") and (
            (b'"log"' in begin and (b'"entries"' in head or b'"creator"' in head or _LIST in head))
            or (name.lower().endswith(".har") and b'"' in begin)
        )

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield the Realtime sockets of a file, one after the other."""
        notes.nothing = "a HAR file with no WebSocket messages"
        reader = _Window(source)
        at = source.start
        while (found := reader.find(_LIST, at)) >= 0:
            at = yield from _socket(reader, found, notes)


def _socket(reader: _Window, found: int, notes: ImportNotes) -> Generator[Found, None, int]:
    """Yield one socket; return the offset behind it."""
    begin = reader.find(b"[", found + len(_LIST))
    if begin < 0 or begin > found + len(_LIST) + 100:
        return found + len(_LIST)
    end, is_realtime, first = _looked_through(reader, begin + 1)
    entry = {**_members_before(reader, found), **_members_behind(reader, end)}
    request = object_at(entry, "request")
    url = text_at(request, "url")
    if not (is_realtime or dialect_of_url(url) or "/realtime" in url):
        notes.skip(f"another WebSocket ({plain_address(url) or 'unknown address'})")
        notes.nothing = "a HAR file with no WebSocket of the Realtime API"
        return end
    yield _opening(entry, request, url, first)
    line = reader.line(begin)
    for _, message, lines in _messages(reader, begin + 1):
        each = _found(message, line + lines)
        if each is not None:
            yield each
    return end


def plain_address(url: str) -> str:
    """Return an address without its query and its secrets, shortened."""
    return mask_url(url).partition("?")[0][:80]


def _opening(entry: Body, request: Body, url: str, first: Mapping[str, Any] | None) -> FoundOpening:
    time = value_time(entry.get("startedDateTime"), "startedDateTime")
    begun = value_time(first.get("time"), "time") if first is not None else None
    if time is not None and begun is not None:
        is_apart = time.kind is not begun.kind or abs(time.ns - begun.ns) > MOST_APART_NS
        time = None if is_apart or time.ns > begun.ns else time
    response = object_at(entry, "response")
    return FoundOpening(
        url,
        int_at(response, "status") or None,
        _headers(request),
        _headers(response),
        time if begun is not None else None,
    )


def _headers(message: Body) -> list[tuple[str, str]]:
    return [(text_at(one, "name"), text_at(one, "value")) for one in objects_at(message, "headers")]


def _looked_through(reader: _Window, at: int) -> tuple[int, bool, Mapping[str, Any] | None]:
    """Return the end of a list of messages, whether it holds events of the Realtime API, and its first message."""
    is_realtime, first, end = False, None, at
    for count, (behind, message, _) in enumerate(_messages(reader, at)):
        first, end = first or message, behind
        if count < LOOKED_AT and not is_realtime:
            _, body, _ = decode(text_at(message, "data").encode("utf-8", "replace"))
            is_realtime = body is not None and is_event(body)
    return end, is_realtime, first


def _messages(reader: _Window, at: int) -> Iterator[tuple[int, Mapping[str, Any], int]]:
    """Yield ``(offset behind it, message, lines before it)`` of a list of messages."""
    sign, lines = b"", 0
    while True:
        begin, skipped = reader.next_object(at)
        if begin < 0:
            return
        lines += skipped
        read = reader.object_at(begin, sign)
        if read is None:
            return
        at, message, sign = read
        yield at, message, lines
        lines += reader.lines(begin, at)


def _found(message: Mapping[str, Any], line: int) -> Found | None:
    """Return what a message is; None for pings and for notes of the browser."""
    opcode = int_at(message, "opcode", FrameOpcode.TEXT)
    said = said_direction(message.get("type"))
    time = value_time(message.get("time", message.get("timestamp")), "time")
    text = text_at(message, "data")
    direction = said[0] if said is not None else None
    if opcode == FrameOpcode.CLOSE:
        code = _CLOSE_CODE.search(text)
        return FoundClosing(int(code.group()) if code else None, text, direction, time)
    if opcode == FrameOpcode.BINARY:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data = text.encode("utf-8", "replace")
        return FoundFrame(data, "", None, line, direction, True, time, is_text=False)
    if opcode != FrameOpcode.TEXT:
        return None
    return text_frame(text.encode("utf-8", "replace"), line, direction, time)


def text_frame(
    data: bytes, line: int, direction: Direction | None, time: FoundTime | None
) -> FoundFrame:
    """Return a text frame of a socket, valid JSON or not."""
    name, body, _ = decode(data)
    part = gist(name, body, data)
    is_cut = body is not None and is_elided(name, body, part)
    return FoundFrame(data, name, body, line, direction, True, time, is_cut, gist=part)


def _members_behind(reader: _Window, end: int) -> Body:
    """Return the members of an entry that follow its messages."""
    text = reader.part(end, AROUND)
    close = text.find(b"]")
    if close < 0:
        return {}
    rest = text[close + 1 :].lstrip()
    if not rest.startswith(b","):
        return {}
    try:
        value, _ = scan_json("{" + rest[1:].decode("utf-8", "replace"), 0)
    except (RecursionError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _members_before(reader: _Window, at: int) -> Body:
    """Return the handshake that stands before the messages; it is that of the entry before if this one's follows."""
    text = reader.part(max(0, at - AROUND), min(at, AROUND))
    members = {}
    for name in ("request", "response", "startedDateTime"):
        key = text.rfind(f'"{name}"'.encode())
        if key < 0:
            continue
        rest = text[key + len(name) + 2 :].lstrip()
        if not rest.startswith(b":"):
            continue
        try:
            members[name], _ = scan_json(rest[1:].lstrip().decode("utf-8", "replace"), 0)
        except (RecursionError, ValueError):
            continue
    return members


class _Window:
    """A file by offset, of which the part around the last question is kept."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._begin = 0
        self._text = b""

    def part(self, at: int, size: int) -> bytes:
        """Return bytes at an offset, fewer at the end of the file."""
        self._hold(at, size)
        return self._text[at - self._begin : at - self._begin + size]

    def find(self, needle: bytes, at: int) -> int:
        """Return the offset of the next occurrence; -1 if it does not occur."""
        while True:
            self._hold(at, len(needle))
            found = self._text.find(needle, at - self._begin)
            if found >= 0:
                return self._begin + found
            end = self._begin + len(self._text)
            if not self._source.read(end, 1):
                return -1
            at = max(at, end - len(needle) + 1)
            self._hold(at, BLOCK)

    def next_object(self, at: int) -> tuple[int, int]:
        """Return the offset of the next element of a list and the lines before it; -1 at the end of the list."""
        text = self.part(at, 4096)
        stripped = text.lstrip(b" \t\r\n,")
        if not stripped.startswith(b"{"):
            return -1, 0
        skipped = len(text) - len(stripped)
        return at + skipped, text.count(b"\n", 0, skipped)

    def object_at(self, at: int, sign: bytes) -> tuple[int, Mapping[str, Any], bytes] | None:
        """Return the offset behind an object, the object, and how it ends, which the next one may do, too."""
        size = SMALL_MESSAGE
        while True:
            self._hold(at, size)
            begin = at - self._begin
            stop = self._signed_end(sign, begin) if sign else -1
            if stop >= 0:
                value = _loaded(self._text[begin:stop])
                if value is not None:
                    return self._begin + stop, value, sign
            text = self._text[begin : begin + size]
            try:
                _, stop = scan_json(text.decode("latin-1"), 0)
            except (RecursionError, ValueError):
                if len(text) < size or size >= MOST_EVENT:
                    return None
                size *= 4
                continue
            value = _loaded(text[:stop])
            if value is None:
                return None
            quote = text.rfind(b'"', 0, stop)
            learned = text[quote:stop] if quote >= 0 and b":" not in text[quote:stop] else b""
            return at + stop, value, learned

    def _signed_end(self, sign: bytes, begin: int) -> int:
        """Return the position behind the next sign whose quote is not escaped; -1 if it does not occur."""
        text = self._text
        stop = text.find(sign, begin)
        while stop > 0 and text[stop - 1] == BACKSLASH:
            stop = text.find(sign, stop + 1)
        return stop + len(sign) if stop >= 0 else -1

    def line(self, at: int) -> int:
        """Return the number of the line at an offset, from 1."""
        count = 1
        for begin in range(0, at, BLOCK):
            count += self._source.read(begin, min(BLOCK, at - begin)).count(b"\n")
        return count

    def lines(self, begin: int, end: int) -> int:
        """Return the number of line ends in a part that is still held."""
        return self._text.count(b"\n", max(0, begin - self._begin), end - self._begin)

    def _hold(self, at: int, size: int) -> None:
        end = self._begin + len(self._text)
        if self._begin <= at and at + size <= end:
            return
        kept = self._text[at - self._begin :] if self._begin <= at <= end else b""
        more = self._source.read(at + len(kept), max(size, 2 * BLOCK) - len(kept))
        if more or at < self._begin or at > end:
            self._text = kept + more
            self._begin = at


def _loaded(data: bytes) -> Mapping[str, Any] | None:
    try:
        value = orjson.loads(data)
    except ValueError:
        _, body, _ = decode(data)
        return body
    return value if isinstance(value, dict) else None
