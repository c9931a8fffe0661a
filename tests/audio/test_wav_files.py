"""Sound files of every kind, whole and broken, against soundfile's own writer and the standard library."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from inspector.audio.ends import FileInput
from inspector.audio.pcm import decoded
from inspector.audio.resample import Resampler
from inspector.audio.sound_file import WavReader, WavWriter
from inspector.errors import SoundFileError

S = 1_000_000_000


def sine(rate_hz: int, seconds: float = 0.5, peak: float = 0.5) -> np.ndarray:
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    return (peak * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("kind", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_kind_of_sample_is_read(
    tmp_path: Path, kind: str, channels: int, rate_hz: int
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([sine(rate_hz)] * channels, 1), rate_hz, subtype=kind)

    with WavReader(path) as reader:
        samples = reader.read(rate_hz)
        assert (reader.rate_hz, reader.channels, len(samples)) == (rate_hz, channels, rate_hz // 2)
    step = 260 if kind == "PCM_U8" else 2
    assert np.abs(samples - sine(rate_hz) * 32768).max() <= step


@pytest.mark.parametrize("kind", ["ULAW", "ALAW"])
def test_telephone_files_are_read_as_our_own_tables_read_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(8000), 8000, subtype=kind)
    data = path.read_bytes()
    body = data[data.index(b"data") + 8 :]

    with WavReader(path) as reader:
        samples = reader.read(8000)
    assert np.array_equal(samples, decoded(body, "pcmu" if kind == "ULAW" else "pcma")[:4000])


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([[0.5, -0.5], [0.5, 0.25]]), 24_000, subtype="PCM_16")

    with WavReader(path) as reader:
        assert reader.read(10).tolist() == [0, 12288]


def test_invalid_floats_become_valid_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    wild = np.array([0, np.nan, np.inf, -np.inf, 7.0, -7.0], np.float32)
    soundfile.write(path, wild, 24_000, subtype="FLOAT")

    with WavReader(path) as reader:
        assert reader.read(10).tolist() == [0, 0, 32767, -32768, 32767, -32768]


def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.wav"
    soundfile.write(path, sine(8000), 8000, subtype="PCM_16")
    return path.read_bytes()


def test_a_truncated_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(whole(tmp_path)[:1045])

    with WavReader(path) as reader:
        assert len(reader.read(8000)) == (1045 - 44) // 2


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_the_data_size_of_a_killed_recorder_is_repaired(tmp_path: Path, size: int) -> None:
    data = bytearray(whole(tmp_path))
    data[40:44] = struct.pack("<I", size)
    path = tmp_path / "killed.wav"
    path.write_bytes(data)

    with WavReader(path) as reader:
        assert len(reader.read(8000)) == 4000


@pytest.mark.parametrize("length", [0, 1, 12, 36, 43, 44])
def test_a_file_without_audio_is_refused_with_a_reason(tmp_path: Path, length: int) -> None:
    path = tmp_path / "none.wav"
    path.write_bytes(whole(tmp_path)[:length])

    with pytest.raises(SoundFileError) as refused:
        WavReader(path)
    assert str(path) in refused.value.message


@pytest.mark.parametrize("data", [b"hello " * 100, b"RIFF" + bytes(500), bytes(range(256)) * 9])
def test_a_file_in_another_format_is_refused_with_a_reason(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "no.wav"
    path.write_bytes(data)

    with pytest.raises(SoundFileError, match="not a sound file in a supported format"):
        WavReader(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(SoundFileError, match="No such file"):
        WavReader(tmp_path / "gone.wav")
    with pytest.raises(SoundFileError, match="cannot write"):
        WavWriter(tmp_path / "no" / "folder.wav", 24_000)


def test_a_written_file_is_valid_after_every_piece(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    writer = WavWriter(path, 24_000)
    piece = np.arange(-500, 500).astype(np.int16)
    writer.write(piece)

    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (1000, 24_000, 1)
        assert file.readframes(1000) == piece.astype("<i2").tobytes()
    writer.write(piece)
    writer.close()
    with WavReader(path) as reader:
        assert np.array_equal(reader.read(5000), np.concatenate((piece, piece)))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_plays_in_real_time_followed_by_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(12_000, 0.5), 24_000, subtype="PCM_16")
    spoken = FileInput(path)
    spoken.start(7 * S)

    first = spoken.read(7 * S + S // 4)
    assert (len(first), int(first.min()), spoken.is_finished) == (6000, 16384, False)
    rest = spoken.read(8 * S)
    assert len(rest) == 18_000
    assert rest[:6000].min() == 16384
    assert not rest[6000:].any()
    assert spoken.is_finished
    spoken.start(9 * S)
    assert spoken.read(9 * S + S // 100).min() == 16384


@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(8_000, 24_000), (44_100, 24_000), (192_000, 8_000)]
)
def test_resampling_in_pieces_keeps_length_and_place(
    from_hz: int, to_hz: int, is_live: bool
) -> None:
    whole_wave = (sine(from_hz, 1.0) * 32767).astype(np.int16)
    resampler = Resampler(from_hz, to_hz, is_live=is_live)
    pieces = [resampler.feed(whole_wave[at : at + 997]) for at in range(0, len(whole_wave), 997)]
    pieces.append(resampler.feed(whole_wave[:0], is_last=True))
    found = np.concatenate(pieces).astype(float)

    wanted = sine(to_hz, 1.0) * 32767
    assert len(found) == to_hz
    middle = slice(to_hz // 10, -to_hz // 10)
    noise = found[middle] - wanted[middle]
    assert 10 * np.log10(np.mean(wanted[middle] ** 2) / np.mean(noise**2)) > 60


def test_silence_stays_silence_when_resampled() -> None:
    resampler = Resampler(48_000, 24_000)

    assert not resampler.feed(np.zeros(48_000, np.int16)).any()
