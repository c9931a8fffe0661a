"""Generation of form fields from the schema: one for every member of a session, with its kind, choices and limits.

A union in the schema becomes a field that selects the variant, and further fields that exist for some of the variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from inspector.analysis.form.field_style import STYLES, FieldStyle
from inspector.analysis.form.form_field import Condition, FieldKind, FormField, Variant
from inspector.analysis.form.values import MemberPath
from inspector.analysis.meaning import meaning
from inspector.analysis.schema import Schema, event_schema, resolved

_SCALARS = {"boolean": FieldKind.SWITCH, "integer": FieldKind.NUMBER, "number": FieldKind.NUMBER}
_PLAIN = FieldStyle("")


@cache
def session_fields(kind: str) -> tuple[FormField, ...]:
    """Return the fields of a GA session (``realtime``, ``transcription`` or ``translation``) in display order."""
    schema = resolved(_session_schema(kind))
    found: dict[MemberPath, FormField] = {}
    # Several variants of a union may have the same member, which is one field of the form.
    for field in _members(schema, (), None, frozenset({"type"})):
        known = found.get(field.path)
        found[field.path] = field if known is None else _merged(known, field)
    order = list(STYLES)
    last = len(order)

    def place(path: MemberPath) -> int:
        name = ".".join(path)
        return order.index(name) if name in STYLES else last

    return tuple(sorted(found.values(), key=lambda field: place(field.path)))


def _session_schema(kind: str) -> Schema:
    name = "session.update (translation)" if kind == "translation" else "session.update"
    event = event_schema(name) or {}
    session: Schema = event.get("properties", {}).get("session", {})
    branch: Schema = session.get("x-branches", {}).get(kind, session)
    return branch


def _merged(first: FormField, second: FormField) -> FormField:
    """Merge a member that exists in two variants into one field."""
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
    style = STYLES.get(".".join(path), _PLAIN)
    options = _options(schema)
    if style.kind is None and not style.variants and _is_union(options):
        yield from _union(options, path, when, style)
    elif style.kind is None and not style.variants and "properties" in schema:
        yield from _members(schema, path, when, frozenset())
    else:
        yield _leaf(options, path, when, style)


def _options(schema: Schema) -> dict[str, Schema]:
    """Return the schemas of a member's allowed JSON types, by type."""
    kinds = schema.get("x-kinds") or {str(schema.get("type", "")): schema}
    return {kind: resolved(option) for kind, option in kinds.items()}


def _is_union(options: Mapping[str, Schema]) -> bool:
    shape = options.get("object", {})
    return "x-branches" in shape or ("properties" in shape and len(options) > 1)


def _union(
    options: Mapping[str, Schema], path: MemberPath, when: Condition | None, style: FieldStyle
) -> Iterator[FormField]:
    # null ("off") first, then the variants in the order of the schema; the sort is stable.
    pairs = sorted(_variants(options, style), key=lambda pair: pair[0].begin is not None)
    text = options.get("string", {})
    yield _styled(
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
        style,
    )
    for variant, shape in pairs:
        # Members with a fixed value identify the variant and need no field of their own.
        constants = frozenset(variant.begin) if isinstance(variant.begin, dict) else frozenset()
        condition = Condition(path, frozenset({variant.name}))
        yield from _members(shape, path, condition, constants - frozenset(style.begin))


def _variants(options: Mapping[str, Schema], style: FieldStyle) -> Iterator[tuple[Variant, Schema]]:
    """Yield every variant of a union, with the schema of its members."""
    words = style.words
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
            begin = {**_constants(option), **style.begin}
            name = str(begin.get("type", "object"))
            yield Variant(words.get(name, name), begin), option


def _constants(shape: Schema) -> dict[str, Any]:
    """Return the members of a shape with only one allowed value."""
    members = {name: resolved(member) for name, member in shape.get("properties", {}).items()}
    return {
        name: member["enum"][0]
        for name, member in members.items()
        if len(member.get("enum", ())) == 1
    }


def _leaf(
    options: Mapping[str, Schema], path: MemberPath, when: Condition | None, style: FieldStyle
) -> FormField:
    main = next((kind for kind in options if kind != "null"), "")
    # A number that may also be a word (max_output_tokens: "inf") is edited as a number.
    if "integer" in options or "number" in options:
        main = "integer" if "integer" in options else "number"
    schema, text = options.get(main, {}), options.get("string", {})
    items = resolved(schema.get("items", {})) if main == "array" else {}
    offered = (*text.get("enum", ()), *text.get("x-suggested", ()), *items.get("enum", ()))
    return _styled(
        FormField(
            path,
            _kind_of(main, schema, items),
            "",
            "",
            choices=tuple(offered),
            variants=style.variants,
            is_open="enum" not in (text or items),
            is_nullable="null" in options,
            minimum=schema.get("minimum"),
            maximum=schema.get("maximum"),
            is_whole=main == "integer",
            when=when,
            checked_at=path,
        ),
        style,
    )


def _kind_of(main: str, schema: Schema, items: Schema) -> FieldKind:
    if main == "string":
        return FieldKind.CHOICE if "enum" in schema or "x-suggested" in schema else FieldKind.LINE
    if main == "array" and items.get("type") == "string":
        return FieldKind.LIST
    return _SCALARS.get(main, FieldKind.JSON)


def _styled(field: FormField, style: FieldStyle) -> FormField:
    """Return a field with its presentation: label, heading, explanation, unit and step."""
    name = ".".join(field.path)
    return replace(
        field,
        kind=style.kind or (FieldKind.CHOICE if style.variants else field.kind),
        label=style.label or field.path[-1].replace("_", " "),
        group=style.group or (STYLES[name].group if name in STYLES else "other"),
        note=meaning("session.update", ("session", *field.path)),
        unit=style.unit,
        step=style.step,
    )
