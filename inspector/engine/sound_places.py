"""Where sound comes from and goes to, as the user names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SoundEndKind(StrEnum):
    """What stands at one end of the sound."""

    NONE = "none"
    FILE = "file"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class SoundEnd:
    """One end of the sound."""

    kind: SoundEndKind
    """What stands there."""
    name: str = ""
    """Path of a file; name, part of a name or index of a device, ``""`` for the system's own choice."""
    is_asked_for: bool = True
    """False where it is only what the program tries when nobody said anything."""

    def __str__(self) -> str:
        return self.name or ("default" if self.kind is SoundEndKind.DEVICE else str(self.kind))


NOWHERE = SoundEnd(SoundEndKind.NONE)
DEFAULT_DEVICE = SoundEnd(SoundEndKind.DEVICE, is_asked_for=False)
_SOUND_FILES = (".wav", ".wave", ".flac", ".ogg", ".aif", ".aiff")


def sound_end_of(text: str) -> SoundEnd:
    """Read what a flag or a dialog says: ``none``, a sound file by its ending, else a device; ``default`` is the system's."""
    text = text.strip()
    if text.lower() == "none":
        return NOWHERE
    if text.lower().endswith(_SOUND_FILES):
        return SoundEnd(SoundEndKind.FILE, str(Path(text).expanduser()))
    return SoundEnd(SoundEndKind.DEVICE, "" if text.lower() in ("", "default") else text)


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """How a session sounds."""

    microphone: SoundEnd = NOWHERE
    """Where the user's sound comes from."""
    speaker: SoundEnd = NOWHERE
    """Where the assistant's sound goes to."""
    append_ms: int = 40
    """Length of one append."""
    truncates: bool = True
    """Truncate by itself when the user speaks over the answer."""
    opens_at_once: bool = False
    """Open a microphone that is a device without being told to, where nobody is there to press a key."""

    @property
    def starts_by_itself(self) -> bool:
        """Tell whether the microphone opens by itself: a file given at the start, or any where nobody can press a key."""
        kind = self.microphone.kind
        return kind is SoundEndKind.FILE or (kind is SoundEndKind.DEVICE and self.opens_at_once)
