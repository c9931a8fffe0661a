"""The recording format, version 1: rendering and parsing of its lines. Pure: bytes in, values out.

A line begins with ``seq, t, dir, origin, type`` in exactly this order (without ``t`` if the time is unknown), so that an indexer
needs only its head, and ends with the frame: under ``event`` verbatim, under ``text`` if the frame cannot be part of a JSON line,
under ``b64`` if it is binary. Two foreign shapes are read, too: ``{"dir"|"direction":…,"event":{…}}`` and bare events, both with
or without a time.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import orjson

from inspector.core.codec import decode, whole_number
from inspector.core.event import DecodeProblem, Direction, Event, Origin
from inspector.errors import RecordingError
from inspector.recording.foreign_times import OWN_TIMES, ForeignTimes
from inspector.spec.events import EVENT_TYPES

FORMAT_NAME = "realtime-session"
FORMAT_VERSION = 1

# Bounded digits: int() of a longer number is slow, or refused. The type may contain escapes; an alternation for each of its characters
# would take as long as the rest of parsing.
_HEAD = re.compile(
    rb'\{"seq":(\d{1,18}),(?:"t":(-?)(\d{1,9})(?:\.(\d+))?,)?"dir":"(client|server|local)","origin":"([a-z]+)",'
    rb'"type":("[^"\\]*(?:\\.[^"\\]*)*"),"(event|text|b64)":'
)
_DIRECTIONS = {one.encode(): one for one in Direction}
_ORIGINS = {one.encode(): one for one in Origin}
_FOREIGN_DIRECTIONS = {
    "client": Direction.CLIENT,
    "out": Direction.CLIENT,
    "outgoing": Direction.CLIENT,
    "sent": Direction.CLIENT,
    "send": Direction.CLIENT,
    "server": Direction.SERVER,
    "in": Direction.SERVER,
    "incoming": Direction.SERVER,
    "received": Direction.SERVER,
    "receive": Direction.SERVER,
    "recv": Direction.SERVER,
    "local": Direction.LOCAL,
}


class FileShape(StrEnum):
    """Shape of a file's lines."""

    OURS = "recording"
    TAGGED = "tagged events"
    BARE = "bare events"


@dataclass(frozen=True, slots=True)
class Header:
    """Line 1 of a recording. Never contains an API key."""

    started_at: str
    """UTC, ISO 8601 with microseconds and ``Z``."""
    source: str
    """``live``, ``proxy``, ``sim`` or ``import``."""
    url: str = ""
    """Address of the server, without secrets."""
    model: str = ""
    """The model requested; ``""`` if none was."""
    inspector: str = ""
    """Version of the program that wrote it."""

    @property
    def day(self) -> date | None:
        """Return the day on which the session began; None if the recording does not say."""
        try:
            return datetime.fromisoformat(self.started_at).date()
        except ValueError:
            return None


