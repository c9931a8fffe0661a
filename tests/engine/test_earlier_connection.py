"""The connection before a recording: read in slices, and only if both are small."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.engine import earlier_connection
from inspector.engine.earlier_connection import EarlierConnection
from tests.recording.test_reconnects import FIRST, SECOND, recorded


def test_it_is_found_in_slices(tmp_path: Path) -> None:
    before, path = recorded(tmp_path, "a", FIRST), recorded(tmp_path, "b", SECOND)
    earlier = EarlierConnection(path)
    slices = 1
    while not earlier.advance(lambda: True):
        slices += 1

    assert slices > 2
    assert earlier.path == before
    assert earlier.run is not None
    assert not earlier.advance(lambda: False)


@pytest.mark.parametrize("is_too_large", [True, False])
def test_a_large_recording_and_a_first_connection_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_too_large: bool
) -> None:
    path = recorded(tmp_path, "b", SECOND)
    if is_too_large:
        recorded(tmp_path, "a", FIRST)
        monkeypatch.setattr(earlier_connection, "MAX_BYTES", 10)
    earlier = EarlierConnection(path)

    assert earlier.advance(lambda: False)
    assert (earlier.path, earlier.run) == (None, None)


def test_what_is_gone_or_closed_has_none(tmp_path: Path) -> None:
    gone = EarlierConnection(tmp_path / "gone.jsonl")
    assert gone.advance(lambda: False)
    recorded(tmp_path, "a", FIRST)
    closed = EarlierConnection(recorded(tmp_path, "b", SECOND))
    assert not closed.advance(lambda: True)
    closed.close()
    assert closed.is_done
    assert closed.run is None
