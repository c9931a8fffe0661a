"""KeyOrder: one key is dealt with before the next is looked at.

Textual hands a key to the widget that has the focus when the key is read. Where keys come faster than they are dealt with
(a script that types, a busy screen), the letters after ``:`` would go to the pane below, and do what they mean there. So a
key waits until the one before it has been through every queue that it may pass: of the focused widget, of those around it,
of the app, and of the screen that it may have opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, Paste

LONGEST_S = 1.0
"""The most that a key waits for the one before it."""


class KeyOrder:
    """The keys of one app."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: deque[Key | Paste] = deque()
        self._turn = 0
        self._is_busy = False

    def admit(self, event: Key | Paste) -> bool:
        """Tell whether a key may be dealt with now; otherwise it is kept, and comes back by itself."""
        if not self._is_busy:
            self._is_busy = True
            self._turn += 1
            return True
        if not self._waiting:
            self._app.set_timer(LONGEST_S, self._ending(self._turn))
        self._waiting.append(event)
        return False

    def follow(self, target: DOMNode | None) -> None:
        """Let the next key come once this one has been through the queues of a widget and of all around it."""
        if target is not None:
            # A queue that is closed takes nothing; what is around it does.
            if not target.call_later(self.follow, target.parent):
                self.follow(target.parent)
        elif self._app.screen_stack:
            self._app.screen.call_later(self._app.call_later, self._ending(self._turn))

    def _ending(self, turn: int) -> Callable[[], Awaitable[None]]:
        async def end() -> None:
            if turn == self._turn:
                self._is_busy = False
                if self._waiting:
                    await self._app.on_event(self._waiting.popleft())

        return end
