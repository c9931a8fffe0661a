"""WAV files and transcripts from recordings."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.placement import AudioSegment, AudioSide
from inspector.core.audio_formats import PCM16_24K
from inspector.core.event import Direction, Event
from inspector.errors import ExportError
from inspector.export.log_sound import Clip, LogSound, in_a_row
from inspector.export.output_file import written
from inspector.export.text_export import transcript
from inspector.export.wav_export import (
    WHAT,
    Plan,
    file_name,
    pcm,
    plan,
    plans,
    span_plan,
    wav_header,
    write_wav,
)
from inspector.recording.reader import RecordingReader
from tests.spoken import (
    ANSWER_AT_MS,
    ANSWER_MS,
    HEARD_MS,
    QUESTION_AT_MS,
    QUESTION_MS,
    SECOND_AT_MS,
    SECOND_MS,
    Voice,
    base64_of,
    tone,
    write_recording,
)
from tests.spoken import events as spoken_events
from tests.support import at, client, frame_event, local, numbered, recordings, server

Samples = npt.NDArray[np.int16]


@contextmanager
def sound_of(path: Path, events: list[Event] | None = None) -> Iterator[LogSound]:
    reader = RecordingReader(write_recording(path, events) if events is not None else path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    yield LogSound(log)
    reader.close()


def read_back(sound: LogSound, made: Plan) -> tuple[Samples, int]:
    """Return the samples of a plan's WAV file, shape (frames, channels), and its rate."""
    out = io.BytesIO()
    write_wav(sound, made, out.write)
    out.seek(0)
    with wave.open(out) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getnframes() == made.frames
        return data.reshape(-1, file.getnchannels()), file.getframerate()


def loud_spans(samples: Samples, rate_hz: int) -> list[tuple[int, int]]:
    """Return where there is sound, in ms, to 10 ms."""
    step = rate_hz // 100
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    loud = np.abs(whole.astype(np.int32)).max(axis=1) > 1000
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(int)))
    return [(int(a) * 10, int(b) * 10) for a, b in edges.reshape(-1, 2)]


QUESTION = (QUESTION_AT_MS, QUESTION_AT_MS + QUESTION_MS)
SECOND = (SECOND_AT_MS, SECOND_AT_MS + SECOND_MS)


@pytest.mark.parametrize("encoding", ["pcm16", "pcmu", "pcma"])
@pytest.mark.parametrize(
    ("what", "spoken_ms"), [("stereo", ANSWER_MS), ("heard", HEARD_MS)], ids=["stereo", "heard"]
)
def test_the_user_is_left_and_the_assistant_right_in_session_time(
    tmp_path: Path, encoding: str, what: str, spoken_ms: int
) -> None:
    with sound_of(tmp_path / "a.jsonl", spoken_events(Voice(encoding))) as sound:
        samples, rate_hz = read_back(sound, plans(sound, what)[0])

    assert rate_hz == Voice(encoding).rate_hz
    assert loud_spans(samples[:, 0], rate_hz) == [QUESTION, SECOND]
    assert loud_spans(samples[:, 1], rate_hz) == [(ANSWER_AT_MS, ANSWER_AT_MS + spoken_ms)]


def test_samples_are_unchanged(tmp_path: Path) -> None:
    with sound_of(tmp_path / "a.jsonl", spoken_events()) as sound:
        user, _ = read_back(sound, plans(sound, "user")[0])
        answer, _ = read_back(sound, plans(sound, "assistant")[0])

    sent = tone(QUESTION_MS) + tone(SECOND_MS, 880)
    assert user.tobytes() == sent
    assert answer.tobytes() == tone(ANSWER_MS, 220)


def test_every_item_is_a_file_with_its_own_audio(tmp_path: Path) -> None:
    with sound_of(tmp_path / "a.jsonl", spoken_events()) as sound:
        made = plans(sound, "items")
        found = {one.name: read_back(sound, one)[0].tobytes() for one in made}

    assert found == {
        "001-user-item_u": tone(QUESTION_MS),
        "002-assistant-item_a": tone(ANSWER_MS, 220),
        "003-user-item_v": tone(SECOND_MS, 880),
    }


