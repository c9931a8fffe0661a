"""Audio clocks: how much audio each side has sent, compared with the time that passed; the counting is done by folds."""

from __future__ import annotations

from typing import Any

from inspector.core.state import SessionState
from inspector.core.units import NS_PER_MS

ELISION = "audio is elided in this file: a recorder has cut it out"


def audio_clocks(state: SessionState, now_ns: int | None = None) -> dict[str, Any]:
    """Return both clocks as JSON, in milliseconds; null if the recording does not tell.

    Args:
        state: after the events so far.
        now_ns: audio counts as played up to this time; None counts everything that would ever play.
    """
    sent, output = state.input_audio, state.output_audio
    items = output.items.values()
    first = next((item.format for item in items), state.session.output_format)
    has_times = any(item.resumes for item in items)
    played_ns = sum(item.heard_ns(now_ns) for item in items)
    is_measured = any(item.is_measured for item in items)
    appended_ms = _known(sent.appended_ns, is_elided=sent.is_elided)
    wall_ms = None if sent.wall_ns is None else sent.wall_ns / NS_PER_MS
    return {
        "user": {
            "format": str(sent.format),
            "appends": sent.appends,
            "appended_ms": appended_ms,
            "refused": sent.refused,
            "refused_ms": _known(sent.refused_ns, is_elided=sent.is_elided),
            "committed_ms": _known(sent.committed_ns, is_elided=sent.is_elided),
            "wall_ms": wall_ms,
            "rate": round(appended_ms / wall_ms, 3) if appended_ms and wall_ms else None,
            "elided": ELISION if sent.is_elided else None,
        },
        "assistant": {
            "format": str(first),
            "deltas": output.deltas,
            "received_ms": _known(output.received_ns, is_elided=output.is_elided),
            "played_ms": _known(played_ns, is_elided=output.is_elided) if has_times else None,
            "played": ("measured" if is_measured else "estimated") if has_times else None,
            "elided": ELISION if output.is_elided else None,
        },
    }


def clock_words(state: SessionState) -> list[str]:
    """Return the clocks as text, one line per side that has audio."""
    found = []
    sent, output = state.input_audio, state.output_audio
    if sent.appends:
        if sent.is_elided:
            found.append(f"user: {ELISION}")
        elif sent.wall_ns is None:
            found.append(f"user: {sent.appended_ns / 1e9:,.1f} s of audio appended")
        else:
            rate = sent.appended_ns / sent.wall_ns if sent.wall_ns else 1.0
            found.append(
                f"user: {sent.appended_ns / 1e9:,.1f} s of audio appended in {sent.wall_ns / 1e9:,.1f} s, "
                f"{rate:.2f}× real time"
            )
        if sent.refused:
            found.append(f"user: {sent.refused:,} appends refused, {sent.refused_ns / 1e9:,.1f} s")
    if output.deltas:
        length = f"{output.received_ns / 1e9:,.1f} s of audio received"
        found.append(f"assistant: {ELISION if output.is_elided else length}")
    return found


def _known(length_ns: int, *, is_elided: bool) -> float | None:
    return None if is_elided else length_ns / NS_PER_MS
