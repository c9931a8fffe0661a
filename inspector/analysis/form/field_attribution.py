"""Attribution of the server's errors to fields of the form, by the path in the error or by its message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.values import MemberPath
from inspector.core.error_attribution import PATH_KEY
from inspector.core.read import text_at

_PATH_IN_WORDS = re.compile(r"session\.[\w.\[\]]*\w")
_FIELD_OF_CODE = {"cannot_update_voice": "voice"}
"""Code of errors without a path to the last key of the field in question."""


def path_of(param: str) -> MemberPath:
    """Return the keys of a path in the server's notation (``session.tools[0].name``), counted from the session object."""
    keys = tuple(PATH_KEY.findall(param))
    return keys[1:] if keys[:1] == ("session",) else keys


def field_at(path: Iterable[str | int], fields: Iterable[FormField]) -> FormField | None:
    """Return the field that contains the member at ``path``: the one with the longest matching path, or None."""
    keys = tuple(map(str, path))
    leading = [field for field in fields if field.path == keys[: len(field.path)]]
    return max(leading, key=lambda field: len(field.path), default=None)


def rejected_field(
    error: Mapping[str, Any], sent: Iterable[FormField], every: Iterable[FormField]
) -> FormField | None:
    """Return the field that an error rejects; None if it cannot be determined.

    Args:
        error: the server's ``error`` object.
        sent: the fields of the rejected update.
        every: all fields of the form.
    """
    message, param = text_at(error, "message"), text_at(error, "param")
    in_words = _PATH_IN_WORDS.search(message)
    for written in (param, in_words.group() if in_words else ""):
        if written:
            found = field_at(path_of(written), every)
            if found is not None:
                return found
    # Longest names first: "model" must not match before "transcription model".
    candidates = sorted(sent, key=lambda field: -len(field.path[-1]))
    key = _FIELD_OF_CODE.get(text_at(error, "code"))
    if key is not None:
        return next((field for field in candidates if field.path[-1] == key), None)
    return next((field for field in candidates if _names(message, field)), None)


def _names(message: str, field: FormField) -> bool:
    words = re.escape(field.path[-1])
    return re.search(rf"(?<![\w.]){words}(?![\w])", message, re.IGNORECASE) is not None
