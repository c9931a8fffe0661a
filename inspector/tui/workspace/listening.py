"""Playing a selected item or time span, or writing it as a WAV file.

Every function reads the whole log, so screens must call them in a thread.
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
"""Function that plays PCM16 mono at a rate in Hz. Called from a thread; may return before the sound has ended."""
MAX_PLAYED_US = 600_000_000
"""Ten minutes, 28 MB at 24 kHz; longer sounds would fill memory."""
_MAX_NUMBER = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """Sound that was selected on the screen."""

    sound: LogSound
    plan: Plan

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.plan.duration_us / 1e6


def selected_item(log: EventLog, item_id: str) -> Selection:
    """Return the audio of an item.

    Raises:
        ExportError: the item has no audio.
    """
    sound = LogSound(log)
    return _audible(Selection(sound, plan(file_name(item_id), [sound.item(item_id)])))


def selected_span(log: EventLog, from_us: int, to_us: int, *, is_mono: bool) -> Selection:
    """Return what was heard in a span of session time: user left and assistant right, or both mixed.

    Raises:
        ExportError: nothing was heard in the span.
    """
    sound = LogSound(log)
    plan_of_span = span_plan(sound, from_us, to_us, channels=1 if is_mono else 2)
    return _audible(Selection(sound, plan_of_span))


def selection_of(
    log: EventLog, *, item_id: str, span_us: tuple[int, int] | None, is_mono: bool
) -> Selection:
    """Return the audio of an item, or of a span of session time if one is given.

    Raises:
        ExportError: the selection contains no audio.
    """
    if span_us is None:
        return selected_item(log, item_id)
    return selected_span(log, *span_us, is_mono=is_mono)


def listen(select: Callable[[], Selection], play: PlaySound | None, stem: str) -> str:
    """Play the selection, or without ``play`` write it to a file whose name starts with ``stem``; return a report.

    Raises:
        ExportError: the selection has no audio or too much, or the file cannot be written.
        OSError: the log cannot be read.
    """
    chosen = select()
    return play_selection(chosen, play) if play is not None else write_selection(chosen, stem)


def play_selection(selection: Selection, play: PlaySound) -> str:
    """Play a selection; return a report for the user.

    Raises:
        ExportError: the selection is too long.
    """
    if selection.plan.duration_us > MAX_PLAYED_US:
        raise ExportError(
            "the selection is too long to play (over 10 minutes)",
            hint="select less, or write it to a file",
        )
    play(pcm(selection.sound, selection.plan), selection.plan.rate_hz)
    return f"playing {selection.seconds:.2f} s"


def write_selection(selection: Selection, stem: str) -> str:
    """Write a selection as a WAV file into the current folder, under an unused name; return a report for the user.

    Raises:
        ExportError: the file cannot be written.
    """
    name = f"{stem}-{selection.plan.name}"
    names = (f"{name}{f'-{number}' if number > 1 else ''}.wav" for number in range(1, _MAX_NUMBER))
    target = next((path for path in map(Path, names) if not path_exists(path)), None)
    if target is None:
        raise ExportError(f"cannot write {name}.wav: {_MAX_NUMBER} files of this name exist")
    with written(target) as file:
        write_wav(selection.sound, selection.plan, file.write)
    return f"wrote {target}: {selection.seconds:.2f} s"


def _audible(selection: Selection) -> Selection:
    if not any(selection.plan.channels):
        raise ExportError("the selection contains no audio")
    return selection
