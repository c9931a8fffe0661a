"""Access to members of nested JSON objects by path; a missing member reads as ``ABSENT``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

MemberPath = tuple[str, ...]
"""Keys from the session object to a member."""


class Absence(Enum):
    """Type of ``ABSENT``, which is distinct from all JSON values; None cannot serve, as it is JSON's null."""

    ABSENT = ""


ABSENT: Final = Absence.ABSENT
"""Value of a missing member."""


def at(tree: object, path: MemberPath) -> Any:
    """Return the member at ``path``, or ``ABSENT``."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return ABSENT
        tree = tree[key]
    return tree


def put(tree: dict[str, Any], path: MemberPath, value: object) -> None:
    """Set the member at ``path``; missing objects on the way are created, and other values there are replaced by objects."""
    for key in path[:-1]:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            inner = tree[key] = {}
        tree = inner
    tree[path[-1]] = value


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value."""
    if isinstance(value, Mapping):
        return {key: copied(entry) for key, entry in value.items()}
    return [copied(entry) for entry in value] if isinstance(value, list) else value


def leaves(tree: object, path: MemberPath = ()) -> Iterator[tuple[MemberPath, Any]]:
    """Yield every member that is not an object, and every empty object, with its path."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    elif path:
        yield path, tree


def is_same(left: object, right: object) -> bool:
    """Return whether two JSON values are equal; ``true`` does not equal 1, but 1.0 does."""
    if isinstance(left, bool) or isinstance(right, bool):  # Python's True == 1
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    return left == right


def pointer(path: tuple[str | int, ...]) -> str:
    """Return a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in path)
