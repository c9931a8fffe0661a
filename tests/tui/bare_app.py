"""BareApp: an app around one widget, with the program's colour tokens."""

from __future__ import annotations

from textual.app import App

from inspector.tui.common.themes import derived_variables


class BareApp(App[None]):
    """An app with Textual's own themes, and the program's tokens derived from them."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the program's tokens."""
        return derived_variables(self.current_theme)
