"""Printing of what recordings cost, as a table or for programs. Only the events that report usage are parsed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from inspector.analysis.charges import Money, total
from inspector.analysis.cost_rows import (
    cost_row,
    csv_columns,
    kind_of_record,
    plain,
    summary_object,
    usd,
)
from inspector.analysis.cost_words import (
    COST_DEFINITIONS,
    cost_verdict,
    exact_usd,
    line_text,
    money_text,
    short_count,
    short_money,
    usd_text,
)
from inspector.analysis.ledger import CostLedger, CostSummary, LedgerLine, TurnOf, turns_by_id
from inspector.analysis.prices import PriceTable
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import short_id
from inspector.cli.listing import opened
from inspector.cli.printing import (
    SCHEMA,
    flush,
    print_error,
    say,
    write_bytes,
    write_json,
    write_line,
    write_object,
)
from inspector.core.event import Event
from inspector.core.read import object_at, text_at
from inspector.core.state import SessionState
from inspector.core.turn_counter import TURN_TYPES, TurnCounter
from inspector.core.usage import ResponseUsage
from inspector.errors import RecordingError, UsageError
from inspector.recording.lean import LeanReading
from inspector.recording.reader import RecordingReader

FOLDS = frozenset({"session", "dialect", "output_audio", "usage"})
"""The folds that cost depends on."""
_COLUMNS = (
    ("turn", ">", 4),
    ("event", ">", 7),
    ("what", "<", 16),
    ("status", "<", 11),
    ("input", ">", 8),
    ("cached", ">", 13),
    ("output", ">", 7),
    ("context", ">", 8),
    ("again", ">", 9),
    ("cost", ">", 10),
)


class CostForm(StrEnum):
    """How costs are printed."""

    OBJECT = "json"
    STREAM = "jsonl"
    CELLS = "csv"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class RecordedCost:
    """The cost of one recording."""

    name: str
    """The file name as given; ``-`` for stdin."""
    ledger: CostLedger
    summary: CostSummary
    turn_of: TurnOf
    unit: str
    """``turn``, or ``response`` if the events show no turns."""
    notes: tuple[str, ...]
    """Remarks about the file."""


def read_cost(path: Path | None, prices: PriceTable, zone: str, priced_as: str) -> RecordedCost:
    """Return the cost of a recording.

    Args:
        path: the file; None for stdin.
        prices: the price table.
        zone: Azure's zone; ``""`` if it is not known.
        priced_as: model whose prices to use; ``""`` for the model in the events.

    Raises:
        RecordingError: the file is not a recording.
    """
    with opened(path) as reader:
        state, turns, items, notes = _fold(reader)
        ledger = CostLedger(
            prices, reader.header.day, zone=zone, model=reader.header.model, priced_as=priced_as
        )
        ledger.update(state.usage)
        unit = "turn" if any(turns.values()) else "response"
        turn_of = turns_by_id(turns, items)
        summary = ledger.summary(state.usage, turn_of if unit == "turn" else None)
        notes += _notes(reader)
        name = "-" if path is None else plain(str(path))
        return RecordedCost(name, ledger, summary, turn_of, unit, tuple(notes))


def _fold(
    reader: RecordingReader,
) -> tuple[SessionState, dict[str, int], dict[str, int], list[str]]:
    """Return the state that cost depends on, the turns by response and by user item, and notes on failures."""
    state, counter = SessionState(only=FOLDS), TurnCounter()
    turns: dict[str, int] = {}
    items: dict[str, int] = {}
    notes: list[str] = []

    def apply(event: Event) -> None:
        failed = state.apply(event)
        notes.extend(
            f"{one.name} failed at event {event.seq}: the rest is not counted" for one in failed
        )
        number = counter.feed(event)
        if event.type in ("response.created", "response.done"):
            response_id = text_at(object_at(event.body or {}, "response"), "id")
            if response_id and number:
                turns.setdefault(response_id, number)
        elif event.type == "input_audio_buffer.committed" and number:
            items[text_at(event.body or {}, "item_id")] = number

    LeanReading(reader, state, TURN_TYPES, apply).run()
    return state, turns, items, notes


def _notes(reader: RecordingReader) -> list[str]:
    notes = ["the file is empty"] if not reader.size else []
    if reader.torn_tail():
        notes.append("the last line is incomplete; the recording was cut off there")
    if reader.header.source == "sim":
        notes.append("recorded with the simulator: these are the prices of the same tokens")
    return notes + reader.time_notes()


def print_costs(
    paths: Sequence[Path | None], form: CostForm, prices: PriceTable, zone: str, priced_as: str
) -> int:
    """Print what recordings cost; return 4 if one of the files is not a recording, else 0."""
    status = 0
    sums: list[Money | None] = []
    objects: list[dict[str, Any]] = []
    writer = _PRINTERS[form](objects)
    for path in paths:
        try:
            found = read_cost(path, prices, zone, priced_as)
        except RecordingError as error:
            as_json = form in (CostForm.OBJECT, CostForm.STREAM)
            print_error(error.code, error.message, error.hint, as_json=as_json)
            status = error.exit_code
            continue
        if form is CostForm.TABLE and sums:
            write_line("")
        writer(found)
        sums.append(found.summary.total)
        for note in found.notes:
            say(f"note: {f'{found.name}: ' * (len(paths) > 1)}{note}")
    whole = _whole(sums)
    if form is CostForm.OBJECT:
        write_object({"recordings": objects, "total": {**usd(whole), "currency": "USD"}})
    elif form is CostForm.TABLE and len(sums) > 1:
        write_line(f"\n{len(sums)} recordings: {money_text(whole)}")
    flush()
    return status


def _whole(sums: Sequence[Money | None]) -> Money | None:
    priced = [one for one in sums if one is not None]
    if not priced:
        return None
    whole = total(priced)
    return whole if len(priced) == len(sums) else Money(whole.low, None)


class _ObjectPrinter:
    """Collects recordings for the one JSON object."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self._objects = objects

    def __call__(self, found: RecordedCost) -> None:
        rows = [cost_row(line, found.turn_of) for line in found.ledger.lines]
        summary = summary_object(found.summary, unit=found.unit)
        self._objects.append(
            {"recording": found.name, "summary": summary, "charges": rows, "notes": found.notes}
        )


