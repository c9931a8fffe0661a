from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.core.event import Direction, Event
from inspector.core.log import EventLog
from inspector.errors import RecordingError
from inspector.recording.format import FileShape, Header, render, render_header
from inspector.recording.reader import RecordingReader
from tests.support import client, local, numbered, recordings, server

HEADER = Header("2026-11-20T23:12:00.123456Z", "sim", "ws://x", "m", "0.1.0")
EVENTS = numbered(
    [
        local("inspector.opened", url="ws://x"),
        server("session.created", session={"id": "s"}),
        client("response.create"),
        server("response.output_text.delta", item_id="a", delta="ü\U0001f600"),
    ]
)
TEXT = render_header(HEADER) + b"".join(render(event) for event in EVENTS)


def write(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    return path


def open_log(path: Path) -> tuple[RecordingReader, EventLog]:
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    return reader, log


def events_in(path: Path) -> list[Event]:
    reader, log = open_log(path)
    events = [log.event(row) for row in range(len(log))]
    reader.close()
    return events


def test_a_recording_is_read_back(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)

    assert events_in(path) == EVENTS
    assert RecordingReader(path).header == HEADER


def test_save_load_save_is_byte_identical(tmp_path: Path) -> None:
    reader, log = open_log(write(tmp_path, TEXT))
    again = render_header(reader.header) + b"".join(render(log.event(r)) for r in range(len(log)))
    reader.close()

    assert again == TEXT


def test_any_byte_prefix_opens(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    fd = os.open(path, os.O_RDWR)
    for size in range(len(TEXT), -1, -1):
        os.ftruncate(fd, size)
        reader, log = open_log(path)
        whole = TEXT[:size].count(b"\n") - 1

        rows = [log.event(row) for row in range(len(log))]
        # A last line that lacks only its newline counts.
        assert rows[: max(0, whole)] == EVENTS[: max(0, whole)]
        assert len(rows) - max(0, whole) in (0, 1)
        assert rows == EVENTS[: len(rows)]
        reader.close()
    os.close(fd)


def test_an_incomplete_last_line_is_reported(tmp_path: Path) -> None:
    reader, log = open_log(write(tmp_path, TEXT[:-9]))

    assert len(log) == len(EVENTS) - 1
    assert reader.torn_tail() == render(EVENTS[-1])[:-9]
    reader.close()
    whole = RecordingReader(write(tmp_path, TEXT))
    assert whole.torn_tail() == b""
    whole.close()


def test_an_incomplete_header_is_reported(tmp_path: Path) -> None:
    reader = RecordingReader(write(tmp_path, TEXT[:40]))

    assert reader.torn_tail() == TEXT[:40]
    reader.close()


@pytest.mark.parametrize("text", [TEXT, b'{"type":"a"}\n{"type":"error"}\n'])
def test_a_byte_order_mark_is_skipped(tmp_path: Path, text: bytes) -> None:
    assert events_in(write(tmp_path, b"\xef\xbb\xbf" + text)) == events_in(write(tmp_path, text))


def test_a_torn_line_in_the_middle_is_still_an_event(tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    events = events_in(write(tmp_path, b"".join([*lines[:2], lines[2][:40] + b"\n", *lines[3:]])))

    assert [event.problem.code if event.problem else "" for event in events] == [
        "",
        "torn_line",
        "",
        "",
    ]
    assert [event.seq for event in events] == [1, 2, 3, 4]


def test_an_empty_file_is_an_empty_recording(tmp_path: Path) -> None:
    assert events_in(write(tmp_path, b"")) == []


def test_rows_are_numbered_by_position(tmp_path: Path) -> None:
    twice = TEXT + b"".join(render(event) for event in EVENTS)

    assert [event.seq for event in events_in(write(tmp_path, twice))] == list(range(1, 9))


def test_indexing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    reader = RecordingReader(path)
    log = reader.new_log()
    middle = reader.index_rows(log, reader.start, reader.start + 1)
    assert len(log) == 1
    reader.index_rows(log, middle, reader.size)

    assert [log.event(row) for row in range(len(log))] == EVENTS
    reader.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"hello\n", "not_a_recording"),
        (b"\x00\x01\x02" * 100, "not_a_recording"),
        (b'{"a":1}\n{"b":2}\n', "not_a_recording"),
        (b"RIFF0000WAVE", "not_a_recording"),
        (b'{"format":"realtime-session","version":2}\n', "unknown_version"),
    ],
)
def test_a_file_that_is_not_a_recording_is_refused(tmp_path: Path, text: bytes, code: str) -> None:
    with pytest.raises(RecordingError) as error:
        RecordingReader(write(tmp_path, text))

    assert error.value.code == code
    assert error.value.hint


def test_a_path_that_is_not_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "missing", tmp_path / "pipe"):
        with pytest.raises(RecordingError) as error:
            RecordingReader(path)
        assert error.value.code == "cannot_open"


def test_tagged_lines_open(tmp_path: Path) -> None:
    text = (
        b'\n{"dir":"client","event":{"type":"response.create"}}\r\n'
        b'{"t":1.5,"direction":"server","event":{"type":"error"}}\n'
        b'{"dir":"server","event":{"type":"late"}}\n'
        b'{"dir":"close","code":1000}'
    )
    events = events_in(write(tmp_path, text))

    assert [e.type for e in events] == ["response.create", "error", "late", "inspector.closed"]
    assert [e.direction for e in events][:2] == [Direction.CLIENT, Direction.SERVER]


