"""The lines of text below the timeline: what is at the cursor, and the selection or the keys."""

from __future__ import annotations

import math

from inspector.analysis.lint.finding import SIGNS
from inspector.analysis.marks import MARK_KINDS, MARK_OF_SEVERITY, MarkKind
from inspector.analysis.placement import AudioSide
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import duration_text, short_id
from inspector.analysis.waveform import Waveform
from inspector.core.output_audio import PlaybackGap
from inspector.tui.common.keycaps import Key
from inspector.tui.views.timeline.timeline_drawing import DrawnStretch

SILENCE_DBFS = -90.0  # just above the smallest step of 16-bit samples
MAX_MARKS = 4
"""How many marks are named at the cursor."""


def at_cursor(waveform: Waveform, view: DrawnStretch) -> str:
    """Return what is at the cursor."""
    t_us = view.now_us if view.cursor_us is None else view.cursor_us
    cell = t_us // view.cell_us
    words = [f"{t_us / 1e6:.3f} s"]
    for side, name in ((AudioSide.USER, "user"), (AudioSide.ASSISTANT, "model")):
        lane = waveform.lane(side, cell, 1, view.cell_us)
        if lane.has_audio[0]:
            rms = waveform.rms(side, cell, 1, view.cell_us)
            words.append(f"{name} {decibels(float(rms[0]))}")
    segment = waveform.segment_at(AudioSide.ASSISTANT, t_us)
    if segment is not None and segment.item_id:
        heard, whole = segment.heard_us // 1000, segment.duration_us // 1000
        share = f"heard {heard:,} of {whole:,} ms" if heard < whole else f"{whole:,} ms"
        words.append(f"{sanitized(short_id(segment.item_id))} {share}")
        words += [_underrun_text(gap) for gap in segment.underruns() if gap.contains(t_us * 1000)]
    marks = waveform.marks
    here = marks.within(cell * view.cell_us, (cell + 1) * view.cell_us)
    words += [
        f"{_mark_text(waveform, marks.row[at], MARK_KINDS[marks.kind[at]])} {marks.t_us[at] / 1e6:.3f}"
        for at in here[:MAX_MARKS]
    ]
    return "   ".join(words)


def selection_text(view: DrawnStretch, progress: float, key: Key, *, damaged: int = 0) -> str:
    """Return the selection with its keys, or else the scale and the keys for selecting.

    Args:
        view: the drawn stretch.
        progress: share of the log that was read, 0..1.
        key: returns the key name of a binding.
        damaged: number of audio deltas that are not valid base64.
    """
    cell_ms = view.cell_us // 1000
    scale = f"{cell_ms} ms" if cell_ms < 1000 else f"{cell_ms // 1000} s"
    span = view.selection
    if span is not None:
        first, last = span[0] / 1e6, span[1] / 1e6
        return (
            f"selected {first:.3f} to {last:.3f} s, {last - first:.3f} s"
            f"   {key('wave.events')} go to events   {key('wave.play')} play"
            f"   {key('wave.write')} write WAV   {key('wave.clear')} clear"
        )
    torn = f"   {damaged:,} deltas are not valid base64 and not drawn" if damaged else ""
    reading = "" if progress >= 1 else f"   reading {progress:.0%}"
    follow = f"   {key('wave.follow')} follow" if view.cursor_us is not None else ""
    zoom = f"{key('wave.closer')} {key('wave.wider')} zoom"
    select = f"{key('wave.select_left')} {key('wave.select_right')} or drag to select"
    return f"{scale}/cell{reading}{torn}{follow}   {zoom}   {key('wave.next_mark')} next mark   {select}"


def _mark_text(waveform: Waveform, row: int, kind: MarkKind) -> str:
    """Return the name of a mark; that of a finding is its rule."""
    found = waveform.proofs.of(row + 1) if kind in MARK_OF_SEVERITY.values() else ()
    return f"{SIGNS[found[0].severity]} {found[0].rule}" if found else kind.value


def _underrun_text(gap: PlaybackGap) -> str:
    length_ms = (gap.to_ns - gap.from_ns) / 1e6
    return f"no sound for {duration_text(length_ms)}: audio arrived late"


def decibels(level: float) -> str:
    """Return a level, 0..1, in decibels relative to full scale."""
    if level <= 10 ** (SILENCE_DBFS / 20):
        return "silent"
    return f"{20 * math.log10(level):.1f} dBFS".replace("-", "−")
