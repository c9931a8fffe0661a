"""Editing a text in the user's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from inspector.errors import UsageError


def edit_text(text: str, suffix: str = ".json") -> str:
    """Return ``text`` as it is after ``$VISUAL`` or ``$EDITOR`` has had it.

    Raises:
        UsageError: no editor is set, it cannot be started, or it ended with an error.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise UsageError("no editor is set", hint="set EDITOR, for example: export EDITOR=nano")
    # mkstemp makes the file 0600: what is edited may hold a prompt that nobody else should read.
    handle, name = tempfile.mkstemp(suffix=suffix, prefix="realtime-event-")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        status = subprocess.run([*shlex.split(command), name], check=False).returncode
        if status:
            raise UsageError(f"{command} ended with status {status}; the text is unchanged")
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot edit with {command}: {error}", hint="set EDITOR to a program"
        ) from None
    finally:
        path.unlink(missing_ok=True)
