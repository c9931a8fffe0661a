"""Rules about the user's sound, each with a session that triggers it and a near miss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspector.analysis.lint.finding import Severity
from inspector.analysis.lint.lint_run import lint
from inspector.analysis.lint.sound_content_rules import InputContent
from inspector.analysis.lint.sound_in_rules import AudioBacklog, InputRate, OneSidedFormat
from inspector.audio.pcm import pcm16_to_alaw, pcm16_to_ulaw, samples_of
from inspector.core.event import Event
from tests.linted import SERVER_VAD, began, findings_of, session
from tests.linted_sound import append, appends, in_order, started, voice
from tests.support import at, client, local, numbered, server

PCMU = {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": SERVER_VAD}}


def paced(bytes_per_s: int, wall_s: float, every_ms: float = 40, start_ms: float = 100) -> list[Event]:  # fmt: skip
    """Return appends of silence at a rate, as a clock sends them."""
    size = int(bytes_per_s * every_ms / 1000) // 2 * 2
    count = int(wall_s * 1000 / every_ms)
    return appends(bytes(size * count), size=size, start_ms=start_ms, every_ms=every_ms)


@pytest.mark.parametrize(
    ("bytes_per_s", "words"),
    [
        (15_600, "PCM16 at 8 kHz"),
        (8_000, "G.711 at 8 kHz"),
        (32_000, "PCM16 at 16 kHz"),
        (88_000, "PCM16 at 44.1 kHz"),
        (96_000, "PCM16 at 48 kHz, or 24 kHz in stereo or as float32"),
    ],
)
def test_audio_of_another_rate_is_named(bytes_per_s: int, words: str) -> None:
    [found] = findings_of(InputRate, [*began(SERVER_VAD), *paced(bytes_per_s, 7)])

    assert found.text.startswith("appends carry ")
    assert found.text.endswith(f" kB/s, and audio/pcm at 24 kHz needs 48: this is {words}")


def test_audio_at_8_khz_may_be_resampled_or_sent_as_g711() -> None:
    [found] = findings_of(InputRate, [*began(SERVER_VAD), *paced(16_000, 5)])

    assert found.fix == (
        "resample from 8 to 24 kHz (× 3), mono, 16 bit; or encode as G.711: "
        '{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}}'
    )


def test_pcm_in_a_session_of_the_telephone_is_named() -> None:
    events = [*began(audio=PCMU), *paced(16_000, 7)]
    [found] = findings_of(InputRate, events)

    assert found.text == (
        "appends carry 16.0 kB/s, and audio/pcmu at 8 kHz needs 8: this is PCM16 at 8 kHz"
    )


@pytest.mark.parametrize("bytes_per_s", [43_500, 48_000, 49_000, 40_000, 24_000, 72_000])
def test_a_right_or_an_unknown_rate_is_not_named(bytes_per_s: int) -> None:
    assert findings_of(InputRate, [*began(SERVER_VAD), *paced(bytes_per_s, 7)]) == []


def test_a_file_that_is_sent_in_bursts_has_no_rate() -> None:
    burst = [one for n in range(4) for one in paced(480_000, 0.4, 4, start_ms=100 + n * 5000)]
    assert findings_of(InputRate, [*began(), *burst]) == []
    assert findings_of(AudioBacklog, [*began(), *burst]) == []


def test_push_to_talk_has_pauses_that_are_no_sign_of_slow_sending() -> None:
    events = [*began()]
    for n in range(4):
        events += paced(48_000, 2, start_ms=100 + n * 8000)
    assert findings_of(InputRate, events) == []
    assert findings_of(AudioBacklog, events) == []


def test_whole_utterances_in_one_append_each_are_not_late() -> None:
    events = [at(n * 3500, append(bytes(96_000))) for n in range(1, 14)]
    assert findings_of(AudioBacklog, [*began(), *events]) == []


def test_half_of_the_audio_cut_out_by_a_recorder_is_not_a_rate() -> None:
    events = [at(100 + n * 40, append(bytes(32))) for n in range(200)]
    assert findings_of(InputRate, [*began(SERVER_VAD), *events]) == []


def test_the_telephones_audio_in_a_session_of_pcm_is_not_taken_for_cut_off() -> None:
    data = pcm16_to_ulaw(samples_of(voice(9000, 8000)))
    events = [*began(SERVER_VAD), *appends(data, size=160, start_ms=100)]
    [rate] = findings_of(InputRate, events)
    [content] = findings_of(InputContent, events)

    assert rate.text.endswith("needs 48: this is G.711 at 8 kHz")
    assert "looks like G.711 μ-law" in content.text


def test_a_rate_that_another_server_does_not_state_is_not_judged() -> None:
    bare = session(SERVER_VAD)
    bare["audio"]["input"]["format"] = {"type": "audio/pcm"}
    events = [
        local("inspector.opened", url="ws://gpu.example/v1/realtime"),
        server("session.created", session=bare),
        *paced(32_000, 7),
    ]
    assert findings_of(InputRate, events) == []


def test_appends_that_come_ever_slower_are_a_backlog() -> None:
    events: list[Event] = []
    ms = 100.0
    for n in range(300):
        events.append(at(ms, append(bytes(960))))
        ms += 20 + n / 3
    [found] = findings_of(AudioBacklog, [*began(SERVER_VAD), *events])

    assert found.severity is Severity.ERROR
    assert found.text.startswith("the audio clock is at 6.0 s after 20.9 s of wall time: for ")
    assert found.text.endswith("your app falls behind, the server is not slow")


def test_an_app_that_leaves_silence_out_is_not_late() -> None:
    events: list[Event] = []
    ms = 100.0
    for n in range(300):
        events.append(at(ms, append(bytes(960))))
        ms += 220 if n % 10 == 9 else 20
    assert findings_of(AudioBacklog, [*began(SERVER_VAD), *events]) == []


def test_appends_that_stall_and_then_come_at_once_are_reported() -> None:
    stalled = [
        *paced(48_000, 3, 20),
        *paced(48_000 * 20, 0.15, 1, start_ms=6100),  # the 3 s that were missed
        *paced(48_000, 3, 20, start_ms=6300),
    ]
    [found] = findings_of(AudioBacklog, [*began(SERVER_VAD), *stalled])

    assert found.severity is Severity.WARNING
    assert found.text.startswith(
        "appends stopped and what was missed came at once after 3.0 s (#152 to #153)"
    )


def test_audio_that_a_recorder_shortened_is_not_slow() -> None:
    events = [at(100 + n * 40, append(bytes(400))) for n in range(250)]
    speech = [started(9000, audio_start_ms=8800)]
    assert len(findings_of(AudioBacklog, [*began(SERVER_VAD), *events])) == 1
    assert findings_of(AudioBacklog, in_order(began(SERVER_VAD), events, speech)) == []


def test_hiccups_of_a_network_are_no_backlog() -> None:
    events: list[Event] = []
    for n in range(6):
        begin = 100 + n * 10_000
        events += paced(48_000, 5, 20, start_ms=begin)
        events += paced(14_400, 2, 20, start_ms=begin + 5000)
        events += paced(81_600, 2, 20, start_ms=begin + 7000)
        events += paced(48_000, 1, 20, start_ms=begin + 9000)
    assert findings_of(AudioBacklog, [*began(SERVER_VAD), *events]) == []


def test_a_muted_microphone_is_not_a_stall() -> None:
    muted = [*paced(48_000, 3, 20), *paced(48_000, 3, 20, start_ms=6100)]
    assert findings_of(AudioBacklog, [*began(SERVER_VAD), *muted]) == []


def test_a_wav_file_is_named_with_its_rate() -> None:
    wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\0\0\0\0"
    events = [*began(), append(bytes(960)), append(wav + bytes(960)), append(wav + bytes(960))]
    [found] = findings_of(InputContent, events)

    assert found.text == (
        "2 of 3 appends are not bare samples: append 2 (#4) begins with a WAV header: 24,000 Hz, 16 bit, mono"
    )
    assert found.fix.startswith("strip the header")


def test_a_server_that_takes_wav_files_gets_them() -> None:
    bare = server("session.created", session={"id": "s", "input_audio_format": "wav"})
    assert findings_of(InputContent, [bare, append(b"RIFF\0\0\0\0WAVE" + bytes(90))]) == []


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"ID3\x04" + bytes(300), "this is MP3"),
        (b"OggS" + bytes(300), "this is Ogg"),
        (b"\x1aE\xdf\xa3" + bytes(300), "this is WebM"),
        (b"fLaC" + bytes(300), "this is FLAC"),
        (b"\0\0\0\x1cftypM4A " + bytes(300), "this is MP4"),
    ],
)
def test_the_head_of_a_compressed_file_is_named(head: bytes, words: str) -> None:
    [found] = findings_of(InputContent, [*began(), append(head)])

    assert words in found.text


def test_bare_samples_are_as_they_should_be() -> None:
    events = [*began(SERVER_VAD), *appends(voice(6000)), append(b"RIFE" + bytes(956))]
    assert findings_of(InputContent, events) == []


@pytest.mark.parametrize("noise", [0.01, 0.3, 0.9])
def test_noise_is_noise_in_any_encoding(noise: float) -> None:
    loud = np.random.default_rng(1).standard_normal(24_000 * 6) * noise * 32767
    data = loud.clip(-32768, 32767).astype("<i2").tobytes()
    assert findings_of(InputContent, [*began(SERVER_VAD), *appends(data)]) == []


def test_samples_of_another_encoding_are_recognised() -> None:
    samples = samples_of(voice(8000, level=0.3))
    kinds = {
        "float32 samples": (samples / 32768).astype("<f4").tobytes(),
        "bytes swapped": samples.astype(">i2").tobytes(),
        "G.711": pcm16_to_ulaw(samples),
        "A-law": pcm16_to_alaw(samples),
    }
    found = {
        name: findings_of(InputContent, [*began(SERVER_VAD), *appends(data, size=1920)])
        for name, data in kinds.items()
    }

    assert {name: len(one) for name, one in found.items()} == dict.fromkeys(kinds, 1)
    assert "looks like float32 samples" in found["float32 samples"][0].text
    assert "bytes swapped" in found["bytes swapped"][0].text
    assert "looks like G.711" in found["G.711"][0].text
    assert '"type": "audio/pcm' in found["A-law"][0].fix


def test_pcm_in_a_session_of_the_telephone_is_static() -> None:
    events = [*began(audio=PCMU), *appends(voice(8000, 8000), size=320)]
    [found] = findings_of(InputContent, events)

    assert "the session reads audio/pcmu at 8 kHz, and what is appended looks like PCM16" in found.text  # fmt: skip


def test_either_law_in_a_session_of_the_telephone_is_not_told_from_the_other() -> None:
    data = pcm16_to_ulaw(samples_of(voice(8000, 8000)))
    assert findings_of(InputContent, [*began(audio=PCMU), *appends(data, size=160)]) == []


def test_appends_that_end_within_a_sample_may_shift_all_that_follows() -> None:
    [found] = findings_of(InputContent, [*began(), append(bytes(961)), append(bytes(960))])

    assert found.text.startswith("1 append of PCM16 has an odd number of bytes, first #3")


def update(**audio: object) -> Event:
    return client("session.update", session={"type": "realtime", "audio": audio})


def telephone(side: str) -> list[Event]:
    """Return an update of one side's format, and its confirmation."""
    described = session(SERVER_VAD)
    described["audio"][side]["format"] = {"type": "audio/pcmu"}
    return [
        update(**{side: {"format": {"type": "audio/pcmu"}}}),
        server("session.updated", session=described),
    ]


