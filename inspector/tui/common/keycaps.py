"""Key names for texts: the key of a binding as hints show it, under the user's keymap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key

ELSEWHERE: Mapping[str, str] = {
    "app.themes": "f2",
    "pane.follow": "f",
    "pane.last": "end,G",
    "pane.next_error": "e",
    "pane.next_match": "n",
    "pane.previous_match": "N",
    "session.create": "c",
    "session.send": "s",
    "session.truncate": "t",
    "talk.answer": "a",
    "talk.write": "w",
    "view.help": "question_mark,f1",
}
"""Default keys of bindings that are named where the class that declares them is not imported."""
Key = Callable[[str], str]
"""Function from a binding id to its key name; passed to widgets, which must not know the app."""
_WORDS = frozenset({"up", "down", "left", "right", "enter", "backspace"})
"""Keys that are easier to read as a word than as Textual's symbol for them."""


def spelled(key: str) -> str:
    """Return a key in Textual's spelling; ``?`` becomes ``question_mark``."""
    key = key.strip()
    # Textual separates the keys of a binding by commas, and calls the key itself "comma".
    if len(key) != 1 or key == ",":
        return key
    return next(iter(Binding.make_bindings([Binding(key, "", "")]))).key


@lru_cache(maxsize=256)
def key_words(key: str) -> str:
    """Return the name of a key for texts: ``?``, ``x``, ``ctrl+r``, ``F2``."""
    *modifiers, last = spelled(key).split("+")
    name = last if last in _WORDS else format_key(last)
    if last.startswith("f") and last[1:].isdigit():
        name = last.upper()
    return "+".join([*modifiers, name])


def keycap(app: App[Any], owners: Sequence[type[DOMNode]], binding_id: str) -> str:
    """Return the key name of a binding, under the user's keymap.

    Args:
        app: has the user's keymap, if it is this program's app.
        owners: classes that may declare the binding.
        binding_id: id of the binding; those in ``ELSEWHERE`` need no owner.
    """
    look = getattr(app, "look", None)
    own = look.keys.get(binding_id, "") if look is not None else ""
    return key_words(own.split(",")[0]) if own else default_keycap(owners, binding_id)


def default_keycap(owners: Sequence[type[DOMNode]], binding_id: str) -> str:
    """Return the name of a binding's default key."""
    return key_words(_default(tuple(owners), binding_id).split(",")[0])


@lru_cache(maxsize=256)
def _default(owners: tuple[type[DOMNode], ...], binding_id: str) -> str:
    # A subclass may redeclare a binding, so the nearest class comes first.
    for kind in (kind for owner in owners for kind in owner.__mro__):
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id == binding_id:
                return binding.key
    if binding_id in ELSEWHERE:
        return ELSEWHERE[binding_id]
    names = ", ".join(owner.__name__ for owner in owners)
    raise LookupError(f"{names}: no binding {binding_id}")
