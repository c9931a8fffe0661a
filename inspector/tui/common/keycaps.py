"""Keys in words: what a hint calls the key of a binding, under the user's keymap."""

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
"""Keys that come with the program, of bindings named where their owner is not loaded."""
Key = Callable[[str], str]
"""Returns the key of a binding, by its id, in words: what a widget is given, which must not know the app."""
_WORDS = frozenset({"up", "down", "left", "right", "enter", "backspace"})
"""Keys whose usual sign is harder to read than their name."""


def spelled(key: str) -> str:
    """Return a key in Textual's spelling: ``?`` is ``question_mark``."""
    key = key.strip()
    if len(key) != 1 or key == ",":
        return key
    return next(iter(Binding.make_bindings([Binding(key, "", "")]))).key


@lru_cache(maxsize=256)
def key_words(key: str) -> str:
    """Return how a text names a key: ``?``, ``x``, ``ctrl+r``, ``F2``."""
    *modifiers, last = spelled(key).split("+")
    name = last if last in _WORDS else format_key(last)
    if last.startswith("f") and last[1:].isdigit():
        name = last.upper()
    return "+".join([*modifiers, name])


def keycap(app: App[Any], owners: Sequence[type[DOMNode]], binding_id: str) -> str:
    """Return the key of a binding in words, as the user has it.

    Args:
        app: knows the user's keymap, where it is this program's.
        owners: the classes that may declare the binding.
        binding_id: its id; of another's binding where it is one of ``ELSEWHERE``.
    """
    look = getattr(app, "look", None)
    own = look.keys.get(binding_id, "") if look is not None else ""
    return key_words(own.split(",")[0]) if own else default_keycap(owners, binding_id)


def default_keycap(owners: Sequence[type[DOMNode]], binding_id: str) -> str:
    """Return the key that a binding comes with, in words."""
    return key_words(_default(tuple(owners), binding_id).split(",")[0])


@lru_cache(maxsize=256)
def _default(owners: tuple[type[DOMNode], ...], binding_id: str) -> str:
    for kind in (kind for owner in owners for kind in owner.__mro__):
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id == binding_id:
                return binding.key
    if binding_id in ELSEWHERE:
        return ELSEWHERE[binding_id]
    names = ", ".join(owner.__name__ for owner in owners)
    raise LookupError(f"{names}: no binding {binding_id}")
