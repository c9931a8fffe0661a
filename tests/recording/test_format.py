from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.core.codec import decode
from inspector.core.event import Direction, Event, Origin
from inspector.errors import RecordingError
from inspector.recording.foreign_times import ForeignTimes
from inspector.recording.format import (
    FileShape,
    Header,
    parse,
    parse_header,
    render,
    render_header,
    shape_of,
)

HEADER = Header("2026-11-20T23:12:00.123456Z", "live", "wss://host/v1", "m", "0.1.0")


def event_of_bytes(
    data: bytes,
    *,
    is_text: bool = True,
    seq: int = 1,
    t_us: int = 0,
    direction: Direction = Direction.SERVER,
    origin: Origin = Origin.WIRE,
) -> Event:
    name, body, problem = decode(data, is_text=is_text)
    return Event(seq, t_us * 1000, direction, origin, name, data, is_text, body, problem)


FRAMES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(str.encode),
    st.dictionaries(st.sampled_from(["type", "a"]), st.text(max_size=9)).map(orjson.dumps),
    st.sampled_from(
        [
            b'{"type":"x"}',
            b'{ "type" : "x" , "a":1 }',
            b'{"type":"x",\n"a":1}',
            b'{"type":"x"}\r\n',
            b'\xef\xbb\xbf{"type":"x"}',
            rb'{"type":"\ud83d"}',
            '{"type":"x\u2028\u0085"}'.encode(),
            b'{"type":"x","type":"y"}',
            b'"a string"',
            b"{}",
            b"[]}",
            b' {"type":"x"}',
            b'{"a":1e999}',
        ]
    ),
)


@given(
    FRAMES,
    st.booleans(),
    st.integers(1, 10**9),
    st.integers(0, 10**13),
    st.sampled_from(Direction),
    st.sampled_from(Origin),
)
def test_a_rendered_line_parses_to_the_same_event(
    data: bytes, is_text: bool, seq: int, t_us: int, direction: Direction, origin: Origin
) -> None:
    event = event_of_bytes(
        data, is_text=is_text, seq=seq, t_us=t_us, direction=direction, origin=origin
    )
    line = render(event)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    again = parse(line[:-1], seq - 1)
    assert (again.data, again.is_text, again.type, again.direction, again.origin) == (
        data,
        is_text,
        event.type,
        direction,
        origin,
    )
    assert (again.seq, again.t_ns, again.problem) == (seq, event.t_ns, event.problem)
    assert render(again) == line


def test_the_frame_stands_in_the_line_verbatim() -> None:
    frame = b'{"type":"x",   "b":1.50, "a":"\\u0041"}'

    line = render(event_of_bytes(frame, seq=7, t_us=12_345_678))
    assert line == (
        b'{"seq":7,"t":12.345678,"dir":"server","origin":"wire","type":"x","event":'
        + frame
        + b"}\n"
    )


@given(st.binary(max_size=120))
@example(
    b'{"seq":1,"t":%b,"dir":"server","origin":"mic","type":"x","event":{"type":"x"}}'
    % (b"1" * 5000)
)
def test_parse_never_raises(line: bytes) -> None:
    for shape in FileShape:
        assert parse(line, 3, shape).seq >= 0


@pytest.mark.parametrize("cut", range(1, 70))
def test_a_torn_line_is_a_problem(cut: int) -> None:
    line = render(event_of_bytes(b'{"type":"x","a":{"b":1}}'))[:-1]

    problem = parse(line[:-cut], 0).problem
    assert problem is not None
    assert problem.code == "torn_line"


def test_unknown_keys_and_origins_are_ignored() -> None:
    event = parse(
        b'{"seq":1,"t":1.5,"dir":"client","origin":"dream","type":"x","event":{"type":"x"}}', 0
    )
    reordered = parse(b'{"dir":"client","new":1,"t":1.5,"event":{"type": "x"},"seq":1}', 0)

    assert (event.origin, event.direction, event.t_ns) == (
        Origin.WIRE,
        Direction.CLIENT,
        1_500_000_000,
    )
    assert (reordered.type, reordered.data, reordered.t_ns) == (
        "x",
        b'{"type": "x"}',
        1_500_000_000,
    )


