"""Sound files: streaming reader for all common formats, and a writer of 16-bit mono WAV.

Reading uses libsndfile (the soundfile package, whose wheels contain it): it supports 8 to 32-bit and float samples, G.711, ADPCM,
WAVE_FORMAT_EXTENSIBLE, RIFX, RF64, FLAC and Ogg, and reads a truncated file up to its end. Writing uses the standard library's
``wave``, which updates the header after every piece, so that the file is complete even if the process is killed.
"""

from __future__ import annotations

import io
import os
import struct
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile

from inspector.audio.pcm import Samples
from inspector.errors import EXIT_CANNOT_WRITE, SoundFileError

MOST_PATCHED_BYTES = 64 << 20
"""Files up to this size are read into memory to repair a data size of 0, which a killed recorder leaves in the header."""
_UNKNOWN_SIZE = 0xFFFFFFFF


class WavReader:
    """A sound file as a stream of mono samples at its own rate."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            SoundFileError: the file cannot be read, or contains no audio.
        """
        self.path = path
        try:
            self._file = _opened(path)
        except OSError as error:
            raise SoundFileError(f"cannot read {path}: {error.strerror or error}") from None
        except soundfile.SoundFileError as error:
            reason = str(getattr(error, "error_string", error)).rstrip(".")
            raise SoundFileError(
                f"{path} is not a sound file in a supported format: {reason}",
                hint="convert it, for example: ffmpeg -i IN -ar 24000 -ac 1 OUT.wav",
            ) from None
        self.rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames
        if not self.frames:
            self._file.close()
            raise SoundFileError(f"{path} contains no audio")

    @property
    def duration_s(self) -> float:
        """Return the duration in seconds."""
        return self.frames / self.rate_hz

    def read(self, count: int) -> Samples:
        """Return up to ``count`` further samples, channels averaged; none at the end or after damaged data."""
        try:
            sound = self._file.read(count, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError):
            return np.zeros(0, np.int16)
        # Float files may hold any value: NaN becomes silence, and values beyond full scale are clipped.
        mono = np.nan_to_num(sound.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
        samples: Samples = np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)
        return samples

    def rewind(self) -> None:
        """Continue at the beginning of the file."""
        self._file.seek(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class WavWriter:
    """Writer of a PCM16 mono WAV file, which is valid after every ``write``."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Create the file.

        Raises:
            SoundFileError: the file exists already, or cannot be written.
        """
        self.path = path
        self.rate_hz = rate_hz
        try:
            # O_EXCL also refuses a symbolic link. Mode 0600 as for recordings: the file holds someone's voice.
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise SoundFileError(
                f"{path} already exists; sound files are not overwritten",
                code="exists",
                hint="name a new file, or delete the existing one",
            ) from None
        except OSError as error:
            raise _cannot_write(path, error) from None
        self._stream = os.fdopen(fd, "wb")
        self._file = wave.open(self._stream, "wb")  # noqa: SIM115 - closed by close
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate_hz)
        self.write(np.zeros(0, np.int16))

    def write(self, samples: Samples) -> None:
        """Append samples.

        Raises:
            SoundFileError: the file cannot be written, for example because the disk is full.
        """
        try:
            self._file.writeframes(samples.astype("<i2").tobytes())
            self._stream.flush()
        except (OSError, wave.Error, struct.error) as error:
            raise _cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
            self._stream.close()
        except (OSError, struct.error):
            return  # ``write`` has already reported the failure


def _cannot_write(path: Path, error: Exception) -> SoundFileError:
    why = (error.strerror if isinstance(error, OSError) else "") or error
    return SoundFileError(
        f"cannot write {path}: {why}", code="cannot_write", exit_code=EXIT_CANNOT_WRITE
    )


def _opened(path: Path) -> soundfile.SoundFile:
    # Opened here first: the system's error names the reason, where libsndfile only says "System error".
    with path.open("rb") as stream:
        if not stream.read(1):
            raise SoundFileError(f"{path} is empty")
    file = soundfile.SoundFile(path)
    size = path.stat().st_size
    if file.frames or size > MOST_PATCHED_BYTES:
        return file
    # A data size of 0 from a killed recorder; with the streaming size, libsndfile reads to the end of the file.
    data = bytearray(path.read_bytes())
    at = data.find(b"data")
    if at < 0 or len(data) <= at + 8:
        return file
    file.close()
    data[at + 4 : at + 8] = struct.pack("<I", _UNKNOWN_SIZE)
    return soundfile.SoundFile(io.BytesIO(bytes(data)))
