"""Conversion between the form's values and the texts that users see and type."""

from __future__ import annotations

import json
import math
from typing import Any

from inspector.analysis.form.form_field import FieldKind, FormField
from inspector.analysis.form.tool_checks import tools_text
from inspector.analysis.form.values import ABSENT
from inspector.analysis.sanitize import sanitized

NOTHING = "–"
MAX_SHOWN = 60


class UnreadableText(ValueError):
    """A typed text is not a valid value of the field."""


def number_text(value: object) -> str:
    """Return a number as text, without ``.0`` for a whole one."""
    # Larger floats would print digits that they do not hold.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None or value is ABSENT else sanitized(str(value))


def read_number(text: str, field: FormField) -> Any:
    """Return the number in a text, or one of the field's words; None or ``ABSENT`` for an empty text.

    Raises:
        UnreadableText: the text is neither.
    """
    text = text.strip()
    if not text:
        return None if field.is_nullable else ABSENT
    if text in field.choices:
        return text
    try:
        number = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        words = "".join(f", or {word}" for word in field.choices)
        raise UnreadableText(f"{field.label} must be a number{words}")
    return number


def stepped(value: object, field: FormField, steps: int) -> Any:
    """Return a number after some steps, within the field's bounds; without a number, start at the lower bound."""
    low, high = field.minimum, field.maximum
    if isinstance(value, bool) or not isinstance(value, int | float):
        start = high if value in field.choices and value is not ABSENT else low
        number = start if start is not None else 0
    else:
        # Rounded to whole steps first, so that binary fractions do not add up.
        number = round(value / field.step + steps) * field.step
    if low is not None:
        number = max(low, number)
    if high is not None:
        number = min(high, number)
    return int(number) if field.is_whole or float(number).is_integer() else round(number, 6)


def line_text(value: object, lines: int = 0) -> str:
    """Return a string for editing; as a quoted JSON string if it cannot be shown as is."""
    if not isinstance(value, str):
        return "" if value is None or value is ABSENT else json.dumps(value)
    return value if is_harmless(value, lines) else json.dumps(value)


def is_harmless(text: str, lines: int = 0) -> bool:
    """Return whether a text can be shown as is: no control characters, and not too many lines.

    Args:
        text: the text.
        lines: the most lines allowed; 0 for any number.
    """
    if lines and text.count("\n") >= lines:
        return False
    plain = text.replace("\n", "")
    if not lines:
        plain = plain.replace("\t", "")
    return sanitized(plain) == plain


def read_line(text: str, *, is_quoted: bool) -> str:
    """Return the string that a typed text stands for.

    Raises:
        UnreadableText: the text should be a JSON string but is not.
    """
    if not is_quoted:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise UnreadableText('write text with control characters as a JSON string, in "quotes"')
    return value


def json_text(value: object) -> str:
    """Return a value as indented JSON; escape all non-ASCII if the terminal could act on some of it."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if is_harmless(text) else json.dumps(value, indent=2)


def list_text(value: object) -> str:
    """Return a list of strings, separated by commas."""
    return ", ".join(map(sanitized, map(str, value))) if isinstance(value, list) else ""


def read_list(text: str) -> list[str]:
    """Return the strings between the commas of a text."""
    return [part for part in (part.strip() for part in text.split(",")) if part]


def shown(value: object, field: FormField | None = None, limit: int = MAX_SHOWN) -> str:
    """Return a short text for a value, sanitised for the terminal."""
    if value is ABSENT or value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if field is not None and field.path == ("tools",):
        return tools_text(value)
    if isinstance(value, str):
        text = value or '""'
    elif isinstance(value, int | float):
        text = number_text(value)
    elif field is not None and field.kind is FieldKind.LIST:
        text = list_text(value) or "none"
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = sanitized(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
