"""Which field of the form an error is about, from the path that it names or else from its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.values import MemberPath
from inspector.core.read import text_at

_KEY = re.compile(r"[^.\[\]]+")
_PATH_IN_WORDS = re.compile(r"session\.[\w.\[\]]*\w")
_FIELD_OF_CODE = {"cannot_update_voice": "voice"}
"""Codes of errors that name no path, and the last key of the field that they are about."""


def path_of(param: str) -> MemberPath:
    """Return the keys of a path as servers write it, from the session object: ``session.tools[0].name``."""
    keys = tuple(_KEY.findall(param))
    return keys[1:] if keys[:1] == ("session",) else keys


def field_at(path: Iterable[str | int], fields: Iterable[FormField]) -> FormField | None:
    """Return the field that holds the member at ``path``: the one with the longest path that leads there."""
    keys = tuple(map(str, path))
    leading = [field for field in fields if field.path == keys[: len(field.path)]]
    return max(leading, key=lambda field: len(field.path), default=None)


def blamed(
    error: Mapping[str, Any], sent: Iterable[FormField], every: Iterable[FormField]
) -> FormField | None:
    """Return the field that an error is about, None where none can be told.

    Args:
        error: the server's ``error`` object.
        sent: the fields of the update that was refused.
        every: all fields of the form.
    """
    message, param = text_at(error, "message"), text_at(error, "param")
    in_words = _PATH_IN_WORDS.search(message)
    for written in (param, in_words.group() if in_words else ""):
        if written:
            found = field_at(path_of(written), every)
            if found is not None:
                return found
    candidates = sorted(sent, key=lambda field: -len(field.path[-1]))
    key = _FIELD_OF_CODE.get(text_at(error, "code"))
    if key is not None:
        return next((field for field in candidates if field.path[-1] == key), None)
    return next((field for field in candidates if _names(message, field)), None)


def _names(message: str, field: FormField) -> bool:
    words = re.escape(field.path[-1])
    return re.search(rf"(?<![\w.]){words}(?![\w])", message, re.IGNORECASE) is not None