def render_header(header: Header) -> bytes:
    """Return line 1, newline included."""
    return orjson.dumps(
        {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "started_at": header.started_at,
            "source": header.source,
            "url": header.url,
            "model": header.model,
            "inspector": header.inspector,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def parse_header(line: bytes) -> Header | None:
    """Parse line 1; return None if the line is not a header (the file may have a foreign shape).

    Raises:
        RecordingError: the header has an unknown format version.
    """
    try:
        data = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT_NAME:
        return None
    if data.get("version") != FORMAT_VERSION:
        raise RecordingError(
            f"format version {data.get('version')!r} is not supported; this program reads version {FORMAT_VERSION}",
            code="unknown_version",
            hint="upgrade to read recordings of a newer version: pip install -U realtime-inspector",
        )
    values = {name: data.get(name) for name in Header.__dataclass_fields__}
    return Header(
        **{name: value if isinstance(value, str) else "" for name, value in values.items()}
    )


def render(event: Event) -> bytes:
    """Return an event's line, newline included, without ``t`` if the time is unknown."""
    return b'{"seq":%d,%b"dir":"%b","origin":"%b","type":%b,%b}\n' % (
        event.seq,
        b"" if event.t_ns is None else _t(event.t_ns),
        event.direction.encode(),
        event.origin.encode(),
        orjson.dumps(event.type),
        _payload(event),
    )


def render_frame(seq: int, t_ns: int | None, direction: Direction, name: str, data: bytes) -> bytes:
    """Return the line of a text frame from the wire that is a JSON object without line breaks, as ``render`` would.

    For imports, which write millions of frames before they are events of a session.
    """
    return b'{"seq":%d,%b"dir":"%b","origin":"wire","type":%b,"event":%b}\n' % (
        seq,
        b"" if t_ns is None else _t(t_ns),
        direction.encode(),
        orjson.dumps(name),
        data,
    )


def _t(t_ns: int) -> bytes:
    if t_ns < 0:
        # Only from a foreign recording whose times run backwards. divmod of a negative number rounds towards minus infinity.
        return b'"t":-%d.%06d,' % divmod(-t_ns // 1000, 1_000_000)
    return b'"t":%d.%06d,' % divmod(t_ns // 1000, 1_000_000)


def _payload(event: Event) -> bytes:
    if not event.is_text:
        return b'"b64":"%b"' % base64.b64encode(event.data)
    # A line must be one JSON object. Lone surrogates are JSON by the grammar. A frame that is not JSON, nests deeper than decoders
    # follow, or contains a raw newline (pretty-printed) becomes a string.
    can_splice = event.problem is None and b"\n" not in event.data and b"\r" not in event.data
    if can_splice:
        return b'"event":' + event.data
    # json, not orjson: orjson refuses the lone surrogates by which surrogateescape keeps invalid bytes.
    return b'"text":' + json.dumps(event.data.decode("utf-8", "surrogateescape")).encode()


def parse(
    line: bytes, row: int, shape: FileShape = FileShape.OURS, times: ForeignTimes | None = None
) -> Event:
    """Parse a line to the event that it was rendered from; never raises.

    A line that is not an event (torn, or foreign bytes) becomes a local event with the problem ``torn_line``.

    Args:
        line: the line, without its newline.
        row: its number, from 0.
        shape: the file's shape.
        times: reader of a foreign file's times; without it a foreign line has no time.
    """
    head = _HEAD.match(line)
    if head is not None and line.endswith(b"}"):
        event = _parse_ours(line, head)
        if event is not None:
            return event
    return _parse_loosely(line, row, shape, times)


def type_ahead(line: bytes) -> str | None:
    """Return the type that a line of this format says in front, without parsing the rest; None for all other lines."""
    head = _HEAD.match(line)
    # The API has no type with an escape.
    return None if head is None or b"\\" in head[7] else head[7][1:-1].decode("utf-8", "replace")


def _parse_ours(line: bytes, head: re.Match[bytes]) -> Event | None:
    seq, sign, whole, fraction, direction, origin, _, kind = head.groups()
    value = line[head.end() : -1]
    data, is_text = value, True
    if kind == b"text":
        text = _json_string(value)
        if text is None:
            return None
        data = _frame_bytes(text)
    elif kind == b"b64":
        try:
            data, is_text = base64.b64decode(value.strip(b'"'), validate=True), False
        except binascii.Error:
            return None
    name, body, problem = decode(data, is_text=is_text)
    if kind == b"event" and problem is not None and problem.code != "too_deep":
        return None
    t_ns = None
    if whole is not None:
        t_ns = int(whole) * 1_000_000_000 + int((fraction or b"0").ljust(9, b"0")[:9])
        t_ns = -t_ns if sign else t_ns
    return Event(
        int(seq),
        t_ns,
        _DIRECTIONS[direction],
        _ORIGINS.get(origin, Origin.WIRE),
        name,
        data,
        is_text,
        body,
        problem,
    )


def is_whole(line: bytes, shape: FileShape) -> bool:
    """Return whether a file's last line is a complete event that only lacks its newline; otherwise its writer was interrupted."""
    problem = parse(line, 0, shape).problem
    return bool(line.strip()) and (problem is None or problem.code != "torn_line")


def _frame_bytes(text: str) -> bytes:
    """Return the frame of a ``text`` line, in which ``_payload`` wrote invalid UTF-8 bytes as surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Surrogates outside the range of surrogateescape, which this program never writes.
        return text.encode("utf-8", "surrogatepass")


def _json_string(value: bytes) -> str | None:
    try:
        text = json.loads(value)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _origin(name: object) -> Origin:
    try:
        return Origin(str(name))
    except ValueError:
        return Origin.WIRE


def _parse_loosely(line: bytes, row: int, shape: FileShape, times: ForeignTimes | None) -> Event:
    name, body, problem = decode(line)
    if body is None:
        why = problem.message if problem is not None else ""
        return _torn(line, row, None, why)
    if shape is FileShape.BARE and not _is_tagged(body):
        # Unknown types are attributed to the server: new events appear there first.
        known = EVENT_TYPES.get(name)
        inferred = Direction(known.direction) if known is not None else Direction.SERVER
        t_ns = times.of(body, OWN_TIMES.get(name, ())) if times is not None else None
        return Event(row + 1, t_ns, inferred, Origin.WIRE, name, line, True, body, None, True)
    direction_name = body.get("dir", body.get("direction"))
    t_ns = _own_t_ns(body) if shape is FileShape.OURS else times.of(body) if times else None
    if direction_name == "close":
        facts = {
            "type": "inspector.closed",
            "code": body.get("code"),
            "reason": body.get("reason"),
            "by": "server",
        }
        return Event(
            row + 1,
            t_ns,
            Direction.LOCAL,
            Origin.WIRE,
            "inspector.closed",
            orjson.dumps(facts),
            True,
            facts,
        )
    direction = _FOREIGN_DIRECTIONS.get(str(direction_name))
    span = _member(line, "event")
    if direction is None or span is None:
        return _torn(line, row, t_ns, "it lacks a known direction or an event")
    data = span.encode()
    name, event_body, problem = decode(data)
    return Event(
        row + 1,
        t_ns,
        direction,
        _origin(body.get("origin", "wire")),
        name,
        data,
        True,
        event_body,
        problem,
    )


def _is_tagged(body: Mapping[str, Any]) -> bool:
    return ("dir" in body or "direction" in body) and (
        "event" in body or body.get("dir") == "close"
    )


def _own_t_ns(body: Mapping[str, Any]) -> int | None:
    """Return the time of a recording's line that was edited by hand; None if it is missing or invalid."""
    t = body.get("t")
    if isinstance(t, int | float) and not isinstance(t, bool) and 0 <= t < 1e9:
        return round(t * 1_000_000) * 1000
    return None


def _torn(line: bytes, row: int, t_ns: int | None, why: str) -> Event:
    problem = DecodeProblem("torn_line", f"this line of the file is not an event: {why}")
    return Event(row + 1, t_ns, Direction.LOCAL, Origin.WIRE, "", line, True, None, problem)


_MEMBER = re.compile(r'[\s,{]*"((?:[^"\\]|\\.)*)"\s*:\s*')
_DECODER = json.JSONDecoder(parse_int=whole_number)


def _member(line: bytes, key: str) -> str | None:
    """Return the verbatim text of a top-level member; decoding and encoding it again would change its bytes."""
    text = line.decode("utf-8", "replace")
    position = 0
    while (found := _MEMBER.match(text, position)) is not None:
        try:
            _, end = _DECODER.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            return None
        if found.group(1) == key:
            return text[found.end() : end]
        position = end
    return None


def has_event(line: bytes) -> bool:
    """Return whether a tagged line has a known direction and an event, or reports the end of the connection."""
    _, body, _ = decode(line)
    if body is None:
        return False
    name = body.get("dir", body.get("direction"))
    return name == "close" or (
        str(name) in _FOREIGN_DIRECTIONS and isinstance(body.get("event"), dict)
    )


def shape_of(line: bytes) -> FileShape | None:
    """Return the foreign shape of a file by one of its lines; None if the line has neither."""
    _, body, _ = decode(line)
    if body is None:
        return None
    if _is_tagged(body):
        return FileShape.TAGGED
    return FileShape.BARE if isinstance(body.get("type"), str) else None
