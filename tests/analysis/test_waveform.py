"""Times and loudness of audio, and the marks of a session."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.marks import MARK_KINDS, MarkKind
from inspector.analysis.placement import AudioSegment, AudioSide, Placement
from inspector.analysis.waveform import BUCKET_US, Waveform
from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.recording.format import parse, render
from inspector.recording.opening import open_recording
from inspector.recording.writer import RecordingFile
from tests.spoken import (
    ANSWER_AT_MS,
    ANSWER_MS,
    HEARD_MS,
    QUESTION_AT_MS,
    QUESTION_MS,
    SECOND_AT_MS,
    SECOND_MS,
    Voice,
    answered,
    appended,
    base64_of,
    session,
    tone,
)
from tests.spoken import events as spoken_events
from tests.support import ManualClock, at, client, local, numbered, recordings, server

VOICE = Voice()


def log_of(events: Iterable[Event] = ()) -> tuple[EventLog, Callable[[Event], None]]:
    """Return a log in memory, and how to append to it."""
    store = RecordingFile(None, ManualClock())
    log = EventLog(store, parse)

    def append(event: Event) -> None:
        line = render(event)
        log.append(event, store.append(line), len(line) - 1)

    for event in events:
        append(event)
    return log, append


def read(events: Iterable[Event]) -> Waveform:
    waveform = Waveform(log_of(events)[0])
    waveform.advance()
    return waveform


def placed(events: Iterable[Event]) -> Placement:
    placement = Placement()
    for event in numbered(events):
        placement.feed(event)
    return placement


def spans(placement: Placement, side: AudioSide) -> list[tuple[int | None, int, int]]:
    """Return start, length and heard part of each segment, ms."""
    return [
        (
            None if s.start_us is None else s.start_us // 1000,
            s.duration_us // 1000,
            s.heard_us // 1000,
        )
        for s in placement.side(side)
    ]


@pytest.mark.parametrize("encoding", ["pcm16", "pcmu", "pcma"])
def test_audio_is_placed_where_it_was_spoken_and_heard(encoding: str) -> None:
    placement = placed(spoken_events(Voice(encoding)))

    assert spans(placement, AudioSide.USER) == [
        (QUESTION_AT_MS, QUESTION_MS, QUESTION_MS),
        (SECOND_AT_MS, SECOND_MS, SECOND_MS),
    ]
    assert spans(placement, AudioSide.ASSISTANT) == [(ANSWER_AT_MS, ANSWER_MS, HEARD_MS)]


def test_jitter_leaves_no_gap_and_a_burst_is_not_squeezed() -> None:
    late = [
        at(
            1000 + 40 * n + (120 if n == 5 else 0),
            client("input_audio_buffer.append", audio=base64_of(bytes(1920))),
        )
        for n in range(1, 26)
    ]
    burst = [
        at(5000, client("input_audio_buffer.append", audio=base64_of(bytes(48_000))))
        for _ in range(10)
    ]

    assert spans(placed(late), AudioSide.USER) == [(1000, 1000, 1000)]
    assert spans(placed(burst), AudioSide.USER) == [(4000, 10_000, 10_000)]


def test_a_second_item_waits_until_the_first_has_been_played() -> None:
    first = answered(1000, VOICE.tone(1500), "a", VOICE)
    second = answered(1200, VOICE.tone(750), "b", VOICE)
    placement = placed(sorted([*first, *second], key=lambda event: event.stamp_ns))

    assert spans(placement, AudioSide.ASSISTANT) == [(1000, 1500, 1500), (2500, 750, 750)]


def test_the_players_report_sets_the_start_and_the_heard_part() -> None:
    audio = list(answered(1000, VOICE.tone(1500), "a", VOICE))
    reports = [
        at(1300, local("inspector.playing", item_id="a", content_index=0, audio_ms=100)),
        at(2000, local("inspector.played", item_id="a", content_index=0, audio_ms=700)),
    ]

    assert spans(placed([*audio, *reports]), AudioSide.ASSISTANT) == [(1200, 1500, 700)]


def test_speech_interrupts_playback_by_default() -> None:
    audio = list(answered(1000, VOICE.tone(1500), "a", VOICE))
    speech = at(1800, server("input_audio_buffer.speech_started", audio_start_ms=1, item_id="u"))

    assert spans(placed([*audio, speech]), AudioSide.ASSISTANT) == [(1000, 1500, 800)]


def test_audio_without_an_item_is_a_track_of_its_own() -> None:
    deltas = [
        at(
            1000 + 200 * n,
            server("session.output_audio.delta", delta=base64_of(bytes(6400)), sample_rate=16_000),
        )
        for n in range(5)
    ]
    segment = next(placed(deltas).side(AudioSide.ASSISTANT))

    assert (segment.start_us, segment.duration_us, segment.format.rate_hz) == (
        1_000_000,
        1_000_000,
        16_000,
    )


def test_another_connection_begins_with_its_own_format_and_items() -> None:
    one = [
        at(0, server("session.created", session=session(Voice("pcmu")))),
        *answered(100, Voice("pcmu").tone(375), "a", Voice("pcmu")),
    ]
    two = [at(9000, local("inspector.opened")), *answered(9500, VOICE.tone(375), "a", VOICE)]

    assert spans(placed([*one, *two]), AudioSide.ASSISTANT) == [(100, 375, 375), (9500, 375, 375)]


@pytest.mark.parametrize("encoding", ["pcm16", "pcmu", "pcma"])
def test_a_lane_is_as_loud_as_its_sound(encoding: str) -> None:
    waveform = read(spoken_events(Voice(encoding)))
    lane = waveform.lane(AudioSide.USER, 0, 60, 100_000)

    assert lane.has_audio.tolist() == [10 <= n < 30 or 44 <= n < 50 for n in range(60)]
    loud = lane.has_audio
    assert lane.high[loud] == pytest.approx(0.5, abs=0.02)
    assert lane.low[loud] == pytest.approx(-0.5, abs=0.02)
    assert waveform.rms(AudioSide.USER, 0, 60, 100_000)[loud] == pytest.approx(
        0.5 / 2**0.5, abs=0.02
    )
    assert not lane.high[~loud].any()


def test_interrupted_audio_is_drawn_as_not_heard() -> None:
    lane = read(spoken_events()).lane(AudioSide.ASSISTANT, 0, 70, 100_000)
    begin, cut, end = (
        ms // 100 for ms in (ANSWER_AT_MS, ANSWER_AT_MS + HEARD_MS, ANSWER_AT_MS + ANSWER_MS)
    )

    assert np.flatnonzero(lane.has_audio).tolist() == list(range(begin, end))
    assert np.flatnonzero(lane.is_heard).tolist() == list(range(begin, cut))


def test_marks_have_kinds_and_times() -> None:
    marks = read(spoken_events()).marks
    found = [(MARK_KINDS[marks.kind[i]].value, marks.t_us[i] // 1000) for i in range(len(marks))]

    assert found == [
        ("speech started", 1300),
        ("speech stopped", 3010),
        ("committed", 3011),
        ("response created", 3100),
        ("first audio", 3200),
        ("response done", 3450),
        ("speech started", 4700),
        ("truncated", 4730),
        ("speech stopped", 5010),
        ("committed", 5011),
        ("response created", 5100),
        ("tool call", 5300),
        ("response done", 5400),
        ("error", 5500),
    ]


def test_a_session_without_audio_still_has_its_marks() -> None:
    opened = [server("response.created", response={"id": "r"}), server("error", error={})]
    waveform = read(numbered(opened))

    assert not waveform.has_audio
    assert [waveform.marks.kind[i] for i in range(2)] == [
        MARK_KINDS.index(MarkKind.RESPONSE_STARTED),
        MARK_KINDS.index(MarkKind.ERROR),
    ]


def test_reading_in_pieces_gives_the_same_picture_as_reading_at_once() -> None:
    events = spoken_events()
    log, append = log_of()
    pieces = Waveform(log)
    for event in events:
        append(event)
        if random.Random(event.seq).random() < 0.3:
            pieces.advance(lambda: True)
    while pieces.progress < 1:
        pieces.advance(lambda: True)
    whole = read(events)

    for side in AudioSide:
        one, other = (waveform.lane(side, 0, 80, 100_000) for waveform in (pieces, whole))
        assert np.array_equal(one.low, other.low)
        assert np.array_equal(pieces.rms(side, 0, 80, 100_000), whole.rms(side, 0, 80, 100_000))
        assert np.array_equal(one.is_heard, other.is_heard)
    assert pieces.marks.times().tolist() == whole.marks.times().tolist()


@given(st.integers(0, 30), st.integers(1, 40), st.integers(1, 60))
def test_any_columns_agree_with_the_samples(first: int, count: int, buckets: int) -> None:
    width_us = buckets * BUCKET_US
    lane = SPOKEN.lane(AudioSide.USER, first, count, width_us)
    fine = SPOKEN.lane(AudioSide.USER, first * buckets, count * buckets, BUCKET_US)

    assert np.array_equal(lane.high, fine.high.reshape(count, buckets).max(axis=1))
    assert np.array_equal(lane.low, fine.low.reshape(count, buckets).min(axis=1))
    assert np.array_equal(lane.has_audio, fine.has_audio.reshape(count, buckets).any(axis=1))


SPOKEN = read(spoken_events())


@pytest.mark.parametrize("audio", ["!!!!", "AAA", "A", "é", "AAAA" * 5, "AA=="])
def test_damaged_audio_breaks_nothing(audio: str) -> None:
    events = [
        at(1000, client("input_audio_buffer.append", audio=audio)),
        at(1040, client("input_audio_buffer.append", audio=base64_of(tone(40)))),
        at(1080, server("response.output_audio.delta", item_id="a", delta=audio)),
    ]

    assert read(numbered(events)).has_audio


def test_a_sample_split_between_two_deltas_is_joined() -> None:
    data = tone(400)
    where = {"response_id": "r", "item_id": "a", "content_index": 0}
    events = [
        at(1000, server("response.output_audio.delta", **where, delta=base64_of(piece)))
        for piece in (data[:333], data[333:])
    ]
    rms = read(numbered(events)).rms(AudioSide.ASSISTANT, 0, 20, 100_000)

    assert rms[11:13] == pytest.approx(0.3535, abs=0.01)


@pytest.mark.parametrize("t_ms", [0, 1e9, 9e11])
def test_implausible_times_break_nothing(t_ms: float) -> None:
    waveform = read(
        numbered([at(t_ms, client("input_audio_buffer.append", audio=base64_of(tone(40))))])
    )
    column = waveform.end_us // 1_000_000

    assert waveform.lane(AudioSide.USER, max(0, column - 2), 4, 1_000_000).low.shape == (4,)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_have_a_waveform(path: Path) -> None:
    opening = open_recording(path)
    waveform = Waveform(opening.log)
    while waveform.progress < 1:
        waveform.advance(lambda: True)
    opening.close()

    for side in AudioSide:
        assert waveform.lane(side, 0, 100, 200_000).low.shape == (100,)
    assert all(waveform.marks.t_us[n] <= waveform.end_us for n in range(len(waveform.marks)))


def test_the_segment_at_a_time_is_found() -> None:
    segment = SPOKEN.segment_at(AudioSide.ASSISTANT, 3_500_000)

    assert isinstance(segment, AudioSegment)
    assert segment.item_id == "item_a"
    assert SPOKEN.segment_at(AudioSide.ASSISTANT, 1_000_000) is None
    assert list(appended(0, b"", VOICE)) == []


def test_audio_without_times_is_not_drawn_but_kept_in_order() -> None:
    events = [*appended(1000, VOICE.tone(500), VOICE), *answered(2000, VOICE.tone(750), "a", VOICE)]
    placement = Placement()
    for event in numbered(events):
        placement.feed(replace(event, t_ns=None))

    assert [(s.side, s.start_us, s.end_us) for s in placement.segments] == [
        (AudioSide.USER, None, None),
        (AudioSide.ASSISTANT, None, None),
    ]
    assert [s.duration_us for s in placement.segments] == [500_000, 750_000]


def test_a_log_without_times_has_no_marks_and_nothing_to_draw() -> None:
    events = [
        server("input_audio_buffer.speech_started", item_id="u"),
        *answered(2000, VOICE.tone(750), "a", VOICE),
    ]
    log, _ = log_of([replace(event, t_ns=None) for event in numbered(events)])
    waveform = Waveform(log)
    waveform.advance()

    assert (waveform.has_times, waveform.has_audio, waveform.end_us) == (False, True, 0)
    assert len(waveform.marks) == 0
    assert not waveform.lane(AudioSide.ASSISTANT, 0, 100, 10_000).has_audio.any()
    assert waveform.segment_at(AudioSide.ASSISTANT, 0) is None


def kinds_at(waveform: Waveform) -> list[tuple[MarkKind, int]]:
    """Return the kinds and rows of the marks."""
    marks = waveform.marks
    return [(MARK_KINDS[marks.kind[i]], marks.row[i]) for i in range(len(marks))]


def test_findings_are_marked_and_a_harmless_error_is_not() -> None:
    failed = [server("error", error={}), server("error", error={})]
    waveform = read(numbered([server("response.created", response={"id": "r"}), *failed]))
    plain = kinds_at(waveform)
    found = [
        Finding("a", Severity.ERROR, (2,), ""),
        Finding("b", Severity.WARNING, (1, 2, 99), ""),
        Finding("c", Severity.HARMLESS, (3,), ""),
        Finding("d", Severity.NOTE, (1,), ""),
    ]
    waveform.follow(Proofs(found))

    assert kinds_at(waveform) == [
        *plain[:2],
        (MarkKind.FOUND_WARNING, 0),
        (MarkKind.FOUND_ERROR, 1),
    ]
    waveform.follow(NO_PROOFS)
    assert kinds_at(waveform) == plain
