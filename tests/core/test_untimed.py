"""Folds on events without times: unknown times stay None and never become 0."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspector.core.event import Event
from inspector.core.groups import DeltaGroups
from inspector.core.kinds import EventKind
from inspector.core.output_audio import ItemAudio
from inspector.core.state import SessionState
from tests.support import at, client, local, server, silence

SESSION = server("session.created", session={"id": "s"})
CREATED = server("response.created", response={"id": "r", "status": "in_progress"})
SOUND = server("response.output_audio.delta", item_id="a", response_id="r", delta=silence(1000))
MORE_SOUND = server(
    "response.output_audio.delta", item_id="b", response_id="r", delta=silence(1000)
)
SPEECH = server("input_audio_buffer.speech_started", item_id="u", audio_start_ms=100)
CANCELLED = server("response.done", response={"id": "r", "status": "cancelled"})
TRUNCATED = server("conversation.item.truncated", item_id="a", audio_end_ms=300)
PLAYING = local("inspector.playing", item_id="a", audio_ms=0)
PLAYED = local("inspector.played", item_id="a", audio_ms=400)
ITEM = server("conversation.item.added", item={"id": "i", "type": "message", "role": "user"})
WORDS = server("session.output_transcript.delta", delta="So.")


def after(*events: Event) -> SessionState:
    """Return the state after some events, which have no time unless they bring one."""
    state = SessionState()
    for seq, event in enumerate(events, 1):
        state.apply(replace(event, seq=seq, t_ns=event.t_ns or None), strict=True)
    return state


def test_unknown_times_are_none() -> None:
    state = after(SESSION, ITEM, SPEECH, CREATED, SOUND, WORDS, CANCELLED)
    response = state.responses.all["r"]

    assert state.session.confirmed_t_ns is None
    assert state.conversation.items["i"].t_ns is None
    assert state.input_audio.speech_started_t_ns is None
    assert [response.created_t_ns, response.first_delta_t_ns] == [None, None]
    assert [response.first_audio_t_ns, response.done_t_ns] == [None, None]
    assert [utterance.t_ns for utterance in state.transcripts.utterances.values()] == [None]
    assert state.output_audio.items["a"].starts_t_ns is None


def test_the_first_delta_and_audio_are_known_by_seq() -> None:
    words = server("response.output_text.delta", response_id="r", item_id="a", delta="x")
    response = after(CREATED, words, words, SOUND, SOUND).responses.all["r"]

    assert (response.first_delta_seq, response.first_audio_seq) == (2, 4)


@pytest.mark.parametrize(
    ("events", "now_ns", "heard_ms"),
    [
        # Nothing says how long the sound has been playing.
        ([SOUND], 10**9, None),
        ([at(1000, SOUND)], 1_500_000_000, 500),
        # Speech stops what plays; without times it may have played out long ago.
        ([SOUND, SPEECH], 10**9, None),
        ([at(1000, SOUND), SPEECH], 10**10, 1000),
        ([SOUND, at(1000, SPEECH)], 10**10, None),
        ([at(1000, SOUND), at(1300, SPEECH)], 10**10, 300),
        # What the server says to have cut is cut, whenever that was.
        ([CREATED, SOUND, CANCELLED], 10**10, None),
        ([CREATED, at(1000, SOUND), CANCELLED], 10**10, None),
        ([SOUND, TRUNCATED], 10**10, None),
        # The player itself says how far it came; only while it plays on takes that a time.
        ([SOUND, PLAYING, PLAYED], 0, 400),
        ([at(1000, SOUND), at(1000, PLAYING)], 1_200_000_000, 200),
    ],
)
def test_heard_audio_is_known_only_with_times(
    events: list[Event], now_ns: int, heard_ms: int | None
) -> None:
    item = after(*events).output_audio.items["a"]

    if heard_ms is None:
        assert not item.is_sounding(now_ns)
    else:
        assert item.heard_ms(now_ns) == heard_ms


@pytest.mark.parametrize(
    ("first", "second", "starts_ms"),
    [
        (at(1000, SOUND), at(1100, MORE_SOUND), 2000),
        (at(1000, SOUND), MORE_SOUND, None),
        # What is not known to have begun keeps nothing waiting.
        (SOUND, at(1100, MORE_SOUND), 1100),
        (SOUND, MORE_SOUND, None),
    ],
)
def test_an_item_begins_after_the_one_before_it_where_both_have_times(
    first: Event, second: Event, starts_ms: int | None
) -> None:
    starts_ns = after(first, second).output_audio.items["b"].starts_t_ns

    assert starts_ns == (None if starts_ms is None else starts_ms * 1_000_000)


@pytest.mark.parametrize(("now_ns", "current"), [(None, "b"), (0, "b"), (10**10, "b")])
def test_without_times_the_newest_item_is_the_one_that_plays(
    now_ns: int | None, current: str
) -> None:
    found = after(SOUND, MORE_SOUND).output_audio.current(now_ns)

    assert isinstance(found, ItemAudio)
    assert found.item_id == current


@pytest.mark.parametrize(
    ("times_ms", "utterances"),
    [
        ([100, 200], 1),
        ([100, 3000], 2),
        ([None, None], 1),
        ([100, None], 1),
        # The last known time of an utterance counts.
        ([100, None, 3000], 2),
        ([None, 3000], 1),
    ],
)
def test_a_pause_takes_two_times(times_ms: list[int | None], utterances: int) -> None:
    words = server("session.output_transcript.delta", delta="and ")
    events = [words if ms is None else at(ms, words) for ms in times_ms]

    assert len(after(*events).transcripts.utterances) == utterances


@pytest.mark.parametrize(
    ("times_ms", "groups"),
    [
        ([100, 200], [0, 0]),
        ([100, 3000], [0, 1]),
        ([None, None], [0, 0]),
        ([100, None, 3000], [0, 0, 1]),
        ([100, None, 1000], [0, 0, 0]),
        ([None, 3000], [0, 0]),
    ],
)
def test_a_track_is_cut_only_by_a_pause_that_is_known(
    times_ms: list[int | None], groups: list[int]
) -> None:
    found = DeltaGroups()
    track = EventKind("session.output_transcript.delta", 0, "track")
    placed = [
        found.place(row, replace(WORDS, t_ns=None if ms is None else ms * 1_000_000), track)
        for row, ms in enumerate(times_ms)
    ]

    assert placed == groups


def test_stamp_ns_requires_a_time() -> None:
    assert at(5, client("response.create")).stamp_ns == 5_000_000
    with pytest.raises(ValueError, match="has no time"):
        _ = replace(SESSION, t_ns=None).stamp_ns
