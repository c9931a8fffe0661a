"""BareApp: an app around one widget, with the colours that our widgets name."""

from __future__ import annotations

from textual.app import App

from inspector.tui.common.themes import derived_variables


class BareApp(App[None]):
    """Textual's own themes, and our tokens derived from them."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our tokens."""
        return derived_variables(self.current_theme)
