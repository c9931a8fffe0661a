"""One event as lines: a tree with what each field means, or the raw bytes.

The lines are made once per event and capped, so that a frame of 60 MB or 10,000 levels opens as fast as a small one. Audio
and images are shown as what they are, never as base64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from textwrap import wrap
from typing import Any

from rich.cells import cell_len

from inspector.analysis.meaning import meaning
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import duration_text, size_text
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Event
from inspector.core.groups import AUDIO_KEYS, base64_size
from inspector.core.riff import oddity_of, wav_header
from inspector.tui.common.keycaps import Key

MAX_LINES = 2_000
"""Lines of one event; the raw view has the rest."""
MAX_DEPTH = 24
MAX_STRING = 4_000
RAW_PAGE_BYTES = 64_000
"""Raw bytes shown at once; ``]`` and ``[`` turn the page."""
_DUMP_BYTES = 16
"""Of a binary frame on one line."""
KEY_WIDTH = 26
WIDEST_KEY = 44
"""Where half of the pane is that wide."""
WIDE = 100
"""From this width on meanings begin in one column, behind values as long as an id, unless they need more room."""
ID_CELLS = 30
TALL = 20
"""From this many lines on, a meaning that is too long stands below its value; fewer lines have better uses."""
LEAST_VALUE = 24
"""Cells that a value is not cut below to make room for its meaning."""
_GAP = 2
_WORDS = {True: "true", False: "false", None: "null"}
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DetailLine:
    """One line of an event."""

    indent: int
    key: str
    value: str
    kind: str
    """Names the style: ``string``, ``number``, ``other``, ``note`` or ``link``."""
    note: str
    raw: Any = None
    """The value itself, for copying."""


def tree_lines(
    event: Event, body: Mapping[str, Any], audio: AudioFormat, width: int, height: int, key: Key
) -> list[DetailLine]:
    """Return an event's body as a tree.

    Args:
        event: whose body it is.
        body: its body.
        audio: the format of its sound.
        width: cells of a line.
        height: lines that are seen at once; where they are many, no meaning is cut.
        key: names the detail's keys.
    """
    tree = _Tree(event, audio, key)
    odd = oddity_of(event)
    if odd:
        tree.lines.append(_remark(f"the audio: {odd}"))
    tree.walk(body, (), 0)
    if height < TALL:
        return tree.lines
    return list(chain.from_iterable(_in_full(line, width) for line in tree.lines))


def columns_of(line: DetailLine, width: int) -> tuple[int, int, int]:
    """Return the cells of a line's key, its value and its meaning, each with the gap behind it."""
    key_width = _GAP
    if line.key:
        wanted = 2 * line.indent + _GAP + cell_len(line.key) + 1
        key_width = max(KEY_WIDTH, min(wanted, WIDEST_KEY, width // 2))
    room = width - key_width
    note, value = cell_len(line.note), cell_len(line.value)
    least = LEAST_VALUE if width < WIDE else ID_CELLS
    kept = min(value, max(least, room - _GAP - note))
    note_room = max(0, room - _GAP - kept)
    if not note or not note_room:
        return key_width, room, 0
    usual = room - LEAST_VALUE
    if width >= WIDE:
        usual = min(usual, width - KEY_WIDTH - ID_CELLS - _GAP)
    note_width = min(max(note, usual), note_room)
    return key_width, room - note_width, note_width


def raw_pages(event: Event) -> int:
    """Return how many pages of raw bytes an event has."""
    return max(1, -(-len(event.data) // RAW_PAGE_BYTES))


def raw_lines(event: Event, page: int, width: int, key: Key) -> list[DetailLine]:
    """Return a page of an event's raw bytes: a text wrapped to a width, a binary frame as a dump."""
    start = page * RAW_PAGE_BYTES
    data = event.data[start : start + RAW_PAGE_BYTES]
    pages = raw_pages(event)
    lines = [_remark(event.problem.message)] if event.problem is not None else []
    if pages > 1:
        turn = f"{key('detail.previous_page')} and {key('detail.next_page')} turn the page"
        lines.append(_remark(f"page {page + 1} of {pages}   {turn}"))
    if event.is_text:
        text = sanitized(data.decode("utf-8", "replace"))
        lines += [
            DetailLine(0, "", text[at : at + width], "other", "", raw=text)
            for at in range(0, len(text), width)
        ]
        return lines
    for at in range(0, len(data), _DUMP_BYTES):
        chunk = data[at : at + _DUMP_BYTES]
        words = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
        dump = f"{start + at:08x}  {chunk.hex(' '):<47}  {words}"
        lines.append(DetailLine(0, "", dump, "other", ""))
    return lines


def _remark(text: str, indent: int = 0) -> DetailLine:
    return DetailLine(indent, "", text, "note", "")


def _in_full(line: DetailLine, width: int) -> Iterator[DetailLine]:
    """Yield a line, and below it its meaning where that has no room beside the value."""
    key_width, _, note_width = columns_of(line, width)
    if note_width >= cell_len(line.note):
        yield line
        return
    yield replace(line, note="")
    indent = " " * max(0, min(key_width, width - LEAST_VALUE) - _GAP)
    for words in wrap(line.note, max(8, width - len(indent) - _GAP)):
        yield DetailLine(0, "", f"{indent}{words}", "note", "", line.note)


class _Tree:
    """The lines of one event's body, being made."""

    def __init__(self, event: Event, audio: AudioFormat, key: Key) -> None:
        self.lines: list[DetailLine] = []
        self._key = key
        self._event = event
        self._audio = audio

    def walk(self, value: Any, path: _Path, depth: int) -> bool:
        """Add the members of an object or array; return False once there are too many lines."""
        members = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, member in members:
            if len(self.lines) >= MAX_LINES:
                size = size_text(len(self._event.data))
                words = f"… more; {self._key('detail.raw')} shows the raw event of {size}"
                self.lines.append(_remark(words, depth))
                return False
            here = (*path, key)
            note = meaning(self._event.type, here)
            name = f"[{key}]" if isinstance(key, int) else sanitized(key)
            if isinstance(member, dict | list) and member and depth < MAX_DEPTH:
                is_list = isinstance(member, list)
                count = f"{len(member)} item{'s' * (len(member) != 1)}" if is_list else ""
                self.lines.append(DetailLine(depth, name, count, "note", note, member))
                if not self.walk(member, here, depth + 1):
                    return False
            else:
                text, kind = self._scalar(here, member)
                self.lines.append(DetailLine(depth, name, text, kind, note, member))
        return True

    def _scalar(self, path: _Path, value: Any) -> tuple[str, str]:
        """Return how a value reads, and its kind."""
        if isinstance(value, str):
            return self._string(path, value)
        if isinstance(value, bool) or value is None:
            return _WORDS[value], "other"
        if isinstance(value, int | float):
            return str(value), "number"
        if value:
            return f"{len(value)} nested values", "note"
        return "[]" if isinstance(value, list) else "{}", "note"

    def _string(self, path: _Path, value: str) -> tuple[str, str]:
        name = path[-1]
        is_audio = len(path) == 1 and name in AUDIO_KEYS.get(self._event.type, ())
        is_audio |= name == "audio" and len(value) > 64
        if is_audio and not value.startswith("data:"):
            size, header = base64_size(value), wav_header(value)
            duration = duration_text(self._audio.ms(size))
            words = f"audio  {duration}  {size:,} bytes  {self._audio}"
            return f"{words}  begins with a {header}" if header is not None else words, "note"
        if value.startswith("data:") and "," in value:
            mime, _, payload = value.partition(",")
            return (
                f"{sanitized(mime[5:].partition(';')[0])}  {size_text(base64_size(payload))}",
                "note",
            )
        if len(value) > MAX_STRING:
            return f"{sanitized(value[:MAX_STRING])}…  {len(value):,} characters", "string"
        return sanitized(value), "string"
