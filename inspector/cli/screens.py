"""Opening of screens, for commands and for the shortcut past the parser. Must not import the parser."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from inspector import collector
from inspector.cli.printing import to_terminal
from inspector.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from inspector.cli.launch import SessionLauncher
    from inspector.config import Settings
    from inspector.engine.live_engine import Engine
    from inspector.folders import Folders
    from inspector.recording.opening import RecordingOpening
    from inspector.tui.common.look import Look


def start_launcher(flags: Mapping[str, str | None]) -> SessionLauncher:
    """Return the launcher for a command's options, and start logging to the file.

    Raises:
        UsageError: the configuration is invalid.
    """
    from inspector.cli.crash_log import start_logging
    from inspector.cli.launch import launcher

    launch = launcher(flags)
    start_logging(launch.folders.state)
    return launch


def need_terminal(hint: str) -> None:
    """Check that a screen can be opened.

    Raises:
        UsageError: stdin or stdout is not a terminal.
    """
    if not (to_terminal() and sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError(
            "a screen needs a terminal, but stdin or stdout is not one",
            code="no_terminal",
            hint=hint,
        )


def show_home() -> int:
    """Show the home screen until the user quits; return the exit status."""
    need_terminal("see inspector --help for commands that work without a terminal")
    collector.pause()
    launch = start_launcher({})

    import asyncio

    from inspector.tui.app import run_home

    try:
        return asyncio.run(run_home(launch, look_of(launch)))
    finally:
        for engine in tuple(launch.opened):
            launch.close_session(engine)
        launch.recorded.say()


def show_replay(file: Path, theme: str | None = None) -> int:
    """Show a recording until the user quits; return the exit status.

    Raises:
        RecordingError: the file is not a recording.
    """
    need_terminal(f"use inspector cat {file}")
    collector.pause()
    # Before all other imports: child processes index a large file while this one loads the screen.
    from inspector.recording.prestart import prestarted_index

    with ExitStack() as stack:
        scan = prestarted_index(file)
        if scan is not None:
            stack.callback(scan.close)
        from inspector.folders import cache_folder
        from inspector.recording.opening import open_recording

        try:
            recording = open_recording(file, indexes=cache_folder(), scan=scan)
        except RecordingError as error:
            if error.code != "not_a_recording":
                raise
            from inspector.cli.importing import imported, imported_words

            found = stack.enter_context(imported(file))
            recording = open_recording(found.path, indexes=cache_folder())
            recording.notices.append(imported_words(file, found.summary))
        stack.callback(recording.close)
        return _show_recording(recording, theme)


def _show_recording(recording: RecordingOpening, theme: str | None) -> int:
    import asyncio

    from inspector.cli.crash_log import start_logging
    from inspector.clock import SystemClock
    from inspector.config import load_settings
    from inspector.engine.replay import Replay
    from inspector.folders import config_file, find_folders
    from inspector.tui.app import run_replay

    settings = load_settings({"theme": theme}, os.environ, config_file())
    folders = find_folders(settings.sessions, Path())
    start_logging(folders.state)
    look = look_for(settings, folders)
    return asyncio.run(run_replay(Replay(recording, SystemClock()), look))


async def show_session(launch: SessionLauncher, engine: Engine) -> int:
    """Show a live session until the user quits; return the exit status.

    Raises:
        ConnectError: there was no connection, or the server rejected the credentials.
        SessionFailed: the session had ended in an error when the user quit.
    """
    from inspector.engine.task_supervisor import TaskSupervisor
    from inspector.tui.app import run_session

    has_ended = False
    try:
        async with TaskSupervisor() as host:
            status = await run_session(host, engine, look_of(launch))
            has_ended = (
                not engine.can_send
            )  # leaving the supervisor ends a running session normally
    finally:
        launch.close_session(engine)
        launch.recorded.say()
    if status == 0 and has_ended:
        from inspector.cli.headless import judge_session

        judge_session(engine)
    return status


def look_of(launch: SessionLauncher) -> Look:
    """Return the user's preferences for the screens."""
    return look_for(launch.settings, launch.folders)


def look_for(settings: Settings, folders: Folders) -> Look:
    """Return the user's preferences, from the settings and the theme chosen last on a screen."""
    from inspector.folders import remember_theme, remembered_theme
    from inspector.tui.common.look import Look

    def remember(name: str) -> str:
        if not remember_theme(folders.state, name):
            return f"{name} until you quit: {folders.state} cannot be written"
        if settings.theme and settings.theme != name:
            return f"{name} until you quit: your settings start with {settings.theme}"
        return ""

    has_colour = not os.environ.get("NO_COLOR")
    theme = settings.theme or remembered_theme(folders.state)
    return Look(theme, settings.keys, folders.themes, has_colour, remember)
