"""FlowsImporter: WebSockets in the flow files of mitmproxy.

A flow file is a sequence of tnetstrings (https://tnetstrings.info), ``LENGTH:DATA TYPE``, as mitmproxy documents it. Reading it takes
fewer lines than mitmproxy's own library takes dependencies (more than forty, most of them pinned), and that library loads a flow as
a whole, while here one message is in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from inspector.core.dialect_evidence import dialect_of_url
from inspector.core.event import Direction
from inspector.importing.found import (
    Found,
    FoundClosing,
    FoundFrame,
    FoundOpening,
    FrameOpcode,
    ImportNotes,
)
from inspector.importing.har import plain_address, text_frame
from inspector.importing.moments import value_time
from inspector.importing.records import is_event
from inspector.importing.source_file import SourceFile
from inspector.importing.text import MOST_EVENT

_BEGIN = re.compile(
    rb"\d{1,12}:\d{1,3}:(?:websocket|response|request|client_conn|server_conn|error|id|type|version|marked|metadata|intercepted|is_replay"
    rb"|modified|comment|timestamp_created|backup)[;,]"
)
_HEAD = re.compile(rb"(\d{1,12}):")
HEAD_BYTES = 13
MAX_LEVELS = 20
LOOKED_AT = 50
"""Messages of a socket by which it is recognised."""
AHEAD = 1 << 16
_SIDES = {True: Direction.CLIENT, False: Direction.SERVER}
"""``from_client`` to direction."""


class FlowsImporter:
    """Reader of mitmproxy's flow files."""

    name = "mitmproxy flows"

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the protocol
        """Return whether a file holds flows."""
        return _BEGIN.match(head) is not None

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield the Realtime sockets of a file, one after the other."""
        notes.nothing = "mitmproxy flows with no WebSocket"
        bytes_ = _Bytes(source)
        at = source.start
        while (flow := bytes_.value_at(at)) is not None:
            yield from _flow(bytes_, flow, notes)
            at = flow.end


class _Value:
    """Where a tnetstring stands."""

    __slots__ = ("begin", "end", "kind", "size")

    def __init__(self, begin: int, size: int, kind: bytes) -> None:
        self.begin = begin
        """Offset of its data."""
        self.size = size
        self.kind = kind
        self.end = begin + size + 1


class _Bytes:
    """A flow file by offset."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._at = 0
        self._ahead = b""

    def part(self, at: int, size: int) -> bytes:
        """Return bytes; a part of the file ahead is kept, as values follow each other."""
        begin = at - self._at
        if begin < 0 or begin + size > len(self._ahead):
            self._ahead = self._source.read(at, max(size, AHEAD))
            self._at, begin = at, 0
        return self._ahead[begin : begin + size]

    def value_at(self, at: int, limit: int | None = None) -> _Value | None:
        """Return where the value at an offset stands; None if there is none, or if it was cut off."""
        found = _HEAD.match(self.part(at, HEAD_BYTES))
        if found is None:
            return None
        begin, size = at + found.end(), int(found.group(1))
        if limit is not None and begin + size + 1 > limit:
            return None
        kind = self._source.read(begin + size, 1) if size > AHEAD else self.part(begin + size, 1)
        if kind not in (b",", b";", b"#", b"^", b"!", b"~", b"]", b"}"):
            # What was cut off is read as far as it goes.
            return _Value(begin, size, b"}") if limit is None and not kind else None
        return _Value(begin, size, kind)

    def items(self, value: _Value) -> Iterator[_Value]:
        """Yield the elements of a list, or keys and values of a dictionary in turn."""
        at, end = value.begin, value.begin + value.size
        while at < end and (each := self.value_at(at, end)) is not None:
            yield each
            at = each.end

    def members(self, value: _Value) -> dict[str, _Value]:
        """Return where the members of a dictionary stand."""
        found, key = {}, None
        for each in self.items(value):
            if key is None:
                key = str(self.load(each))[:100]
            else:
                found[key] = each
                key = None
        return found

    def load(self, value: _Value, level: int = 0) -> Any:
        """Return a value; None if it is too large, too deep or damaged."""
        if value.size > MOST_EVENT or level > MAX_LEVELS:
            return None
        if value.kind == b"]":
            return [self.load(each, level + 1) for each in self.items(value)]
        if value.kind == b"}":
            return {key: self.load(each, level + 1) for key, each in self.members(value).items()}
        data = self.part(value.begin, value.size)
        if value.kind == b";":
            return data.decode("utf-8", "replace")
        if value.kind == b"!":
            return data == b"true"
        if value.kind in (b"#", b"^"):
            try:
                return float(data) if value.kind == b"^" else int(data)
            except ValueError:
                return None
        return data if value.kind == b"," else None


