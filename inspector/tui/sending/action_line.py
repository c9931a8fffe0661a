"""The line of buttons below a live session: as many as fit, always including the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from inspector.tui.common.keycaps import Key

GAP = "  "


@dataclass(frozen=True, slots=True)
class Button:
    """An action that can be clicked, shown with its key."""

    action: str
    """Action of a part of the workspace; its binding has the id ``session.ACTION``."""
    label: str
    """Name of the action in a word or two."""
    short: str = ""
    """Label where space is scarce; ``""`` for none."""


SESSION_BUTTONS = (
    Button("send", "send"),
    Button("create", "create"),
    Button("cancel", "cancel"),
    Button("truncate", "truncate"),
    Button("form", "session form", "form"),
    Button("commit", "commit"),
    Button("clear", "clear"),
    Button("delete", "delete"),
    Button("retrieve", "retrieve"),
    Button("reconnect", "reconnect"),
    Button("disconnect", "disconnect"),
)
"""Most used first."""
_ABOUT_ITEMS = frozenset({"create", "cancel", "truncate", "commit", "clear", "delete", "retrieve"})


def useless_actions(kind: str, *, is_connected: bool) -> frozenset[str]:
    """Return the actions without an effect now: a translation session has no items, responses or buffer."""
    without_items = _ABOUT_ITEMS if kind == "translation" else frozenset()
    return without_items | {"reconnect" if is_connected else "disconnect"}


def action_line(buttons: Sequence[Button], key: Key, step: str, width: int) -> Content:
    """Return the buttons side by side in at most ``width`` cells.

    If they do not fit, labels are shortened; then buttons are left out from the last on, except the next step's.

    Args:
        buttons: the buttons, most used first.
        key: returns the key name of a binding.
        step: action of the next step, drawn bold; ``""`` for none.
        width: available cells.
    """
    shown = list(buttons)
    labels = [button.label for button in shown]
    if _width(shown, labels, key) > width:
        labels = [button.short or button.label for button in shown]
    while len(shown) > 1 and _width(shown, labels, key) > width:
        last = max(at for at, button in enumerate(shown) if button.action != step)
        del shown[last], labels[last]
    drawn = []
    for button, label in zip(shown, labels, strict=True):
        look = "bold " if button.action == step else ""
        words = f"{key(f'session.{button.action}')} {label}"
        drawn.append(Content.styled(words, f"{look}@click=screen.part('{button.action}')"))
    return Content.assemble(" ", Content(GAP).join(drawn))


def _width(buttons: Sequence[Button], labels: Sequence[str], key: Key) -> int:
    words = sum(
        cell_len(f"{key(f'session.{button.action}')} {label}{GAP}")
        for button, label in zip(buttons, labels, strict=True)
    )
    return 1 + words - len(GAP)
