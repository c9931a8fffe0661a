"""The sound of a session on the bench: levels, encodings, echo, and what cannot be known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from inspector.analysis.definitions import SOUND_BY_NAME, explained, found
from inspector.analysis.echo_search import Echo
from inspector.analysis.sound_bench import BenchReport, SoundBench, rate_words, report_json
from inspector.analysis.sound_content import SoundContent
from inspector.analysis.sound_table import sound_rows, striking_lines, value_text
from inspector.audio.pcm import bytes_of, encoded
from inspector.core.audio_formats import PCM16_24K, AudioFormat
from inspector.core.error_attribution import Confidence
from inspector.core.event import Event
from tests.linted_sound import appends, packed, voice
from tests.spoken import Voice, events
from tests.support import at, client, numbered, server

Wave = npt.NDArray[np.float64]
CREATED = at(0, server("session.created", session={"id": "s", "type": "realtime"}))
SPEECH = np.frombuffer(voice(4000, level=0.3), "<i2").astype(np.float64)


def bench(made: Iterable[Event]) -> BenchReport:
    found = SoundBench()
    for event in made:
        found.feed(event)
    return found.report()


def content(samples: Wave, form: AudioFormat = PCM16_24K) -> SoundContent:
    made = SoundContent()
    made.feed(samples.astype(np.int16), form)
    made.measure()
    return made


def sent(data: bytes, start_ms: float = 0) -> list[Event]:
    return [CREATED, *appends(data, size=960, start_ms=start_ms + 20)]


def answered(wave: Wave, start_ms: float, item_id: str = "item_a") -> list[Event]:
    data = bytes_of(wave.astype(np.int16))
    where = {"response_id": "resp_1", "item_id": item_id, "output_index": 0, "content_index": 0}
    pieces = [data[begin : begin + 14_400] for begin in range(0, len(data), 14_400)]
    return [
        at(start_ms + n * 30, server("response.output_audio.delta", **where, delta=packed(piece)))
        for n, piece in enumerate(pieces)
    ]


def babble(chance: np.random.Generator) -> Wave:
    """Return noise in syllables: unlike tones, it resembles itself at no other delay."""
    noise = np.convolve(chance.normal(0, 1, 4 * 24_000), np.ones(24) / 5, "same")
    return 3000 * noise * (np.sin(np.arange(len(noise)) * 4 * np.pi / 24_000) > -0.5)


def both(microphone: Wave, answer: Wave, answered_ms: float = 5) -> Sequence[Event]:
    made = [*sent(bytes_of(microphone.astype(np.int16))), *answered(answer, answered_ms)]
    return numbered(sorted(made, key=lambda event: event.stamp_ns))


def test_levels_of_a_full_scale_square_wave_and_of_silence() -> None:
    square = np.tile([32767.0, -32768.0], 24_000)
    loud, silent = content(square), content(np.zeros(4800))

    assert loud.level_dbfs == pytest.approx(0, abs=0.01)
    assert loud.clipped_share == 1.0
    assert loud.silence_share == 0.0
    assert (silent.level_dbfs, silent.peak_dbfs, silent.silence_share) == (None, None, 1.0)
    assert silent.zero_share == 1.0


def test_offset_noise_and_speech_are_told_apart() -> None:
    chance = np.random.default_rng(1)
    noise = chance.normal(0, 33, 48_000)
    made = content(np.concatenate((noise, SPEECH)) + 1000)

    assert made.dc_offset == pytest.approx(1000 / 32768, rel=0.1)
    assert made.noise_dbfs == pytest.approx(-60, abs=1.5)
    assert made.speech_dbfs is not None
    assert made.speech_dbfs > -25


def test_sound_that_was_resampled_from_the_telephone_has_its_bandwidth() -> None:
    chance = np.random.default_rng(1)
    wide = chance.normal(0, 3000, 48_000)
    spectrum = np.fft.rfft(wide)
    spectrum[len(spectrum) * 4 // 12 :] = 0  # above 4 kHz
    made = content(np.fft.irfft(spectrum))

    assert made.bandwidth_hz == pytest.approx(4100, abs=150)
    assert content(wide).bandwidth_hz == pytest.approx(12_000, abs=100)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("pcm16", bytes_of(SPEECH.astype(np.int16))),
        ("pcm16 big-endian", SPEECH.astype(">i2").tobytes()),
        ("float32", (SPEECH / 32768).astype("<f4").tobytes()),
        ("pcmu", encoded(SPEECH.astype(np.int16), "pcmu")),
        ("pcma", encoded(SPEECH.astype(np.int16), "pcma")),
    ],
)
def test_the_encoding_of_the_bytes_is_found_whatever_was_declared(name: str, data: bytes) -> None:
    best = bench(sent(data)).microphone.encodings[0]

    assert best.name == name
    assert best.likelihood > 0.8


def test_a_wav_header_is_named_and_the_samples_behind_it_are_judged() -> None:
    header = b"RIFF" + b"\x24\0\0\0" + b"WAVEfmt " + b"\x10\0\0\0" + b"\1\0\1\0\xc0\x5d\0\0\x80\xbb\0\0\2\0\x10\0" + b"data\0\0\0\0"  # fmt: skip
    data = header + bytes_of(SPEECH.astype(np.int16))
    made = [CREATED, at(5, client("input_audio_buffer.append", audio=packed(data)))]

    first, second, *_ = bench(made).microphone.encodings
    assert (first.name, first.likelihood) == ("wav", 1.0)
    assert second.name == "pcm16"


@pytest.mark.parametrize(
    ("hz", "words"),
    [
        (24_003, "as declared"),
        (22_700, "as declared, within what the sender's timers explain"),
        (8_050, "looks like 8 kHz, declared are 24 kHz"),
        (2_000, "declared are 24 kHz"),
    ],
)
def test_a_measured_rate_is_named(hz: float, words: str) -> None:
    assert rate_words(hz, 24_000) == words


def test_8_khz_sent_as_24_khz_is_seen_in_the_rate() -> None:
    data = voice(8000, rate_hz=8000)
    made = [CREATED, *appends(data, size=320, start_ms=20)]

    rate = bench(made).microphone.figures["real_rate_hz"]
    assert rate.value == pytest.approx(8000, rel=0.01)
    assert rate.note == "looks like 8 kHz, declared are 24 kHz"


@pytest.mark.parametrize(("delay_ms", "gain"), [(120, 0.3), (400, 0.05)])
def test_the_echo_of_an_answer_is_found_with_its_delay_and_level(
    delay_ms: int, gain: float
) -> None:
    chance = np.random.default_rng(3)
    answer = babble(chance)
    microphone = chance.normal(0, 20, len(answer) + 24_000)
    begin = delay_ms * 24
    microphone[begin : begin + len(answer)] += gain * answer
    echo = bench(both(microphone, answer)).echo

    assert echo.confidence is Confidence.CERTAIN
    assert echo.delay_ms == pytest.approx(delay_ms - 5, abs=10)
    assert echo.level_db == pytest.approx(20 * np.log10(gain), abs=3)
    assert (echo.heard, echo.answers) == (1, 1)


def test_an_echo_is_found_after_a_long_time_without_answers() -> None:
    chance = np.random.default_rng(3)
    answer = babble(chance)
    microphone = chance.normal(0, 20, len(answer) + 7 * 24_000)
    begin = (5333 + 150) * 24
    microphone[begin : begin + len(answer)] += 0.2 * answer
    echo = bench(both(microphone, answer, answered_ms=5333)).echo

    assert echo.confidence is Confidence.CERTAIN
    assert echo.delay_ms == pytest.approx(150, abs=10)


def test_a_user_who_speaks_over_the_answer_is_no_echo() -> None:
    chance = np.random.default_rng(3)
    answer = babble(chance)
    microphone = chance.normal(0, 600, len(answer))
    echo = bench(both(microphone, answer)).echo

    assert echo.reason == ""
    assert (echo.confidence, echo.heard) == (None, 0)


def test_without_both_sides_the_echo_is_unknown_and_says_why() -> None:
    assert bench(sent(voice(1000))).echo.reason == "the recording has no sound of the answer"


def test_leading_silence_and_underruns_belong_to_the_answer() -> None:
    wave = np.concatenate((np.zeros(24 * 400), SPEECH))
    made = [CREATED, *answered(wave[:24_000], 100), *answered(wave[24_000:], 1900)]
    report = bench(numbered(made))

    answer = report.answers.answers[0]
    assert answer.leading_silence_ms == pytest.approx(400, abs=15)
    assert (answer.underruns, report.answers.figures["underruns"].value) == (1, 1)
    assert report.answers.figures["underruns"].note == "estimated"


def test_refused_appends_are_not_the_users_sound() -> None:
    bad = client("input_audio_buffer.append", audio=packed(voice(500, level=0.9)), session={})
    refusal = server("error", error={"type": "invalid_request_error", "param": "session"})
    report = bench(numbered([CREATED, at(10, bad), at(12, refusal)]))

    assert report.microphone.figures["audio_ms"].value == 0
    assert report.microphone.figures["level_dbfs"].value is None


def test_what_a_recorder_has_cut_out_is_unknown_with_that_reason() -> None:
    made = [CREATED, *appends(bytes(33 * 60), size=33)]
    figures = bench(made).microphone.figures

    assert figures["events"].value == 60
    assert figures["delta_mean_ms"].value == pytest.approx(20)
    assert figures["drift_ppm"].value is None
    assert "elided" in figures["level_dbfs"].reason


def test_without_times_the_levels_are_known_and_the_timing_is_not() -> None:
    made = [replace(one, t_ns=None) for one in sent(voice(500))]
    figures = bench(made).microphone.figures

    assert figures["delta_mean_ms"].reason == "the recording does not say when it happened"
    assert figures["level_dbfs"].value is not None


@pytest.mark.parametrize(
    "made",
    [
        [],
        [
            client("input_audio_buffer.append", audio=value)
            for value in ("!", 7, None, "UklGR", "=")
        ],
        [server("response.output_audio.delta", delta="AA", item_id=3, content_index="x")],
        events(Voice("pcmu")),
    ],
    ids=["nothing", "not base64", "odd members", "spoken"],
)
def test_every_report_has_a_table_and_json_and_nothing_raises(made: list[Event]) -> None:
    report = bench(made)

    rows, told = sound_rows(report), report_json(report)
    striking_lines(report)
    for row in rows:
        for cell in row.cells:
            assert bool(cell.reason) == (cell.text == "?")
    for side in ("microphone", "answers"):
        unknown = {name for name, value in told[side].items() if name in SOUND_BY_NAME and value is None}  # fmt: skip
        assert unknown == set(told[side]["unknown"])


def test_what_stands_out_is_said_in_words() -> None:
    report = bench(sent(SPEECH.astype(">i2").tobytes()))
    told = BenchReport(
        report.microphone,
        report.answers,
        Echo(2, 1, 4, 120.0, -12.0, 0.4, Confidence.LIKELY),
    )

    assert striking_lines(told)[:2] == [
        "the microphone hears 1 of 2 answers (likely), 120 ms late, at −12.0 dB",
        "microphone: declared PCM16, looks like PCM16 with its bytes swapped (96 %)",
    ]


@pytest.mark.parametrize(
    ("wave", "words"),
    [
        (np.zeros(24_000), "microphone: only digital silence (100 %)"),
        (np.clip(SPEECH * 9, -32768, 32767), "of the samples are clipped"),
        (SPEECH / 30, "without the silence"),
        (SPEECH / 300, "microphone: hardly any sound"),
        (SPEECH + 900, "microphone: a DC offset of 2.8 %"),
    ],
    ids=["silence", "clipping", "faint", "fainter", "offset"],
)
def test_bad_sound_stands_out(wave: Wave, words: str) -> None:
    assert words in " ".join(striking_lines(bench(sent(bytes_of(wave.astype(np.int16))))))


def test_underruns_stand_out() -> None:
    wave = np.concatenate((np.zeros(24 * 400), SPEECH))
    made = [CREATED, *answered(wave[:24_000], 100), *answered(wave[24_000:], 1900)]

    assert "answers: 1 underrun in what was heard" in striking_lines(bench(numbered(made)))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00001, "%", "under 0.01 %"),
        (0.0123, "%", "1.2 %"),
        (1234.4, "ms", "1,234 ms"),
        (12.34, "ms", "12.3 ms"),
        (-3.25, "dBFS", "−3.2 dBFS"),
        (0.994, "×", "0.99×"),
        (1234, "", "1,234"),
    ],
)
def test_values_have_units(value: float, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


def test_figures_of_sound_are_explained_by_name_title_and_other_tools() -> None:
    for name, definition in SOUND_BY_NAME.items():
        assert definition in found(name)
    assert found("max jitter") == [SOUND_BY_NAME["jitter_max_ms"]]
    assert "section 6.4.1" in explained(SOUND_BY_NAME["jitter_mean_ms"])
