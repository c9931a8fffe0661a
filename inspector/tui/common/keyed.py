"""KeyedScreen: a screen whose bindings appear in its help page and palette, and can be remapped by id."""

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
    """Base of every screen with keys. Put ``HELP_KEY`` last in ``BINDINGS``: the footer keeps their order."""

    HELP_KEY = Binding("question_mark,f1", "help", "help", id="view.help")

    def key_owners(self) -> Sequence[type[DOMNode]]:
        """Return the classes whose bindings ``key`` looks up: the screen's, and those of its parts in subclasses."""
        return (type(self),)

    def key(self, binding_id: str) -> str:
        """Return the key name of a binding, under the user's keymap."""
        return keycap(self.app, self.key_owners(), binding_id)

    def say(self, message: str, severity: SeverityLevel = "information") -> None:
        """Show a notification."""
        self.notify(message, severity=severity, markup=False, timeout=NOTICE_S)

    def palette(self) -> Iterator[SystemCommand]:
        """Yield the palette's commands: each action with a key on this screen, once."""
        for binding, node in self.own_bindings():
            # A footer has room for one word ("create"); the palette is read by people who do not know it yet.
            title = binding.tooltip or binding.description.capitalize()
            key = f"key {self.app.get_key_display(binding)}"
            yield SystemCommand(title, key, self.runner(binding.action, node))

    def help_groups(self) -> Iterator[Group]:
        """Yield the groups of the help page."""
        from inspector.tui.common.help import keys_of

        yield from keys_of(self)

    def action_help(self) -> None:
        """Show the help page."""
        from inspector.tui.common.help import HelpScreen

        self.app.push_screen(HelpScreen(f"{self.title}: keys", list(self.help_groups())))

    def own_bindings(self) -> list[tuple[Binding, DOMNode]]:
        """Return the program's bindings that work now, once per action, with the node that handles it."""
        found: dict[str, tuple[Binding, DOMNode]] = {}
        for bound in self.active_bindings.values():
            # Textual's own bindings have no id.
            if bound.binding.description and bound.binding.id and bound.node is not self.app:
                found.setdefault(bound.binding.action, (bound.binding, bound.node))
        return list(found.values())

    def runner(self, action: str, node: DOMNode | None = None) -> Callable[[], None]:
        """Return a call that runs an action after a dialog on top of the screen has closed."""

        def run() -> None:
            # The palette closes after it has called this, so the action must wait to reach the screen below.
            self.call_later(self.app.run_action, action, node or self)

        return run
