r"""TextImporter: events in any text, wherever they stand: logs, arrays, consoles, prose.

The text is searched for braces. What begins there is read, cheapest way first, as one of

1. JSON that ends on the same line;
2. pretty-printed JSON, which ends at the first brace with the indentation of the line on which it began;
3. JSON of any layout, by Python's own scanner, which also says where it ends;
4. a string literal that holds JSON (``b'{…}'``, ``"{\"type\"…"``, a cell of CSV);
5. what Python or JavaScript print (``importing.literals``).

An object of a known type is an event. A record of a logger is searched for the event in it (``importing.records``), a container
of many for the objects in it. What has a known type but cannot be read is counted as lost, and never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from inspector.core.codec import decode
from inspector.importing.directions import LabelReader
from inspector.importing.elision import gist, is_elided
from inspector.importing.found import Found, FoundFrame, ImportNotes
from inspector.importing.literals import (
    CUT,
    LiteralError,
    read_literal,
    unescaped,
)
from inspector.importing.moments import UnreadTime, head_time, keyed_time, text_time
from inspector.importing.records import (
    NO_TAGS,
    Inner,
    Tags,
    described,
    inner_payloads,
    is_event,
    is_something_else,
)
from inspector.importing.source_file import SourceFile
from inspector.importing.text_pieces import (
    TextPiece,
    closed,
    is_own,
    json_piece,
    member_data,
    quick_python,
    repaired_text,
    scan_json,
    shorten_last,
    text_piece,
    unquoted,
)
from inspector.recording.foreign_times import OWN_TIMES
from inspector.spec.events import EVENT_TYPES

BLOCK = 1 << 20
"""Bytes read at a time."""
MOST_EVENT = 64 << 20
"""The largest event: the limit of the API's own frames, and of websockets here."""
LONG_LINE = 1 << 16
"""A longer line may hold many objects, and is not tried as one."""
LONG_LITERAL = 1 << 18
"""Bytes that are read of an object over several lines whose end cannot be told by the indentation."""
MOST_LITERAL = 4 << 20
"""The same of one on a single line."""
MOST_LINES = 5000
"""Lines of one pretty-printed event."""
SHOWN_CELLS = 60
"""Bytes of the cells behind an event that may hold its time."""
LABEL = 400
"""Bytes before an event that may say its direction and time."""
MAX_TEXTS = 3
"""Texts within texts: a log line in a JSON string in a JSON string."""
INNER_TRIED = 12
"""Objects in a container that are tried to see whether it is one."""

_DIGIT = re.compile(rb"[0-9]")
_COLOURS = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_KNOWN_TYPE = re.compile(
    rb"""(?:["']type["']|\btype|\\+"type\\+")\s*[:=]>?\s*(?:["'`]|\\+")([a-z_]+(?:\.[a-z_]+)+|error)["'`\\]"""
)
_EVENT_ID = re.compile(rb"""\{\s*\\*["']?event_id\\*["']?\s*[:=]>?\s*\\*["']event_""")
"""The beginning of an event whose type comes later, and may have been cut off."""
_NEXT = re.compile(
    rb"""\{\s*["']?(?:type|event_id|time|timestamp|ts|t|direction|dir|source|id)["']?\s*[:=]"""
)
_CALL = re.compile(rb"\b[A-Z]\w*\((?=\s*\w+=)")
_QUOTED = re.compile(
    rb"""([bBrR]?)("(?:[^"\\]*+(?:\\.[^"\\]*+)*+)"|'(?:[^'\\]*+(?:\\.[^'\\]*+)*+)')""", re.DOTALL
)
_CELL = re.compile(rb'"(?:[^"]|"")*+"')
_PRETTY = re.compile(rb"[ \t]*[\r\n]+[ \t]*")
_BOUNDARY = b" \t,[]"


class _Incomplete(Exception):
    """An object goes on beyond the text that was read so far."""


class TextImporter:
    """Reader of events in text."""

    name = "text"

    def recognises(self, head: bytes, name: str) -> bool:  # noqa: ARG002 - of the protocol
        """Return True: every file without a structure of its own is read as text."""
        return True

    def read(self, source: SourceFile, notes: ImportNotes) -> Iterator[Found]:
        """Yield the events of a text."""
        return TextScan(source, notes).found()


