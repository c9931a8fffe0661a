"""Why a file cannot be imported: the name of what it is instead of a session."""

from __future__ import annotations

from inspector.importing.found import ImportNotes
from inspector.importing.table import table_words
from inspector.recording.contents import contents

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it first"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ", "an xz file: unpack it first"),
    (b"RIFF", "a sound or video file (RIFF)"),
    (b"OggS", "a sound file (Ogg)"),
    (b"ID3", "a sound file (MP3)"),
    (b"fLaC", "a sound file (FLAC)"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap): it holds TLS, not events"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap): it holds TLS, not events"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng): it holds TLS, not events"),
)
"""First bytes of formats that people may name by mistake."""
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})
MOST_CONTROLS = 0.1
"""Share of control characters above which a file is not text."""
LEAST_BYTES = 64
_TELLING = ("a table", "JSON lines", "looks like", "binary")
_NO_EVENT = {
    True: "JSON with no event of the Realtime API in it",
    False: "text with no event of the Realtime API in it",
}


def refusal_by_head(head: bytes) -> str:
    """Return the kind of a binary file by its first bytes; ``""`` for a file that may contain a session."""
    if not head.strip():
        return "it is empty" if not head else "it is blank"
    found = next((what for magic, what in _MAGIC if head.startswith(magic)), "")
    if found:
        return found
    controls = len(head) - len(head.translate(None, _CONTROLS))
    is_text = len(head) < LEAST_BYTES or controls <= MOST_CONTROLS * len(head)
    return "" if is_text or b"{" in head else "binary data"


def refusal_of(head: bytes, notes: ImportNotes) -> str:
    """Return what a file is that was read without finding an event."""
    if notes.lost_count:
        first = f", first on line {notes.lost[0]:,}" if notes.lost[0] else ""
        return f"{notes.lost_count:,} events that cannot be read, damaged or cut off{first}"
    if notes.nothing:
        others = ", ".join(notes.skipped)[:200]
        return f"{notes.nothing}{f' (but {others})' if others else ''}"
    if notes.skipped:
        what = max(notes.skipped, key=lambda each: notes.skipped[each])
        return f"{notes.skipped[what]:,} {what}"
    words = table_words(head) or contents(head)
    # What contents says of text and JSON is why it does not open as it is; here it was read all the same.
    is_json = head.lstrip()[:1] in (b"{", b"[")
    return words if words and words.startswith(_TELLING) else _NO_EVENT[is_json]
