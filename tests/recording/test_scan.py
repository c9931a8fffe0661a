"""The bulk scanner finds exactly what reading event by event finds; opening survives what files do."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.core.log import COLUMNS, EventLog
from inspector.recording import chunk_file as chunk_file_module
from inspector.recording import chunk_scanner as chunk_scanner_module
from inspector.recording import index_file
from inspector.recording import opening as opening_module
from inspector.recording import scan as scan_module
from inspector.recording.opening import RecordingOpening, open_recording
from inspector.recording.prestart import SMALL_BYTES, prestarted_index
from inspector.recording.reader import RecordingReader
from inspector.recording.scan_process import ScanProcess
from inspector.shipped import shipped_folder
from inspector.spec.events import EVENT_TYPES
from tests.support import ManualClock

HEADER = b'{"format":"realtime-session","version":1,"started_at":"2026-01-01T00:00:00.000000Z","source":"sim"}\n'
EXAMPLE = shipped_folder("sessions") / "example-truncated-answer.jsonl"
ids = st.sampled_from(["item_A", "item_B", "item_Zürich", "x" * 70, 'q"uote', ""])
texts = st.sampled_from(
    [
        "x",
        " word",
        "日本",
        'a"b',
        "back\\slash",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ]
)
bodies = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("response.output_text.delta"),
            "item_id": ids,
            "output_index": st.integers(0, 12),
            "content_index": st.integers(0, 12),
            "delta": texts,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("response.output_text.delta"),
            "content_index": st.just(1),
            "item_id": ids,
            "delta": texts,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("response.function_call_arguments.delta"), "item_id": ids, "delta": texts}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("response.output_audio.delta"),
            "item_id": ids,
            "content_index": st.just(0),
            "delta": st.sampled_from(["", "AAAA", "AAA=", "AA==" * 30]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("input_audio_buffer.append"),
            "audio": st.sampled_from(
                ["AAAA", "AA==", "A" * 400, f"data:audio/wav;base64,{'A' * 400}"]
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("input_audio_buffer.append"),
            "audio": st.just("AAAA"),
            "event_id": st.just("e"),
        }
    ),
    st.fixed_dictionaries({"type": st.just("input_audio_buffer.speech_started"), "item_id": ids}),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["session.output_transcript.delta", "session.input_transcript.delta"]
            ),
            "delta": texts,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("session.output_audio.delta"), "delta": st.sampled_from(["AAAA", "AA=="])}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("response.done"),
            "response": st.fixed_dictionaries(
                {"status": st.sampled_from(["completed", "failed", "incomplete"])}
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("error"),
            "error": st.fixed_dictionaries(
                {"code": st.sampled_from(["a", None]), "message": st.sampled_from(["x", "y"])}
            ),
        },
        optional={"item_id": ids},
    ),
    st.fixed_dictionaries(
        {"type": st.just("inspector.closed"), "code": st.sampled_from([1000, 1006])}
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["inspector.altered", "inspector.undelivered"]),
            "direction": st.sampled_from(["client", "server"]),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("inspector.injected"), "to": st.sampled_from(["api", "app"])}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["error", "ping", 'we"ird', "ünknown", ""]), "text": texts}
    ),
)
styles = st.sampled_from(
    [
        "compact",
        "spaced",
        "shuffled",
        "escaped",
        "text",
        "blank",
        "torn",
        "crlf",
        "b64",
        "late",
        "untimed",
        "before",
    ]
)
lines = st.lists(
    st.tuples(
        bodies,
        st.sampled_from(["client", "server", "local"]),
        st.sampled_from(["wire", "mic", "hand", "rule"]),
        styles,
    ),
    max_size=30,
)


def line_of(seq: int, drawn: tuple[dict[str, Any], str, str, str]) -> bytes:
    body, direction, origin, style = drawn
    frame = orjson.dumps(body)
    head = b'{"seq":%d,"t":%d.%06d,"dir":"%b","origin":"%b","type":%b,' % (
        seq,
        seq // 7 + 3 * (seq // 15),
        seq * 1003 % 1_000_000,
        direction.encode(),
        origin.encode(),
        orjson.dumps(body["type"]),
    )
    match style:
        case "spaced":
            frame = frame.replace(b'":', b'": ').replace(b',"', b', "')
        case "shuffled":
            frame = orjson.dumps(dict(reversed(body.items())))
        case "escaped":
            frame = frame.replace(b"AAAA", rb"A\/AA")
        case "text":
            return head + b'"text":' + orjson.dumps(frame.decode() + "}") + b"}\n"
        case "b64":
            return head + b'"b64":"AAEC"}\n'
        case "blank":
            return b"  \n\n"
        case "torn":
            return head[: len(head) // 2] + b"\n"
        case "late":
            head = head.replace(b'"t":', b'"t":' + b"9" * (seq % 40))
        case "untimed":
            head = re.sub(rb'"t":[^,]*,', b"", head)
        case "before":
            head = head.replace(b'"t":', b'"t":-')
        case "crlf":
            return head + b'"event":' + frame + b"}\r\n"
    return head + b'"event":' + frame + b"}\n"


def columns_of(log: EventLog) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: list(getattr(log, name)) for name, _ in COLUMNS if name != "kind"
    }
    found["type"] = [log.type_of(row) for row in range(len(log))]
    groups = log.groups
    found["groups"] = list(
        zip(groups.head, groups.last, groups.count, groups.audio_bytes, strict=True)
    )
    return found


def plainly(path: Path) -> EventLog:
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, 1 << 60)
    reader.close()
    return log


def scanned(path: Path, workers: int = 1, size: int = 0) -> EventLog:
    reader = RecordingReader(path)
    log = reader.new_log()
    scan_module.scan(path, reader.start, reader.size, log.load_block, workers, size)
    reader.close()
    return log


@given(lines, st.sampled_from([300, 1000, 1 << 20]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scanning_is_the_same_as_reading(tmp_path: Path, drawn: list[Any], chunk: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + b"".join(line_of(seq, one) for seq, one in enumerate(drawn, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_file_module, "LINE_BYTES", 16)
        assert columns_of(scanned(path, size=chunk)) == columns_of(plainly(path))


names = st.sampled_from(sorted(EVENT_TYPES))
ODD: tuple[bytes, ...] = (
    b'"',
    b"\\",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b",",
    b":",
    b"=",
    b"\t",
    b"\r",
    b"9" * 40,
)
ODD += (b"0", b"-", b"true", b"\\u12", b"\\ud800", b'\\"', b'"type":"error",', b'"item_id":"zz",')
ODD += (
    b'"content_index":7,',
    b'"status":"failed",',
    b'"delta":"QUJD",',
    b',"event":{}',
    b"9" * 5000,
)
KEYS = (
    b'"type"',
    b'"item_id"',
    b'"content_index"',
    b'"delta"',
    b'"audio"',
    b'"event"',
    b'"dir"',
    b'"t"',
    b'"seq"',
)
audio_texts = st.sampled_from(
    [
        "",
        "=",
        "==",
        "===",
        "A",
        "AA=",
        "AAAA" * 40,
        "AAAA" * 40 + "==",
        'A"A',
        "A=A" * 40,
        "é" * 60,
        "A\\A",
        "A A",
    ]
)


@st.composite
def related_lines(draw: st.DrawFn) -> list[tuple[dict[str, Any], str, str, str]]:
    """Return lines of types that are neighbours in the table, so that their names begin alike."""
    name = draw(names)
    alike = [other for other in EVENT_TYPES if other.startswith(name.rpartition(".")[0])]
    body = st.fixed_dictionaries(
        {"type": st.sampled_from(alike)},
        optional={
            "event_id": st.integers(1000, 9999).map(lambda number: f"event_{number}"),
            "item_id": ids,
            "content_index": st.sampled_from([0, 1, 12, True, None, -1, 2.5, "0"]),
            "response": st.fixed_dictionaries(
                {"status": st.sampled_from(["completed", "failed", "Fail ed"])}
            ),
            "code": st.sampled_from([1000, 1006, "1000", None]),
            "delta": st.one_of(texts, audio_texts),
            "audio": audio_texts,
            "audio_end_ms": st.integers(0, 10**6),
        },
    )
    form = st.sampled_from(["compact", "compact", "compact", "spaced", "shuffled"])
    return draw(st.lists(st.tuples(body, st.just("server"), st.just("wire"), form), max_size=30))


@st.composite
def damaged(draw: st.DrawFn, line: bytes) -> bytes:
    """Return a line as a bad disk, a bad copy or another program may leave it."""
    at = draw(st.integers(0, len(line) - 1))
    match draw(
        st.sampled_from(["whole", "cut", "flip", "gap", "add", "begin", "key", "space", "end"])
    ):
        case "cut":
            line = line[:at]
        case "flip":
            line = line[:at] + bytes([line[at] ^ 1 << draw(st.integers(0, 7))]) + line[at + 1 :]
        case "gap":
            line = line[:at] + line[at + draw(st.integers(1, 12)) :]
        case "add":
            line = line[:at] + draw(st.sampled_from(ODD)) + line[at:]
        case "begin":
            line = line.replace(
                b'"event":{', b'"event":{' + draw(st.sampled_from(KEYS)) + b":1,", 1
            )
        case "key":
            line = line.replace(draw(st.sampled_from(KEYS)), draw(st.sampled_from(KEYS)), 1)
        case "space":
            line = line.replace(b":", draw(st.sampled_from([b": ", b" :", b":\t"])))
        case "end":
            line += draw(st.sampled_from([b" ", b"\r", b"}", b"x", b"\x0b"]))
    return line.rstrip(b"\n") + b"\n"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return the lines of a file in which few or many are damaged."""
    whole = [line_of(seq, one) for seq, one in enumerate(draw(related_lines()), 1)]
    share = draw(st.sampled_from([0, 1, 4]))
    text = b"".join(
        draw(damaged(line)) if draw(st.integers(0, 9)) < share else line for line in whole
    )
    return text if draw(st.booleans()) else text.removesuffix(b"\n")


