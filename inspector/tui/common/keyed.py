"""KeyedScreen: a screen whose keys stand in its help page and in the palette, and can be remapped by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.notifications import SeverityLevel
from textual.screen import Screen, ScreenResultType

from inspector.tui.common.keycaps import keycap

if TYPE_CHECKING:
    from inspector.tui.common.help import Group

NOTICE_S = 5


class KeyedScreen(Screen[ScreenResultType]):
    """The one kind of screen with keys: ``HELP_KEY`` is to be the last of them, as the footer shows them in their order."""

    HELP_KEY = Binding("question_mark,f1", "help", "help", id="view.help")

    def key_owners(self) -> Sequence[type[DOMNode]]:
        """Return the classes whose bindings ``key`` knows; those of the screen, unless parts of it have keys too."""
        return (type(self),)

    def key(self, binding_id: str) -> str:
        """Return the key of a binding in words, as the user has it."""
        return keycap(self.app, self.key_owners(), binding_id)

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Tell the user something, once."""
        self.notify(message, severity=severity, markup=False, timeout=NOTICE_S)

    def palette(self) -> Iterator[SystemCommand]:
        """Yield what the command palette offers here: each action that has a key now, once."""
        for binding, node in self.own_bindings():
            words = f"key {self.app.get_key_display(binding)}"
            yield SystemCommand(
                binding.description.capitalize(), words, self.runner(binding.action, node)
            )

    def help_groups(self) -> Iterator[Group]:
        """Yield what the help page holds."""
        from inspector.tui.common.help import keys_of

        yield from keys_of(self)

    def action_help(self) -> None:
        """Show the keys that work here."""
        from inspector.tui.common.help import HelpScreen

        self.app.push_screen(HelpScreen(f"{self.title}: keys", list(self.help_groups())))

    def own_bindings(self) -> list[tuple[Binding, DOMNode]]:
        """Return the program's own bindings that work now, each action once, with the node that it runs on."""
        found: dict[str, tuple[Binding, DOMNode]] = {}
        for bound in self.active_bindings.values():
            # Textual's own bindings have no id.
            if bound.binding.description and bound.binding.id and bound.node is not self.app:
                found.setdefault(bound.binding.action, (bound.binding, bound.node))
        return list(found.values())

    def runner(self, action: str, node: DOMNode | None = None) -> Callable[[], None]:
        """Return a call that runs an action once whatever lies over the screen has gone."""

        def run() -> None:
            self.call_later(self.app.run_action, action, node or self)

        return run
