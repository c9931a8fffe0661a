"""KeyOrder: handle one key completely before looking at the next.

Textual sends a key to the widget that has the focus when the key is read. If keys come faster than they are handled (a script
that types, a busy screen), the letters after ``:`` would go to the pane that loses the focus and run its commands. So a key waits
until the previous one has passed every queue that it may be in: of the focused widget, its ancestors, the app, and a newly opened
screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, Paste

LONGEST_S = 1.0
"""The longest that a key waits for the previous one."""


class KeyOrder:
    """The key queue of one app."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: deque[Key | Paste] = deque()
        self._turn = 0
        self._is_busy = False

    def admit(self, event: Key | Paste) -> bool:
        """Return whether a key may be handled now; otherwise keep it and dispatch it later."""
        if not self._is_busy:
            self._is_busy = True
            self._turn += 1
            return True
        if not self._waiting:
            self._app.set_timer(LONGEST_S, self._ending(self._turn))
        self._waiting.append(event)
        return False

    def follow(self, target: DOMNode | None) -> None:
        """Release the next key once this one has passed the queues of a widget and of all its ancestors."""
        if target is not None:
            # ``call_later`` returns False if the queue is closed; the ancestors' queues are still open.
            if not target.call_later(self.follow, target.parent):
                self.follow(target.parent)
        elif self._app.screen_stack:
            self._app.screen.call_later(self._app.call_later, self._ending(self._turn))

    def _ending(self, turn: int) -> Callable[[], Awaitable[None]]:
        async def end() -> None:
            # The timer of an earlier key must not release a later one.
            if turn == self._turn:
                self._is_busy = False
                if self._waiting:
                    await self._app.on_event(self._waiting.popleft())

        return end