def test_of_two_rates_the_lower_one_is_resampled(tmp_path: Path) -> None:
    with sound_of(tmp_path / "a.jsonl", spoken_events(Voice("pcmu"), Voice())) as sound:
        samples, rate_hz = read_back(sound, plans(sound, "heard")[0])

    assert rate_hz == 24_000
    assert loud_spans(samples[:, 0], rate_hz) == [QUESTION, SECOND]
    question = samples[QUESTION[0] * 24 : QUESTION[1] * 24, 0].astype(np.float64)
    peak_hz = np.abs(np.fft.rfft(question)).argmax() * rate_hz / len(question)
    assert peak_hz == pytest.approx(440, abs=1)


def test_a_span_holds_what_was_heard_in_it(tmp_path: Path) -> None:
    with sound_of(tmp_path / "a.jsonl", spoken_events()) as sound:
        both, rate_hz = read_back(sound, span_plan(sound, 4_300_000, 4_900_000))
        mixed = np.frombuffer(pcm(sound, span_plan(sound, 4_300_000, 4_900_000, channels=1)), "<i2")

    assert both.shape == (14_400, 2)
    assert loud_spans(both[:, 0], rate_hz) == [(100, 600)]
    assert loud_spans(both[:, 1], rate_hz) == [(0, 400)]
    assert np.array_equal(mixed, np.clip(both.astype(np.int32).sum(axis=1), -32_768, 32_767))


def test_a_push_to_talk_item_is_the_audio_since_the_last_commit_or_clear(
    tmp_path: Path,
) -> None:
    def append(ms: int, hz: float) -> Event:
        return at(ms, client("input_audio_buffer.append", audio=base64_of(tone(200, hz))))

    events = [
        append(200, 300),
        at(210, server("input_audio_buffer.cleared")),
        append(400, 500),
        at(410, server("input_audio_buffer.committed", item_id="a")),
        append(600, 700),
        at(610, server("input_audio_buffer.committed", item_id="b")),
    ]
    with sound_of(tmp_path / "a.jsonl", numbered(events)) as sound:
        found = {item: pcm(sound, plan(item, [sound.item(item)])) for item in sound.item_ids}

    assert found == {"a": tone(200, 500), "b": tone(200, 700)}


def test_speech_times_count_from_the_connection(tmp_path: Path) -> None:
    speech = {"audio_start_ms": 100, "item_id": "a"}
    events = [
        at(200, client("input_audio_buffer.append", audio=base64_of(tone(200, 300)))),
        at(1000, local("inspector.opened")),
        at(1400, client("input_audio_buffer.append", audio=base64_of(tone(400, 500)))),
        at(1410, server("input_audio_buffer.speech_started", **speech)),
        at(1420, server("input_audio_buffer.speech_stopped", audio_end_ms=300, item_id="a")),
        at(1430, server("input_audio_buffer.committed", item_id="a")),
    ]
    with sound_of(tmp_path / "a.jsonl", numbered(events)) as sound:
        found = pcm(sound, plan("a", [sound.item("a")]))

    assert found == tone(400, 500)[4800:14_400]


def test_a_session_longer_than_a_wav_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    events = numbered([at(2e8, client("input_audio_buffer.append", audio=base64_of(tone(40))))])
    out = io.BytesIO()
    with sound_of(tmp_path / "a.jsonl", events) as sound:
        with pytest.raises(ExportError, match="exceed the 4 GB limit"):
            write_wav(sound, plans(sound, "stereo")[0], out.write)
        assert read_back(sound, plans(sound, "user")[0])[0].tobytes() == tone(40)

    assert not out.getvalue()


def test_a_recording_without_audio_says_so(tmp_path: Path) -> None:
    events = numbered([server("session.created", session={})])
    with sound_of(tmp_path / "a.jsonl", events) as sound:
        for what in WHAT:
            with pytest.raises(ExportError, match="contains no audio"):
                plans(sound, what)