def _flow(file: _Bytes, flow: _Value, notes: ImportNotes) -> Iterator[Found]:
    """Yield the socket of a flow, if it has one."""
    parts = file.members(flow) if flow.kind == b"}" else {}
    socket = parts.get("websocket")
    if socket is None or socket.kind != b"}":
        notes.skip("HTTP flows without a WebSocket")
        return
    facts = file.members(socket)
    request = _loaded(file, parts.get("request"))
    url = _url(request)
    messages = facts.get("messages")
    is_known = bool(dialect_of_url(url)) or "/realtime" in url
    if messages is None or not (is_known or _is_realtime(file, messages)):
        notes.skip(f"another WebSocket ({plain_address(url)})")
        notes.nothing = "mitmproxy flows with no WebSocket of the Realtime API"
        return
    response = _loaded(file, parts.get("response"))
    status = response.get("status_code")
    yield FoundOpening(
        url,
        status if isinstance(status, int) and 0 < status < 1000 else None,
        _headers(request),
        _headers(response),
        value_time(response.get("timestamp_end"), "timestamp"),
    )
    for each in file.items(messages):
        message = file.load(each)
        if isinstance(message, list) and len(message) >= 3:
            if len(message) > 4 and message[4] is True:
                notes.skip("frames that mitmproxy has dropped")
                continue
            yield _frame(message)
    code = file.load(facts["close_code"]) if "close_code" in facts else None
    if isinstance(code, int):
        reason = file.load(facts["close_reason"]) if "close_reason" in facts else ""
        by_client = file.load(facts["closed_by_client"]) if "closed_by_client" in facts else None
        side = _SIDES.get(by_client) if isinstance(by_client, bool) else None
        ended = file.load(facts["timestamp_end"]) if "timestamp_end" in facts else None
        yield FoundClosing(code, str(reason or ""), side, value_time(ended, "timestamp"))


def _is_realtime(file: _Bytes, messages: _Value) -> bool:
    for count, each in enumerate(file.items(messages)):
        if count >= LOOKED_AT:
            break
        message = file.load(each)
        if isinstance(message, list) and len(message) >= 3:
            body = _frame(message).body
            if body is not None and is_event(body):
                return True
    return False


def _frame(message: list[Any]) -> FoundFrame:
    """Return a message ``[opcode, from_client, content, timestamp, …]``."""
    content = message[2]
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    if not isinstance(data, bytes):
        data = b""
    direction = _SIDES.get(message[1]) if isinstance(message[1], bool) else None
    time = value_time(message[3], "timestamp") if len(message) > 3 else None
    if message[0] == FrameOpcode.BINARY:
        return FoundFrame(data, "", None, 0, direction, True, time, is_text=False)
    return text_frame(data, 0, direction, time)


def _loaded(file: _Bytes, value: _Value | None) -> dict[str, Any]:
    loaded = file.load(value) if value is not None else None
    return loaded if isinstance(loaded, dict) else {}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _url(request: dict[str, Any]) -> str:
    if not request:
        return ""
    scheme = "ws" if _text(request.get("scheme")) in ("http", "ws") else "wss"
    host = _text(request.get("authority")) or _text(request.get("host"))
    port = request.get("port")
    usual = {"ws": 80, "wss": 443}[scheme]
    if ":" not in host and isinstance(port, int) and port != usual:
        host = f"{host}:{port}"
    return f"{scheme}://{host}{_text(request.get('path'))}"


def _headers(message: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = message.get("headers")
    if not isinstance(pairs, list):
        return []
    return [
        (_text(pair[0]), _text(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) >= 2
    ]
