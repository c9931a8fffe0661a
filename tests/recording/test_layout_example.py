"""The worked example in the comment of ``recording/layouts.py``: its figures are checked here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from inspector.core.event import Direction, Origin
from inspector.core.kinds import KindTable
from inspector.recording import layouts
from inspector.recording.chunk_file import MARGIN, ChunkLines
from inspector.recording.chunk_rows import Rows
from inspector.recording.layouts import EventLayout, LayoutGap, Stamp, part_key_of, salt_of
from inspector.recording.spans import windows

SOURCE = Path(layouts.__file__).read_text()
LINE = re.search(r'^#   (\{"seq":7.*)$', SOURCE, re.MULTILINE)
TYPE = "response.output_text.delta"


def line() -> bytes:
    assert LINE is not None
    return LINE[1].encode()


def rows_of(*lines: bytes) -> Rows:
    text = b"\n".join(lines) + b"\n"
    buffer = bytearray(text + bytes(MARGIN))
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 10)
    return Rows(ChunkLines(np.frombuffer(buffer, np.uint8), ends, 0, buffer, 0))


def test_the_stamp_of_the_example() -> None:
    stamp = Stamp.learn(line())
    assert stamp is not None
    rows = rows_of(
        line(), line().replace(b"1.234567", b"9.000001"), line().replace(b"1.23", b"1,23")
    )

    fits, t_us = stamp.read(windows(rows.text, rows.starts, layouts.STAMP_BYTES))

    assert stamp.length == 22
    assert fits.tolist() == [True, True, False]
    assert t_us[:2].tolist() == [1_234_567, 9_000_001]


def test_the_probes_of_the_example() -> None:
    begin = 22
    tokens = layouts._tokens(line(), begin + 75)
    event = layouts._probed(line(), begin + 75, tokens, Direction.SERVER, Origin.WIRE)

    for token in tokens:
        value = line()[token.start : token.end].decode()
        told = rf"#      {token.start - begin}\.\.{token.end - begin}  {value} .*(?:probe {token.probe})?"
        assert re.search(told, SOURCE)
    assert event is not None
    assert f"#      {event.data.decode()}\n" in SOURCE


def test_the_layout_of_the_example() -> None:
    other = line().replace(b"ev_7", b"ev_8").replace(b"item_9", b"item_8").replace(b"Hel lo", b"")
    rows = rows_of(line(), other, line().replace(b"item_9", b"item_99"), line() + b" ")
    kinds = KindTable()
    layout = EventLayout.learn(rows, 0, 22, kinds)
    assert layout is not None

    fits = layout.read(rows, np.arange(4), rows.starts + 22)

    assert [segment.span.length for segment in layout.segments] == [176, 3]
    assert [segment.span.width // 8 for segment in layout.segments] == [22, 1]
    assert layout.gaps == (LayoutGap.TEXT,)
    assert fits.tolist() == [True, True, False, False]
    assert rows.size[0] == len(line()) - 1 - line().index(b'{"type"')
    keys = [part_key_of(item, 0, salt_of(TYPE)) for item in ("item_9", "item_8")]
    assert rows.part[:2].tolist() == keys
