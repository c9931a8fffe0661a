"""CommandLine: the line that commands are typed into, and the commands that every workspace has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.widgets import Input

from inspector.errors import InspectorError
from inspector.tui.common.numbers import seconds_in
from inspector.tui.views.view import Commands, View

if TYPE_CHECKING:
    from inspector.tui.workspace.workspace import Workspace


class CommandLine(Input):
    """A command and the rest of its line; shown while it has the class ``shown``."""

    class Closed(Message):
        """The line has done its work."""

    class Failed(Message):
        """A command could not be done."""

        def __init__(self, words: str, *, is_mistake: bool) -> None:
            """Say why; ``is_mistake`` where there is no such command."""
            super().__init__()
            self.words, self.is_mistake = words, is_mistake

    def __init__(self, commands: Callable[[], Commands]) -> None:
        """Take commands.

        Args:
            commands: returns those that there are now.
        """
        super().__init__(id="command", compact=True)
        self._commands = commands

    def ask(self) -> None:
        """Appear."""
        self.add_class("shown")
        self.value = ""
        self.placeholder = "command: " + " · ".join(self._commands())
        self.focus()

    def close(self) -> None:
        """Disappear."""
        self.remove_class("shown")
        self.post_message(self.Closed())

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("shown")
        self.post_message(self.Closed())
        name, _, rest = event.value.strip().partition(" ")
        commands = self._commands()
        if not name:
            return
        if name not in commands:
            words = f"no command {name!r}; there are {', '.join(commands)}"
            self.post_message(self.Failed(words, is_mistake=True))
            return
        try:
            commands[name](rest.strip())
        except InspectorError as error:
            self.post_message(self.Failed(error.words, is_mistake=False))
        except (ValueError, OSError) as error:
            self.post_message(self.Failed(f":{name}: {error}", is_mistake=False))


def workspace_commands(workspace: Workspace) -> Commands:
    """Return the commands of a workspace, its views and its parts; what a view's command does is seen in the view."""
    found: dict[str, Callable[[str], None]] = {
        "theme": lambda name: _choose_theme(workspace, name),
        "help": lambda _: workspace.action_help(),
        "view": lambda name: _show_view(workspace, name),
        "row": lambda text: workspace.show_row(row_in(workspace, text)),
        "seek": lambda text: workspace.show_row(
            max(0, workspace.event_log.row_at(int(seconds_in(text) * 1e6)))
        ),
        "mark": lambda _: workspace.action_mark(),
        "merge": lambda _: workspace.action_merge(),
        "write": lambda text: _write(workspace, text),
        "q": lambda _: workspace.leave(),
    }
    for view in workspace.views.values():
        for name, command in view.commands().items():
            found[name] = _in_view(workspace, view, command)
    for part in workspace.parts:
        found.update(part.commands())
    return found


def row_in(workspace: Workspace, text: str) -> int:
    """Return the row of an event that was written by its number.

    Raises:
        ValueError: it is none; says which there are.
    """
    row = int(text) - 1 if text.isdecimal() else -1
    if not 0 <= row < len(workspace.event_log):
        raise ValueError(f"there are events 1 to {len(workspace.event_log):,}")
    return row


def _in_view(
    workspace: Workspace, view: View, command: Callable[[str], None]
) -> Callable[[str], None]:
    def run(text: str) -> None:
        workspace.action_view(view.id)
        command(text)

    return run


def _choose_theme(workspace: Workspace, name: str) -> None:
    themes = workspace.app.available_themes
    if name not in themes:
        raise ValueError(f"there are {', '.join(sorted(themes))}")
    workspace.app.theme = name


def _show_view(workspace: Workspace, name: str) -> None:
    if name not in workspace.views:
        raise ValueError(f"the views are {', '.join(workspace.views)}")
    workspace.action_view(name)


def _write(workspace: Workspace, text: str) -> None:
    event = workspace.selected_event()
    if event is None or not text:
        raise ValueError("select an event, and name a file")
    path = Path(text).expanduser()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(event.data)
    workspace.say(f"wrote {path}")