def test_times_that_a_foreign_file_leaves_out_are_unknown(tmp_path: Path) -> None:
    text = b'{"t":1.5,"dir":"server","event":{"type":"a"}}\n{"dir":"server","event":{"type":"b"}}\n'
    reader, log = open_log(write(tmp_path, text))

    assert [log.time_us(row) for row in range(2)] == [1_500_000, None]
    assert [log.event(row).t_ns for row in range(2)] == [1_500_000_000, None]
    reader.close()


@pytest.mark.parametrize(("time", "has_times"), [(b"", False), (b'"t":1.5,', True)])
def test_a_foreign_file_without_times_is_recognized(
    tmp_path: Path, time: bytes, has_times: bool
) -> None:
    line = b'{"dir":"server",%b"event":{"type":"error"}}\n' % time
    _, log = open_log(write(tmp_path, line * 2))

    assert log.has_times == has_times


def test_bare_events_open_with_inferred_directions(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"type":"a"}\n{"type":"error"}')
    events = events_in(path)

    assert [event.type for event in events] == ["a", "error"]
    assert all(event.is_inferred for event in events)
    assert RecordingReader(path).shape is FileShape.BARE


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b'{"sample_id":"1","text":"x"}\n', "JSON lines, none of a known event type (keys: sample_id, text)"),
        (b'{"type":"message","role":"user"}\n{"type":"function_call"}\n', "JSON lines, none of a known event type (types: message, function_call)"),
        (b'{"setup":{"model":"m"}}\n{"setupComplete":{}}\n', "looks like Gemini Live (setup, setupComplete)"),
        (b'{"time":"1","source":"server","event":{"type":"session.created"}}\n', 'JSON lines with events under event, but without "dir" beside them'),
        (b'[{"type":"session.created"}]\n', "a JSON array, not one event per line"),
        (b'{"log":{"entries":\n[]}}\n', "a HAR file"),
        (b'{\n"type":"session.created"}\n', "JSON over several lines, not one event per line"),
        (b"a,b\n1,2\n", "text, not JSON lines"),
        (b"\x00\x01\x02", "binary data"),
    ],
)  # fmt: skip
def test_a_file_without_events_is_refused_with_a_description(
    tmp_path: Path, data: bytes, seen: str
) -> None:
    path = write(tmp_path, data)

    with pytest.raises(RecordingError) as refused:
        RecordingReader(path)

    assert refused.value.message == f"{path} is not a recording: {seen}"


@pytest.mark.parametrize("data", [b'{"dir":"client","event":{"setup":{}}}\n', b'{"type":"x"}\n\nnot JSON\n{"type":"response.done"}\n'])  # fmt: skip
def test_unknown_events_open_if_their_lines_are_tagged(tmp_path: Path, data: bytes) -> None:  # fmt: skip
    assert events_in(write(tmp_path, data))


def test_a_long_first_event_is_recognised(tmp_path: Path) -> None:
    text = b'{"type":"session.update","pad":"' + b"x" * 200_000 + b'"}\n{"type":"b"}\n'

    assert [event.type for event in events_in(write(tmp_path, text))] == ["session.update", "b"]


def test_a_file_that_shrinks_is_survived(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    reader, log = open_log(path)
    os.truncate(path, len(TEXT) // 2)

    event = log.read(len(log) - 1)
    assert event.problem is not None
    assert event.seq == len(EVENTS)
    reader.close()


def test_every_recorded_session_opens_whole() -> None:
    for path in recordings():
        events = events_in(path)

        assert len(events) == sum(1 for line in path.read_bytes().splitlines() if line.strip())
        assert not any(event.problem for event in events), path


def test_unusable_times_are_reported_with_their_lines(tmp_path: Path) -> None:
    def line(time: bytes) -> bytes:
        return b'{"dir":"server","ts":%b,"event":{"type":"a"}}\n' % time

    lines = [b"1.5", b'"soon"', b"2", b"true", b"1", b"0.5"]
    text = line(lines[0]) + b"\n" + b"".join(map(line, lines[1:]))
    reader, log = open_log(write(tmp_path, text))
    before = reader.time_notes()
    for row in range(len(log)):
        log.event(row)

    assert [log.time_us(row) for row in range(len(log))] == [
        1_500_000,
        None,
        2_000_000,
        None,
        1_000_000,
        500_000,
    ]
    assert before == [
        'the times of 2 lines were ignored, first on line 3: ts "soon" is not a readable time',
        "times run backwards, first on line 6; events keep the order of the lines",
    ]
    assert reader.time_notes() == before
    reader.close()


def test_a_foreign_files_dates_count_from_its_first(tmp_path: Path) -> None:
    text = b"".join(
        b'{"type":"response.create","created_at":"2026-11-27T10:00:%02dZ"}\n' % second
        for second in (5, 7)
    )
    reader, log = open_log(write(tmp_path, text))

    assert reader.header.started_at == "2026-11-27T10:00:05.000000Z"
    assert [log.event(row).t_ns for row in range(2)] == [0, 2_000_000_000]
    assert reader.time_notes() == []
    reader.close()