@given(files(), st.sampled_from([300, 1 << 20]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_similar_names_and_damaged_lines_are_scanned_as_they_are_read(
    tmp_path: Path, text: bytes, chunk: int
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk_file_module, "LINE_BYTES", 16)
        patch.setattr(chunk_scanner_module, "FEW_LINES", 1)
        assert columns_of(scanned(path, size=chunk)) == columns_of(plainly(path))


@pytest.mark.parametrize("direction", ["server", "client"])
def test_every_type_is_distinguished_from_the_next(tmp_path: Path, direction: str) -> None:
    types = [name for name, known in EVENT_TYPES.items() if known.direction == direction]
    for first in types[:: max(1, len(types) // 12)]:
        drawn = [name for second in types for name in (first, second)]
        path = tmp_path / "a.jsonl"
        path.write_bytes(
            HEADER
            + b"".join(
                line_of(
                    seq, ({"type": name, "item_id": "item_A", "delta": "x"}, direction, "wire", "")
                )
                for seq, name in enumerate(drawn, 1)
            )
        )
        log = scanned(path)

        assert [log.type_of(row) for row in range(len(log))] == drawn


def test_a_track_whose_first_time_the_chunk_before_knows_is_grouped_as_read(tmp_path: Path) -> None:
    append = ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "client", "wire", "compact")
    delta = ({"type": "session.output_transcript.delta", "delta": "x"}, "client", "wire")
    drawn = [*[append] * 8, (*delta, "late"), *[append] * 5, (*delta, "compact")]
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER + b"".join(line_of(seq, one) for seq, one in enumerate(drawn, 1)))
    plain = columns_of(plainly(path))

    for chunk in range(800, 1300, 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chunk_file_module, "LINE_BYTES", 16)
            assert columns_of(scanned(path, size=chunk)) == plain


def test_two_workers_find_what_one_finds() -> None:
    assert columns_of(scanned(EXAMPLE, workers=2, size=4000)) == columns_of(plainly(EXAMPLE))


@pytest.mark.parametrize("long_line", [1, 1 << 20])
def test_a_recording_is_scanned_as_it_is_read_however_long_its_lines_are(
    monkeypatch: pytest.MonkeyPatch, long_line: int
) -> None:
    monkeypatch.setattr(chunk_file_module, "LONG_LINE_BYTES", long_line)

    assert columns_of(scanned(EXAMPLE)) == columns_of(plainly(EXAMPLE))


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a recording that counts as large: it is indexed by a child process."""
    monkeypatch.setattr(opening_module, "SMALL_BYTES", 0)
    monkeypatch.setattr(opening_module, "FIRST_BYTES", 4000)
    path = tmp_path / "large.jsonl"
    shutil.copy(EXAMPLE, path)
    return path


def finish(opening: RecordingOpening) -> None:
    until = time.monotonic() + 20
    while opening.progress < 1 or opening._scan is not None or opening._kept is not None:
        opening.advance()
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_large_file_is_indexed_by_a_child_and_shows_rows_at_once(large: Path) -> None:
    opening = open_recording(large)
    assert 0 < len(opening.log) < 116
    finish(opening)

    assert columns_of(opening.log) == columns_of(plainly(large))
    opening.close()


def test_a_prestarted_child_indexes_the_file(large: Path) -> None:
    scan = ScanProcess()
    opening = open_recording(large, scan=scan)
    assert opening._scan is scan
    finish(opening)

    assert columns_of(opening.log) == columns_of(plainly(large))
    opening.close()


def test_a_child_that_is_not_needed_is_ended() -> None:
    scan = ScanProcess()
    opening = open_recording(EXAMPLE, scan=scan)

    assert scan._process.returncode is not None
    finish(opening)
    assert len(opening.log) == 116
    opening.close()


def test_a_child_ends_when_its_parent_has_died() -> None:
    scan = ScanProcess()
    scan._close_job()

    assert scan._process.wait(20) == 0
    scan.close()


@pytest.mark.parametrize("size", [None, SMALL_BYTES, SMALL_BYTES + 1])
def test_only_a_large_file_gets_a_prestarted_child(tmp_path: Path, size: int | None) -> None:
    path = tmp_path / "a.jsonl"
    if size is not None:
        path.touch()
        os.truncate(path, size)
    scan = prestarted_index(path)

    assert (scan is not None) == (size is not None and size > SMALL_BYTES)
    if scan is not None:
        scan.close()


def test_a_child_that_dies_is_replaced_by_slices(large: Path) -> None:
    opening = open_recording(large)
    assert opening._scan is not None
    opening._scan._process.kill()
    opening._scan._process.wait()
    finish(opening)

    assert len(opening.log) == 116
    opening.close()


def test_a_large_file_is_opened_from_the_index_that_was_kept(large: Path, tmp_path: Path) -> None:
    folder = tmp_path / "indexes"
    first = open_recording(large, indexes=folder)
    assert first._scan is not None
    finish(first)
    first.close()
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    again = open_recording(large, indexes=folder)

    assert again._scan is None
    finish(again)
    assert columns_of(again.log) == columns_of(plainly(large))
    again.close()


def keep_index(path: Path, folder: Path) -> Path:
    """Open a large recording so that its index is kept; return where."""
    opening = open_recording(path, indexes=folder)
    finish(opening)
    opening.close()
    (kept,) = folder.iterdir()
    return kept


@pytest.mark.parametrize("harm", ["recording", "cut", "foreign", "empty", "older"])
def test_an_index_that_does_not_match_is_not_used(large: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "indexes"
    kept = keep_index(large, folder)
    match harm:
        case "recording":
            large.write_bytes(large.read_bytes().replace(b"session.created", b"session.Created"))
        case "cut":
            kept.write_bytes(kept.read_bytes()[:-7])
        case "foreign":
            kept.write_bytes(b'["not ours"]\n')
        case "empty":
            kept.write_bytes(b"")
        case "older":
            version = b'"version":%d' % index_file.VERSION
            kept.write_bytes(kept.read_bytes().replace(version, b'"version":4'))
    opening = open_recording(large, indexes=folder)

    assert opening._kept is None
    finish(opening)
    assert columns_of(opening.log) == columns_of(plainly(large))
    opening.close()


@given(st.data())
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_index_is_replaced_without_a_notice(
    large: Path, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "indexes"
    kept = keep_index(large, folder)
    whole = kept.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    kept.write_bytes(damaged if data.draw(st.booleans()) else whole[:at])
    opening = open_recording(large, indexes=folder)
    finish(opening)

    assert columns_of(opening.log) == columns_of(plainly(large))
    assert opening.notices == []
    assert kept.read_bytes() == whole
    opening.close()


def test_the_checksum_covers_every_byte_of_an_index(large: Path, tmp_path: Path) -> None:
    kept = keep_index(large, tmp_path / "indexes")
    whole = kept.read_bytes()
    fd, size = os.open(large, os.O_RDONLY), large.stat().st_size
    for at in range(0, len(whole), 61):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        kept.write_bytes(damaged)
        blocks = index_file.read_index(kept, fd, size)

        if blocks is not None:
            with pytest.raises(index_file.DamagedIndex):
                list(blocks)
    os.close(fd)


def test_a_growing_file_is_followed_and_a_torn_line_completed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    data = EXAMPLE.read_bytes()
    path.write_bytes(data[:-30])
    opening = open_recording(path, ManualClock())
    assert len(opening.log) == 115
    assert "incomplete" in opening.notices[0]
    with path.open("ab") as file:
        file.write(data[-30:])
    opening.advance()
    opening.advance()

    assert len(opening.log) == 116
    assert opening.notices == []
    opening.close()


def test_a_shrinking_file_is_reported_and_its_rows_do_not_break(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    shutil.copy(EXAMPLE, path)
    opening = open_recording(path)
    finish(opening)
    os.truncate(path, 3000)
    opening.advance()

    assert "truncated" in opening.notices[0]
    assert opening.log.read(110).problem is not None
    opening.close()


def test_a_replaced_or_deleted_file_is_reported_and_still_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    shutil.copy(EXAMPLE, path)
    opening = open_recording(path)
    finish(opening)
    count = len(opening.log)
    (tmp_path / "b.jsonl").write_bytes(b"other\n")
    (tmp_path / "b.jsonl").replace(path)
    opening.advance()
    path.unlink()
    opening.advance()

    assert len(opening.notices) == 1
    assert "replaced or deleted" in opening.notices[0]
    assert len(opening.log) == count
    assert opening.log.event(count - 1).problem is None
    opening.close()


def test_an_empty_file_opens_with_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    opening = open_recording(path)

    assert (len(opening.log), opening.progress, opening.notices) == (0, 1.0, ["the file is empty"])
    opening.close()