def test_a_format_for_one_direction_leaves_the_other_as_it_was() -> None:
    [found] = findings_of(OneSidedFormat, [*began(SERVER_VAD), *telephone("output")])

    assert found.text == (
        "only the output is audio/pcmu (#3); your input is read as audio/pcm at 24 kHz"
    )
    assert found.fix.count("audio/pcmu") == 2


def test_a_text_session_and_one_with_both_formats_are_not_one_sided() -> None:
    written = session(SERVER_VAD, output_modalities=["text"])
    written["audio"]["input"]["format"] = {"type": "audio/pcmu"}
    both = update(
        input={"format": {"type": "audio/pcmu"}}, output={"format": {"type": "audio/pcm"}}
    )
    events = [*began(SERVER_VAD), *telephone("input")[:1], server("session.updated", session=written)]  # fmt: skip
    assert findings_of(OneSidedFormat, events) == []
    assert findings_of(OneSidedFormat, [*began(SERVER_VAD), both, *telephone("input")]) == []


def test_appends_without_times_between_others_do_not_make_the_pace_slow() -> None:
    sent = numbered(in_order(began(SERVER_VAD), appends(voice(6000), start_ms=100)))
    untimed = [replace(one, t_ns=None) if one.seq % 2 else one for one in sent]

    assert lint(untimed, [AudioBacklog, InputRate], is_strict=True).findings == ()
