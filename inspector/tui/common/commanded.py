"""CommandScreen: what every screen on events has beside them: a command line, the palette, help, and words to the user."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping

from textual import on
from textual.app import SystemCommand
from textual.binding import Binding
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from inspector.errors import InspectorError
from inspector.tui.common.keycaps import keycap
from inspector.tui.common.status_line import StatusLine
from inspector.tui.terminal.direct_paint import Brush

MAX_COPIED_CHARS = 74_994
"""Most terminals refuse a longer OSC 52 sequence (100,000 bytes of base64)."""


def seconds_in(text: str) -> float:
    """Read what somebody wrote as a number of seconds.

    Raises:
        ValueError: it is none, or endless.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text or 'nothing'} is no number of seconds; write it like 12.5")
    return number


class CommandScreen(Screen[None]):
    """A screen that takes commands.

    Whoever derives from it mounts an ``Input`` with the id ``command``, and says in ``refocus`` what has the keys after it.
    """

    BINDINGS = [
        Binding("colon", "command", "command", show=False, id="view.command"),
        Binding("question_mark,f1", "help", "help", id="view.help"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.brush = Brush(self)

    def key(self, binding_id: str) -> str:
        """Return the key of one of this screen's bindings in words, as the user has it."""
        return keycap(self.app, type(self), binding_id)

    def commands(self) -> Mapping[str, Callable[[str], None]]:
        """Return what the command line and the palette know: name to what it does with the rest of the line."""
        return {"theme": self._theme, "help": lambda _: self.action_help()}

    @abstractmethod
    def refocus(self) -> None:
        """Give the keys back to what had them before a line was asked for."""

    def palette(self) -> Iterator[SystemCommand]:
        """Yield what the command palette offers here."""
        for key, bound in self.active_bindings.items():
            binding = bound.binding
            if binding.description and binding.system is False:
                yield SystemCommand(
                    binding.description.capitalize(),
                    f"key {self.app.get_key_display(binding)}" if key else "",
                    self._runner(binding.action, bound.node),
                )

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Tell the user something, once."""
        self.notify(message, severity=severity, markup=False, timeout=5)

    def copy_text(self, text: str, what: str) -> None:
        """Offer a text to the terminal's clipboard; a terminal never says whether it took it."""
        if len(text) > MAX_COPIED_CHARS:
            self.say(
                f"{what}: {len(text):,} characters are too long for the clipboard; use :write FILE",
                "warning",
            )
            return
        self.app.copy_to_clipboard(text)
        self.say(
            f"sent {what} to the terminal's clipboard ({len(text):,} characters); :write FILE if it did not arrive"
        )

    def action_command(self) -> None:
        """Ask for a command."""
        entry = self.query_one("#command", Input)
        entry.add_class("shown")
        entry.value = ""
        entry.placeholder = "command: " + " · ".join(self.commands())
        entry.focus()

    def action_help(self) -> None:
        """Show the keys that work here."""
        from inspector.tui.common.help import FILTER_WORDS, HelpScreen, keys_of

        groups = [
            *keys_of(self),
            ("commands (after :)", [(name, "") for name in self.commands()]),
            FILTER_WORDS,
        ]
        self.app.push_screen(HelpScreen(f"{self.title or 'Session'}: keys", groups))

    @on(Input.Submitted, "#command")
    def _command_given(self, event: Input.Submitted) -> None:
        self.query_one("#command", Input).remove_class("shown")
        self.refocus()
        name, _, rest = event.value.strip().partition(" ")
        if not name:
            return
        command = self.commands().get(name)
        if command is None:
            self.say(f"no command {name!r}; there are {', '.join(self.commands())}", "warning")
            return
        try:
            command(rest.strip())
        except InspectorError as error:
            self.say(error.words, "error")
        except (ValueError, OSError) as error:
            self.say(f":{name}: {error}", "error")

    def _put(self, texts: Mapping[str, str]) -> None:
        """Show texts in lines, by their selectors."""
        lines = {self.query_one(name, StatusLine): text for name, text in texts.items()}
        changes = ((line, line.show(text)) for line, text in lines.items())
        self.brush.paint([(line, patches) for line, patches in changes if patches])

    def _runner(self, action: str, node: object) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, node)

        return run

    def _theme(self, name: str) -> None:
        if name not in self.app.available_themes:
            raise ValueError(f"there are {', '.join(sorted(self.app.available_themes))}")
        self.app.theme = name
