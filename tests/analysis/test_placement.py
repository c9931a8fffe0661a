"""The place of every piece of audio in session time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given

from inspector.analysis.placement import AudioSegment, AudioSide, Placement
from inspector.core.event import Event
from tests.core.test_output_audio import delta, made, played, playing, steps, truncate
from tests.support import at, client, numbered, server, silence


def placed(*events: Event) -> Placement:
    placement = Placement()
    for event in numbered(events):
        placement.feed(event)
    return placement


def stretches(segment: AudioSegment) -> list[tuple[int, int, bool]]:
    """Return start, length and whether it is heard of each stretch; ms."""
    return [
        (s.at_us // 1000, (s.to_us - s.from_us) // 1000, s.is_heard) for s in segment.stretches()
    ]


def test_audio_with_gaps_is_placed_where_the_player_reports() -> None:
    events = [delta(22_400, 2100), playing(22_402, 0)]
    for number, ms in enumerate((25_990, 29_420, 32_850, 36_280)):
        events += [delta(ms, 300), playing(ms + 10, 2100 + 300 * number)]
    segment = next(placed(*events, played(37_180, 3300)).side(AudioSide.ASSISTANT))

    assert stretches(segment) == [
        (22_402, 2100, True),
        (26_000, 300, True),
        (29_430, 300, True),
        (32_860, 300, True),
        (36_290, 300, True),
    ]
    assert len(segment.underruns()) == 4
    assert segment.heard_us == 3_300_000


def test_audio_with_gaps_behind_a_proxy_is_placed_by_arrival() -> None:
    segment = next(placed(delta(1000, 300), delta(3000, 300)).side(AudioSide.ASSISTANT))

    assert stretches(segment) == [(1000, 300, True), (3000, 300, True)]


@pytest.mark.parametrize(
    ("cut", "heard_ms"),
    [(truncate(1400, 380), 380), (truncate(9000, 500), 500), (truncate(1200, 800), 200)],
    ids=["as the app says", "long after", "more than had time to play"],
)
def test_a_clients_claim_is_limited_by_the_clock(cut: list[Event], heard_ms: int) -> None:
    segment = next(placed(delta(1000, 900), *cut).side(AudioSide.ASSISTANT))

    assert stretches(segment) == [
        (1000, heard_ms, True),
        (1000 + heard_ms, 900 - heard_ms, False),
    ]


def test_rejected_appends_are_removed_and_the_others_keep_their_place() -> None:
    def append(ms: float, **more: str) -> Event:
        return at(ms, client("input_audio_buffer.append", audio=silence(100), **more))

    refusal = at(1350, server("error", error={"param": "x", "event_id": None}))
    placement = placed(append(1100), append(1200, x="1"), append(1300), refusal)
    segment = next(placement.side(AudioSide.USER))

    assert stretches(segment) == [(1000, 100, True), (1200, 100, True)]
    assert segment.duration_us == 200_000
    assert segment.kept() == [(0, 100_000), (200_000, 300_000)]


@pytest.mark.parametrize("audio", [{"audio": silence(100)}, f"data:audio/wav;base64,{silence(40)}"])
def test_invalid_audio_is_not_placed(audio: object) -> None:
    placement = placed(at(1000, client("input_audio_buffer.append", audio=audio)))

    assert not placement.segments


@given(steps)
def test_what_was_heard_adds_up_and_nothing_overlaps(
    drawn: list[tuple[str, int, int, str]],
) -> None:
    for segment in placed(*made(drawn)).side(AudioSide.ASSISTANT):
        found = segment.stretches()
        heard_us = sum(s.to_us - s.from_us for s in found if s.is_heard)

        assert heard_us == segment.heard_us
        assert sum(s.to_us - s.from_us for s in found) == segment.duration_us
        for one, two in itertools.pairwise(found):
            assert one.end_us <= two.at_us + 1
            assert one.to_us == two.from_us
