"""Keys in words: what a hint calls the key of a binding, under the user's keymap."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key

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


def keycap(app: App[Any], owner: type[DOMNode], binding_id: str) -> str:
    """Return the key of a binding in words, as the user has it.

    Args:
        app: knows the user's keymap, where it is this program's.
        owner: the screen or widget class that declares the binding.
        binding_id: its id.
    """
    return own_keycap(app, binding_id, _default(owner, binding_id))


def own_keycap(app: App[Any], binding_id: str, default: str) -> str:
    """Return the key of a binding in words, where its owner is not loaded: ``default`` is what it comes with."""
    look = getattr(app, "look", None)
    own = look.keys.get(binding_id, "") if look is not None else ""
    return key_words((own or default).split(",")[0])


@lru_cache(maxsize=256)
def _default(owner: type[DOMNode], binding_id: str) -> str:
    for kind in owner.__mro__:
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id == binding_id:
                return binding.key
    raise LookupError(f"{owner.__name__} has no binding {binding_id}")
