"""Microphone and speaker from the command line."""

from __future__ import annotations

from pathlib import Path

from inspector.engine.sound_places import (
    DEFAULT_DEVICE,
    NOWHERE,
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
    """Return how a session sounds; without a screen nothing is heard or said unless it is asked for.

    Raises:
        SoundFileError: a file cannot be read as sound, cannot be written, or would overwrite one.
    """
    unasked = NOWHERE if is_headless else DEFAULT_DEVICE
    options = SoundOptions(
        unasked if microphone is None else sound_end_of(microphone),
        unasked if speaker is None else sound_end_of(speaker),
        append_ms,
        truncates=truncates,
        opens_at_once=is_headless,
    )
    _check_files(options)
    return options


def _check_files(options: SoundOptions) -> None:
    """Find out now, while there is no session yet, whether the files will do."""
    if options.microphone.kind is SoundEndKind.FILE:
        from inspector.audio.sound_file import WavReader

        WavReader(Path(options.microphone.name)).close()
    if options.speaker.kind is SoundEndKind.FILE:
        from inspector.audio.sound_file import WavWriter
        from inspector.engine.sound_ends import FILE_RATE_HZ

        path = Path(options.speaker.name)
        WavWriter(path, FILE_RATE_HZ).close()
        path.unlink()  # the session begins it when there is something to write
