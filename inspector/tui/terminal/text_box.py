"""A field for several lines of text that is gone when it is gone.

Textual 8.2.8's ``TextArea`` watches the app's theme, and the app keeps what watches it until the theme changes: the widget, and
with it its screen and that screen's session.
"""

from __future__ import annotations

from textual._types import WatchCallbackType
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import TextArea


class TextBox(TextArea):
    """A text area that hears of a new theme by the app's signal, and lets go of that when it is removed."""

    def watch(
        self, obj: DOMNode, attribute_name: str, callback: WatchCallbackType, init: bool = True
    ) -> None:
        """Watch an attribute of another object."""
        if isinstance(obj, App) and attribute_name == "theme":
            obj.theme_changed_signal.subscribe(self, lambda _: self._app_theme_changed())
        else:
            super().watch(obj, attribute_name, callback, init)

    def on_unmount(self) -> None:
        """Leave the app with no trace of the widget."""
        self.app.theme_changed_signal.unsubscribe(self)
