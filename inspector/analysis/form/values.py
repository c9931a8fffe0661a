"""Reading and writing members of nested JSON objects by path; what is not there reads as ``ABSENT``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

MemberPath = tuple[str, ...]
"""Keys from the session object to a member."""


class Absence(Enum):
    """The type of ``ABSENT``; unlike ``None`` it is no JSON value."""

    ABSENT = ""


ABSENT: Final = Absence.ABSENT
"""There is no such member."""


def at(tree: object, path: MemberPath) -> Any:
    """Return the member at ``path``, ``ABSENT`` where there is none."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return ABSENT
        tree = tree[key]
    return tree


def put(tree: dict[str, Any], path: MemberPath, value: object) -> None:
    """Write a member, making the objects on the way; what stands there and is no object is replaced."""
    for key in path[:-1]:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            inner = tree[key] = {}
        tree = inner
    tree[path[-1]] = value


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares no object or list with it."""
    if isinstance(value, Mapping):
        return {key: copied(entry) for key, entry in value.items()}
    return [copied(entry) for entry in value] if isinstance(value, list) else value


def leaves(tree: object, path: MemberPath = ()) -> Iterator[tuple[MemberPath, Any]]:
    """Yield every member that is no object, or an empty one, with its path."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    elif path:
        yield path, tree


def is_same(left: object, right: object) -> bool:
    """Compare two JSON values; ``true`` is not 1, but 1.0 is."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    return left == right


def pointer(path: tuple[str | int, ...]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in path)
