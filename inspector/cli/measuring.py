"""Turns of recordings, measured and printed: what ``turns`` and ``stats`` share."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from inspector.analysis.audio_clocks import audio_clocks, clock_words
from inspector.analysis.definitions import DEFINITIONS, EVERY_DEFINITION, explained, found
from inspector.analysis.latency import Latency, latency_of, marks_of, turn_json
from inspector.analysis.percentiles import (
    FigureSpread,
    MeasuredTurn,
    figure_words,
    spread_json,
    spread_words,
    spreads,
)
from inspector.analysis.sanitize import sanitized
from inspector.analysis.turn_table import wait_words
from inspector.cli.each_recording import each_recording, file_notes
from inspector.cli.printing import SCHEMA, flush, say, write_bytes, write_json, write_line
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.errors import UsageError
from inspector.recording.lean import TURN_FOLDS, LeanReading
from inspector.recording.reader import RecordingReader

if TYPE_CHECKING:
    from inspector.analysis.turn_sound import Listener, SpeechDetecting


class TableForm(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    OBJECT = "json"
    STREAM = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Measured:
    """One recording, measured."""

    name: str
    """Its path, or ``-``."""
    state: SessionState
    """After its last event."""
    turns: tuple[MeasuredTurn, ...]
    """Its turns, oldest first."""
    notes: tuple[str, ...]
    """What there is to say of the file."""


def form_of(*, json: bool, jsonl: bool, csv: bool) -> TableForm:
    """Return how to print.

    Raises:
        UsageError: more than one way is asked for.
    """
    if json + jsonl + csv > 1:
        raise UsageError("--json, --jsonl and --csv exclude each other")
    if json:
        return TableForm.OBJECT
    return TableForm.STREAM if jsonl else TableForm.CSV if csv else TableForm.TABLE


def explain(name: str) -> None:
    """Print what a figure means.

    Raises:
        UsageError: nothing has that name.
    """
    definitions = found(name)
    if not definitions:
        known = ", ".join(each.name for each in EVERY_DEFINITION)
        raise UsageError(f"no figure is called {name!r}", hint=f"there are {known}")
    write_line("\n\n".join(map(explained, definitions)))
    flush()


def measured(files: Sequence[str], *, has_sound: bool, detector: str) -> Iterator[Measured]:
    """Yield recordings, measured; report unreadable ones and continue with the others.

    Raises:
        RecordingError: after the last, where one could not be read.
        UsageError: the detector is not installed.
    """
    hears, name = _detector(detector) if has_sound else (None, "")
    for file, reader in each_recording(files):
        yield _measure(file, reader, hears, name, has_sound=has_sound)


def _measure(
    name: str,
    reader: RecordingReader,
    detector: SpeechDetecting | None,
    detector_name: str,
    *,
    has_sound: bool,
) -> Measured:
    state = SessionState(only=TURN_FOLDS)
    reading = LeanReading(reader, state)
    reading.run()
    listener = None
    if has_sound and _has_sound(state):
        from inspector.analysis.turn_sound import Listener

        listener = Listener(reading, detector, detector_name)
    started_at = reader.header.started_at
    turns = tuple(
        MeasuredTurn(name, _day(started_at, turn), turn, _latency(turn, state, listener))
        for turn in state.turns.all
    )
    return Measured(name, state, turns, tuple(_notes(reader, state)))


def _has_sound(state: SessionState) -> bool:
    return bool(state.input_audio.appends or state.output_audio.deltas) or state.turns.sessions > 1


def _latency(turn: Turn, state: SessionState, listener: Listener | None) -> Latency:
    if listener is None:
        return latency_of(turn)
    heard = listener.listen(
        turn,
        is_input_elided=state.input_audio.is_elided,
        is_output_elided=state.output_audio.is_elided,
    )
    return latency_of(turn, heard)


def _notes(reader: RecordingReader, state: SessionState) -> Iterator[str]:
    yield from file_notes(reader)
    if state.turns.all and not any(turn.began.t_ns is not None for turn in state.turns.all):
        yield "the recording has no times, so nothing of its turns can be measured"
    if state.turns.all and not state.turns.sessions:
        yield "no event describes the session: its beginning is missing, and so are the settings in force"
    if state.turns.sessions > 1:
        yield f"the file holds {state.turns.sessions} sessions"


def _detector(name: str) -> tuple[SpeechDetecting | None, str]:
    """Return what tells speech from silence, and its name; None for loudness alone."""
    if name == "energy":
        return None, name
    from inspector.sources.speech.detectors import LIBRARIES, detector_named
    from inspector.sources.speech.seams import is_installed

    library = LIBRARIES[name]
    if not is_installed(library):
        raise UsageError(
            f"--vad {name} needs {library}, which is not installed",
            hint="pip install 'realtime-inspector[voice]', or --vad energy",
        )
    return detector_named(name)(), name


def _day(started_at: str, turn: Turn) -> str:
    try:
        started = datetime.fromisoformat(started_at)
    except ValueError:
        return ""
    t_ns = turn.began.t_ns or 0
    try:
        return (started + timedelta(microseconds=t_ns // 1000)).date().isoformat()
    except OverflowError:
        return ""


# ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def print_turns(recordings: Iterable[Measured], form: TableForm) -> None:
    """Print the turns of recordings."""
    if form is TableForm.OBJECT:
        _print_objects(recordings)
        return
    table = CsvTable() if form is TableForm.CSV else None
    for number, one in enumerate(recordings):
        for measured_turn in one.turns:
            if form is TableForm.STREAM:
                told_turn = turn_json(measured_turn.turn, measured_turn.latency)
                write_json(
                    orjson.dumps({"schema": SCHEMA, "recording": one.name, **told_turn}) + b"\n"
                )
            elif table is not None:
                table.row(_csv_turn(measured_turn))
        if form is TableForm.TABLE:
            _print_table(one, is_first=not number)
        _tell(one)
    flush()


def _print_objects(recordings: Iterable[Measured]) -> None:
    write_json(b'{"schema":%d,"recordings":[' % SCHEMA)
    for number, one in enumerate(recordings):
        head = orjson.dumps(
            {
                "recording": one.name,
                "sessions": one.state.turns.sessions,
                "audio": audio_clocks(one.state),
                "notes": list(one.notes),
                "percentiles": [spread_json(each, "kind") for each in spreads(one.turns)],
            }
        )
        write_json(b"," * bool(number) + head[:-1] + b',"turns":[')
        for at, each in enumerate(one.turns):
            write_json(b"," * bool(at) + orjson.dumps(turn_json(each.turn, each.latency)))
        write_json(b"]}")
        _tell(one)
    write_json(b"]}\n")
    flush()


def _tell(one: Measured) -> None:
    for note in one.notes:
        say(f"note: {note}")


def _print_table(one: Measured, *, is_first: bool) -> None:
    if not is_first:
        write_line("")
    write_line(sanitized(one.name))
    if not one.turns:
        write_line("  no turns")
    rows = [("turn", "kind", "voice to voice", "first sound", "anchor", "waited for")]
    rows += [_shown(each) for each in one.turns]
    if one.turns:
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for row in rows:
            turn, kind, *numbers, anchor, words = row
            shown = "  ".join(
                [
                    f"{turn:>{widths[0]}}",
                    f"{kind:<{widths[1]}}",
                    *(f"{each:>{widths[2 + at]}}" for at, each in enumerate(numbers)),
                    f"{anchor:<{widths[4]}}",
                    sanitized(words),
                ]
            )
            write_line(f"  {shown}".rstrip())
    for line in (*clock_words(one.state), *_foot(one)):
        write_line(f"  {line}")


def _shown(one: MeasuredTurn) -> tuple[str, str, str, str, str, str]:
    turn, latency = one.turn, one.latency
    figures = latency.figures
    whole = _ms(latency.wait_ms)
    if latency.wait_ms is None and latency.bounds_ms is not None:
        least, most = latency.bounds_ms
        open_end = f"≥ {_ms(least)}" if least else ""
        whole = open_end if most is None else f"{least:,.0f} to {_ms(most)}"
    return (
        str(turn.number),
        turn.kind.value,
        whole or "?",
        _ms(figures.get("first_sound_ms")) or "?",
        latency.anchor or "?",
        wait_words(one),
    )


def _foot(one: Measured) -> Iterator[str]:
    """Yield the percentiles at the foot of a table."""
    for each in spreads(one.turns):
        if each.definition.name in ("voice_to_voice_ms", "first_sound_ms", "first_greeting_ms"):
            yield f"{each.kind}: {spread_words(each)}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} ms"


def _csv_turn(one: MeasuredTurn) -> Mapping[str, Any]:
    turn, latency = one.turn, one.latency
    marks = marks_of(turn, latency)
    least, most = latency.bounds_ms or (None, None)
    figures = {each.name: latency.figures.get(each.name) for each in DEFINITIONS}
    return {
        "recording": one.recording,
        "turn": turn.number,
        "kind": turn.kind.value,
        "day": one.day,
        "model": turn.model,
        "anchor": latency.anchor,
        "ends": latency.ends,
        "interrupted": turn.interrupted,
        "answered": turn.reply is not None,
        **figures,
        "least_ms": least,
        "most_ms": most,
        "waited_for": latency.waited_for,
        "unknown": "; ".join(f"{each.key}: {each.reason}" for each in latency.unknown),
        "first_seq": turn.began.seq,
        **{f"{name}_seq": marks[name].seq if name in marks else None for name in _LETTERS},
    }


_LETTERS = ("U1", "S", "C", "R", "T", "A", "H", "P", "D")


class CsvTable:
    """Writes rows as CSV (RFC 4180), the names first; what is not known is empty."""

    def __init__(self) -> None:
        self._is_headed = False

    def row(self, values: Mapping[str, Any]) -> None:
        """Write a row."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if not self._is_headed:
            writer.writerow(values)
            self._is_headed = True
        writer.writerow([_cell(value) for value in values.values()])
        write_bytes(inert_cells(text.getvalue()).encode("utf-8", "replace"))


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return round(value, 3)
    # A spreadsheet takes what begins like this for a formula.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value


