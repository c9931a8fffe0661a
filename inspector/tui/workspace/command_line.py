"""CommandLine: the input line for commands, and the commands that every workspace has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.widgets import Input

from inspector.errors import InspectorError
from inspector.tui.common.completing_input import CompletingInput
from inspector.tui.common.numbers import seconds_in
from inspector.tui.views.events.filter_line import filter_completions
from inspector.tui.views.view import Commands, View

if TYPE_CHECKING:
    from inspector.tui.workspace.workspace import Workspace


FILTER_COMMANDS = ("filter", "find", "break")
"""Commands whose argument is a filter."""


class CommandLine(CompletingInput):
    """Input for a command and its argument; visible while it has the class ``shown``."""

    class Closed(Message):
        """The line was closed, with or without a command."""

    class Failed(Message):
        """A command failed."""

        def __init__(self, words: str, *, is_mistake: bool) -> None:
            """Store the message; ``is_mistake`` means that the command does not exist."""
            super().__init__()
            self.words, self.is_mistake = words, is_mistake

    def __init__(
        self, commands: Callable[[], Commands], choices: Callable[[], Mapping[str, Sequence[str]]]
    ) -> None:
        """Create the line.

        Args:
            commands: returns the commands that exist now.
            choices: returns the values to offer for a command's argument, by its name.
        """
        super().__init__(self._completions, id="command")
        self._commands = commands
        self._choices = choices

    def _completions(self, text: str) -> Sequence[str]:
        """Return the text with its command completed, or the argument of its command."""
        name, space, argument = text.partition(" ")
        if not space:
            return [f"{one} " for one in self._commands() if one.startswith(name)]
        if name in FILTER_COMMANDS:
            return [f"{name} {whole}" for whole in filter_completions(argument)]
        offered = self._choices().get(name, ())
        return [f"{name} {one}" for one in offered if one.startswith(argument)]

    def open(self) -> None:
        """Show the line, empty and with the focus."""
        self.add_class("shown")
        self.reset()
        self.placeholder = "command: " + " · ".join(self._commands())
        self.focus()

    def close(self) -> None:
        """Hide the line."""
        self.remove_class("shown")
        self.post_message(self.Closed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("shown")
        # Closed first: a command may open a dialog, which must not lose the focus to this message.
        self.post_message(self.Closed())
        self.remember(event.value.strip())
        name, _, rest = event.value.strip().partition(" ")
        commands = self._commands()
        if not name:
            return
        if name not in commands:
            words = f"unknown command {name!r}; commands: {', '.join(commands)}"
            self.post_message(self.Failed(words, is_mistake=True))
            return
        try:
            commands[name](rest.strip())
        except InspectorError as error:
            self.post_message(self.Failed(error.words, is_mistake=False))
        except (ValueError, OSError) as error:
            self.post_message(self.Failed(f":{name}: {error}", is_mistake=False))


def workspace_commands(workspace: Workspace) -> Commands:
    """Return the commands of a workspace, its views and its parts. A command of a view shows the view first."""
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
        "copy": lambda form: workspace.copy_as(form or "json"),
        "write": lambda text: _write(workspace, text),
        "q": lambda _: workspace.leave(),
    }
    of_views: dict[str, Callable[[str], None]] = {}
    for view in workspace.views.values():
        for name, command in view.commands().items():
            # Two views may have a command of one name: the current view's is meant, else that of the first tab.
            if name not in of_views or view is workspace.current:
                of_views[name] = _in_view(workspace, view, command)
    found.update(of_views)
    for part in workspace.parts:
        found.update(part.commands())
    return found


def workspace_choices(workspace: Workspace) -> Mapping[str, Sequence[str]]:
    """Return the values that commands take, by the command's name."""
    from inspector.recording.copy_forms import COPY_FORMS  # not needed before a command is typed

    found: dict[str, Sequence[str]] = {
        "theme": sorted(workspace.app.available_themes),
        "view": list(workspace.views),
        "copy": list(COPY_FORMS),
    }
    for part in workspace.parts:
        found.update(part.choices())
    return found


def row_in(workspace: Workspace, text: str) -> int:
    """Return the row of the event whose number is written in a text.

    Raises:
        ValueError: the text is not the number of an event in the log.
    """
    row = int(text) - 1 if text.isdecimal() else -1
    if not 0 <= row < len(workspace.event_log):
        raise ValueError(f"expected an event number from 1 to {len(workspace.event_log):,}")
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
        raise ValueError(f"unknown theme {name!r}; choose one of {', '.join(sorted(themes))}")
    workspace.app.theme = name


def _show_view(workspace: Workspace, name: str) -> None:
    if name not in workspace.views:
        raise ValueError(f"unknown view {name!r}; choose one of {', '.join(workspace.views)}")
    workspace.action_view(name)


def _write(workspace: Workspace, text: str) -> None:
    event = workspace.selected_event()
    if event is None or not text:
        raise ValueError("select an event and name a file, e.g. :write event.json")
    path = Path(text).expanduser()
    # O_EXCL: a typing mistake must not replace a file. 0600: frames hold private speech.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(event.data)
    workspace.say(f"wrote {path}")
