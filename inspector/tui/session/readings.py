"""Readings of the meters: the levels of a session or recording, and the state of either side in words."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from inspector.analysis.sanitize import sanitized
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.core.units import NS_PER_S
from inspector.tui.common.keycaps import Key
from inspector.tui.common.meter import Reading, Readings

if TYPE_CHECKING:
    from inspector.analysis.totals import Losses
    from inspector.audio.levels import Level
    from inspector.engine.recorded_levels import RecordedLevels
    from inspector.engine.session_sound import SessionSound

_MIC_LOSSES = {"dropped_appends": "{} appends dropped"}
_OUT_LOSSES = {"dropped_bytes": "{} bytes not played", "unreadable_deltas": "{} deltas unreadable"}
"""Losses that a meter mentions; the session view lists all. Underruns are shown beside what was heard."""


def live_readings(
    sound: SessionSound | None,
    state: SessionState,
    now_ns: int,
    key: Key,
    losses: Losses = MappingProxyType({}),
) -> Readings:
    """Return the readings of a live session.

    Args:
        sound: the session's microphone and speaker; None without sound.
        state: the current state.
        now_ns: session time.
        key: returns the key name of a binding.
        losses: counts of audio that was not sent or played, by name.
    """
    if is_sideband(state):
        return sideband_readings()
    if sound is None:
        return Reading("mic", has_level=False, note="no audio"), Reading("out", has_level=False)
    found = sound.levels()
    levels = found if found is not None else (None, None)
    heard = heard_note(state, now_ns)
    what, _, remedy = sound.microphone_problem.partition(": ")
    if remedy and sound.microphone_problem == sound.speaker_problem and not heard:
        # One reason for both sides: the advice goes where the second meter would repeat it.
        return _problem("mic", what), _problem("out", remedy)
    if sound.microphone_problem:
        microphone = _problem("mic", sound.microphone_problem)
    else:
        note, tone = _microphone_note(sound, state, now_ns, key)
        microphone = _reading("mic", levels[0], *_with_losses(note, tone, losses, _MIC_LOSSES))
    if sound.speaker_problem and not heard:
        return microphone, _problem("out", sound.speaker_problem)
    truncation = "auto-truncate on" if sound.truncates else "auto-truncate off"
    idle = "" if sound.speaker_place.is_explicit else f"{sound.speaker_place} · "
    note, tone = heard or f"{idle}{truncation}", "active" if heard else ""
    return microphone, _reading("out", levels[1], *_with_losses(note, tone, losses, _OUT_LOSSES))


def recorded_readings(
    levels: tuple[Level, Level] | None,
    state: SessionState,
    t_ns: int | None,
    url: str,
    *,
    idle: str = "",
) -> Readings:
    """Return the readings of a recording at its cursor.

    Args:
        levels: levels of both sides; None if they are not known.
        state: the state at the cursor.
        t_ns: session time at the cursor; None if the recording has no times.
        url: the session's URL.
        idle: note while nobody speaks.
    """
    if is_sideband(state, url):
        return sideband_readings()
    speech = speech_note(state, t_ns)
    if t_ns is None:
        # A level belongs to a moment, which cannot be found without times.
        return Reading("mic", has_level=False, note=speech or "no times"), Reading(
            "out", has_level=False, note="no times"
        )
    heard = heard_note(state, t_ns)
    found = levels if levels is not None else (None, None)
    return (
        _reading("mic", found[0], speech or idle, "active" if speech else ""),
        _reading("out", found[1], heard or idle, "active" if heard else ""),
    )


class LogLevels:
    """Levels computed from the audio in a log, for screens without a sound device of their own."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._levels: RecordedLevels | None = None

    def read(self, row: int, t_ns: int, state: SessionState) -> tuple[Level, Level] | None:
        """Return the levels of both sides at a row and time; None until numpy is imported, after the first frame."""
        if self._levels is None:
            # Importing numpy here would stall the screen; the workspace imports it in a thread.
            if "numpy" not in sys.modules:
                return None
            from inspector.engine.recorded_levels import RecordedLevels

            self._levels = RecordedLevels(self._log)
        return self._levels.read(row, t_ns, state)


def is_sideband(state: SessionState, url: str = "") -> bool:
    """Return whether the session observes a WebRTC or SIP call, whose audio does not cross the WebSocket."""
    return "call_id=" in (state.session.url or url)


def sideband_readings() -> Readings:
    """Return readings that explain why there is nothing to measure."""
    return (
        Reading(
            "mic", has_level=False, note="the call's audio is not on this connection (sideband)"
        ),
        Reading("out", has_level=False, note="events only"),
    )


def speech_note(state: SessionState, now_ns: int | None) -> str:
    """Return for how long the server has detected speech, if times are known; ``""`` while it detects none."""
    audio = state.input_audio
    if not audio.speech_item_id:
        return ""
    if now_ns is None or audio.speech_started_t_ns is None:
        return "speech"
    return f"speech {max(0, now_ns - audio.speech_started_t_ns) / NS_PER_S:.1f} s"


def heard_note(state: SessionState, now_ns: int | None) -> str:
    """Return how much of the item being played was heard; ``""`` while nothing plays or it is not known."""
    item = None if now_ns is None else state.output_audio.playing(now_ns)
    if item is None:
        return ""
    gaps = len(item.underruns) if len(item.resumes) > 1 else 0
    dry = f" · {gaps} underrun{'s' * (gaps != 1)}" if gaps else ""
    return f"heard {item.heard_ms(now_ns):,} of {item.received_ms:,} ms{dry}"


def _with_losses(note: str, tone: str, losses: Losses, names: Mapping[str, str]) -> tuple[str, str]:
    """Return a note and its tone with losses first, so that those are not cut off."""
    lost = [words.format(f"{losses[name]:,}") for name, words in names.items() if name in losses]
    return (" · ".join([*lost, note]), "warning") if lost else (note, tone)


def _problem(label: str, problem: str) -> Reading:
    """Return a reading that shows a problem in place of a level."""
    return Reading(label, has_level=False, note=sanitized(problem), tone="warning")


def _microphone_note(
    sound: SessionSound, state: SessionState, now_ns: int, key: Key
) -> tuple[str, str]:
    microphone = sound.microphone
    if sound.is_waiting_to_talk:
        return "opening …", ""
    if microphone is None or not microphone.is_sending:
        return f"{key('sound.talk')} push to talk · {key('sound.open')} open mic", ""
    words = [
        str(microphone.talk),
        speech_note(state, now_ns) or ("silence" if state.session.turn_detection else "no VAD"),
    ]
    if microphone.is_muted:
        words[0] = "MUTED"
    return " · ".join(words), "warning" if microphone.is_muted else "active"


def _reading(label: str, level: Level | None, note: str, tone: str) -> Reading:
    if level is None:
        return Reading(label, note=note, tone=tone)
    return Reading(label, level.rms_dbfs, level.held_dbfs, level.clips, note, tone)
