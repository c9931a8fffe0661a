"""Checks of edits before they are sent: what the server would reject, by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inspector.analysis.form.field_attribution import field_at
from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.form.shapes import SessionShape
from inspector.analysis.form.tool_checks import tool_problems
from inspector.analysis.form.values import ABSENT, MemberPath, at, put
from inspector.analysis.validate import SchemaProblem, check, dotted


def field_problems(
    shape: SessionShape, changed: Iterable[FormField], event: Mapping[str, Any]
) -> dict[MemberPath, str]:
    """Return the first problem of each field of an update, by field path.

    Args:
        shape: the shape of the session.
        changed: the fields that the update changes.
        event: the update.
    """
    session = event.get("session", {})
    found: dict[MemberPath, str] = {}
    # setdefault: the schema's problems come first, in the server's order, and the first one is what the server would report.
    for problem in (*_by_schema(shape, changed, event), *_of_tools(shape, session)):
        field = field_at(problem.path, shape.fields)
        if field is not None:
            hint = f" ({problem.hint})" if problem.hint else ""
            found.setdefault(field.path, problem.message + hint)
    for field in changed:
        words = own_problem(field, field.read(session))
        if words:
            found.setdefault(field.path, words)
    return found


def own_problem(field: FormField, value: object) -> str:
    """Return how a value violates the field's own limits and choices; ``""`` if it does not."""
    if value is ABSENT or value is None or field.is_open or value in field.choices:
        return ""
    # bool is an int in Python, but not a number in JSON.
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = field.minimum, field.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            return f"{field.label} must be {field.range_text}, not {value}"
        return ""
    if field.kind is FieldKind.CHOICE and not field.variants and field.choices:
        return f"{field.label} must be one of {', '.join(map(str, field.choices))}"
    return ""


def _of_tools(shape: SessionShape, session: Mapping[str, Any]) -> list[SchemaProblem]:
    if "tools" not in session:
        return []
    return tool_problems(session["tools"], takes_nested=not shape.has_schema)


def _by_schema(
    shape: SessionShape, changed: Iterable[FormField], event: Mapping[str, Any]
) -> Iterator[SchemaProblem]:
    """Yield the problems of a GA update; of other shapes, those of the members that also exist in the GA schema."""
    if shape.has_schema:
        for problem in check(event, is_translation=shape.is_translation):
            yield SchemaProblem(problem.path[1:], problem.code, problem.message, problem.hint)
        return
    fields = shape.by_path()
    for unit in dict.fromkeys(field.sent_with for field in changed):
        field, value = fields.get(unit), at(event.get("session"), unit)
        if field is None or field.checked_at is None or value is ABSENT:
            continue
        yield from _at_ga_path(field.checked_at, unit, value)


def _at_ga_path(ga_path: MemberPath, here: MemberPath, value: object) -> Iterator[SchemaProblem]:
    """Check a value at its path in a GA session, and report problems at its own path."""
    session: dict[str, Any] = {"type": "realtime"}
    put(session, ga_path, value)
    old, new = dotted(("session", *ga_path)), dotted(("session", *here))
    for problem in check({"type": "session.update", "session": session}):
        rest = problem.path[1 + len(ga_path) :]
        message = problem.message.replace(old, new)  # the message quotes the path, too
        yield SchemaProblem((*here, *rest), problem.code, message, problem.hint)


def judge(shape: SessionShape, field: FormField | None, text: str) -> str:
    """Return the first problem of a JSON text that the user has written; ``""`` if it has none.

    Args:
        shape: the shape of the session.
        field: the field whose value the text is; None for a whole update.
        text: the text.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}" + ("; it will be sent as is" if field is None else "")
    if field is None:
        return _first(_of_update(shape, value))
    session: dict[str, Any] = {"type": shape.session_type} if shape.session_type else {}
    put(session, field.path, value)
    found = field_problems(shape, [field], {"type": shape.event_type, "session": session})
    return found.get(field.path, "")


def _of_update(shape: SessionShape, event: object) -> Iterator[SchemaProblem]:
    if shape.has_schema or not isinstance(event, dict):
        yield from check(event, is_translation=shape.is_translation)
    session = event.get("session") if isinstance(event, dict) else None
    if isinstance(session, dict):
        yield from _of_tools(shape, session)


def _first(problems: Iterator[SchemaProblem]) -> str:
    problem = next(problems, None)
    if problem is None:
        return ""
    return problem.message + (f" ({problem.hint})" if problem.hint else "")
