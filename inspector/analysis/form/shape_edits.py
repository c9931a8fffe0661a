"""Functions that derive the fields of one session shape from those of another: move, replace, drop and add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from inspector.analysis.form.form_field import Condition, FieldKind, FormField, Variant
from inspector.analysis.form.values import MemberPath
from inspector.analysis.meaning import meaning


def own_field(
    name: str,
    kind: FieldKind,
    *,
    group: str = "own members",
    label: str = "",
    choices: tuple[Any, ...] = (),
    variants: tuple[Variant, ...] = (),
    is_open: bool = False,
    is_nullable: bool = False,
    bounds: tuple[float, float] | None = None,
    step: float = 1,
    is_whole: bool = False,
) -> FormField:
    """Return a field that the schema lacks; ``name`` is its path with dots, ``bounds`` are its lowest and highest value."""
    path = tuple(name.split("."))
    low, high = bounds or (None, None)
    return FormField(
        path,
        kind,
        label or path[-1].replace("_", " "),
        group,
        meaning("session.update", ("session", *path)),
        choices=choices,
        variants=variants,
        is_open=is_open,
        is_nullable=is_nullable,
        minimum=low,
        maximum=high,
        step=step,
        is_whole=is_whole,
    )


def moved_fields(fields: Iterable[FormField], places: Mapping[str, str]) -> tuple[FormField, ...]:
    """Return fields with changed paths; ``places`` maps old to new paths, both with dots. Other fields are not changed."""
    table = {tuple(old.split(".")): tuple(new.split(".")) for old, new in places.items()}

    def moved(path: MemberPath) -> MemberPath:
        old = next((old for old in table if path[: len(old)] == old), ())
        return table[old] + path[len(old) :] if old else path

    return tuple(
        replace(
            field,
            path=moved(field.path),
            when=field.when and Condition(moved(field.when.owner), field.when.variants),
        )
        for field in fields
    )


def changed_fields(
    fields: Iterable[FormField], own: Iterable[FormField], dropped: frozenset[str] = frozenset()
) -> tuple[FormField, ...]:
    """Return fields without the dropped ones, and with own ones that replace a field of the same path or end their group."""
    rest = {field.path: field for field in own}
    kept = [field for field in fields if field.path[0] not in dropped]
    groups = [field.group for field in kept]
    replaced = [_like(field, rest.pop(field.path, None)) for field in kept]
    for field in rest.values():
        last = max((at for at, group in enumerate(groups) if group == field.group), default=None)
        at = len(replaced) if last is None else last + 1
        replaced.insert(at, field)
        groups.insert(at, field.group)
    return tuple(replaced)


def _like(field: FormField, other: FormField | None) -> FormField:
    """Return ``other`` with the label, heading and (if it has none) explanation of the field that it replaces."""
    if other is None:
        return field
    return replace(other, label=field.label, group=field.group, note=other.note or field.note)


def with_variants(field: FormField, *added: Variant) -> FormField:
    """Return a field with additional variants; it is no longer checked, as the schema does not know them."""
    return replace(field, variants=(*field.variants, *added), checked_at=None)


def plain_variants(*names: str) -> tuple[Variant, ...]:
    """Return variants whose JSON is their name."""
    return tuple(Variant(name, name) for name in names)
