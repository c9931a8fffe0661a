"""server_vad re-run over recordings with other settings, and printed: what ``vad`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from inspector.analysis.sanitize import sanitized
from inspector.analysis.server_vad import VadSettings
from inspector.analysis.speech_track import TRACK_TYPES, SpeechTrack
from inspector.analysis.vad_lab import (
    ComparedTurn,
    TurnFate,
    VadLab,
    VadOutcome,
    agreement_json,
    agreement_words,
    best_of,
    best_words,
    no_lab_reason,
    outcome_json,
    outcome_row,
    outcome_words,
    semantic_words,
)
from inspector.cli.each_recording import each_recording, file_notes
from inspector.cli.printing import SCHEMA, flush, say, write_json, write_line
from inspector.errors import UsageError
from inspector.recording.lean import feed_events
from inspector.recording.reader import RecordingReader
from inspector.sources.speech.detectors import LIBRARIES, best_detector, detector_named
from inspector.sources.speech.seams import is_installed

ENERGY = "energy"


@dataclass(frozen=True, slots=True)
class AskedSettings:
    """What the user asks for; None for what is in force."""

    threshold: float | None = None
    padding_ms: int | None = None
    silence_ms: int | None = None

    def over(self, in_force: VadSettings | None) -> VadSettings:
        """Return complete settings: what is not asked for is as in force, else the API's default."""
        settings = in_force or VadSettings()
        asked = {
            "threshold": self.threshold,
            "padding_ms": self.padding_ms,
            "silence_ms": self.silence_ms,
        }
        given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        return replace(settings, **given)


