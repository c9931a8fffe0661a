"""Validation of a client event against the schema, with the wording and order of the server's errors.

The first problem is the one that the server reports: it checks the type, then unknown and missing members, then the members in the
order of the schema. Source: error payloads of recorded sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.analysis.schema import (
    Schema,
    branch_for,
    client_schema,
    json_type,
    of_kind,
    resolved,
)
from inspector.spec.beta_names import GA_NAMES
from inspector.spec.events import ACCEPTED_BY_SERVER

EventPath = tuple[str | int, ...]
_ARTICLES = {
    "object": "an object",
    "array": "an array of values",
    "integer": "an integer",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """A reason for the server to reject an event."""

    path: EventPath
    """Keys and indexes from the event's root."""
    code: str
    """The server's error code."""
    message: str
    """The server's message."""
    hint: str = ""
    """What to write instead, if known."""

    @property
    def param(self) -> str:
        """Return the path as the server writes it: ``item.content[0].text``."""
        return dotted(self.path)

    @property
    def pointer(self) -> str:
        """Return the path as a JSON pointer (RFC 6901)."""
        return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in self.path)


def dotted(path: EventPath) -> str:
    """Return a path in the server's notation: ``item.content[0].text``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def check(body: object, *, is_translation: bool = False) -> list[SchemaProblem]:
    """Return the problems of a client event in the order in which the server checks; never raises.

    Args:
        body: the event.
        is_translation: whether it is for a translation session.
    """
    if not isinstance(body, dict):
        return [
            SchemaProblem(
                (),
                "invalid_event",
                f"Expected an object, but got {_article(json_type(body))} instead.",
            )
        ]
    name = body.get("type")
    if name is None:
        return [
            SchemaProblem(
                ("type",), "missing_required_parameter", "Missing required parameter: 'type'."
            )
        ]
    is_named = isinstance(name, str)
    schema = client_schema(name, is_translation=is_translation) if is_named else None
    if schema is None:
        return [
            SchemaProblem(
                ("type",), "invalid_value", not_supported(name, ACCEPTED_BY_SERVER), _ga_hint(name)
            )
        ]
    return list(_problems(body, schema, ()))


def not_supported(value: object, supported: Sequence[object]) -> str:
    """Return the server's message for a value that is not allowed."""
    quoted = [f"'{option}'" for option in supported]
    if len(quoted) == 1:
        return f"Invalid value: '{value}'. Value must be {quoted[0]}."
    last = (
        f"{quoted[-2]} and {quoted[-1]}"
        if len(quoted) == 2
        else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    )
    return f"Invalid value: '{value}'. Supported values are: {last}."


def _article(kind: str) -> str:
    return _ARTICLES.get(kind, f"a {kind}")


def _ga_hint(name: object) -> str:
    ga = GA_NAMES.get(name) if isinstance(name, str) else None
    return f"beta name; in GA: {ga}" if ga else ""


def _problems(value: object, schema: Schema, path: EventPath) -> Iterator[SchemaProblem]:
    schema = resolved(schema)
    kind = json_type(value)
    chosen = of_kind(schema, kind)
    if chosen is None:
        allowed = schema.get("type", "")
        wanted = " or ".join(
            _article(name) for name in ([allowed] if isinstance(allowed, str) else allowed)
        )
        yield SchemaProblem(
            path,
            "invalid_type",
            f"Invalid type for '{dotted(path)}': expected {wanted}, but got {_article(kind)} instead.",
        )
        return
    chosen = resolved(chosen)
    if isinstance(value, dict):
        yield from _object_problems(value, chosen, path)
    elif isinstance(value, list):
        items = chosen.get("items")
        for index, entry in enumerate(value if isinstance(items, dict) else ()):
            yield from _problems(entry, items or {}, (*path, index))
    else:
        yield from _scalar_problems(value, chosen, path)


def _object_problems(
    value: Mapping[str, Any], schema: Schema, path: EventPath
) -> Iterator[SchemaProblem]:
    branch = branch_for(schema, value)
    if branch is None:
        yield _no_branch(value, schema, path)
        return
    branch = resolved(branch)
    # A branch may itself be a union, for example of content parts within messages of one role.
    if branch is not schema and ("x-branches" in branch or "x-kinds" in branch):
        yield from _problems(value, branch, path)
        return
    members: Mapping[str, Schema] = branch.get("properties", {})
    if branch.get("additionalProperties") is False:
        for name in value:
            if name not in members:
                here = (*path, name)
                message = f"Unknown parameter: '{dotted(here)}'."
                yield SchemaProblem(here, "unknown_parameter", message, _ga_hint(name))
    for name in branch.get("required", ()):
        if name not in value:
            here = (*path, name)
            yield SchemaProblem(
                here, "missing_required_parameter", f"Missing required parameter: '{dotted(here)}'."
            )
    for name, member in members.items():
        if name in value:
            yield from _problems(value[name], member, (*path, name))


def _no_branch(value: Mapping[str, Any], schema: Schema, path: EventPath) -> SchemaProblem:
    branches = schema.get("x-branches", {})
    name = value.get("type")
    roles = [key.partition("/")[2] for key in branches if key.startswith(f"{name}/")]
    # With a known type of message the role decides, so a wrong role is reported rather than the type.
    member, actual = ("role", value.get("role")) if roles else ("type", name)
    here = (*path, member)
    if actual is None:
        return SchemaProblem(
            here, "missing_required_parameter", f"Missing required parameter: '{dotted(here)}'."
        )
    supported = roles or list(dict.fromkeys(key.partition("/")[0] for key in branches))
    return SchemaProblem(here, "invalid_value", not_supported(actual, supported))


def _scalar_problems(value: object, schema: Schema, path: EventPath) -> Iterator[SchemaProblem]:
    outside = _out_of_bounds(value, schema, path)
    allowed = schema.get("enum")
    if outside is not None:
        yield outside
    elif allowed is not None and value not in allowed:
        yield SchemaProblem(
            path,
            "invalid_value",
            not_supported(value, [option for option in allowed if option is not None]),
        )


def _out_of_bounds(value: object, schema: Schema, path: EventPath) -> SchemaProblem | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    kind = "integer" if schema.get("type") == "integer" else "decimal"  # the server's terms
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and value < low:
        word, bound = "below_min", f">= {low}"
    elif high is not None and value > high:
        word, bound = "above_max", f"<= {high}"
    else:
        return None
    return SchemaProblem(
        path,
        f"{kind}_{word}_value",
        f"Invalid '{dotted(path)}': {kind} {word.replace('_', ' ')}imum value. Expected a value {bound}, "
        f"but got {value} instead.",
    )