class _StreamPrinter:
    """Prints one object per charge."""

    def __init__(self, _objects: list[dict[str, Any]]) -> None:
        pass

    def __call__(self, found: RecordedCost) -> None:
        import orjson

        for line in found.ledger.lines:
            row = cost_row(line, found.turn_of)
            write_json(orjson.dumps({"schema": SCHEMA, "recording": found.name, **row}) + b"\n")


class _CellPrinter:
    """Prints one row of comma-separated values per charge, below the names of the columns."""

    def __init__(self, _objects: list[dict[str, Any]]) -> None:
        self._columns = csv_columns()
        self._write(self._columns)

    def __call__(self, found: RecordedCost) -> None:
        for line in found.ledger.lines:
            row = {"recording": found.name, **cost_row(line, found.turn_of)}
            row["reasons"] = "; ".join(row["reasons"])
            self._write([row[name] for name in self._columns])

    def _write(self, cells: Sequence[object]) -> None:
        text = io.StringIO()
        # A text must not become a formula in a spreadsheet.
        csv.writer(text, lineterminator="\n").writerow([_cell(cell) for cell in cells])
        write_bytes(text.getvalue().encode("utf-8", "backslashreplace"))


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    is_formula = value[:1] in ("=", "+", "-", "@") and len(value) > 1
    return f"'{sanitized(value)}" if is_formula else sanitized(value)


class _TablePrinter:
    """Prints a table."""

    def __init__(self, _objects: list[dict[str, Any]]) -> None:
        pass

    def __call__(self, found: RecordedCost) -> None:
        for text in table(found):
            write_line(sanitized(text))


_PRINTERS: Mapping[CostForm, Callable[[list[dict[str, Any]]], Callable[[RecordedCost], None]]] = {
    CostForm.OBJECT: _ObjectPrinter,
    CostForm.STREAM: _StreamPrinter,
    CostForm.CELLS: _CellPrinter,
    CostForm.TABLE: _TablePrinter,
}


def table(found: RecordedCost) -> Iterator[str]:
    """Yield the lines of a recording's table: the verdict, the charges, and the remarks."""
    summary = found.summary
    models = ", ".join(summary.models) or "unknown model"
    day = (
        f"prices of {summary.day}" if summary.day is not None else f"prices of {summary.price_date}"
    )
    yield f"{found.name}  {models} · {day} · {' · '.join(cost_verdict(summary, unit=found.unit))}"
    if not len(found.ledger):
        yield "  no event reports anything that was billed"
        return
    yield _cells(name for name, _, _ in _COLUMNS)
    for line in found.ledger.lines:
        yield _cells(_row(line, found.turn_of))
    yield from _closing(summary)


def _cells(values: Iterator[str]) -> str:
    cells = (
        f"{value:{side}{width}}" for value, (_, side, width) in zip(values, _COLUMNS, strict=True)
    )
    return f"  {' '.join(cells)}".rstrip()