@dataclass(frozen=True, slots=True)
class VadTrial:
    """One recording under some settings."""

    name: str
    lab: VadLab
    settings: VadSettings
    notes: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return why nothing can be tried; ``""`` if it can."""
        return no_lab_reason(self.lab.track)


def detector_to_use(name: str | None) -> str:
    """Return the detector that is asked for, or the best one.

    Raises:
        UsageError: it is not installed.
    """
    if name is None:
        return best_detector()
    library = LIBRARIES[name]
    if library and not is_installed(library):
        raise UsageError(
            f"--vad {name} needs {library}, which is not installed",
            hint="pip install 'realtime-inspector[voice]', or --vad energy",
        )
    return name


def print_trials(
    files: Sequence[str],
    asked: AskedSettings,
    detector: str | None,
    *,
    sweeps: bool,
    as_json: bool,
) -> None:
    """Print what settings would have done to recordings.

    Raises:
        RecordingError: after the last, where one could not be read.
        UsageError: the detector is not installed.
    """
    name = detector_to_use(detector)
    found = (_trial(file, reader, asked, name) for file, reader in each_recording(files))
    if as_json:
        write_json(b'{"schema":%d,"recordings":[' % SCHEMA)
    for number, trial in enumerate(found):
        if as_json:
            write_json(b"," * bool(number) + orjson.dumps(_json(trial, sweeps=sweeps)))
        else:
            _print(trial, is_first=not number, sweeps=sweeps)
        for note in trial.notes:
            say(f"note: {note}")
    if as_json:
        write_json(b"]}\n")
    flush()


def _trial(name: str, reader: RecordingReader, asked: AskedSettings, detector: str) -> VadTrial:
    track = _track(reader, detector)
    notes = [*file_notes(reader)]
    lab = VadLab(track)
    if detector != ENERGY and track.windows and lab.agreement.is_close is False:
        other = VadLab(_track(reader, ENERGY)).agreement
        if other.is_close:
            words = f"{other.agreed} of {other.turns}"
            notes.append(f"by loudness alone the model agrees on {words} turns: --vad {ENERGY}")
    return VadTrial(name, lab, asked.over(track.in_force), tuple(notes))


def _track(reader: RecordingReader, detector: str) -> SpeechTrack:
    track = SpeechTrack(detector_named(detector), detector)
    feed_events(reader, TRACK_TYPES, track.feed)
    track.finish()
    return track


def _json(trial: VadTrial, *, sweeps: bool) -> dict[str, Any]:
    lab, track = trial.lab, trial.lab.track
    in_force = track.in_force
    found: dict[str, Any] = {
        "recording": trial.name,
        "detector": track.detector_name,
        "audio_ms": round(track.length_ms, 3),
        "in_force": None if in_force is None else in_force.detection,
        "is_assumed": track.is_assumed,
        "turn_detection": list(track.kinds),
        "agreement": None if trial.reason else agreement_json(lab.agreement),
        "unknown": trial.reason or None,
        "notes": list(trial.notes),
        "outcome": None if trial.reason else outcome_json(lab.outcome(trial.settings), in_force),
    }
    if sweeps:
        rows = [] if trial.reason else list(lab.sweep(trial.settings.padding_ms))
        best = best_of(rows)
        found["sweep"] = [outcome_row(one) for one in rows]
        found["best"] = None if best is None else outcome_row(best)
    return found


def _print(trial: VadTrial, *, is_first: bool, sweeps: bool) -> None:
    if not is_first:
        write_line("")
    lab, track = trial.lab, trial.lab.track
    write_line(sanitized(trial.name))
    if trial.reason:
        write_line(f"  {trial.reason}")
        return
    in_force = track.in_force
    if in_force is not None:
        assumed = " (assumed: the server does not name them all)" if track.is_assumed else ""
        write_line(f"  in force  {in_force}{assumed}")
    write_line(f"  tried     {trial.settings}")
    outcome = lab.outcome(trial.settings)
    lines = _turn_lines(outcome) if not sweeps else _sweep_lines(lab, trial.settings)
    for line in (*lines, *_foot(lab, outcome, sweeps=sweeps)):
        write_line(sanitized(f"  {line}".rstrip()))


def _foot(lab: VadLab, outcome: VadOutcome, *, sweeps: bool) -> Iterator[str]:
    if not sweeps:
        yield outcome_words(outcome, lab.track.in_force)
    yield agreement_words(lab.agreement, lab.track.detector_name)
    if lab.track.unplaced:
        yield f"{lab.track.unplaced} turns of the server have no audio_start_ms and are left out"
    semantic = semantic_words(lab.track)
    if semantic:
        yield semantic


def _turn_lines(outcome: VadOutcome) -> Iterator[str]:
    if not outcome.turns:
        for one in outcome.found:
            yield f"turn from {_at(one.start_ms)} to {_at(one.stop_ms)}"
        return
    yield f"{'turn':>4}  {'server':>21}  {'these settings':>21}  {'saved':>9}"
    for turn in outcome.turns:
        yield _turn_line(turn)
    for one in outcome.extra:
        yield f"{'':>4}  {'':>21}  {_span(one.start_ms, one.stop_ms):>21}  heard only by these settings"


def _turn_line(turn: ComparedTurn) -> str:
    server = turn.server
    found = turn.found[0] if turn.found else None
    tried = "" if found is None else _span(found.start_ms, turn.found[-1].stop_ms)
    saved = "" if turn.saved_ms is None else f"{turn.saved_ms:+,.0f} ms"
    remark = "" if turn.fate is TurnFate.SAME else str(turn.fate)
    if turn.fate is TurnFate.CUT:
        remark = f"cut into {len(turn.found)}"
    if server.kind != "server_vad":
        remark = f"{server.kind}  {remark}".rstrip()
    head = f"{server.number:>4}  {_span(server.start_ms, server.stop_ms):>21}  {tried:>21}"
    return f"{head}  {saved:>9}  {remark}".rstrip()


def _sweep_lines(lab: VadLab, tried: VadSettings) -> Iterator[str]:
    outcomes = list(lab.sweep(tried.padding_ms))
    yield f"{'threshold':>9}  {'silence':>8}  {'saved':>9}  {'cut':>4}  {'joined':>6}  {'missed':>6}  {'extra':>5}"
    for one in outcomes:
        settings = one.settings or tried
        saved = "" if one.saved_ms is None else f"{one.saved_ms:+,.0f} ms"
        counts = (TurnFate.CUT, TurnFate.JOINED, TurnFate.MISSED)
        cut, joined, missed = (one.count(fate) for fate in counts)
        mark = "  in force" if settings == lab.track.in_force else ""
        yield (
            f"{settings.threshold:>9g}  {settings.silence_ms:>5} ms  {saved:>9}  {cut:>4}  {joined:>6}  {missed:>6}  "
            f"{len(one.extra):>5}{mark}"
        )
    yield best_words(outcomes)


def _span(start_ms: float, stop_ms: float | None) -> str:
    return f"{_at(start_ms)} to {_at(stop_ms)}"


def _at(ms: float | None) -> str:
    return "…" if ms is None else f"{ms / 1000:.3f}"
