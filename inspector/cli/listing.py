"""Printing of a recording to stdout, event by event, in constant memory."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from inspector.analysis.lint.linted_state import LintedState
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.query import EventFacts, Query
from inspector.analysis.query import parse as parse_filter
from inspector.analysis.sanitize import sanitized
from inspector.analysis.totals import totals
from inspector.analysis.verdict import verdict_line
from inspector.cli.printed_row import PrintedRow
from inspector.cli.printing import (
    SCHEMA,
    escaped_json,
    flush,
    say,
    to_terminal,
    use_colour,
    with_schema,
    write_bytes,
    write_json,
    write_line,
)
from inspector.cli.refusal_text import blame_words, with_blame
from inspector.core.causes import CausesFold
from inspector.core.dialect_evidence import DialectFold
from inspector.core.event import Event
from inspector.core.kinds import kind_of
from inspector.core.state import SessionState
from inspector.core.turn_counter import TurnCounter
from inspector.errors import FilterError, RecordingError
from inspector.price_file import ledger_here, prices_here
from inspector.recording.folding import fold_recording
from inspector.recording.format import FileShape, render
from inspector.recording.reader import NOT_A_RECORDING, RecordingReader
from inspector.recording.recorded_verdict import recorded_verdict, verdict_of, verdict_rows

MAX_ERROR_BYTES = 1 << 16
"""Longer lines cannot be error events of a server, and are not searched for them."""
_ERROR = re.compile(rb'"type"\s*:\s*"error"')


class PrintForm(StrEnum):
    """How events are printed."""

    ROWS = "rows"
    STREAM = "jsonl"
    OBJECT = "json"
    RAW = "raw"


def print_recording(
    path: Path | None, form: PrintForm, expression: str, *, with_deltas: bool
) -> None:
    """Print a recording.

    Args:
        path: the file; None for stdin.
        form: how to print it.
        expression: a filter; ``""`` matches everything.
        with_deltas: False to omit events that fold in the event list: deltas and audio appends.

    Raises:
        RecordingError: the file is not a recording.
        FilterError: the filter does not parse.
    """
    with opened(path) as reader:
        rows = PrintedRow(colour=use_colour())
        query = _query(expression)
        if form is PrintForm.ROWS:
            _say_verdict(reader)
        chosen = _chosen(reader, query, rows.see, with_deltas=with_deltas)
        if form is PrintForm.OBJECT:
            _print_object(reader, chosen, fold_recording(reader, _linted(reader)))
        else:
            causes = CausesFold() if form is PrintForm.RAW else _causes(reader)
            is_terminal = to_terminal()
            for event, previous in chosen:
                if form is PrintForm.ROWS:
                    remark = blame_words(causes, event.seq)
                    write_line(rows.line(event, previous, remark))
                else:
                    line = _printable(event, form, causes, is_terminal=is_terminal)
                    write_bytes(line + b"\n")
        flush()
        if query.complaint:
            say(f"note: {query.complaint}")
        if not reader.size:
            say("note: the file is empty")
        if reader.torn_tail():
            say("note: the last line is incomplete; the recording was cut off there")
        for note in reader.time_notes():
            say(f"note: {note}")
        if reader.shape is FileShape.BARE:
            say("note: the file has no directions; they are inferred from the event types")


def _say_verdict(reader: RecordingReader) -> None:
    """Say what there is to know of a recording, before its rows; nothing where there is nothing."""
    parts = recorded_verdict(reader, prices_here())
    if parts:
        say(verdict_line(parts))


@contextmanager
def opened(path: Path | None) -> Iterator[RecordingReader]:
    """Open a recording for reading; stdin (None) is copied to a temporary file first, and a foreign file is imported to one.

    Raises:
        RecordingError: the file is not a recording, and contains no session to import.
    """
    if path is not None:
        with contextlib.ExitStack() as stack:
            try:
                reader = RecordingReader(path)
            except RecordingError as error:
                if error.code != NOT_A_RECORDING:
                    raise
                from inspector.cli.importing import imported

                found = stack.enter_context(imported(path))
                reader = RecordingReader(found.path)
                reader.source_lines = found.lines
            stack.callback(reader.close)
            yield reader
        return
    with tempfile.NamedTemporaryFile(prefix="inspector-stdin-") as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.flush()
        with opened(Path(spool.name)) as reader:
            yield reader


def _query(expression: str) -> Query:
    try:
        return parse_filter(expression)
    except FilterError as error:
        where = f"the filter, at character {error.position + 1}"
        raise FilterError(
            f"{where}: {error.message}", position=error.position, hint=error.hint
        ) from None


def _chosen(
    reader: RecordingReader, query: Query, see: Callable[[Event], object], *, with_deltas: bool
) -> Iterator[tuple[Event, Event | None]]:
    """Yield the events to print, each with the previously printed one; call ``see`` with every event."""
    turns, proofs = TurnCounter(), _proofs(reader, query)
    shown, previous = None, None
    for row, event in enumerate(reader.events()):
        see(event)
        findings = proofs.of(row + 1)
        is_match = query.test(EventFacts(event, previous, turns.feed(event), findings))
        previous = event
        kind = kind_of(event.type)
        if is_match and (with_deltas or not kind.fold or kind.flags):
            yield event, shown
            shown = event


def _proofs(reader: RecordingReader, query: Query) -> Proofs:
    """Return which events prove what the rules find, as ``inspector lint`` finds it; nothing if the filter does not ask."""
    if not query.follows_findings:
        return NO_PROOFS
    from inspector.cli.linted_recording import report_of  # which reads files with this module

    return Proofs(report_of(reader).findings)


def _causes(reader: RecordingReader) -> CausesFold:
    """Return the rejections in a recording.

    An error follows the event that it rejects, so the file is read twice, up to the last error.
    """
    causes, end = CausesFold(), 0
    for offset, line in reader.lines(reader.start, reader.size):
        if len(line) < MAX_ERROR_BYTES and _ERROR.search(line):
            end = offset + 1
    for row, (_, line) in enumerate(reader.lines(reader.start, end)):
        causes.apply(reader.decode(line, row))
    return causes


def _printable(event: Event, form: PrintForm, causes: CausesFold, *, is_terminal: bool) -> bytes:
    """Return the line of a stream, or the bare frame; sanitised for a terminal, else verbatim."""
    if form is PrintForm.STREAM:
        line = with_blame(with_schema(render(event))[:-1], causes, event.seq)
        return escaped_json(line) if is_terminal else line
    return sanitized(event.data.decode("utf-8", "replace")).encode() if is_terminal else event.data


def _print_object(
    reader: RecordingReader,
    chosen: Iterator[tuple[Event, Event | None]],
    state: SessionState,
) -> None:
    """Print one object; ``state`` has seen every event, selected or not."""
    header = reader.header
    facts = orjson.dumps(
        {
            "started_at": header.started_at or None,
            "source": header.source,
            "url": header.url or None,
            "model": header.model or None,
        }
    )
    write_json(b'{"schema":%d,"recording":%b,"events":[' % (SCHEMA, facts))
    for index, (event, _) in enumerate(chosen):
        line = with_blame(render(event)[:-1], state.causes, event.seq)
        write_json((b"," if index else b"") + line)
    summary = {
        "dialect": _dialect(state.dialect),
        "totals": totals(state),
        "verdict": verdict_rows(verdict_of(state, header, prices_here())),
    }
    write_json(b"]," + orjson.dumps(summary)[1:] + b"\n")


def _linted(reader: RecordingReader) -> LintedState:
    return LintedState(new_ledger=partial(ledger_here, reader.header))


def _dialect(fold: DialectFold) -> dict[str, Any] | None:
    """Return the dialect or protocol of the events with its evidence; None if nothing shows it."""
    found = fold.evidence
    if not found.name:
        return None
    proof = {"proof": found.proof, "seq": found.seq}
    return {"name": found.name, "title": fold.called.title, **proof}
