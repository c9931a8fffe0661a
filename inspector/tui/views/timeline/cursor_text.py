"""What the timeline says in words: what is at the cursor, and what is selected."""

from __future__ import annotations

import math

from inspector.analysis.marks import MARK_KINDS
from inspector.analysis.placement import AudioSide
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import duration_text, short_id
from inspector.analysis.waveform import Waveform
from inspector.core.output_audio import PlaybackGap
from inspector.tui.common.keycaps import Key
from inspector.tui.views.timeline.timeline_drawing import DrawnStretch

SILENCE_DBFS = -90.0
MAX_MARKS = 4
"""Marks named for one cell."""


def at_cursor(waveform: Waveform, view: DrawnStretch) -> str:
    """Say what is at the cursor."""
    t_us = view.now_us if view.cursor_us is None else view.cursor_us
    cell = t_us // view.cell_us
    words = [f"{t_us / 1e6:.3f} s"]
    for side, name in ((AudioSide.USER, "user"), (AudioSide.ASSISTANT, "model")):
        lane = waveform.lane(side, cell, 1, view.cell_us)
        if lane.is_there[0]:
            rms = waveform.rms(side, cell, 1, view.cell_us)
            words.append(f"{name} {decibels(float(rms[0]))}")
    segment = waveform.segment_at(AudioSide.ASSISTANT, t_us)
    if segment is not None and segment.item_id:
        heard, whole = segment.heard_us // 1000, segment.duration_us // 1000
        share = f"heard {heard:,} of {whole:,} ms" if heard < whole else f"{whole:,} ms"
        words.append(f"{sanitized(short_id(segment.item_id))} {share}")
        words += [_dry(gap) for gap in segment.underruns() if gap.is_at(t_us * 1000)]
    marks = waveform.marks
    here = marks.within(cell * view.cell_us, (cell + 1) * view.cell_us)
    words += [
        f"{MARK_KINDS[marks.kind[at]].value} {marks.t_us[at] / 1e6:.3f}" for at in here[:MAX_MARKS]
    ]
    return "   ".join(words)


def about(view: DrawnStretch, progress: float, key: Key, *, damaged: int = 0) -> str:
    """Say what is selected, or how to select.

    Args:
        view: what is shown.
        progress: how much of the log was read, 0..1.
        key: names keys.
        damaged: pieces of audio that are not base64.
    """
    cell_ms = view.cell_us // 1000
    scale = f"{cell_ms} ms" if cell_ms < 1000 else f"{cell_ms // 1000} s"
    span = view.selection
    if span is not None:
        first, last = span[0] / 1e6, span[1] / 1e6
        return (
            f"selected {first:.3f} to {last:.3f} s, {last - first:.3f} s"
            f"   {key('wave.events')} its events   {key('wave.play')} hear   {key('wave.write')} write WAV"
            f"   {key('wave.clear')} unselect"
        )
    torn = f"   {damaged:,} pieces are not base64, and not drawn" if damaged else ""
    reading = "" if progress >= 1 else f"   reading {progress:.0%}"
    held = f"   {key('wave.follow')} follows" if view.cursor_us is not None else ""
    zoom = f"{key('wave.closer')} {key('wave.wider')} zoom"
    selects = f"{key('wave.select_left')} {key('wave.select_right')} or drag select"
    return f"{scale} a cell{reading}{torn}{held}   {zoom}   {key('wave.next_mark')} next mark   {selects}"


def _dry(gap: PlaybackGap) -> str:
    length_ms = (gap.to_ns - gap.from_ns) / 1e6
    return f"no sound for {duration_text(length_ms)}: its audio had not come"


def decibels(level: float) -> str:
    """Return a level, 0..1, relative to full scale."""
    if level <= 10 ** (SILENCE_DBFS / 20):
        return "silent"
    return f"{20 * math.log10(level):.1f} dBFS".replace("-", "−")
