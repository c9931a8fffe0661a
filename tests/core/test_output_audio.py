"""When each piece of an item played: as the player reports, else estimated from the arrival of its audio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.core.cut_sound import cut_sounds
from inspector.core.event import Event
from inspector.core.output_audio import ItemAudio, OutputAudioFold
from tests.support import at, client, local, numbered, server, silence

MS = 1_000_000


def delta(ms: float, length_ms: float, item_id: str = "a") -> Event:
    where = {"response_id": "r", "item_id": item_id, "content_index": 0}
    return at(ms, server("response.output_audio.delta", **where, delta=silence(length_ms)))


def playing(ms: float, audio_ms: int, item_id: str = "a") -> Event:
    return at(ms, local("inspector.playing", item_id=item_id, content_index=0, audio_ms=audio_ms))


def played(ms: float, audio_ms: int, item_id: str = "a") -> Event:
    return at(ms, local("inspector.played", item_id=item_id, content_index=0, audio_ms=audio_ms))


def truncate(ms: float, end_ms: int) -> list[Event]:
    cut = {"item_id": "a", "content_index": 0, "audio_end_ms": end_ms}
    return [
        at(ms, client("conversation.item.truncate", **cut)),
        at(ms + 50, server("conversation.item.truncated", **cut)),
    ]


SPEECH = at(1500, server("input_audio_buffer.speech_started", audio_start_ms=1, item_id="u"))


def folded(*events: Event) -> OutputAudioFold:
    fold = OutputAudioFold()
    for event in numbered(events):
        fold.apply(event)
    return fold


def pieces(item: ItemAudio) -> list[tuple[int, int]]:
    """Return the start of each piece and its position in the audio, ms."""
    return [(resume.at_ns // MS, resume.from_ns // MS) for resume in item.resumes]


@pytest.mark.parametrize(
    ("events", "expected", "underruns", "heard_ms"),
    [
        ([delta(1000, 300), delta(1010, 300)], [(1000, 0)], [], 600),
        ([delta(1000, 300), delta(2000, 300)], [(1000, 0), (2000, 300)], [(1300, 2000)], 600),
        ([delta(1000, 300), delta(1340, 300)], [(1040, 0)], [], 600),
        (
            [delta(1000, 300), delta(1340, 300), delta(1680, 300)],
            [(1040, 0), (1680, 600)],
            [],
            900,
        ),
        ([delta(1000, 300), playing(1060, 0)], [(1060, 0)], [], 300),
        (
            [delta(1000, 300), playing(1000, 0), delta(2000, 300), playing(2060, 300)],
            [(1000, 0), (2060, 300)],
            [(1300, 2060)],
            600,
        ),
        ([delta(1000, 900), playing(1060, 0), played(1500, 440)], [(1060, 0)], [], 440),
        ([delta(1000, 900), played(1500, 440)], [(1060, 0)], [], 440),
        ([delta(1000, 900), playing(1060, 0), SPEECH, played(1510, 450)], [(1060, 0)], [], 450),
        ([delta(1000, 900), SPEECH], [(1000, 0)], [], 500),
        ([delta(1000, 300), delta(1900, 300), SPEECH], [(1000, 0), (1900, 300)], [], 300),
        ([delta(1000, 300), playing(1000, 0), playing(1310, 300)], [(1000, 0)], [], 300),
        ([delta(1000, 900), playing(1060, 9999)], [(1000, 0)], [], 900),
    ],
    ids=[
        "what comes early plays on",
        "what comes late leaves a gap",
        "jitter is buffered",
        "jitter is buffered only so far, and a short gap is no underrun",
        "a report says when it began",
        "a report moves what was estimated",
        "a report says how far it came",
        "a report of the end alone",
        "a report counts more than speech",
        "speech cuts an estimate",
        "what speech cut off has no underrun",
        "a report at the end of what was there is no gap",
        "a report beyond what came",
    ],
)
def test_an_item_plays_where_it_was_heard(
    events: list[Event],
    expected: list[tuple[int, int]],
    underruns: list[tuple[int, int]],
    heard_ms: int,
) -> None:
    item = folded(*events).items["a"]

    assert pieces(item) == expected
    assert [(gap.from_ns // MS, gap.to_ns // MS) for gap in item.underruns] == underruns
    assert item.heard_ms(None) == heard_ms


def test_the_clock_stands_still_in_a_gap() -> None:
    item = folded(delta(1000, 300), delta(2000, 300)).items["a"]

    assert [item.heard_ms(ms * MS) for ms in (900, 1100, 1300, 1700, 2000, 2100, 9000)] == [
        0,
        100,
        300,
        300,
        300,
        400,
        600,
    ]


def test_with_a_reporting_player_nothing_is_heard_before_its_report() -> None:
    fold = folded(delta(1000, 300), playing(1060, 0), played(1360, 300), delta(2000, 300, "b"))

    assert fold.items["b"].heard_ms(2200 * MS) == 0
    assert fold.current(2200 * MS) is fold.items["a"]
    assert fold.playing(2200 * MS) is None
    fold.apply(playing(2060, 0, "b"))
    assert fold.playing(2200 * MS) is fold.items["b"]
    assert fold.items["b"].heard_ms(2200 * MS) == 140


def test_audio_that_a_recorder_has_cut_does_not_look_late() -> None:
    item = folded(delta(1000, 1), delta(1500, 1), delta(2000, 1)).items["a"]

    assert not item.underruns


@pytest.mark.parametrize(
    ("cut", "possible_ms", "most_ms"),
    [
        (truncate(1400, 380), 400, 400),
        (truncate(9000, 500), 900, 900),
        (truncate(1200, 800), 200, 200),
    ],
)
def test_the_clock_limits_what_can_have_been_heard_at_a_truncation(
    cut: list[Event], possible_ms: int, most_ms: int
) -> None:
    item = folded(delta(1000, 900), *cut).items["a"]

    assert (item.possible_ns, item.most_ns) == (possible_ms * MS, most_ms * MS)


def test_audio_without_an_item_is_a_track_that_reports_also_place() -> None:
    heard = [
        at(ms, server("session.output_audio.delta", delta=silence(200), sample_rate=24_000))
        for ms in (1000, 3000)
    ]
    fold = folded(heard[0], playing(1060, 0, ""), heard[1], playing(3060, 200, ""))

    assert not fold.items
    assert pieces(fold.tracks[""]) == [(1060, 0), (3060, 200)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["delta", "delta", "delta", "playing", "played", "speech", "cut"]),
        st.integers(0, 900),
        st.integers(1, 400),
        st.sampled_from("ab"),
    ),
    max_size=30,
)


def made(drawn: list[tuple[str, int, int, str]]) -> list[Event]:
    """Return events in order of time."""
    found, now_ms = [], 100
    for kind, wait_ms, number, item_id in drawn:
        now_ms += wait_ms
        match kind:
            case "delta":
                found.append(delta(now_ms, number, item_id))
            case "playing":
                found.append(playing(now_ms, number * 3, item_id))
            case "played":
                found.append(played(now_ms, number * 3, item_id))
            case "speech":
                found.append(at(now_ms, SPEECH))
            case _:
                found += truncate(now_ms, number)
                now_ms += 50
    return found


@given(steps)
def test_pieces_never_overlap_and_never_play_before_their_arrival(
    drawn: list[tuple[str, int, int, str]],
) -> None:
    events = made(drawn)
    fold = folded(*events)

    for item_id, item in fold.items.items():
        ends = [*(resume.from_ns for resume in item.resumes[1:]), item.received_ns]
        for resume, end_ns, later in zip(
            item.resumes, ends, [*item.resumes[1:], None], strict=True
        ):
            assert later is None or resume.at_ns + end_ns - resume.from_ns <= later.at_ns
        received = OutputAudioFold()
        for event in numbered(events):
            before = received.items[item_id].received_ns if item_id in received.items else 0
            received.apply(event)
            came = received.items.get(item_id)
            if came is not None and came.received_ns > before:
                assert item.position_ns(event.t_ns) <= came.received_ns
                assert item.position_ns(event.stamp_ns - 1) <= before + 1
        assert 0 <= item.heard_ns(None) <= item.received_ns
        heard = [item.heard_ns(ms * MS) for ms in range(0, 30_000, 97)]
        assert heard == sorted(heard) or item.played_ms is not None


@pytest.mark.parametrize(
    ("end_ms", "heard_ms", "basis"),
    [
        (200, 200, "event"),
        (250, 250, "event"),
        (600, 300, "estimated"),  # more than the time from its first delta to the truncation
    ],
)
def test_a_cut_is_the_apps_claim_if_the_clock_allows_it(
    end_ms: int, heard_ms: int, basis: str
) -> None:
    output = folded(delta(1000, 900), *truncate(1250, end_ms))

    cut = cut_sounds(output)["r"]
    assert (cut.heard_ms, cut.basis) == (heard_ms, basis)