def test_the_header_is_read_back() -> None:
    assert parse_header(render_header(HEADER)) == HEADER


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"1", b'{"type":"x"}', b'{"format":"other","version":1}']
)
def test_other_first_lines_are_not_headers(line: bytes) -> None:
    assert parse_header(line) is None


@pytest.mark.parametrize("version", [b"2", b"null", b"0"])
def test_an_unknown_version_is_refused(version: bytes) -> None:
    with pytest.raises(RecordingError) as error:
        parse_header(b'{"format":"realtime-session","version":' + version + b"}")

    assert error.value.code == "unknown_version"


def test_header_values_of_the_wrong_type_are_empty() -> None:
    header = parse_header(b'{"format":"realtime-session","version":1,"url":3,"source":"sim"}')

    assert header == Header("", "sim")


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        (b'{"dir":"client","event":{"type":"x"}}', FileShape.TAGGED),
        (b'{"direction":"sent","event":{}}', FileShape.TAGGED),
        (b'{"dir":"close","code":1000}', FileShape.TAGGED),
        (b'{"type":"x"}', FileShape.BARE),
        (b'{"a":1}', None),
        (b"no", None),
    ],
)
def test_foreign_shapes_are_recognised(line: bytes, shape: FileShape | None) -> None:
    assert shape_of(line) is shape


def test_tagged_lines_keep_the_frames_bytes_and_times() -> None:
    line = b'{"t": 0.25, "direction": "received", "event": {"type": "x",  "a": 1.0}}'
    event = parse(line, 4, FileShape.TAGGED, ForeignTimes())

    assert (event.seq, event.t_ns, event.direction) == (5, 250_000_000, Direction.SERVER)
    assert event.data == b'{"type": "x",  "a": 1.0}'


def test_a_close_line_becomes_a_local_event() -> None:
    event = parse(b'{"dir":"close","code":1001,"reason":"bye"}', 0, FileShape.TAGGED)

    assert (event.type, event.direction) == ("inspector.closed", Direction.LOCAL)
    assert event.body is not None
    assert event.body["code"] == 1001


def test_the_direction_of_a_bare_event_is_inferred() -> None:
    event = parse(b'{"type":"no.such.type"}', 0, FileShape.BARE)

    assert (event.is_inferred, event.direction) == (True, Direction.SERVER)


@pytest.mark.parametrize("t", [b"9" * 11 + b".5", b"1" * 30 + b".000001"])
def test_implausible_times_in_a_recording_are_unknown(t: bytes) -> None:
    line = b'{"seq":1,"t":' + t + b',"dir":"server","origin":"mic","type":"x","event":{"type":"x"}}'
    event = parse(line, 0)

    assert (event.type, event.t_ns, event.origin) == ("x", None, Origin.MIC)


def test_an_implausible_seq_is_replaced_by_the_row() -> None:
    line = b'{"seq":%b,"t":1.5,"dir":"server","origin":"wire","type":"x","event":{}}' % (b"9" * 40)

    assert parse(line, 4).seq == 5


def test_a_frame_that_nests_too_deeply_is_not_a_torn_line() -> None:
    frame = b'{"type":"x","a":' + b"[" * 500 + b"]" * 500 + b"}"
    line = b'{"seq":1,"t":1.5,"dir":"server","origin":"wire","type":"x","event":' + frame + b"}"
    event = parse(line, 0)

    assert (event.type, event.data) == ("x", frame)
    assert event.problem is not None
    assert event.problem.code == "too_deep"


def test_a_text_line_with_an_unexpected_surrogate_is_an_event() -> None:
    line = b'{"seq":2,"t":0.5,"dir":"server","origin":"wire","type":"","text":"\\ud800 not json"}'
    event = parse(line, 1)

    assert (event.direction, event.t_ns) == (Direction.SERVER, 500_000_000)
    assert event.problem is not None
    assert parse(render(event)[:-1], 1) == event


def test_a_number_of_5000_digits_is_json_and_saved_as_it_came() -> None:
    line = b'{"seq":1,"t":0.500000,"dir":"server","origin":"wire","type":"x","event":{"type":"x","n":%b}}'
    line %= b"9" * 5000
    event = parse(line, 0)

    assert (event.type, event.problem) == ("x", None)
    assert render(event) == line + b"\n"
    foreign = parse(b'{"dir":"server","event":{"type":"x","n":%b}}' % (b"9" * 5000), 0)
    assert (foreign.type, foreign.problem) == ("x", None)