def test_item_ids_cannot_leave_the_folder() -> None:
    assert file_name("../../etc/passwd") == "------etc-passwd"
    assert file_name("x" * 500 + "\n") == "x" * 64


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    target.write_bytes(b"old")

    def fail() -> None:
        with written(target) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_bytes() == b"old"
    with written(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_recording_is_never_replaced_by_its_export(tmp_path: Path) -> None:
    source = write_recording(tmp_path / "a.jsonl")

    with pytest.raises(ExportError, match="the recording itself"), written(source, source):
        pass


clip_lengths = st.lists(st.integers(0, 5_000_000), max_size=5)


@given(clip_lengths, st.integers(0, 6_000_000), st.integers(0, 6_000_000))
def test_windows_cut_clips_without_loss(lengths: list[int], one: int, other: int) -> None:
    segment = AudioSegment(AudioSide.USER, PCM16_24K, 0, 0)
    clips = in_a_row([Clip(segment, 7, 7 + length) for length in lengths])
    first, last = sorted((one, other))
    cut = [found for clip in clips if (found := clip.within(first, last)) is not None]

    assert sum(clip.duration_us for clip in cut) == max(0, min(last, sum(lengths)) - first)
    assert all(0 <= clip.at_us < last - first for clip in cut)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_are_exported(path: Path) -> None:
    reader = RecordingReader(path)
    log = reader.new_log()
    reader.index_rows(log, reader.start, reader.size)
    events = [log.event(row) for row in range(len(log))]

    assert all(line.isprintable() for line in transcript(events))
    with sound_of(path) as sound:
        sides = {segment.side.value for segment in sound.segments}
        for what in WHAT:
            if what in sides or (sides and what in ("stereo", "heard")):
                for made in plans(sound, what):
                    read_back(sound, made)
        for item_id in sound.item_ids:
            read_back(sound, plan("item", [sound.item(item_id)]))
    reader.close()


def test_a_transcript_marks_interrupted_words() -> None:
    lines = list(transcript(spoken_events()))

    assert "    One two [not heard, the app says: three four.]" in lines
    assert any(
        line.startswith("[00:03.150] assistant  (truncated at 1,500 of 3,000 ms") for line in lines
    )
    assert '    arguments: {"city": 1}' in lines


def test_choppy_sound_is_written_with_its_gaps_and_refused_appends_are_not(tmp_path: Path) -> None:
    where = {"response_id": "r", "item_id": "a", "content_index": 0}
    report = {"item_id": "a", "content_index": 0}
    sound_of_300_ms = base64_of(tone(300))
    events = [
        at(100, client("input_audio_buffer.append", audio=base64_of(tone(100)), x=1)),
        at(200, client("input_audio_buffer.append", audio=base64_of(tone(100)))),
        at(220, server("error", error={"param": "x", "event_id": None})),
        at(1000, server("response.output_audio.delta", **where, delta=sound_of_300_ms)),
        at(1050, local("inspector.playing", **report, audio_ms=0)),
        at(3000, server("response.output_audio.delta", **where, delta=sound_of_300_ms)),
        at(3050, local("inspector.playing", **report, audio_ms=300)),
        at(3350, local("inspector.played", **report, audio_ms=600, reason="finished")),
    ]
    with sound_of(tmp_path / "a.jsonl", numbered(events)) as sound:
        both, rate_hz = read_back(sound, plans(sound, "heard")[0])
        user, _ = read_back(sound, plans(sound, "user")[0])
        item, _ = read_back(sound, plans(sound, "assistant")[0])

    assert loud_spans(both[:, 0], rate_hz) == [(100, 200)]
    assert loud_spans(both[:, 1], rate_hz) == [(1050, 1350), (3050, 3350)]
    assert user.tobytes() == tone(100)
    assert item.tobytes() == tone(300) * 2


def test_the_header_of_a_wav_file_is_silence_of_its_length(tmp_path: Path) -> None:
    data = wav_header(2400, 24_000, 1) + tone(100)
    events = numbered([at(200, client("input_audio_buffer.append", audio=base64_of(data)))])
    with sound_of(tmp_path / "a.jsonl", events) as sound:
        user, _ = read_back(sound, plans(sound, "user")[0])

    assert user.tobytes() == bytes(44) + tone(100)


def test_every_session_of_a_recording_has_its_part() -> None:
    item = {"id": "a", "type": "message", "role": "user", "status": "completed"}
    words = {"content": [{"type": "input_text", "text": "first\x1b[31m\nline"}]}
    added = server("conversation.item.added", item={**item, **words})
    lines = list(transcript(numbered([added, local("inspector.opened"), added])))

    assert lines.count("    first\\x1b[31m") == 2
    assert "────" in lines
    assert list(transcript([])) == ["(the conversation is empty)"]


def test_another_protocol_is_named_in_place_of_a_conversation() -> None:
    told = list(transcript([frame_event(Direction.CLIENT, b'{"setup":{"model":"m"}}')]))

    assert told == ["(no conversation: Gemini Live, another protocol)"]
