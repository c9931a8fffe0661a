"""Some of a recording's events: those of given types, at the cost of reading the rest and not of parsing it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from inspector.core.event import Direction, Event, Origin
from inspector.core.groups import AUDIO_KEYS
from inspector.recording.format import FileShape, is_whole
from inspector.recording.reader import RecordingReader

BLOCK_BYTES = 1 << 18
"""Read at once: what a processor keeps at hand."""
_HEAD = re.compile(
    rb'\{"seq":[0-9]+,(?:"t":-?[0-9]+\.[0-9]+,)?"dir":"(?:client|server|local)","origin":"[a-z]+","type":"([^"\\\n]*)",'
)
"""How a line of ours begins, its type in the group; what begins in any other way is parsed."""
_SOUND = re.compile(
    rb'\{"seq":[0-9]+,"t":([0-9]+)\.([0-9]{6}),"dir":"server","origin":"wire","type":"([a-z_.]+)","event":\{"type":"\3",'
    rb'"event_id":"[^"\\]*","response_id":"([^"\\]*)","item_id":"([^"\\]*)",'
    rb'"output_index":[0-9]{1,9},"content_index":([0-9]{1,9}),"delta":"'
)
"""Sound as OpenAI's servers send it, up to the base64: this form covers nearly all audio events."""
_SOUND_ENDS = re.compile(rb'"(?:,"obfuscation":"[^"\\]*")?\}\}')


def selected_events(reader: RecordingReader, types: Collection[str]) -> Iterator[Event]:
    """Yield the events of some types, in order and numbered as in the whole file.

    Of sound that is the server's only the size is told (``Event.audio_bytes``). Only lines of this program's own say their type in
    front; of a foreign file every line is parsed, and its times are noted in the reader, as by ``RecordingReader.events``.

    Raises:
        RecordingError: the disk does not give the file.
    """
    if reader.shape is not FileShape.OURS:
        yield from (event for event in reader.events() if event.type in types)
        return
    wanted = frozenset(name.encode() for name in types)
    for event in _events(reader, wanted):
        if event.type in types:
            yield event


def type_of_line(line: bytes) -> str | None:
    """Return the type that a line of this program's own says in front; None for all others."""
    found = _HEAD.match(line)
    return None if found is None else found[1].decode("utf-8", "replace")


def _events(reader: RecordingReader, wanted: frozenset[bytes]) -> Iterator[Event]:
    """Yield the events whose line says that they are of a type, or does not say which; lines as in ``RecordingReader.lines``."""
    end, base, text, at, row = reader.size, reader.start, b"", 0, 0
    head = _HEAD.match
    while base + at < end:
        newline = text.find(b"\n", at)
        if newline < 0:
            searched = len(text) - at
            # A long line is read in ever larger parts, so that it is not searched again and again.
            more = reader.part(max(BLOCK_BYTES, searched), base + len(text))
            if more:
                base, text, at = base + at, text[at:] + more, 0
                continue
            newline = len(text)
            if not is_whole(text[at:], FileShape.OURS):
                return
        found = head(text, at, newline)
        if found is None:
            line = text[at:newline]
            if line.strip():
                yield reader.decode(line, row)
                row += 1
        else:
            if found[1] in wanted:
                is_sound = found[1] in _SOUNDS
                event = _sound(text, at, newline, row) if is_sound else None
                yield event if event is not None else reader.decode(text[at:newline], row)
            row += 1
        at = newline + 1


_SOUNDS = frozenset(name.encode() for name, keys in AUDIO_KEYS.items() if "delta" in keys)


def _sound(text: bytes, at: int, newline: int, row: int) -> Event | None:
    """Read an event of sound without its base64, which is nearly all of it; None where it is not as usual."""
    found = _SOUND.match(text, at, newline)
    end = text.find(b'"', found.end(), newline) if found is not None else -1
    if found is None or end < 0 or not _SOUND_ENDS.fullmatch(text, end, newline):
        return None
    begin = found.end()
    is_odd = text.find(b"\\", begin, end) >= 0 or text[begin + 4 : begin + 5] == b":"
    if is_odd:  # a data URL is not plain base64
        return None
    whole, fraction, kind, response_id, item_id, part = found.groups()
    tail = text[max(begin, end - 2) : end]
    padding = 2 if tail == b"==" else 1 if tail.endswith(b"=") else 0
    try:
        ids = response_id.decode(), item_id.decode()
    except UnicodeDecodeError:
        return None
    name = kind.decode()
    body = {
        "type": name,
        "response_id": ids[0],
        "item_id": ids[1],
        "content_index": int(part),
        "delta": "",
    }
    return Event(
        row + 1,
        int(whole) * 1_000_000_000 + int(fraction) * 1000,
        Direction.SERVER,
        Origin.WIRE,
        name,
        b"",
        True,
        body,
        audio_bytes=max(0, (end - begin) * 3 // 4 - padding),
    )
