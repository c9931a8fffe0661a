"""The drawing of the VAD lab: the microphone's waveform, the probability of speech, and the turns, over the audio clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from inspector.analysis.server_vad import WINDOW_MS
from inspector.analysis.speech_track import SpeechTrack, track_windows
from inspector.analysis.vad_lab import ComparedTurn, TurnFate, VadOutcome
from inspector.analysis.waveform import WaveLane
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.common.wrapping import Run
from inspector.tui.views.timeline.wave_cells import dots_in, wave_cells

LABEL = 9
"""Columns at the left: the names of the lanes."""
WAVE_LINES, CHANCE_LINES = 3, 2
BARS = " ▁▂▃▄▅▆▇█"
TICKS_MS = (100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000)
TICK_CELLS = 12
"""Least distance of two ticks."""
CHANGED = frozenset({TurnFate.CUT, TurnFate.JOINED, TurnFate.MISSED, TurnFate.UNENDED})

LEAST_CELL_MS = 16.0
"""Half a window: closer, there is nothing more to see."""

Floats = npt.NDArray[np.float32]


class LabWindow:
    """The visible stretch of the audio clock; unlike that of the timeline it fits any length exactly."""

    def __init__(self) -> None:
        self.cell_ms = 100.0
        """Duration of a cell."""
        self.left = 0
        """The first visible cell, counted from time 0."""

    def fit(self, length_ms: float, columns: int) -> None:
        """Show everything up to a time."""
        self.cell_ms, self.left = max(LEAST_CELL_MS, length_ms / columns), 0

    def zoom(self, factor: float, around_ms: float, length_ms: float, columns: int) -> None:
        """Change the duration of a cell, and show a time at a quarter of the width."""
        widest = max(LEAST_CELL_MS, length_ms / columns)
        self.cell_ms = max(LEAST_CELL_MS, min(widest, self.cell_ms * factor))
        last = int(length_ms / self.cell_ms) - columns + 1
        self.left = max(0, min(last, int(around_ms / self.cell_ms) - columns // 4))

    def reveal(self, begin_ms: float, columns: int) -> None:
        """Scroll until a time is visible."""
        cell = int(begin_ms / self.cell_ms)
        if not self.left <= cell < self.left + columns - 1:
            self.left = max(0, cell - columns // 4)


@dataclass(frozen=True, slots=True)
class TrackPicture:
    """A track by window; computed again only when it has grown."""

    begins_ms: npt.NDArray[np.float64]
    """Where each window begins on the axis, ascending."""
    probabilities: Floats
    peaks: Floats


def track_picture(track: SpeechTrack) -> TrackPicture:
    """Return a track by window."""
    probabilities, peaks = track.probabilities, track.peaks
    begins = [
        span.begin_ms + np.arange(span.windows) * WINDOW_MS for span, _ in track_windows(track)
    ]
    whole = np.concatenate(begins) if begins else np.zeros(0)
    # The track may have grown in between: what is not in all of them is drawn the next time.
    count = min(len(whole), len(probabilities), len(peaks))
    return TrackPicture(whole[:count], probabilities[:count], peaks[:count])


def drawn_lanes(
    picture: TrackPicture,
    outcome: VadOutcome,
    threshold: float,
    window: LabWindow,
    columns: int,
    glyphs: Glyphs,
    selected: int,
) -> Iterator[list[Run]]:
    """Yield the lines of the drawing, from the waveform to the axis.

    Args:
        picture: the track.
        outcome: what the settings would have done.
        threshold: from which a probability is drawn as speech.
        window: the visible stretch.
        columns: cells for time.
        glyphs: characters that the terminal can show.
        selected: number of the selected turn of the server; 0 for none.
    """
    yield from _wave(picture, window, columns, glyphs)
    yield from _chances(picture, threshold, window, columns)
    server = [
        (
            one.server.start_ms,
            one.server.stop_ms,
            _server_tone(one, selected),
            str(one.server.number),
        )
        for one in outcome.turns
    ]
    yield [("server".rjust(LABEL - 1) + " ", "dim"), *_spans(server, window, columns, glyphs)]
    changed = {found for one in outcome.turns if one.fate in CHANGED for found in one.found}
    tried = [
        (
            one.start_ms,
            one.stop_ms,
            "warning" if one in changed or one in outcome.extra else "client",
            "",
        )
        for one in outcome.found
    ]
    yield [("tried".rjust(LABEL - 1) + " ", "dim"), *_spans(tried, window, columns, glyphs)]
    yield [(" " * LABEL, "dim"), (_axis(window, columns, glyphs), "dim")]


def _server_tone(one: ComparedTurn, selected: int) -> str:
    return "kin" if one.server.number == selected else "server"


def _by_column(
    values: Floats, picture: TrackPicture, window: LabWindow, columns: int, per_cell: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the highest value in each column of dots, and which columns have any."""
    count = columns * per_cell
    cell_ms = window.cell_ms
    edges = (window.left + np.arange(count + 1) / per_cell) * cell_ms
    if not len(values):
        return np.zeros(count, np.float32), np.zeros(count, bool)
    # The window at the beginning of a column counts, though it begins before it.
    first = np.maximum(0, np.searchsorted(picture.begins_ms, edges[:-1], "right") - 1)
    last = np.maximum(first + 1, np.searchsorted(picture.begins_ms, edges[1:], "left"))
    padded = np.append(values, np.float32(0))
    bounds = np.minimum(np.column_stack((first, last)).ravel(), len(values))
    found = np.maximum.reduceat(padded, bounds)[::2].astype(np.float32)
    ends_ms = picture.begins_ms[np.minimum(last, len(values)) - 1] + WINDOW_MS
    return found, ends_ms > edges[:-1]


