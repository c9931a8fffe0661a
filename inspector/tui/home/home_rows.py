"""The lines of the home screen's list: columns fitted to the width and styled with theme tokens."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from inspector.analysis.lint.finding import SIGNS, Severity
from inspector.analysis.sanitize import sanitized
from inspector.analysis.summary import size_text
from inspector.recording.recording_facts import RecordingFacts
from inspector.tui.home.launching import KnownConnection

ROOMY = 100
"""Columns from which the model is shown."""
LENGTH, TURNS, ERRORS, COST, MODEL, SIZE = 9, 7, 8, 9, 26, 10
LEAST_NAME = 16
LEAST_ADDRESS = 12
INDENT = 5
_SIGNS: Mapping[str, tuple[str, str]] = {
    Severity.ERROR: (SIGNS[Severity.ERROR], "$error bold"),
    Severity.WARNING: (SIGNS[Severity.WARNING], "$warning"),
}
"""Sign and style of the worst finding; notes need no attention in a list."""


def cell(text: str, width: int) -> str:
    """Return a text on one line, exactly ``width`` cells wide."""
    text = sanitized(text)
    return (
        set_cell_size(text, width)
        if cell_len(text) <= width
        else f"{set_cell_size(text, width - 1)}…"
    )


def choice_line(key: str, name: str, words: str, width: int) -> Content:
    """Return the line of an action: its key, name and description."""
    return Content.assemble(
        (f"  {key:<2} ", "$accent"), f"{name:<16} ", (cell(words, max(1, width - 22)), "$dim")
    )


def heading(title: str, note: str, width: int, columns: str = "") -> Content:
    """Return the heading of a group, with the names of its columns at the right."""
    room = max(1, width - len(title) - len(columns) - 5)
    return Content.assemble((f"  {title}", "bold"), (f"  {cell(note, room)} {columns}", "$dim"))


def fact_columns(width: int) -> str:
    """Return the names of a recording's columns."""
    is_roomy = width >= ROOMY
    model = f" {'model':<{MODEL - 1}}" if is_roomy else ""
    cost = f"{'cost':>{COST}}" if is_roomy else ""
    counts = f"{'length':>{LENGTH}}{'turns':>{TURNS}}{cost}{'errors':>{ERRORS}}"
    return f"{counts} {model}{'size':>{SIZE}}"


def recording_line(name: str, facts: RecordingFacts | None, width: int, worst: str = "") -> Content:
    """Return the line of a recording.

    Args:
        name: of the file.
        facts: about it; None while they are being read.
        width: of the line in cells.
        worst: the severity of the worst finding; ``""`` without findings, or if they are unknown.
    """
    model_width = MODEL if width >= ROOMY else 0
    cost_width = COST if width >= ROOMY else 0
    fixed = LENGTH + TURNS + cost_width + ERRORS + model_width + SIZE + 1
    shown = cell(name.removesuffix(".jsonl"), max(LEAST_NAME, width - INDENT - fixed))
    if facts is None:
        return Content.assemble(f"{'':<{INDENT}}{shown}", (f"{'…':>{LENGTH}}", "$dim"))
    size = f"{size_text(facts.size_bytes):>{SIZE}}"
    if facts.problem:
        room = LENGTH + TURNS + cost_width + ERRORS + model_width + 1
        return Content.assemble(
            (f"{'':<{INDENT}}{shown}", "$dim"),
            (cell(f"  {facts.problem}", room), "$warning"),
            (size, "$dim"),
        )
    errors = f"{facts.errors or '·' if facts.errors is not None else '–':>{ERRORS}}"
    model = f"  {cell(facts.model, model_width - 2)} " if model_width else " "
    cost = f"{facts.cost or '–':>{COST}}" if cost_width else ""
    turns = f"{facts.turns if facts.turns is not None else '–':>{TURNS}}"
    sign, tone = _SIGNS.get(worst, (" ", ""))
    return Content.assemble(
        (f"{sign:>{INDENT - 1}} ", tone),
        shown,
        f"{duration_text(facts.duration_us):>{LENGTH}}{turns}{cost}",
        (errors, "$error bold" if facts.errors else "$dim"),
        (f"{model}{size}", "$dim"),
    )


def connection_line(number: int, known: KnownConnection, width: int) -> Content:
    """Return the line of a connection; only the first nine have a key."""
    key = str(number) if number <= 9 else ""
    model_width = MODEL if width >= ROOMY else 20
    rest = width - 22 - model_width
    where = " · ".join(filter(None, (known.address, *known.extras)))
    key_width = min(len(known.key), max(0, rest - LEAST_ADDRESS)) + 1 if known.key else 0
    return Content.assemble(
        (f"  {key:<2} ", "$accent"),
        f"{cell(known.name, 16)} ",
        f"{cell(known.model, model_width - 1)} ",
        (cell(where, max(1, rest - key_width)), "$dim"),
        (
            f" {cell(known.key, key_width - 1)}" if known.key else "",
            "$dim" if known.is_ready else "$warning",
        ),
    )


def duration_text(duration_us: int | None) -> str:
    """Return a duration as ``1:12.4``; a dash if it is unknown, as in files without times."""
    if not duration_us:
        return "–"
    minutes, seconds = divmod(duration_us / 1e6, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{seconds:02.0f}" if hours else f"{minutes}:{seconds:04.1f}"
