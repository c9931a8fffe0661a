"""Some of a recording's events: those of given types, at the cost of reading the rest and not of parsing it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from inspector.core.event import Event
from inspector.core.groups import AUDIO_KEYS
from inspector.recording.format import Shape
from inspector.recording.reader import RecordingReader

HEAD_BYTES = 160
"""Within these a line of ours has said its type; longer types are parsed."""
_TYPE = b'"type":"'
_FRAME = b'"event":'
_SOUND = b'"delta":"'


def selected_events(reader: RecordingReader, types: Collection[str]) -> Iterator[Event]:
    """Yield the events of some types, in order and numbered as in the whole file.

    Only lines of this program's own say their type in front; of a foreign file every line is parsed. Times of foreign files are
    noted in the reader, as by ``RecordingReader.events``.

    Raises:
        RecordingError: the disk does not give the file.
    """
    if reader.shape is not Shape.OURS:
        yield from (event for event in reader.events() if event.type in types)
        return
    wanted = frozenset(name.encode() for name in types)
    sounds = frozenset(name.encode() for name in types if name in AUDIO_KEYS)
    for row, (_, line) in enumerate(reader.lines(reader.start, reader.size)):
        name = _type_of(line)
        if name is None:
            event = reader.decode(line, row)
            if event.type in types:
                yield event
        elif name in wanted:
            yield (
                _without_scanning_sound(reader, line, row)
                if name in sounds
                else reader.decode(line, row)
            )


def _type_of(line: bytes) -> bytes | None:
    """Return the type in a line's head; None where it takes a parser to tell."""
    at = line.find(_TYPE, 0, HEAD_BYTES)
    # What stands before it are numbers and words of closed sets: an object or an escape before it means another order of keys.
    if at < 0 or line.find(b"{", 1, at) >= 0 or line.find(b"\\", 0, at) >= 0:
        return None
    end = line.find(b'"', at + len(_TYPE), HEAD_BYTES)
    name = line[at + len(_TYPE) : end] if end >= 0 else b""
    return name if name and b"\\" not in name else None


def _without_scanning_sound(reader: RecordingReader, line: bytes, row: int) -> Event:
    """Decode an event of sound: its base64, which is nearly all of it, is cut out before and put back after."""
    begin = line.find(_SOUND) + len(_SOUND)
    end = line.find(b'"', begin)
    sound = line[begin:end]
    if begin < len(_SOUND) or end < 0 or not sound.isascii() or b"\\" in sound:
        return reader.decode(line, row)
    event = reader.decode(line[:begin] + line[end:], row)
    if event.body is None or event.body.get("delta") != "":  # it was another member that was cut
        return reader.decode(line, row)
    frame = line[line.find(_FRAME) + len(_FRAME) : -1]
    body = {**event.body, "delta": sound.decode()}
    return Event(
        event.seq, event.t_ns, event.direction, event.origin, event.type, frame, True, body
    )
