"""A recording to stdout, event by event; a file of any size in constant memory."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import orjson

from inspector.analysis.inert import inert
from inspector.analysis.query import EventFacts, Query
from inspector.analysis.query import parse as parse_filter
from inspector.analysis.turns import TurnCounter
from inspector.cli.output import (
    SCHEMA,
    flush,
    inert_json,
    say,
    to_terminal,
    use_colour,
    with_schema,
    write_bytes,
    write_line,
)
from inspector.cli.rows import RowText
from inspector.core.event import Event
from inspector.core.kinds import kind_of
from inspector.errors import FilterError
from inspector.recording.format import Shape, parse, render
from inspector.recording.reader import RecordingReader


class Form(StrEnum):
    """How events are printed."""

    ROWS = "rows"
    STREAM = "jsonl"
    OBJECT = "json"
    RAW = "raw"


def print_recording(path: Path | None, form: Form, expression: str, *, with_deltas: bool) -> None:
    """Print a recording.

    Args:
        path: the file; None is stdin.
        form: how.
        expression: a filter; ``""`` lets all through.
        with_deltas: False leaves out what folds in the event list: deltas and audio appends.

    Raises:
        RecordingError: it is no recording.
        FilterError: the filter does not parse.
    """
    with opened(path) as reader:
        rows = RowText(colour=use_colour())
        query = _query(expression)
        chosen = _chosen(reader, query, rows.see, with_deltas=with_deltas)
        if form is Form.OBJECT:
            _print_object(reader, chosen)
        else:
            is_terminal = to_terminal()
            for event, previous_t_ns in chosen:
                if form is Form.ROWS:
                    write_line(rows.line(event, previous_t_ns))
                else:
                    write_bytes(_printable(event, form, is_terminal=is_terminal) + b"\n")
        flush()
        if query.complaint:
            say(f"note: {query.complaint}")
        if not reader.size:
            say("note: the file is empty")
        if reader.torn_tail():
            say("note: the last line is torn; the recording was cut off there")
        if reader.shape is Shape.BARE:
            say("note: the file does not say who sent what; directions are inferred from the types")


@contextmanager
def opened(path: Path | None) -> Iterator[RecordingReader]:
    """Open a recording for reading; None is stdin, which is kept in a temporary file meanwhile.

    Raises:
        RecordingError: it is no recording.
    """
    if path is not None:
        reader = RecordingReader(path)
        try:
            yield reader
        finally:
            reader.close()
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
    reader: RecordingReader, query: Query, see: Callable[[Event], None], *, with_deltas: bool
) -> Iterator[tuple[Event, int]]:
    """Yield the events to be printed, each with the time of the one printed before; ``see`` gets every event."""
    turns = TurnCounter()
    shown_t_ns, previous_t_ns = 0, None
    for row, (_, line) in enumerate(reader.lines(reader.start, reader.size)):
        event = parse(line, row, reader.shape, previous_t_ns or 0)
        see(event)
        is_match = query.test(EventFacts(event, previous_t_ns, turns.feed(event)))
        previous_t_ns = event.t_ns
        if is_match and (with_deltas or not kind_of(event.type).fold):
            yield event, shown_t_ns
            shown_t_ns = event.t_ns


def _printable(event: Event, form: Form, *, is_terminal: bool) -> bytes:
    """Return a stream's line or a bare frame; harmless where it goes to a terminal, verbatim where not."""
    if form is Form.STREAM:
        line = with_schema(render(event))[:-1]
        return inert_json(line) if is_terminal else line
    return inert(event.data.decode("utf-8", "replace")).encode() if is_terminal else event.data


def _print_object(reader: RecordingReader, chosen: Iterator[tuple[Event, int]]) -> None:
    header = reader.header
    facts = orjson.dumps(
        {
            "started_at": header.started_at,
            "source": header.source,
            "url": header.url,
            "model": header.model,
        }
    )
    write_bytes(b'{"schema":%d,"recording":%b,"events":[' % (SCHEMA, facts))
    for index, (event, _) in enumerate(chosen):
        line = render(event)[:-1]
        write_bytes((b"," if index else b"") + (inert_json(line) if to_terminal() else line))
    write_bytes(b"]}\n")
