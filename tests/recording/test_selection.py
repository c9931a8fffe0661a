"""Events of given types: the same as those of the whole file, whatever stands between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.core.event import Event
from inspector.core.groups import audio_bytes_of
from inspector.core.output_audio import OUTPUT_AUDIO_TYPES
from inspector.core.usage import USAGE_TYPES
from inspector.recording import selection
from inspector.recording.format import Header, render, render_header
from inspector.recording.reader import RecordingReader
from inspector.recording.selection import selected_events
from tests.billed import answer, clock_in_the_instructions, session, usage, write_recording
from tests.core.test_state import any_event, event_from
from tests.core.test_usage_records import cut_answer
from tests.support import client, frame_event, local, numbered, server, silence

TYPES = USAGE_TYPES | OUTPUT_AUDIO_TYPES
GA_DELTA = (
    b'{"type":"response.output_audio.delta","event_id":"e","response_id":"r","item_id":"i",'
    b'"output_index":0,"content_index":0,"delta":"%b"}'
)


def both(path: Path) -> tuple[list[Event], list[Event]]:
    """Return the selected events, and the same of the whole file."""
    reader = RecordingReader(path)
    try:
        chosen = list(selected_events(reader, TYPES))
        lines = enumerate(line for _, line in reader.lines(reader.start, reader.size))
        whole = [event for row, line in lines if (event := reader.decode(line, row)).type in TYPES]
    finally:
        reader.close()
    return chosen, whole


def bare(event: Event) -> Event:
    """Return an event without the sound that need not have been read."""
    if event.type not in ("response.output_audio.delta", "response.audio.delta"):
        return event
    told = {"response_id", "item_id", "content_index"}
    body = {key: value for key, value in (event.body or {}).items() if key in told}
    return replace(event, data=b"", body=body, audio_bytes=audio_bytes_of(event))


def assert_the_same(path: Path) -> None:
    chosen, whole = both(path)
    assert [bare(event) for event in chosen] == [bare(event) for event in whole]


def test_events_come_as_in_the_whole_file(tmp_path: Path) -> None:
    events = [
        session(),
        client("input_audio_buffer.append", audio=silence(100)),
        *cut_answer("a", "x"),
        server("made.up", type_="x"),
        *answer("b", usage(5)),
        local("inspector.note", text="x"),
    ]
    path = write_recording(tmp_path / "r.jsonl", numbered([*clock_in_the_instructions(2), *events]))

    assert_the_same(path)


@pytest.mark.parametrize(
    "delta",
    [
        GA_DELTA % b"AAAA",
        GA_DELTA % b"AAA=",
        GA_DELTA % b"AA==",
        GA_DELTA % b"",
        GA_DELTA % b"data:audio/wav;base64,AAAA",
        GA_DELTA % rb"AA\/A",
        (GA_DELTA % b"AAAA").replace(b'"}', b'","obfuscation":"xy"}'),
        (GA_DELTA % b"AAAA").replace(b'"}', b'","more":1}'),
        (GA_DELTA % b"AAAA").replace(b'"i"', rb'"i\"delta\":\""'),
        (GA_DELTA % b"AAAA").replace(b'"delta"', b'"audio"'),
        (GA_DELTA % b"AAAA").replace(b'":"', b'": "'),
        (GA_DELTA % b"AAAA").replace(b'"r"', b'{"delta":"x"}'),
        (GA_DELTA % b"AAAA").replace(b'"i"', '"ü"'.encode()),
        b'{"type":"response.output_audio.delta","delta":7}',
    ],
)
def test_sound_is_counted_and_not_read(tmp_path: Path, delta: bytes) -> None:
    event = frame_event(server("x").direction, delta)
    path = write_recording(tmp_path / "r.jsonl", numbered([session(), event]))

    assert_the_same(path)
    assert both(path)[0][1].t_ns is not None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b"not json",
        b'{"type":"response.done","seq":9}',
        b'{"dir":"server","event":{"type":"response.done","response":{}}}',
        b'{"seq":9,"dir":"server","origin":"wire","type":"\\u0072esponse.done","event":{"type":"response.done"}}',
        b'{"seq":9,"t":1.5,"dir":"server","origin":"wire","type":"response.done","event":{"type":"response.done"}}',
    ],
)
def test_odd_lines_are_read_as_in_the_whole_file(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "r.jsonl"
    parts = [render(event) for event in numbered(answer("a", usage(5)))]
    path.write_bytes(render_header(Header("", "live")) + parts[0] + line + b"\n" + parts[1])

    assert_the_same(path)


def test_a_foreign_file_is_parsed_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    lines = [b'{"dir":"server","event":%b}' % event.data for event in cut_answer("a", "x")]
    path.write_bytes(b"\n".join(lines))

    assert len(both(path)[0]) == 4
    assert_the_same(path)


def test_a_file_cut_anywhere_is_read_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "BLOCK_BYTES", 64)
    path = write_recording(
        tmp_path / "r.jsonl", numbered([session(), *cut_answer("a", "x"), *answer("b", usage(5))])
    )
    whole = path.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole), 97):
        path.write_bytes(whole[:end])

        assert_the_same(path)


@given(st.lists(any_event, max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_events_are_selected_as_in_the_whole_file(
    tmp_path: Path, drawn: list[tuple[str, dict[str, object]]]
) -> None:
    events = [event_from(seq, one) for seq, one in enumerate(drawn, 1)]
    path = write_recording(tmp_path / "r.jsonl", events)

    assert_the_same(path)
