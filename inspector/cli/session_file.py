"""The file of ``--session FILE``, as the first event of a session."""

from __future__ import annotations

from pathlib import Path

import orjson

from inspector.errors import UsageError


def session_update(path: Path) -> bytes:
    """Return the ``session.update`` in a file: as it is, or built from a preset or a bare session object.

    Raises:
        UsageError: the file cannot be read, or is not a JSON object.
    """
    try:
        data = path.read_bytes()
        body = orjson.loads(data)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", code="bad_session") from None
    if not isinstance(body, dict):
        raise UsageError(f"{path} must contain a JSON object", code="bad_session")
    if isinstance(body.get("type"), str) and "session" in body:
        return data.strip()
    if "format" in body:
        from inspector.analysis.form.presets import preset_update, read_preset

        return orjson.dumps(preset_update(read_preset(data.decode("utf-8", "replace"), path.name)))
    return orjson.dumps({"type": "session.update", "session": body})
