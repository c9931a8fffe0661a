"""Editing a text in the user's own editor while the session goes on."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, SuspendNotSupported

from inspector.errors import UsageError


async def edit_outside(app: App[int], text: str, suffix: str = ".json") -> str:
    """Return ``text`` after the user has edited it in ``$VISUAL``, ``$EDITOR`` or ``vi``.

    The event loop keeps running meanwhile: a server hangs up on a client that does not answer its pings for as long as an
    editor is open.

    Args:
            app: its terminal is lent to the editor, and it paints nothing until the editor ends.
            text: the text to edit.
            suffix: suffix of the temporary file, from which editors choose a syntax.

    Raises:
        UsageError: no editor is set, it cannot be started, or it exits with an error.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or shutil.which("vi")
    if not command:
        raise UsageError(
            "no editor is set, and vi is not installed",
            hint="set EDITOR, for example: export EDITOR=nano",
        )
    # mkstemp creates the file with mode 0600: it may hold a prompt that other users must not read.
    handle, name = tempfile.mkstemp(suffix=suffix, prefix="realtime-event-")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        arguments = [*shlex.split(command), name]
        failure: BaseException | None = None
        with app.batch_update(), app.suspend(), _interrupts_ignored():
            # Textual 8.2.8 does not take the terminal back if an exception leaves ``suspend``.
            try:
                status = await _status_of(arguments)
            except (OSError, ValueError, asyncio.CancelledError) as error:
                failure, status = error, 0
        if failure is not None:
            raise failure
        if status:
            raise UsageError(f"{command} exited with status {status}; the text is unchanged")
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot edit with {command}: {error}", hint="set EDITOR to a program"
        ) from None
    except SuspendNotSupported:
        raise UsageError("this terminal cannot run an external editor") from None
    finally:
        path.unlink(missing_ok=True)


async def _status_of(command: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(*command)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Leave ctrl+c to the editor; the terminal sends the signal to both."""
    # A handler is reset in child processes; SIG_IGN would be inherited by the editor.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
