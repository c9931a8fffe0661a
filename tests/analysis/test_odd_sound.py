"""The bench and the VAD lab on recordings that nobody here made, and on what no server sends: no exception, and no made-up number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.analysis.server_vad import VadSettings
from inspector.analysis.sound_bench import BENCH_TYPES, SoundBench, report_json
from inspector.analysis.sound_table import sound_rows
from inspector.analysis.speech_track import TRACK_TYPES, SpeechTrack
from inspector.analysis.vad_lab import VadLab, no_lab_reason, outcome_json, outcome_words
from inspector.core.event import Event
from inspector.recording.reader import RecordingReader
from inspector.sim.vad import LoudnessDetector
from tests.support import client, numbered, recordings, server

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(),
    st.sampled_from(("", "AAAA", "UklGRgAA", "data:,", "server_vad", "audio/pcmu", "x" * 40)),
)
MEMBERS = (
    "audio", "delta", "item_id", "response_id", "audio_start_ms", "audio_end_ms", "audio_ms", "content_index", "sample_rate",
    "threshold", "prefix_padding_ms", "silence_duration_ms", "type", "format", "rate", "param", "event_id",
)  # fmt: skip
FLAT = st.dictionaries(st.sampled_from(MEMBERS), ODD, max_size=6)
DETECTION = st.fixed_dictionaries({"input": st.fixed_dictionaries({"turn_detection": FLAT, "format": FLAT})})  # fmt: skip
BODIES = st.fixed_dictionaries({}, optional={"session": st.fixed_dictionaries({"audio": DETECTION}), "error": FLAT})  # fmt: skip


def examined(events: list[Event]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what both say of events."""
    bench, track = SoundBench(), SpeechTrack(LoudnessDetector, "energy")
    for event in events:
        if event.type in BENCH_TYPES:
            bench.feed(event)
        if event.type in TRACK_TYPES:
            track.feed(event)
    track.finish()
    report, lab = bench.report(), VadLab(track)
    sound_rows(report)
    outcome = lab.outcome(VadSettings(0.7, 100, 300))
    assert outcome_words(outcome)
    if no_lab_reason(track):
        assert not outcome.found
    return report_json(report), outcome_json(outcome)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_recordings_of_others_are_measured_as_far_as_they_go(path: Any) -> None:
    reader = RecordingReader(path)
    told, _ = examined(list(reader.events()))
    reader.close()

    for side in ("microphone", "answers"):
        if any("elided" in reason for reason in told[side]["unknown"].values()):
            assert told[side]["level_dbfs"] is None
            assert told[side]["drift_ppm"] is None


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(BENCH_TYPES | TRACK_TYPES)), st.booleans(), FLAT, BODIES),
        max_size=30,
    )
)
def test_nothing_that_is_sent_raises(made: list[tuple[str, bool, Any, Any]]) -> None:
    examined(
        numbered(
            (client if is_client else server)(kind, **{**body, **flat, "type": kind})
            for kind, is_client, flat, body in made
        )
    )
