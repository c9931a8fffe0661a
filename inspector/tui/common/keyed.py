"""KeyedScreen: a screen whose keys stand in the help page and in the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from inspector.tui.common.keycaps import keycap


class KeyedScreen(Screen[None]):
    """Tells which keys it has; ``HELP_KEY`` is to be the last of them, as the footer shows them in their order."""

    HELP_KEY = Binding("question_mark,f1", "help", "help", id="view.help")

    def key(self, binding_id: str) -> str:
        """Return the key of one of this screen's bindings in words, as the user has it."""
        return keycap(self.app, type(self), binding_id)

    def palette(self) -> Iterator[SystemCommand]:
        """Yield what the command palette offers here."""
        for binding in self._own_bindings():
            yield SystemCommand(
                binding.description.capitalize(),
                f"key {self.app.get_key_display(binding)}",
                self._runner(binding.action),
            )

    def action_help(self) -> None:
        """Show the keys."""
        from inspector.tui.common.help import HelpScreen, keys_of

        self.app.push_screen(HelpScreen(f"{self.title}: keys", list(keys_of(self))))

    def _own_bindings(self) -> list[Binding]:
        """Return the keys that do something here, each action once."""
        found: dict[str, Binding] = {}
        for bound in self.active_bindings.values():
            # Textual's own have no id.
            if bound.node is self and bound.binding.description and bound.binding.id:
                found.setdefault(bound.binding.action, bound.binding)
        return list(found.values())

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, self)

        return run