def inert_cells(text: str) -> str:
    """Return CSV without what a terminal obeys, but for the ends of its rows."""
    return "\r\n".join(sanitized(line) for line in text.split("\r\n"))


# ── stats ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def print_stats(recordings: Iterable[Measured], form: TableForm, by: str) -> None:
    """Print percentiles over the turns of recordings."""
    turns: list[MeasuredTurn] = []
    count = 0
    try:
        for one in recordings:
            count += 1
            turns += one.turns
            for note in one.notes:
                say(f"note: {one.name}: {note}")
    finally:
        # Print the results even if one of the files could not be read.
        _print_spreads(spreads(turns, by), form, by, count, len(turns))


def _print_spreads(
    found_spreads: list[FigureSpread], form: TableForm, by: str, recordings: int, turns: int
) -> None:
    rows = [spread_json(each, by) for each in found_spreads]
    if form is TableForm.OBJECT:
        whole = {"schema": SCHEMA, "by": by, "recordings": recordings, "turns": turns, "rows": rows}
        write_json(orjson.dumps(whole) + b"\n")
    elif form is TableForm.STREAM:
        for row in rows:
            write_json(orjson.dumps({"schema": SCHEMA, **row}) + b"\n")
    elif form is TableForm.CSV:
        table = CsvTable()
        for row in rows:
            table.row(row)
    else:
        _print_stats_table(found_spreads, by, recordings, turns)
    flush()


def _print_stats_table(
    found_spreads: list[FigureSpread], by: str, recordings: int, turns: int
) -> None:
    write_line(f"{turns:,} turns of {recordings:,} recordings, by {by}")
    heading = ""
    for each in found_spreads:
        group = each.group or "not known"
        title = group if by == "kind" else f"{group}, {each.kind}"
        if title != heading:
            heading = title
            write_line(f"\n{sanitized(title)}")
            write_line(
                f"  {'':<20} {'p50':>10} {'p90':>10} {'p95':>10} {'max':>10} {'n':>6}  quality"
            )
        spread = each.spread
        p95 = "" if spread.p95 is None else figure_words(spread.p95, each.definition)
        write_line(
            f"  {each.definition.title:<20} {figure_words(spread.p50, each.definition):>10} {figure_words(spread.p90, each.definition):>10} "
            f"{p95:>10} {figure_words(spread.most, each.definition):>10} {spread.n:>6}  {each.quality}"
        )
