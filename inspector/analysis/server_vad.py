"""server_vad as arithmetic on speech probabilities: when its settings begin and end a turn.

Probabilities come in windows of 32 ms, once per recording; settings are then applied to all of them at once, which takes about a
millisecond per hour. The simulator detects its turns by the same numbers, one window at a time. Source of the settings:
https://developers.openai.com/api/docs/guides/realtime-vad.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

WINDOW_MS = 32
"""Times in recorded VAD events are multiples of 32 ms, the window of Silero VAD."""
MIN_SPEECH_WINDOWS = 3
"""Speech must last 96 ms, so that a click does not start a turn."""
HYSTERESIS = 0.15
"""Speech ends only when the probability falls this far below the threshold, as in Silero's ``VADIterator``."""
LEAST_THRESHOLD = 0.01
"""Lowest effective threshold: with a threshold of 0, silence would be speech."""
DEFAULT_THRESHOLD, DEFAULT_PADDING_MS, DEFAULT_SILENCE_MS = 0.5, 300, 500


@dataclass(frozen=True, slots=True)
class VadSettings:
    """The settings of server_vad."""

    threshold: float = DEFAULT_THRESHOLD
    """Probability from which a window is speech, 0..1."""
    padding_ms: int = DEFAULT_PADDING_MS
    """``prefix_padding_ms``."""
    silence_ms: int = DEFAULT_SILENCE_MS
    """``silence_duration_ms``."""

    def __str__(self) -> str:
        return f"threshold {self.threshold:g}, padding {self.padding_ms} ms, silence {self.silence_ms} ms"

    @property
    def detection(self) -> Mapping[str, Any]:
        """Return them by the API's names."""
        return {
            "threshold": self.threshold,
            "prefix_padding_ms": self.padding_ms,
            "silence_duration_ms": self.silence_ms,
        }


def settings_of(detection: Mapping[str, Any]) -> VadSettings | None:
    """Return the settings in a session's ``turn_detection``; None if it is not server_vad."""
    if detection.get("type") != "server_vad":
        return None
    return VadSettings(
        _number(detection.get("threshold"), DEFAULT_THRESHOLD),
        int(_number(detection.get("prefix_padding_ms"), DEFAULT_PADDING_MS)),
        int(_number(detection.get("silence_duration_ms"), DEFAULT_SILENCE_MS)),
    )


def is_told(detection: Mapping[str, Any]) -> bool:
    """Return whether a server names all settings of its server_vad; what it leaves out is assumed to be the API's default."""
    return VadSettings().detection.keys() <= detection.keys()


class DetectedTurn(NamedTuple):
    """A turn that settings would have detected; times are ms of the span's audio clock."""

    start_ms: float
    """As in ``audio_start_ms``: with the padding."""
    stop_ms: float | None
    """As in ``audio_end_ms``: with the silence; None if the audio ends before the turn does."""
    onset_ms: float
    """Start of the speech itself."""
    speech_end_ms: float
    """End of the speech itself."""


class SettingsFrom(NamedTuple):
    """Settings from a window on."""

    window: int
    settings: VadSettings


def detected_turns(
    probabilities: Floats, settings: Sequence[SettingsFrom], begin_ms: float = 0.0
) -> Iterator[DetectedTurn]:
    """Yield the turns in a span of audio.

    Args:
        probabilities: of speech, one per window, shape (windows,).
        settings: in force, the first from window 0 on.
        begin_ms: time of the first window on the audio clock; the padding does not reach before it.
    """
    import numpy as np

    count = len(probabilities)
    if not count or not settings:
        return
    sizes = np.diff([*(min(one.window, count) for one in settings), count])
    threshold = np.maximum(LEAST_THRESHOLD, np.repeat([one.settings.threshold for one in settings], sizes))  # fmt: skip
    needed = np.repeat([windows_of(one.settings.silence_ms) for one in settings], sizes)
    paddings = np.repeat([one.settings.padding_ms for one in settings], sizes)
    loud = _run_lengths(probabilities >= threshold)
    quiet = _run_lengths(probabilities < np.maximum(LEAST_THRESHOLD, threshold - HYSTERESIS))
    openings = np.flatnonzero(loud >= MIN_SPEECH_WINDOWS)
    closings = np.flatnonzero(quiet >= needed)
    at, earliest_ms = 0, begin_ms
    while at < len(openings):
        opened = int(openings[at])
        place = int(np.searchsorted(closings, opened, "right"))
        closed = int(closings[place]) if place < len(closings) else None
        onset_ms = begin_ms + (opened + 1 - MIN_SPEECH_WINDOWS) * WINDOW_MS
        last = count - 1 if closed is None else closed
        end_ms = begin_ms + (last + 1) * WINDOW_MS
        yield DetectedTurn(
            max(earliest_ms, onset_ms - int(paddings[opened])),
            None if closed is None else end_ms,
            onset_ms,
            end_ms - int(quiet[last]) * WINDOW_MS,
        )
        if closed is None:
            return
        earliest_ms = end_ms
        at = int(np.searchsorted(openings, closed, "right"))


def windows_of(silence_ms: float) -> int:
    """Return how many quiet windows end a turn."""
    return max(1, -(-int(silence_ms) // WINDOW_MS))


def _run_lengths(is_set: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return for each place how many True values in a row end there."""
    import numpy as np

    places = np.arange(1, len(is_set) + 1)
    found: npt.NDArray[np.int64] = places - np.maximum.accumulate(np.where(is_set, 0, places))
    return found


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Of hostile servers: infinite and enormous values.
    return float(value) if is_number and abs(value) <= 1e6 else default