def _row(line: LedgerLine, turn_of: TurnOf) -> Iterator[str]:
    record, context = line.record, line.context
    tokens = getattr(record, "tokens", None)
    turn = turn_of(record)
    yield "" if turn is None else str(turn)
    yield f"#{record.seq}"
    response_id = record.response_id if isinstance(record, ResponseUsage) else ""
    yield short_id(response_id) if response_id else kind_of_record(record).replace("_", " ")
    yield getattr(record, "status", "")
    if tokens is not None:
        price = line.charge.quote.price
        yield _count(tokens.input)
        is_told = tokens.cached is not None or price is None or price.is_by_tokens
        yield _cached(tokens.cached, tokens.input) if is_told else ""
        yield _count(tokens.output)
    else:
        seconds = getattr(record, "seconds", None)
        yield "" if seconds is None else f"{seconds:g} s"
        yield ""
        yield ""
    share = None if context is None else context.share
    yield "" if share is None else f"{share:.1%}"
    yield "" if context is None or context.rebilled is None else f"{context.rebilled:,}"
    yield short_money(line.charge.money) or "?"


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _cached(cached: int | None, whole: int | None) -> str:
    if cached is None:
        return "?"
    return f"{cached:,} ({cached / whole:.0%})" if whole else f"{cached:,}"


def _closing(summary: CostSummary) -> Iterator[str]:
    """Yield the lines below the table."""
    parts = [
        f"{name} {money_text(money)}"
        for name, money in summary.by_part.items()
        if money.low or money.high
    ]
    if parts:
        yield f"  {', '.join(parts)}; {money_text(summary.total)} in total"
    if summary.responses and summary.input_tokens is not None and summary.cached_tokens is not None:
        again = (
            "" if summary.rebilled is None else f"; billed again: {money_text(summary.rebilled)}"
        )
        yield f"  cached {summary.cached_tokens:,} of {summary.input_tokens:,} input tokens{again}"
    after = summary.next
    if after is not None:
        ends = f"{usd_text(after.money.low)} if all earlier input is cached, {usd_text(after.money.high or 0)} if none is"
        yield (
            f"  the next response: about {usd_text(after.likely)} for {short_count(after.input_tokens)} tokens in and "
            f"{short_count(after.output_tokens)} out ({ends})"
        )
    for reason, count in summary.reasons.items():
        yield f"  {f'{count} × ' if count > 1 else ''}{reason}"
    for remark in summary.remarks:
        yield f"  {remark}"


def explain_cost(
    name: str,
    paths: Sequence[Path | None],
    prices: PriceTable,
    zone: str,
    priced_as: str,
    *,
    as_json: bool,
) -> int:
    """Print the definition of a number, or the formulas of the charges with a name; return the exit status.

    Raises:
        UsageError: there is nothing with this name.
        RecordingError: a file is not a recording.
    """
    definition = COST_DEFINITIONS.get(name)
    found = [read_cost(path, prices, zone, priced_as) for path in paths]
    named = [
        (one, line)
        for one in found
        for line in one.ledger.lines
        if definition is not None or _is_named(line, name, one.turn_of)
    ]
    if definition is None and not named:
        known = ", ".join(COST_DEFINITIONS)
        raise UsageError(f"nothing is called {name!r}", hint=f"use one of {known}, or a response")
    formulas = named if definition is None or name == "cost" else []
    if as_json:
        rows = [{"recording": one.name, **cost_row(line, one.turn_of)} for one, line in formulas]
        write_object({"name": plain(name), "definition": definition, "charges": rows})
        return 0
    if definition is not None:
        write_line(f"{name}: {definition}")
    for one, line in formulas:
        for text in formula(one, line):
            write_line(sanitized(text))
    flush()
    return 0


def _is_named(line: LedgerLine, name: str, turn_of: TurnOf) -> bool:
    record = line.record
    ids = (getattr(record, "response_id", ""), getattr(record, "item_id", ""))
    return (
        name in ids
        or name.removeprefix("#") == str(record.seq)
        or name == f"turn:{turn_of(record)}"
    )


def formula(found: RecordedCost, line: LedgerLine) -> Iterator[str]:
    """Yield the lines of a charge's formula, with the sum."""
    record, price, money = line.record, line.charge.quote.price, line.charge.money
    what = getattr(record, "response_id", "") or kind_of_record(record)
    model = record.source.model or "unknown model"
    priced_as = "" if price is None or price.model == model else f", priced as {price.model}"
    yield f"{found.name} #{record.seq} {what}: {model}{priced_as}"
    for part in line.charge.lines:
        yield f"  {part.name:<13} {line_text(part)}"
    if money is not None:
        ends = [exact_usd(end) for end in (money.low, money.high) if end is not None]
        whole = ends[0] if money.is_exact else f"between {' and '.join(ends)}"
        whole = f"at least {ends[0]}" if money.high is None else whole
        yield f"  {'sum':<13} {whole}"
    if price is not None and price.source:
        yield f"  {'source':<13} {price.source}"
    for reason in (*line.charge.reasons, *line.charge.quote.remarks):
        yield f"  {'note':<13} {reason}"
