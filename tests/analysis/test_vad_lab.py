"""The VAD lab: other settings beside what the server did, on sound whose turns are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from inspector.analysis.server_vad import WINDOW_MS, VadSettings
from inspector.analysis.speech_track import SpeechTrack
from inspector.analysis.vad_lab import (
    TurnFate,
    VadAgreement,
    VadLab,
    agreement_words,
    best_of,
    best_words,
    no_lab_reason,
    outcome_json,
    outcome_row,
    outcome_words,
    semantic_words,
)
from inspector.core.event import Event
from inspector.sim.vad import LoudnessDetector
from tests.detected import RULES, SENTENCE, WINDOW_BYTES, created, sound
from tests.linted_sound import append, packed, started, stopped
from tests.sim_driver import SimDriver, buzz, update
from tests.support import at, client, numbered, server

IN_FORCE = VadSettings(0.5, 64, 192)


def tracked(*made: Event | Iterable[Event]) -> SpeechTrack:
    track = SpeechTrack(LoudnessDetector, "energy")
    events = [one for part in made for one in ([part] if isinstance(part, Event) else part)]
    for event in numbered(events):
        track.feed(event)
    track.finish()
    return track


def one_turn() -> SpeechTrack:
    return tracked(
        created(),
        sound(SENTENCE),
        started(0, audio_start_ms=64),
        stopped(0, audio_end_ms=22 * WINDOW_MS),
    )


def test_with_the_settings_in_force_the_turn_is_the_servers() -> None:
    lab = VadLab(one_turn())

    (turn,) = lab.outcome(None).turns
    assert (turn.fate, turn.saved_ms, turn.start_ms) == (TurnFate.SAME, 0, 0)
    assert lab.agreement == VadAgreement(1, 1, 0, 0, 0)
    assert outcome_words(lab.outcome(IN_FORCE), IN_FORCE) == "these are the settings in force"


def test_shorter_silence_saves_time() -> None:
    outcome = VadLab(one_turn()).outcome(replace(IN_FORCE, silence_ms=96))

    assert outcome.saved_ms == 96
    assert outcome_words(outcome) == "these settings would have saved 96 ms per turn"


def test_silence_shorter_than_a_pause_cuts_the_sentence_in_two() -> None:
    outcome = VadLab(one_turn()).outcome(replace(IN_FORCE, silence_ms=64))

    assert [one.fate for one in outcome.turns] == [TurnFate.CUT]
    assert outcome_words(outcome) == "these settings would have cut one sentence in two"


def test_longer_silence_joins_two_turns() -> None:
    first, second = "..xxxxxx......", "..xxxxxx............"
    track = tracked(
        created(),
        sound(first),
        started(0, "item_a", 0),
        stopped(0, "item_a", 14 * WINDOW_MS),
        sound(second),
        started(0, "item_b", 14 * WINDOW_MS),
        stopped(0, "item_b", 28 * WINDOW_MS),
    )
    outcome = VadLab(track).outcome(replace(IN_FORCE, silence_ms=320))

    assert [one.fate for one in outcome.turns] == [TurnFate.JOINED, TurnFate.JOINED]
    assert outcome_words(outcome) == "these settings would have joined 2 turns into 1"


def test_a_threshold_above_the_speech_misses_it_and_one_below_the_noise_hears_it() -> None:
    speech = [append(buzz(WINDOW_MS, level=600))] * 6
    quiet = [append(buzz(WINDOW_MS, level=100))] * 6
    track = tracked(
        created(),
        sound(".."),
        speech,
        sound("......"),
        started(0, audio_start_ms=0),
        stopped(0, audio_end_ms=14 * WINDOW_MS),
        quiet,
        sound("......"),
    )
    lab = VadLab(track)

    assert outcome_words(lab.outcome(replace(IN_FORCE, threshold=1.0))).endswith("missed the speech of 1 turn")  # fmt: skip
    low = lab.outcome(replace(IN_FORCE, threshold=0.3))
    assert len(low.extra) == 1
    assert outcome_words(low).endswith("heard speech once where the server heard none")


def test_silence_that_does_not_fit_leaves_the_turn_open() -> None:
    outcome = VadLab(one_turn()).outcome(replace(IN_FORCE, silence_ms=5000))

    assert [one.fate for one in outcome.turns] == [TurnFate.UNENDED]
    assert outcome_words(outcome).endswith("left 1 turn open at the end of the audio")


def test_the_models_own_error_is_no_gain() -> None:
    track = tracked(
        created(),
        sound(SENTENCE),
        started(0, audio_start_ms=64),
        stopped(0, audio_end_ms=22 * WINDOW_MS + 160),
    )
    lab = VadLab(track)

    assert lab.agreement.stop_ms == 160
    assert lab.agreement.is_close is False
    assert lab.outcome(replace(IN_FORCE, silence_ms=96)).saved_ms == 96


def test_refused_appends_do_not_move_the_audio_clock() -> None:
    refused = client("input_audio_buffer.append", audio=packed(bytes(WINDOW_BYTES * 9)), session={})
    error = server("error", error={"type": "invalid_request_error", "param": "session"})
    track = tracked(created(), sound("...."), refused, error, sound(SENTENCE[4:]))

    assert track.length_ms == 22 * WINDOW_MS
    assert track.windows == 22


def test_each_connection_has_its_own_audio_clock_on_one_axis() -> None:
    part = [*sound(SENTENCE), started(0, audio_start_ms=64), stopped(0, audio_end_ms=22 * WINDOW_MS)]  # fmt: skip
    second = server("session.created", session={"id": "t", "type": "realtime", "audio": {"input": {"turn_detection": RULES}}})  # fmt: skip
    lab = VadLab(tracked(created(), part, second, part))

    assert lab.agreement == VadAgreement(2, 2, 0, 0, 0)
    assert lab.track.turns[1].start_ms == 22 * WINDOW_MS + 64


def test_a_commit_by_hand_and_another_format_begin_a_span() -> None:
    commit = client("input_audio_buffer.commit")
    pcmu = created(format={"type": "audio/pcmu"})
    track = tracked(created(), sound("xx"), commit, sound("xx"), replace(pcmu, type="session.updated"), sound("x"))  # fmt: skip

    assert [span.windows for span in track.spans] == [2, 2, 6]
    assert [span.clock_ms for span in track.spans] == [0, 64, 128]


def test_semantic_vad_is_shown_as_it_was_and_not_judged() -> None:
    track = tracked(
        created({"type": "semantic_vad"}),
        sound(SENTENCE),
        started(0, audio_start_ms=64),
        stopped(0, audio_end_ms=22 * WINDOW_MS),
    )
    lab = VadLab(track)

    assert lab.agreement.turns == 0
    assert lab.outcome(None).found == ()
    assert semantic_words(track).startswith("semantic_vad was in force")
    assert lab.outcome(IN_FORCE).turns[0].fate is TurnFate.SAME


def test_push_to_talk_has_turns_only_under_the_settings_that_are_tried() -> None:
    lab = VadLab(tracked(created(None), sound(SENTENCE)))

    assert lab.track.kinds == ("off",)
    assert outcome_words(lab.outcome(IN_FORCE)) == "these settings would have detected 1 turn; the server detected none"  # fmt: skip


def test_a_session_that_nothing_describes_is_compared_all_the_same() -> None:
    track = tracked(sound(SENTENCE), started(0, audio_start_ms=64), stopped(0, audio_end_ms=704))
    lab = VadLab(track)

    assert (track.kinds, track.in_force, semantic_words(track)) == (("unknown",), None, "")
    assert lab.outcome(IN_FORCE).turns[0].fate is TurnFate.SAME


def test_push_to_talk_between_turns_is_left_out() -> None:
    off = server("session.updated", session={"id": "s", "type": "realtime", "audio": {"input": {"turn_detection": None}}})  # fmt: skip
    turn = (started(0, audio_start_ms=64), stopped(0, audio_end_ms=704))
    lab = VadLab(tracked(created(), sound(SENTENCE), turn, off, sound(SENTENCE)))

    assert lab.track.kinds == ("server_vad", "off")
    assert lab.outcome(IN_FORCE).extra == ()


def test_settings_that_a_server_does_not_name_are_assumed() -> None:
    assert tracked(created({"type": "server_vad"}), sound("x")).is_assumed
    assert not one_turn().is_assumed


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 192_000])
def test_any_rate_has_windows_of_32_ms(rate_hz: int) -> None:
    data = buzz(1000, rate_hz=rate_hz)
    track = tracked(created(format={"type": "audio/pcm", "rate": rate_hz}), append(data))

    assert 29 <= track.windows <= 31  # resampling holds a filter's length back
    assert track.length_ms == pytest.approx(1000, abs=1)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ([], "the recording has no sound of the microphone"),
        ([created(), *[append(bytes(30))] * 9], "audio is elided in this file: a recorder has cut it out"),
        ([created(), client("input_audio_buffer.append", audio="?")], "the recording has no sound of the microphone"),
        ([started(0), stopped(0), server("input_audio_buffer.speech_started")], "the recording has no sound of the microphone"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_says_why(made: Sequence[Event], reason: str) -> None:
    track = tracked(made)

    assert no_lab_reason(track) == reason
    assert outcome_json(VadLab(track).outcome(IN_FORCE))["words"]


def test_a_turn_without_its_place_is_counted_and_left_out() -> None:
    track = tracked(created(), sound("x"), server("input_audio_buffer.speech_started", item_id="a"))

    assert (track.unplaced, track.turns) == (1, [])


def test_a_sweep_has_a_row_per_setting() -> None:
    rows = [outcome_row(one) for one in VadLab(one_turn()).sweep(64)]

    assert len(rows) == 42
    assert {row["saved_ms"] for row in rows if row["silence_duration_ms"] == 300} == {None}
    assert {row["prefix_padding_ms"] for row in rows} == {64}


def test_the_best_of_a_sweep_saves_most_and_harms_nothing() -> None:
    lab = VadLab(one_turn())
    silences = [lab.outcome(replace(IN_FORCE, silence_ms=ms)) for ms in (64, 96, 128, 192)]

    assert best_of(silences) is silences[1]
    assert best_words(silences).endswith("silence 96 ms; it saves 96 ms per turn")
    assert best_words(silences[:1]).startswith("none of these saves time")


@pytest.mark.parametrize(
    ("agreement", "end"),
    [
        (VadAgreement(0, 0, None, None, 0), "no turn of server_vad to compare the model with"),
        (VadAgreement(4, 4, 0, 32, 0), "agree on 4 of 4 turns (with the settings in force, median 0 ms apart at the start, 32 ms at the stop)"),
        (VadAgreement(4, 1, None, None, 0), "on 1 of 4 turns: read it as a tendency (with the settings in force)"),
    ],
)  # fmt: skip
def test_the_agreement_is_said(agreement: VadAgreement, end: str) -> None:
    assert agreement_words(agreement, "silero").endswith(end)


def test_the_model_agrees_with_the_simulator_on_every_turn() -> None:
    driver = SimDriver()
    change = update(audio={"input": {"turn_detection": {**RULES, "create_response": False}}})
    data = b"".join(
        part
        for ms in (400, 900, 300, 1500)
        for part in (bytes(48 * 700), buzz(ms), bytes(48 * 100), buzz(ms // 2), bytes(48 * 400))
    )
    made = [at(0, server("session.created", session={"id": "s"}))]
    made += [at(1, server(one["type"], **{k: v for k, v in one.items() if k != "type"})) for one in driver.ask(change)]  # fmt: skip
    for begin in range(0, len(data), 4800):
        piece = data[begin : begin + 4800]
        made.append(append(piece))
        made += [server(one["type"], **{k: v for k, v in one.items() if k != "type"}) for one in driver.stream(piece)]  # fmt: skip
    agreement = VadLab(tracked(made)).agreement

    assert agreement.turns >= 4
    assert agreement == VadAgreement(agreement.turns, agreement.turns, 0, 0, 0)


def test_probabilities_of_an_hour_take_little_memory_and_settings_little_time() -> None:
    track = one_turn()
    windows = 3_600_000 // WINDOW_MS
    track._probabilities.extend(np.tile([0.9] * 20 + [0.0] * 20, windows // 40).tolist())
    track.spans[0].windows = track.windows
    track.revision += 1
    outcome = VadLab(track).outcome(IN_FORCE)

    assert len(outcome.found) > 2000
    assert track._probabilities.itemsize * track.windows < 1 << 20
