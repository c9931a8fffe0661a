from __future__ import annotations

from typing import Any

import pytest

from inspector.analysis.placement import AudioSide, Placement
from inspector.core.event import Event
from tests.support import at, client, numbered, server, silence

PCMU = server(
    "session.updated", session={"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}
)  # fmt: skip


def append(at_ms: float, ms: float, rate_hz: int = 24_000) -> Event:
    return at(at_ms, client("input_audio_buffer.append", audio=silence(ms, rate_hz)))


def spans(events: list[Event], side: AudioSide) -> list[tuple[int, int]]:
    """Return from when to when each segment of a side lasts, in ms."""
    placement = Placement()
    for event in numbered(events):
        placement.feed(event)
    return [
        ((found.start_us or 0) // 1000, (found.end_us or 0) // 1000)
        for found in placement.side(side)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([append(1000, 400)], [(600, 1000)]),
        ([append(100, 400)], [(0, 400)]),
        ([append(1000, 400), append(1400, 400)], [(600, 1400)]),
        ([append(1000, 400), append(1700, 400)], [(600, 1400)]),
        ([append(1000, 400), append(1701, 400)], [(600, 1000), (1301, 1701)]),
        # 400 ms at 8 kHz and 16 bit are 800 ms of G.711: said from 700 on, but the run before lasts until 1000.
        ([append(1000, 400), at(1100, PCMU), append(1500, 400, 8_000)], [(600, 1000), (1000, 1800)]),
        ([at(500, server("input_audio_buffer.append", audio=silence(10)))], []),
    ],
)  # fmt: skip
def test_appends_form_runs_that_never_overlap(
    events: list[Event], expected: list[tuple[int, int]]
) -> None:
    assert spans(events, AudioSide.USER) == expected


@pytest.mark.parametrize(
    ("members", "ms"),
    [
        ({}, 1000),
        ({"sample_rate": 24_000}, 1000),
        ({"sample_rate": 8_000}, 3000),
        ({"sample_rate": 4_000}, 6000),
        ({"sample_rate": 3_999}, 1000),
        ({"sample_rate": 192_000}, 125),
        ({"sample_rate": 192_001}, 1000),
        ({"sample_rate": "fast"}, 1000),
    ],
)
def test_audio_without_an_item_has_its_own_sample_rate_if_plausible(
    members: dict[str, Any], ms: int
) -> None:
    delta = server("session.output_audio.delta", delta=silence(1000), **members)

    assert spans([at(100, delta)], AudioSide.ASSISTANT) == [(100, 100 + ms)]
