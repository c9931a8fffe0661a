"""The options for microphone and speaker."""

from __future__ import annotations

from pathlib import Path

from inspector.engine.sound_places import (
    DEFAULT_DEVICE,
    NO_SOUND,
    SoundEndKind,
    SoundOptions,
    sound_end_of,
)


def sound_options(
    microphone: str | None,
    speaker: str | None,
    append_ms: int,
    *,
    truncates: bool,
    is_headless: bool,
) -> SoundOptions:
    """Return the sound options of a session; the defaults are devices on a screen, and nothing without one.

    Raises:
        SoundFileError: a file cannot be read as sound, cannot be written, or exists already.
    """
    default = NO_SOUND if is_headless else DEFAULT_DEVICE
    options = SoundOptions(
        default if microphone is None else sound_end_of(microphone),
        default if speaker is None else sound_end_of(speaker),
        append_ms,
        truncates=truncates,
        opens_at_once=is_headless,
    )
    _check_files(options)
    return options


def _check_files(options: SoundOptions) -> None:
    """Check the files before the session starts."""
    if options.microphone.kind is SoundEndKind.FILE:
        from inspector.audio.sound_file import WavReader

        WavReader(Path(options.microphone.name)).close()
    if options.speaker.kind is SoundEndKind.FILE:
        from inspector.audio.sound_file import WavWriter
        from inspector.engine.sound_ends import FILE_RATE_HZ

        path = Path(options.speaker.name)
        WavWriter(path, FILE_RATE_HZ).close()
        path.unlink()  # the session creates it when there is audio to write