class Blocks:
    """A text that is already in memory, in place of a file."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.start = 0

    def text(self, offset: int, size: int) -> tuple[bytes, int]:
        """Return a part of the text, and the offset behind it."""
        part = self._text[offset : offset + size]
        return part, offset + len(part)


class TextScan:
    """One pass over a text."""

    def __init__(
        self,
        source: SourceFile | Blocks,
        notes: ImportNotes,
        labels: LabelReader | None = None,
        depth: int = 0,
    ) -> None:
        self._source = source
        self._notes = notes
        self._labels = labels or LabelReader()
        self._depth = depth
        self._offset = source.start
        self._text = b""
        self._latin = ""
        self._at = 0
        self._line = 1
        self._done = 0
        """End of the last object: what stands before it belongs to it."""
        self._is_over = False
        self._line_stop = 0
        """End of the line on which the last object begins."""
        self._container_at = -1
        """Position of the last object that is too large to be read at once."""
        self._several_until = -1
        """End of a line that holds several objects."""
        self._call_at = -2
        """Position of the next class name; -1 if no more follow, -2 before the first search."""

    def found(self) -> Iterator[FoundFrame]:
        """Yield the events in order."""
        while True:
            start = self._next_start()
            if start < 0:
                self._pass_over(max(self._at, len(self._text) - LABEL * (not self._is_over)))
                if not self._more():
                    return
                continue
            self._pass_over(start)
            try:
                piece = self._piece(start)
            except _Incomplete:
                if len(self._text) - start >= MOST_EVENT or not self._more():
                    # Nothing that long is an event: its parts may be.
                    self._at = start + 1
                continue
            if piece is None:
                yield from self._unreadable(self._at)
            elif piece.body is None or is_event(piece.body):
                yield self._frame(start, piece, NO_TAGS)
                if piece.end > self._line_stop:
                    self._pass_over(piece.end)
                self._done = self._at = piece.end
            else:
                yield from self._others(start, piece, piece.body)

    # ── reading ahead ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _more(self) -> bool:
        """Read on; return whether there was more."""
        if self._is_over:
            return False
        size = max(BLOCK, len(self._text) - self._at)
        block, offset = self._source.text(self._offset, size)
        self._is_over = offset == self._offset
        self._offset = offset
        if b"\0" in block:
            block = block.replace(b"\0", b"")
        kept = max(0, self._at - LABEL)
        self._text = self._text[kept:] + block
        if b"\x1b" in self._text[-len(block) - 20 :]:
            head, tail = self._text[: self._at - kept], self._text[self._at - kept :]
            self._text = head + _COLOURS.sub(b"", tail)
        self._latin = ""
        self._container_at = -1
        self._at -= kept
        self._done = max(0, self._done - kept)
        self._several_until = -1
        self._call_at = -2
        return True

    def _pass_over(self, to: int) -> None:
        """Go on to a position, and count the lines on the way."""
        if to > self._at:
            self._line += self._text.count(b"\n", self._at, to)
            self._at = to

    def _next_start(self) -> int:
        """Return where the next object begins; -1 if none does."""
        brace = self._text.find(b"{", self._at)
        if self._call_at != -1 and self._call_at < self._at:
            found = _CALL.search(self._text, self._at) if b"type='" in self._text else None
            self._call_at = found.start() if found is not None else -1
        if self._call_at >= 0 and (brace < 0 or self._call_at < brace):
            return self._call_at
        return brace

    def _line_end(self, at: int) -> int:
        """Return the end of a line; of the text, if the line is longer than what was read."""
        end = self._text.find(b"\n", at)
        if end >= 0:
            return end
        if not self._is_over and len(self._text) - at < LONG_LINE:
            raise _Incomplete
        return len(self._text)

    # ── one object ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _piece(self, at: int) -> TextPiece | None:
        """Return the object that begins at a position; None if none does.

        Raises:
            _Incomplete: it goes on beyond the text.
        """
        end = self._line_stop = self._line_end(at)
        text = self._text
        if text[at : at + 1] != b"{":
            return self._literal(at, end)
        if text[at + 1 : min(end, at + 100)].lstrip()[:1] not in (b'"', b"}", b"", b"\\"):
            return self._literal(at, end)  # no JSON: its keys are in quotes
        if at and text[at - 1] in b"\"'":
            piece = self._quoted(at, end)
            if piece is not None:
                return piece
        if end - at <= LONG_LINE and end > self._several_until:
            stop = text.rfind(b"}", at, end) + 1
            piece = json_piece(text[at:stop], stop) if stop > at else None
            if piece is not None:
                return piece
        if self._is_open(at, end):
            piece = self._indented(at, end) or self._prefixed(at, end)
            if piece is not None:
                return piece
        piece = self._scanned(at, end)
        return piece if piece or self._container_at == at else self._literal(at, end)

    def _is_open(self, at: int, end: int) -> bool:
        """Return whether an object goes on behind its first line."""
        text = self._text
        first, last = (b"{", b"}") if text[at : at + 1] == b"{" else (b"(", b")")
        return end < len(text) and text.count(first, at, end) > text.count(last, at, end)

    def _indented(self, at: int, end: int) -> TextPiece | None:
        """Read pretty-printed JSON, up to the brace below the beginning of its line."""
        stop = self._closing(at, end)
        return json_piece(_PRETTY.sub(b"", self._text[at:stop]), stop) if stop else None

    def _prefixed(self, at: int, end: int) -> TextPiece | None:
        """Read pretty-printed JSON of which a collector of logs has put its own words before every line."""
        text = self._text
        prefix = text[text.rfind(b"\n", 0, at) + 1 : at]
        if not prefix.strip() or len(prefix) > LABEL:
            return None
        same = re.compile(_DIGIT.sub(rb"[0-9]", re.escape(prefix)))
        parts = [text[at:end]]
        for _ in range(MOST_LINES):
            begin, end = end + 1, text.find(b"\n", end + 1)
            if end < 0:
                if not self._is_over and len(text) - at < BLOCK:
                    raise _Incomplete
                end = len(text)
            found = same.match(text, begin, end)
            if found is None:
                return None
            parts.append(text[found.end() : end])
            if parts[-1].rstrip(b" \t\r,") == b"}":
                return json_piece(b" ".join(parts).rstrip(b" \t\r,"), end)
        return None

    def _closing(self, at: int, end: int) -> int:
        """Return the position behind the brace with the indentation of the line; 0 if it never comes."""
        text = self._text
        begin = text.rfind(b"\n", 0, at) + 1
        rest = text[begin:at]
        indent = rest[: len(rest) - len(rest.lstrip(b" \t"))]
        sign = b"}" if text[at : at + 1] == b"{" else b")"
        found = text.find(b"\n" + indent + sign, end)
        if found < 0:
            if not self._is_over and len(text) - at < BLOCK:
                raise _Incomplete
            return 0
        return found + 1 + len(indent) + 1

    def _scanned(self, at: int, end: int) -> TextPiece | None:
        """Read JSON of any layout."""
        text = self._text
        # Every byte is one character of Latin-1, so that positions agree.
        self._latin = self._latin or text.decode("latin-1")
        try:
            value, stop = scan_json(self._latin, at)
        except RecursionError:
            return self._deep(at, end)
        except ValueError as error:
            position = getattr(error, "pos", 0)
            is_open = position >= len(text) - 1 or "Unterminated" in str(error)
            if is_open and not self._is_over:
                if not self._is_container(at):
                    raise _Incomplete from None
                self._container_at = at
            return None
        if not isinstance(value, dict):
            return None
        self._several_until = end
        data = text[at:stop]
        if b"\n" in data:
            data = _PRETTY.sub(b"", data)
        return json_piece(data, stop) or json_piece(repaired_text(data), stop)

    def _deep(self, at: int, end: int) -> TextPiece | None:
        """Read JSON that nests too deeply for a scanner, if it is an event on one line."""
        if self._text[at : at + 1] != b"{":
            return None
        stop = self._text.rfind(b"}", at, end) + 1
        name, _, problem = decode(self._text[at:stop])
        if problem is None or problem.code != "too_deep" or name not in EVENT_TYPES:
            return None
        return TextPiece(stop, self._text[at:stop], name, None)

    def _is_container(self, at: int) -> bool:
        """Return whether an unfinished object holds whole events: then its parts are read one by one."""
        if len(self._text) - at < BLOCK // 2:
            return False
        brace = at
        for _ in range(INNER_TRIED):
            brace = self._text.find(b"{", brace + 1)
            if brace < 0:
                return False
            try:
                value, _ = scan_json(self._latin, brace)
            except (RecursionError, ValueError):
                continue
            if isinstance(value, dict) and (is_event(value) or inner_payloads(value)[0]):
                return True
        return False

    def _quoted(self, at: int, end: int) -> TextPiece | None:
        """Read JSON in a string literal that escapes it."""
        text = self._text
        part = text[at : min(end, at + LONG_LINE)]
        if b"\\" not in part and b'""' not in part[:4]:
            return None
        prefix = text[at - 2 : at - 1]
        start = at - 2 if prefix in (b"b", b"B") else at - 1
        if part[1:3] == b'""':
            cell = _CELL.match(text, at - 1)
            inner = cell.group()[1:-1].replace(b'""', b'"') if cell is not None else b""
            return text_piece(inner, cell.end()) if cell is not None else None
        found = _QUOTED.match(text, start)
        if found is None:
            if b'\\"' in part[:3] and not self._is_over and len(text) - at < MOST_EVENT:
                raise _Incomplete
            return None
        literal = found.group(2)
        inner = unquoted(literal, is_bytes=bool(found.group(1)))
        return text_piece(inner, found.end())

    def _literal(self, at: int, end: int) -> TextPiece | None:
        """Read what Python or JavaScript print."""
        text = self._text
        if end == len(text) and not self._is_over and end - at < MOST_LITERAL:
            raise _Incomplete
        is_open = self._is_open(at, end)
        # Python's pprint puts the last brace behind the last member.
        stop = (self._closing(at, end) or at + LONG_LITERAL) if is_open else end
        if b"type" not in text[at:stop]:
            return None
        part = text[at:stop]
        quick = quick_python(part)
        if quick is not None:
            return TextPiece(at + quick[0], quick[1], quick[2]["type"], quick[2])
        words = part.decode("utf-8", "replace")
        try:
            literal = read_literal(words)
        except LiteralError:
            return None
        try:
            data = orjson.dumps(literal.value)
        except (TypeError, ValueError):
            return None
        size = len(words[: literal.end].encode("utf-8", "replace"))
        name, body, _ = decode(data)
        return TextPiece(at + size, data, name, body, literal.is_elided)

    # ── what an object is ─────────────────────────────────────────────────────────────────────────────────────────────

    def _others(self, at: int, piece: TextPiece, body: Mapping[str, Any]) -> Iterator[FoundFrame]:
        """Yield the events in an object that is none itself."""
        if is_something_else(body):
            self._notes.skip(described(body))
        else:
            payloads, is_container = inner_payloads(body)
            events = [inner for inner in payloads if not isinstance(inner.payload, str)]
            if is_container and not events:
                self._at = at + 1
                return
            frames = list(self._inside(at, piece, events or payloads))
            yield from frames
            if not frames:
                self._notes.skip(described(body))
        self._pass_over(max(piece.end, at + 1))
        self._done = self._at

    def _inside(self, at: int, piece: TextPiece, payloads: list[Inner]) -> Iterator[FoundFrame]:
        """Yield the events in a logger's record."""
        for inner in payloads:
            payload = inner.payload
            if isinstance(payload, str):
                yield from self._in_text(at, payload, inner.tags)
                continue
            data = member_data(piece.data, inner)
            event = TextPiece(piece.end, data, payload["type"], payload, piece.is_elided)
            yield self._frame(at, event, inner.tags)

    def _in_text(self, at: int, text: str, tags: Tags) -> Iterator[FoundFrame]:
        """Yield the events in a text inside a record; the record's direction and time apply where the text has none."""
        if self._depth >= MAX_TEXTS:
            return
        scan = TextScan(
            Blocks(text.encode("utf-8", "replace")), self._notes, self._labels, self._depth + 1
        )
        outer = self._frame(at, TextPiece(0, b"", "", None), tags)
        for frame in scan.found():
            frame.line = self._line
            if outer.direction is not None and (frame.direction is None or outer.is_absolute):
                frame.direction, frame.is_absolute = outer.direction, outer.is_absolute
            frame.time = outer.time or frame.time
            yield frame

    def _frame(self, at: int, piece: TextPiece, tags: Tags) -> FoundFrame:
        """Return an event with what stands beside and before it."""
        data, name, body = piece.data, piece.name, piece.body
        direction, is_absolute = tags.direction or (None, False)
        time = tags.time
        if time is None and body is not None:
            time = keyed_time(body, OWN_TIMES.get(name, ()))
        if direction is None or time is None:
            head = self._head(at)
            label = head
            if time is None and head:
                time, behind = head_time(head)
                # Without its time a label is one of a few, which are remembered.
                label = head[behind:] if behind else head
            if time is None and self._text[piece.end : piece.end + 1] == b"\t":
                # A row copied from the browser's list of messages: data, length, time.
                rest = self._text[piece.end : min(self._line_stop, piece.end + SHOWN_CELLS)]
                time = text_time(rest.decode("utf-8", "replace"), "")
            if direction is None:
                direction = self._labels.direction(label) if label else None
                if direction is None and tags.label:
                    direction = self._labels.direction(tags.label)
        if isinstance(time, UnreadTime):
            self._notes.unread_times += 1
            time = None
        part = gist(name, body, data)
        return FoundFrame(
            data,
            name,
            body,
            self._line,
            direction,
            is_absolute,
            time,
            piece.is_elided or (body is not None and is_elided(name, body, part)),
            gist=part,
        )

    def _head(self, at: int) -> str:
        """Return the text before an object on its line; if that is empty, the line before it."""
        text, least = self._text, max(self._done, at - LABEL)
        begin = text.rfind(b"\n", least, at) + 1 or least
        head = text[begin:at]
        if not head.strip(_BOUNDARY) and begin > least:
            before = text.rfind(b"\n", least, begin - 1) + 1 or least
            head = text[before : begin - 1]
        head = head.strip(_BOUNDARY + b"\r\n")
        return head.decode("utf-8", "replace") if head else ""

    def _unreadable(self, at: int) -> Iterator[FoundFrame]:
        """Pass over what begins like an object and is none; if it is an event that was cut, yield what is left of it."""
        text = self._text
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        known = _KNOWN_TYPE.search(text, at, min(end, at + LABEL))
        name = known.group(1).decode() if known is not None else ""
        is_known = name in EVENT_TYPES and known is not None and is_own(text, at, known.start())
        if not is_known and _EVENT_ID.match(text, at, end) is None:
            self._at = at + 1  # no event, or a broken container of some
            return
        if end - at > LONG_LINE or end <= self._several_until:
            # On a line of many objects the next one is looked for.
            following = _NEXT.search(text, at + 1, end)
            end = following.start() if following is not None else end
        frame = self._cut(at, text[at:end], name) if is_known else None
        if frame is not None:
            yield frame
        else:
            self._notes.lose(self._line)
        self._pass_over(end)
        self._done = self._at

    def _cut(self, at: int, part: bytes, name: str) -> FoundFrame | None:
        """Return what a logger has left of an event that it cut; None if it does not say that it did."""
        words = part.decode("utf-8", "replace")
        if CUT.search(words) is None:
            return None
        if at and self._text[at - 1] in b"\"'" and '\\"' in words:
            words = unescaped(words)
        try:
            literal = read_literal(closed(words), may_be_cut=True)
        except LiteralError:
            return None
        value = literal.value
        shorten_last(value)
        if "type" not in value:
            # The library websockets cuts the middle out, so that the type may stand behind the cut.
            value = {"type": name, **value}
        if value["type"] != name:
            return None
        return self._frame(at, TextPiece(0, orjson.dumps(value), name, value, True), NO_TAGS)
