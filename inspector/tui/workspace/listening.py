"""Hearing and keeping what is selected on the screen: an item, or a span of time, played or written as WAV.

Every function reads the whole log, so screens call them in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inspector.core.log import EventLog
from inspector.errors import ExportError
from inspector.export.log_sound import LogSound
from inspector.export.output_file import written
from inspector.export.wav_export import Plan, file_name, pcm, plan, span_plan, write_wav
from inspector.folders import path_exists

PlaySound = Callable[[bytes, int], None]
"""Plays PCM16 mono at a rate in Hz; it is called from a thread and may return before the sound has ended."""
MAX_PLAYED_US = 600_000_000
"""Ten minutes, 28 MB: more is not listened to, and would be kept in memory."""
_MAX_NUMBER = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """Sound that was chosen on the screen."""

    sound: LogSound
    plan: Plan

    @property
    def seconds(self) -> float:
        """Return its length."""
        return self.plan.duration_us / 1e6


def selected_item(log: EventLog, item_id: str) -> Selection:
    """Return the sound of an item.

    Raises:
        ExportError: it has none.
    """
    sound = LogSound(log)
    return _audible(Selection(sound, plan(file_name(item_id), [sound.item(item_id)])))


def selected_span(log: EventLog, from_us: int, to_us: int, *, is_mono: bool) -> Selection:
    """Return what was heard in a span of session time: user left and assistant right, or both at once.

    Raises:
        ExportError: nothing was.
    """
    sound = LogSound(log)
    made = span_plan(sound, from_us, to_us, channels=1 if is_mono else 2)
    return _audible(Selection(sound, made))


def selection_of(
    log: EventLog, *, item_id: str, span_us: tuple[int, int] | None, is_mono: bool
) -> Selection:
    """Return the sound of an item, or of a span of session time.

    Raises:
        ExportError: nothing was heard there.
    """
    if span_us is None:
        return selected_item(log, item_id)
    return selected_span(log, *span_us, is_mono=is_mono)


def listen(select: Callable[[], Selection], play: PlaySound | None, stem: str) -> str:
    """Play what is selected, or without ``play`` write it under a stem; return what to say of it.

    Raises:
        ExportError: there is nothing to hear, or too much, or the file cannot be written.
        OSError: the log cannot be read.
    """
    chosen = select()
    return play_selection(chosen, play) if play is not None else write_selection(chosen, stem)


def play_selection(selection: Selection, play: PlaySound) -> str:
    """Play a selection; return what to say of it.

    Raises:
        ExportError: it is too long to be played.
    """
    if selection.plan.duration_us > MAX_PLAYED_US:
        raise ExportError(
            "this is too long to be played at once", hint="select less, or write it to a file"
        )
    play(pcm(selection.sound, selection.plan), selection.plan.rate_hz)
    return f"playing {selection.seconds:.2f} s"


def write_selection(selection: Selection, stem: str) -> str:
    """Write a selection as a WAV file into the current folder, under a name that is free; return what to say of it.

    Raises:
        ExportError: the file cannot be written.
    """
    name = f"{stem}-{selection.plan.name}"
    names = (f"{name}{f'-{number}' if number > 1 else ''}.wav" for number in range(1, _MAX_NUMBER))
    target = next((path for path in map(Path, names) if not path_exists(path)), None)
    if target is None:
        raise ExportError(f"there are {_MAX_NUMBER} files {name}-….wav already")
    with written(target) as file:
        write_wav(selection.sound, selection.plan, file.write)
    return f"wrote {target}: {selection.seconds:.2f} s"


def _audible(selection: Selection) -> Selection:
    if not any(selection.plan.channels):
        raise ExportError("there is no audio in this selection")
    return selection
