"""The microphone and speaker that the user selects: a device, a file or none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SoundEndKind(StrEnum):
    """The kind of a sound end."""

    NONE = "none"
    FILE = "file"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class SoundEnd:
    """A source or destination of sound."""

    kind: SoundEndKind
    """Its kind."""
    name: str = ""
    """Path of a file; name, part of a name or index of a device, ``""`` for the system's default device."""
    is_explicit: bool = True
    """False for the program's default, whose failure is not worth a message."""

    def __str__(self) -> str:
        return self.name or ("default" if self.kind is SoundEndKind.DEVICE else str(self.kind))


NO_SOUND = SoundEnd(SoundEndKind.NONE)
DEFAULT_DEVICE = SoundEnd(SoundEndKind.DEVICE, is_explicit=False)
_SOUND_FILES = (".wav", ".wave", ".flac", ".ogg", ".aif", ".aiff")


def sound_end_of(text: str) -> SoundEnd:
    """Parse the value of an option or dialog: ``none``, a file with a sound file's suffix, ``default`` or a device's name."""
    text = text.strip()
    if text.lower() == "none":
        return NO_SOUND
    if text.lower().endswith(_SOUND_FILES):
        return SoundEnd(SoundEndKind.FILE, str(Path(text).expanduser()))
    return SoundEnd(SoundEndKind.DEVICE, "" if text.lower() in ("", "default") else text)


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """The sound settings of a session."""

    microphone: SoundEnd = NO_SOUND
    """The source of the user's audio."""
    speaker: SoundEnd = NO_SOUND
    """The destination of the assistant's audio."""
    append_ms: int = 40
    """Length of one append."""
    truncates: bool = True
    """True to truncate automatically when the user speaks over the answer."""
    opens_at_once: bool = False
    """True to open a device without a key press, for headless runs."""

    @property
    def starts_by_itself(self) -> bool:
        """Return True if the microphone starts without a key press: a file, or in a headless run also a device."""
        kind = self.microphone.kind
        return kind is SoundEndKind.FILE or (kind is SoundEndKind.DEVICE and self.opens_at_once)
