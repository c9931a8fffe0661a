"""Which appends a server rejected, and audio that is not bare samples."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import pytest

from inspector.core.event import Event
from inspector.core.input_audio import InputAudioFold
from inspector.core.refused_appends import RefusedAppends, is_base64
from inspector.core.riff import WavHeader, oddity_of, wav_header
from tests.support import client, local, numbered, server, silence


def append(audio: Any = "AAAA", **more: Any) -> Event:
    return client("input_audio_buffer.append", audio=audio, **more)


def error(param: str | None = None, event_id: str | None = None) -> Event:
    return server("error", error={"code": "x", "param": param, "event_id": event_id})


def wav(seconds: float = 0.1, channels: int = 1) -> str:
    """Return a WAV file as base64."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(b"\1\1" * round(24_000 * seconds) * channels)
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize(
    ("events", "refused"),
    [
        ([append(event_id="e"), error(event_id="e")], [1]),
        ([append(event_id="e"), error(event_id="other")], []),
        ([append({"audio": "AAAA"}), append("data:audio/wav;base64,AAAA"), error("audio")], [1]),
        (
            [append({}), append("data:audio/wav;base64,AAAA"), error("audio"), error("audio")],
            [1, 2],
        ),
        ([append(), append(7), append(), error("audio")], [2]),
        ([append(session="s"), append(session="s"), error("session")], [1]),
        ([append(session="s"), error("session.voice"), error("session")], [1]),
        ([append(), error("audio")], []),
        ([append(), error()], []),
        ([append({}), local("inspector.opened"), error("audio")], []),
    ],
    ids=[
        "by its event_id",
        "by an event_id that is not its own",
        "the oldest with the fault",
        "in order",
        "never one without a fault",
        "a member that no append has",
        "a path below that member",
        "nothing to complain of",
        "an error about nothing",
        "of another connection",
    ],
)
def test_an_error_rejects_the_append_with_the_fault(
    events: list[Event], refused: list[int]
) -> None:
    refusals = RefusedAppends()
    found = [refusals.apply(event) for event in numbered(events)]

    assert [seq for seq in found if seq] == refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (silence(40), True),
        ("AA==", True),
        ("", True),
        ("AAA", False),
        ("data:audio/wav;base64,AAAA", False),
        ("AA=A", False),
        ("é" * 4, False),
        (None, False),
        (7, False),
    ],
)
def test_base64_is_recognized_without_decoding(value: object, expected: bool) -> None:
    assert is_base64(value) is expected


@pytest.mark.parametrize(
    ("events", "total", "buffered"),
    [
        ([append(silence(100))], 100, 100),
        ([append(silence(100), x=1), error("x")], 0, 0),
        ([append(silence(100)), append(silence(40), x=1), error("x")], 100, 100),
        ([append({"audio": silence(100)})], 0, 0),
        ([append(f"data:audio/wav;base64,{wav()}")], 0, 0),
        (
            [
                append(silence(100), x=1),
                server("input_audio_buffer.committed", item_id="i"),
                error("x"),
            ],
            0,
            0,
        ),
    ],
    ids=["sent", "refused", "one of two", "an object", "a data URL", "refused after the commit"],
)
def test_rejected_appends_and_other_data_do_not_count_as_sent(
    events: list[Event], total: int, buffered: int
) -> None:
    fold = InputAudioFold()
    for event in numbered(events):
        fold.apply(event)

    assert (fold.total_bytes, fold.buffered_bytes) == (total * 48, buffered * 48)
    assert not any(fold.committed.values())


def test_a_wav_header_is_counted_until_its_append_is_rejected() -> None:
    fold = InputAudioFold()
    events = numbered([append(silence(40)), append(wav(), x=1), error("x")])
    for event in events[:2]:
        fold.apply(event)

    assert (fold.wav, fold.wav_appends, fold.first_wav_seq) == (WavHeader(44, 24_000, 1, 16), 1, 2)
    fold.apply(events[2])
    assert (fold.wav, fold.wav_appends, fold.refused) == (None, 0, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wav(), WavHeader(44, 24_000, 1, 16)),
        (wav(channels=2), WavHeader(44, 24_000, 2, 16)),
        (base64.b64encode(b"RIFF\0\0\0\0WAVE").decode(), WavHeader(12)),
        (base64.b64encode(b"RIFF\0\0\0\0AVI ").decode(), None),
        (base64.b64encode(b"RIFX").decode(), None),
        ("UklGR!!!", None),
        ("UklGR", None),
        (silence(40), None),
        ("", None),
    ],
)
def test_a_wav_header_is_distinguished_from_samples(text: str, expected: WavHeader | None) -> None:
    assert wav_header(text) == expected


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (append(silence(40)), ""),
        (append(wav()), "begins with a WAV header: 24,000 Hz, 16 bit, mono"),
        (append({"a": 1}), "audio is an object, not base64 text"),
        (append([]), "audio is an array, not base64 text"),
        (append(None), "audio is null, not base64 text"),
        (append("data:audio/wav;base64,AAAA"), "a data URL, not bare base64"),
        (client("input_audio_buffer.append"), "no audio"),
        (server("response.output_audio.delta", delta=""), ""),
    ],
)
def test_unusual_audio_is_described(event: Event, words: str) -> None:
    assert oddity_of(event) == words
