"""The times of lines in foreign files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.event import Event
from inspector.recording.foreign_times import OWN_TIMES, TIME_KEYS, ForeignTimes
from inspector.recording.format import FileShape, parse, render
from inspector.spec.events import EVENT_TYPES

NOON = "2026-11-27T12:00:00Z"
EPOCH = 1795780800
"""The same, in seconds."""


def read(*lines: dict[str, Any]) -> list[float | None]:
    """Return the seconds of some lines of one file."""
    times = ForeignTimes()
    found = [times.of(line) for line in lines]
    return [None if ns is None else ns / 1e9 for ns in found]


@pytest.mark.parametrize(
    ("value", "later", "seconds"),
    [
        (0, 1.5, [0, 1.5]),
        (12.25, 13, [12.25, 13]),
        ("1.5", "2", [1.5, 2]),
        (-1, 2, [-1, 2]),
        (EPOCH, EPOCH + 2, [0, 2]),
        (EPOCH + 0.25, EPOCH + 1, [0, 0.75]),
        (EPOCH * 10**3 + 5, EPOCH * 10**3 + 10, [0, 0.005]),
        (EPOCH * 10**6 + 5, EPOCH * 10**6 + 10, [0, 0.000005]),
        (EPOCH * 10**9 + 1000, EPOCH * 10**9 + 3000, [0, 0.000002]),
        (str(EPOCH), str(EPOCH + 1), [0, 1]),
        (NOON, "2026-11-27T12:00:01.5Z", [0, 1.5]),
        (NOON, "2026-11-27T14:00:01+02:00", [0, 1]),
        ("2026-11-27 12:00:00", "2026-11-27 12:00:00,250", [0, 0.25]),
        ("20261127T120000Z", "20261127T120003Z", [0, 3]),
        # Units may change from line to line as long as all of them count from the epoch.
        (NOON, EPOCH + 1, [0, 1]),
        (EPOCH, EPOCH * 1000 + 1500, [0, 1.5]),
        # Backwards is what the file says.
        (NOON, "2026-11-27T11:59:58Z", [0, -2]),
    ],
)
@pytest.mark.parametrize("key", TIME_KEYS)
def test_the_origin_of_times_follows_from_magnitude_and_format(
    key: str, value: object, later: object, seconds: list[float]
) -> None:
    assert read({key: value}, {key: later}) == seconds


@pytest.mark.parametrize(
    "value",
    [
        True,
        [],
        {},
        "",
        "yesterday",
        "12:00:01",
        "2026-11-27",
        1e30,
        10**400,
        -1000000000.0,
        "9" * 80,
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-13-01T00:00:00Z",
        "T" * 30,
        {"$date": NOON},
    ],
)
def test_an_unreadable_time_is_unknown_and_reported(value: object) -> None:
    times = ForeignTimes()

    assert times.of({"ts": value}) is None
    assert times.problem.startswith("ts ")
    assert times.of({"ts": 5}) == 5_000_000_000
    assert times.problem == ""


@pytest.mark.parametrize("line", [{}, {"t": None}, {"text": "12.5"}, {"time": None, "at": None}])
def test_a_line_without_a_time_is_not_a_problem(line: dict[str, Any]) -> None:
    times = ForeignTimes()

    assert times.of(line) is None
    assert times.problem == ""


@pytest.mark.parametrize(
    ("first", "other"),
    [(5, EPOCH), (EPOCH, 5), (NOON, "2026-11-27T12:00:01"), ("2026-11-27T12:00:00", EPOCH)],
)
def test_times_of_another_origin_are_unknown_and_reported(first: object, other: object) -> None:
    times = ForeignTimes()

    assert times.of({"t": first}) is not None
    assert times.of({"t": other}) is None
    assert "but earlier times are" in times.problem


def test_the_first_key_that_can_be_read_counts() -> None:
    assert read({"time": "soon", "timestamp": 3, "at": 4}) == [3]


def test_a_line_reads_the_same_again() -> None:
    times = ForeignTimes()
    lines = [{"t": EPOCH}, {"t": EPOCH + 5}, {"t": EPOCH - 1}]

    assert [times.of(line) for line in lines] == [times.of(line) for line in lines]


def test_a_servers_own_times_are_not_the_loggers() -> None:
    times = ForeignTimes()
    ping = b'{"type":"ping","timestamp":1785214080296}'
    delta = b'{"type":"response.output_audio.delta","ts":1785214081366,"time":2.5}'

    assert parse(ping, 0, FileShape.BARE, times).t_ns is None
    assert parse(delta, 0, FileShape.BARE, times).t_ns == 2_500_000_000


def test_the_frames_of_tagged_lines_are_not_asked_for_the_time() -> None:
    line = b'{"dir":"server","event":{"type":"ping","timestamp":1785214080296}}'

    assert parse(line, 0, FileShape.TAGGED, ForeignTimes()).t_ns is None


def test_the_servers_own_times_are_of_known_events() -> None:
    assert set(OWN_TIMES) - {"realtime.call.incoming"} <= set(EVENT_TYPES)


def test_the_first_date_is_the_files_start() -> None:
    times = ForeignTimes()
    times.of({"ts": "2026-11-27T14:00:00.5+02:00"})

    assert times.started_at == "2026-11-27T12:00:00.500000Z"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(st.lists(st.dictionaries(st.sampled_from(TIME_KEYS), json_values, max_size=3), max_size=4))
def test_reading_never_raises(lines: list[dict[str, Any]]) -> None:
    read(*lines)


@pytest.mark.parametrize("t_ns", [None, 0, 1_500_000_000, -2_250_000_000, -1000])
def test_lines_of_ours_keep_a_time_that_is_unknown_or_before_the_start(t_ns: int | None) -> None:
    event = parse(b'{"dir":"client","event":{"type":"x"}}', 0, FileShape.TAGGED)
    timed = Event(1, t_ns, event.direction, event.origin, event.type, event.data)
    again = parse(render(timed)[:-1], 0)

    assert again.t_ns == t_ns
    assert render(again) == render(timed)
    assert (b'"t":' in render(timed)) is (t_ns is not None)