def _wave(
    picture: TrackPicture, window: LabWindow, columns: int, glyphs: Glyphs
) -> Iterator[list[Run]]:
    dots_x, _ = dots_in(glyphs.wave)
    peaks, has_audio = _by_column(picture.peaks, picture, window, columns, dots_x)
    peaks = np.where(has_audio, peaks, 0).astype(np.float32)
    lane = WaveLane(-peaks, peaks, has_audio, has_audio)
    cells = wave_cells([lane], WAVE_LINES, glyphs.wave)[0]
    for at, line in enumerate(cells):
        label = "sound" if at == WAVE_LINES // 2 else ""
        yield [(label.rjust(LABEL - 1) + " ", "dim"), ("".join(map(chr, line)), "client")]


def _chances(
    picture: TrackPicture, threshold: float, window: LabWindow, columns: int
) -> Iterator[list[Run]]:
    chances, has_audio = _by_column(picture.probabilities, picture, window, columns, 1)
    levels = np.rint(np.where(has_audio, chances, 0) * CHANCE_LINES * 8).astype(int)
    tones = np.where(chances >= threshold, "kin", "dim")
    for line in range(CHANCE_LINES):
        inside = np.clip(levels - (CHANCE_LINES - 1 - line) * 8, 0, 8)
        # Silence is a line on the ground, so that it differs from no audio.
        inside = np.where((line == CHANCE_LINES - 1) & has_audio, np.maximum(inside, 1), inside)
        label = "speech" if line else ""
        cells = ((BARS[level], str(tone)) for level, tone in zip(inside, tones, strict=True))
        yield [(label.rjust(LABEL - 1) + " ", "dim"), *_joined(cells)]


def _spans(
    spans: Sequence[tuple[float, float | None, str, str]],
    window: LabWindow,
    columns: int,
    glyphs: Glyphs,
) -> Iterator[Run]:
    """Yield a lane of turns, each a bar with its name at the beginning."""
    cells: list[tuple[str, str]] = [(" ", "dim")] * columns
    cell_ms = window.cell_ms
    for start_ms, stop_ms, tone, name in spans:
        begin = int(start_ms // cell_ms) - window.left
        end = columns if stop_ms is None else int(stop_ms // cell_ms) - window.left
        for column in range(max(0, begin), min(columns, max(begin + 1, end))):
            cells[column] = (glyphs.bar_full, tone)
        # A gap between two turns that touch each other.
        if 0 <= begin < columns:
            cells[begin] = (glyphs.bracket, tone)
        for at, sign in enumerate(name, begin + 1):
            if 0 <= at < min(columns, end):
                cells[at] = (sign, tone)
    yield from _joined(cells)


def _joined(cells: Iterable[tuple[str, str]]) -> Iterator[Run]:
    for tone, run in groupby(cells, key=lambda cell: cell[1]):
        yield "".join(sign for sign, _ in run), tone


def _axis(window: LabWindow, columns: int, glyphs: Glyphs) -> str:
    cell_ms = window.cell_ms
    step_ms = next((step for step in TICKS_MS if step >= TICK_CELLS * cell_ms), TICKS_MS[-1])
    text = [" "] * columns
    tick_ms = step_ms * -int(-window.left * cell_ms // step_ms)
    while (column := int(tick_ms // cell_ms) - window.left) < columns:
        for at, sign in enumerate(f"{glyphs.bracket}{_clock(tick_ms)}", column):
            if 0 <= at < columns:
                text[at] = sign
        tick_ms += step_ms
    return "".join(text)


def _clock(ms: int) -> str:
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{int(seconds // 60)}:{seconds % 60:02.0f}"
