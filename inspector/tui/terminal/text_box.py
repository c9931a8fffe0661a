"""A text area that can be freed after its removal.

``TextArea`` of Textual 8.2.8 watches the app's theme, and the app keeps a reference to every watcher until the theme changes: to
the widget, and through it to its screen and that screen's session.
"""

from __future__ import annotations

from textual._types import WatchCallbackType
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import TextArea


class TextBox(TextArea):
    """A text area that subscribes to the app's signal for new themes, and unsubscribes when it is removed."""

    def watch(
        self, obj: DOMNode, attribute_name: str, callback: WatchCallbackType, init: bool = True
    ) -> None:
        """Watch an attribute of another object."""
        if isinstance(obj, App) and attribute_name == "theme":
            obj.theme_changed_signal.subscribe(self, lambda _: self._app_theme_changed())
        else:
            super().watch(obj, attribute_name, callback, init)

    def on_unmount(self) -> None:
        """Remove the app's reference to the widget."""
        self.app.theme_changed_signal.unsubscribe(self)
