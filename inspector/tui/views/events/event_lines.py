"""The lines of one event: a tree with the meaning of each field, or the raw bytes.

Lines are built once per event and limited in number, so that a frame of 60 MB or 10,000 levels opens as fast as a small one.
Audio and images are described, not shown as base64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from textwrap import wrap
from typing import Any

import orjson
from rich.cells import cell_len

from inspector.analysis.lint.finding import SIGNS, Finding, Severity
from inspector.analysis.meaning import meaning
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import duration_text, size_text
from inspector.analysis.trouble import trouble_of
from inspector.core.audio_formats import AudioFormat
from inspector.core.event import Event
from inspector.core.groups import AUDIO_KEYS, base64_size
from inspector.core.riff import oddity_of, wav_header
from inspector.tui.common.keycaps import Key

FINDING_KINDS = tuple(f"finding-{severity.value}" for severity in Severity)
"""The kinds of lines that lead to a finding, by severity, the worst first."""
MAX_FINDINGS = 3
"""Rules named for one event; the Findings view has all of them."""
MAX_LINES = 2_000
"""Limit for the tree; the raw view shows the rest."""
MAX_DEPTH = 24  # deeper levels would be indented out of the pane
MAX_STRING = 4_000
MAX_WRAPPED = 12
"""Lines of one value; the JSON and raw views show the rest."""
LARGEST_JSON = 256_000
"""Bytes of the largest frame that is shown as indented JSON; a larger one only in pages of its raw bytes."""
RAW_PAGE_BYTES = 64_000
"""Bytes per page of the raw view."""
_DUMP_BYTES = 16
"""Bytes of a binary frame per line."""
KEY_WIDTH = 26
WIDEST_KEY = 44
"""Applies if half of the pane is that wide."""
WIDE = 100
"""Width from which meanings start in one column, behind values as long as an id, unless a value is longer."""
ID_CELLS = 30
TALL = 20
"""Height from which a meaning that does not fit is put below its value; a lower pane has too few lines."""
LEAST_VALUE = 24
"""A value is not cut below this width to make room for its meaning."""
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
    """Name of the style: ``string``, ``number``, ``other``, ``note``, ``link``, ``trouble``, or one of ``FINDING_KINDS``."""
    note: str
    raw: Any = None
    """The whole value, for copying."""


def finding_lines(findings: Sequence[Finding], key: str) -> list[DetailLine]:
    """Return a line for each rule that finds something in an event, the worst first.

    Args:
        findings: what the event proves.
        key: leads to the Findings view.
    """
    if not findings:
        return []
    # Here: the rules take 30 ms to import, which an event that proves nothing need not wait for.
    from inspector.analysis.lint.findings_groups import findings_by_rule

    groups = findings_by_rule(findings)[:MAX_FINDINGS]
    return [
        DetailLine(
            0,
            "",
            f"{SIGNS[group.severity]} {group.title or group.rule}   {key} why and fix",
            FINDING_KINDS[group.severity.rank],
            "",
            raw=group.rule,
        )
        for group in groups
    ]


def tree_lines(
    event: Event, body: Mapping[str, Any], audio: AudioFormat, width: int, height: int, key: Key
) -> list[DetailLine]:
    """Return the body of an event as a tree.

    Args:
        event: the event.
        body: the event's body.
        audio: format of the event's audio.
        width: width of a line in cells.
        height: visible lines; a high pane gets every meaning in full.
        key: returns the names of the detail's keys.
    """
    tree = _Tree(event, audio, key)
    odd = oddity_of(event)
    if odd:
        tree.lines.append(_remark(f"the audio: {odd}"))
    tree.walk(body, (), 0)
    if height < TALL:
        return tree.lines
    return list(chain.from_iterable(_in_full(line, width) for line in tree.lines))


def trouble_lines(event: Event, width: int, *, is_harmless: bool = False) -> list[DetailLine]:
    """Return the complete error that an event reports, wrapped; empty for an event without one.

    Args:
        event: the event.
        width: of a line in cells.
        is_harmless: it needs no attention.
    """
    kind = "note" if is_harmless else "trouble"
    return [
        DetailLine(0, "", words, kind, "", raw=paragraph)
        for paragraph in trouble_of(event)
        for words in wrap(paragraph[:MAX_STRING], max(8, width - 2 * _GAP))
    ]


def json_lines(body: Mapping[str, Any], width: int) -> list[DetailLine]:
    """Return an event's body as indented JSON, wrapped to a width."""
    text = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode("utf-8", "replace")
    lines = []
    for line in text.splitlines()[:MAX_LINES]:
        shown = sanitized(line)
        lines += [
            DetailLine(0, "", shown[at : at + width], "other", "", raw=line)
            for at in range(0, len(shown), width)
        ]
    return lines


def columns_of(line: DetailLine, width: int) -> tuple[int, int, int]:
    """Return the widths of a line's key, value and meaning, each including the gap behind it."""
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
    """Return the number of pages of an event's raw bytes."""
    return max(1, -(-len(event.data) // RAW_PAGE_BYTES))


def raw_lines(event: Event, page: int, width: int, key: Key) -> list[DetailLine]:
    """Return a page of an event's raw bytes: text wrapped to a width, or a hex dump of a binary frame."""
    start = page * RAW_PAGE_BYTES
    data = event.data[start : start + RAW_PAGE_BYTES]
    pages = raw_pages(event)
    lines = [_remark(event.problem.message)] if event.problem is not None else []
    if pages > 1:
        turn = f"{key('detail.previous_page')} {key('detail.next_page')} previous and next page"
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
    """Yield a line; a value or meaning that does not fit continues below, first the value."""
    key_width, value_width, note_width = columns_of(line, width)
    gap = _GAP if note_width else 0
    is_cut = line.kind == "string" and cell_len(line.value) > value_width - gap
    if note_width >= cell_len(line.note) and not is_cut:
        yield line
        return
    indent = " " * max(0, min(key_width, width - LEAST_VALUE) - _GAP)
    if is_cut:
        yield from _wrapped(line, width, key_width, indent)
    else:
        yield replace(line, note="")
    for words in wrap(line.note, max(8, width - len(indent) - _GAP)):
        yield DetailLine(0, "", f"{indent}{words}", "note", "", line.note)


def _wrapped(line: DetailLine, width: int, key_width: int, indent: str) -> Iterator[DetailLine]:
    words = wrap(line.value, max(8, width - key_width), drop_whitespace=False) or [""]
    yield replace(line, value=words[0], note="")
    for index, more in enumerate(words[1:], 1):
        if index == MAX_WRAPPED:
            yield DetailLine(0, "", f"{indent}…", line.kind, "", line.raw)
            return
        yield DetailLine(0, "", f"{indent}{more}", line.kind, "", line.raw)


class _Tree:
    """Builds the lines of one event's body."""

    def __init__(self, event: Event, audio: AudioFormat, key: Key) -> None:
        self.lines: list[DetailLine] = []
        self._key = key
        self._event = event
        self._audio = audio

    def walk(self, value: Any, path: _Path, depth: int) -> bool:
        """Add the members of an object or array; return False when the limit is reached."""
        members = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, member in members:
            if len(self.lines) >= MAX_LINES:
                size = size_text(len(self._event.data))
                words = f"… truncated; press {self._key('detail.raw')} for the raw event ({size})"
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
        """Return the text of a value, and its kind."""
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
        # Foreign events may carry audio under other types; a short text named "audio" is not audio.
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
