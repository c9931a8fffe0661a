"""Form fields made from the schema: every member that a session may have, with its kind, choices and bounds.

The schema's unions become a field that chooses a variant, and fields that exist under some of the variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from inspector.analysis.form.field_style import LOOKS, FieldStyle
from inspector.analysis.form.form_field import Condition, FieldKind, FormField, Variant
from inspector.analysis.form.values import MemberPath
from inspector.analysis.meaning import meaning
from inspector.analysis.schema import Schema, event_schema, resolved

_SCALARS = {"boolean": FieldKind.SWITCH, "integer": FieldKind.NUMBER, "number": FieldKind.NUMBER}
_PLAIN = FieldStyle("")


@cache
def session_fields(kind: str) -> tuple[FormField, ...]:
    """Return the fields of a GA session of a kind: ``realtime``, ``transcription`` or ``translation``; in display order."""
    schema = resolved(_session_schema(kind))
    found: dict[MemberPath, FormField] = {}
    for field in _members(schema, (), None, frozenset({"type"})):
        known = found.get(field.path)
        found[field.path] = field if known is None else _merged(known, field)
    order = list(LOOKS)
    last = len(order)

    def place(path: MemberPath) -> int:
        name = ".".join(path)
        return order.index(name) if name in LOOKS else last

    return tuple(sorted(found.values(), key=lambda field: place(field.path)))


def _session_schema(kind: str) -> Schema:
    name = "session.update (translation)" if kind == "translation" else "session.update"
    event = event_schema(name) or {}
    session: Schema = event.get("properties", {}).get("session", {})
    branch: Schema = session.get("x-branches", {}).get(kind, session)
    return branch


def _merged(first: FormField, second: FormField) -> FormField:
    """Join the same member of two variants: it exists under both."""
    if first.when is None or second.when is None:
        return first
    variants = first.when.variants | second.when.variants
    return replace(
        first,
        when=Condition(first.when.owner, variants),
        is_nullable=first.is_nullable or second.is_nullable,
    )


def _members(
    schema: Schema, path: MemberPath, when: Condition | None, skipped: frozenset[str]
) -> Iterator[FormField]:
    for name, member in schema.get("properties", {}).items():
        if name not in skipped:
            yield from _fields(resolved(member), (*path, name), when)


def _fields(schema: Schema, path: MemberPath, when: Condition | None) -> Iterator[FormField]:
    """Yield the fields of one member."""
    look = LOOKS.get(".".join(path), _PLAIN)
    options = _options(schema)
    if look.kind is None and not look.variants and _is_union(options):
        yield from _union(options, path, when, look)
    elif look.kind is None and not look.variants and "properties" in schema:
        yield from _members(schema, path, when, frozenset())
    else:
        yield _leaf(options, path, when, look)


def _options(schema: Schema) -> dict[str, Schema]:
    """Return what a member may be, by JSON type."""
    kinds = schema.get("x-kinds") or {str(schema.get("type", "")): schema}
    return {kind: resolved(option) for kind, option in kinds.items()}


def _is_union(options: Mapping[str, Schema]) -> bool:
    shape = options.get("object", {})
    return "x-branches" in shape or ("properties" in shape and len(options) > 1)


def _union(
    options: Mapping[str, Schema], path: MemberPath, when: Condition | None, look: FieldStyle
) -> Iterator[FormField]:
    pairs = sorted(_variants(options, look), key=lambda pair: pair[0].begin is not None)
    text = options.get("string", {})
    yield _dressed(
        FormField(
            path,
            FieldKind.CHOICE,
            "",
            "",
            choices=tuple(text.get("x-suggested", ())),
            variants=tuple(variant for variant, _ in pairs),
            is_open="string" in options and "enum" not in text,
            is_nullable="null" in options,
            when=when,
            checked_at=path,
        ),
        look,
    )
    for variant, shape in pairs:
        constants = frozenset(variant.begin) if isinstance(variant.begin, dict) else frozenset()
        condition = Condition(path, frozenset({variant.name}))
        yield from _members(shape, path, condition, constants - frozenset(look.begin))


def _variants(options: Mapping[str, Schema], look: FieldStyle) -> Iterator[tuple[Variant, Schema]]:
    """Yield every shape that a union can have, with the schema of its own members."""
    words = look.words
    for kind, option in options.items():
        if kind == "null":
            yield Variant(words.get("none", "none"), None), {}
        elif kind == "string":
            for value in option.get("enum", ()):
                yield Variant(words.get(value, value), value), {}
        elif "x-branches" in option:
            for name, branch in option["x-branches"].items():
                shape = resolved(branch)
                yield Variant(words.get(name, name), {**_constants(shape), "type": name}), shape
        elif len(names := option.get("properties", {}).get("type", {}).get("enum", ())) > 1:
            for name in names:
                yield Variant(words.get(name, name), {"type": name}), option
        elif kind == "object":
            begin = {**_constants(option), **look.begin}
            name = str(begin.get("type", "object"))
            yield Variant(words.get(name, name), begin), option


def _constants(shape: Schema) -> dict[str, Any]:
    """Return the members of a shape that can have one value only."""
    members = {name: resolved(member) for name, member in shape.get("properties", {}).items()}
    return {
        name: member["enum"][0]
        for name, member in members.items()
        if len(member.get("enum", ())) == 1
    }


def _leaf(
    options: Mapping[str, Schema], path: MemberPath, when: Condition | None, look: FieldStyle
) -> FormField:
    main = next((kind for kind in options if kind != "null"), "")
    if "integer" in options or "number" in options:
        main = "integer" if "integer" in options else "number"
    schema, text = options.get(main, {}), options.get("string", {})
    items = resolved(schema.get("items", {})) if main == "array" else {}
    offered = (*text.get("enum", ()), *text.get("x-suggested", ()), *items.get("enum", ()))
    return _dressed(
        FormField(
            path,
            _kind_of(main, schema, items),
            "",
            "",
            choices=tuple(offered),
            variants=look.variants,
            is_open="enum" not in (text or items),
            is_nullable="null" in options,
            minimum=schema.get("minimum"),
            maximum=schema.get("maximum"),
            is_whole=main == "integer",
            when=when,
            checked_at=path,
        ),
        look,
    )


def _kind_of(main: str, schema: Schema, items: Schema) -> FieldKind:
    if main == "string":
        return FieldKind.CHOICE if "enum" in schema or "x-suggested" in schema else FieldKind.LINE
    if main == "array" and items.get("type") == "string":
        return FieldKind.LIST
    return _SCALARS.get(main, FieldKind.JSON)


def _dressed(field: FormField, look: FieldStyle) -> FormField:
    """Give a field its words, order and finer bounds."""
    name = ".".join(field.path)
    return replace(
        field,
        kind=look.kind or (FieldKind.CHOICE if look.variants else field.kind),
        label=look.label or field.path[-1].replace("_", " "),
        group=look.group or (LOOKS[name].group if name in LOOKS else "other"),
        note=meaning("session.update", ("session", *field.path)),
        unit=look.unit,
        step=look.step,
    )
