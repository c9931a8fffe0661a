"""FormField: one row of the session form, as data, with the conversion between the session's JSON and the form's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inspector.analysis.form.values import ABSENT, MemberPath, at, copied, is_same, pointer


class FieldKind(StrEnum):
    """How a field is edited."""

    CHOICE = "choice"
    """One of ``choices`` or ``variants``."""
    TEXT = "text"
    """A text of several lines."""
    LINE = "line"
    NUMBER = "number"
    SWITCH = "switch"
    JSON = "json"
    LIST = "list"
    """Any of ``choices``, and other strings if ``is_open``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several shapes of a member of the session."""

    name: str
    """Name in the form."""
    begin: Any
    """Initial JSON: ``null``, a string, a list, or an object with the members that identify the variant."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition for a field to exist: the variant of another member."""

    owner: MemberPath
    """Path of that member."""
    variants: frozenset[str]
    """Names of the variants under which the field exists."""

    def holds(self, variant: object) -> bool:
        """Return whether a value of the owner's field is one of the variants."""
        return isinstance(variant, str) and variant in self.variants


@dataclass(frozen=True, slots=True)
class FormField:
    """One row of the form."""

    path: MemberPath
    """Path of its value in the session object."""
    kind: FieldKind
    """How it is edited."""
    label: str
    """Label in the form."""
    group: str
    """Heading in the form."""
    note: str = ""
    """Explanation of the field."""
    unit: str = ""
    """Unit of a number; ``""`` for none."""
    choices: tuple[Any, ...] = ()
    """Offered values; for a number, the words allowed in its place (``inf``)."""
    variants: tuple[Variant, ...] = ()
    """If not empty, the form's value is a variant's name, and the session's value is the variant's JSON."""
    is_open: bool = False
    """True if values other than the offered ones are allowed."""
    is_nullable: bool = False
    """True if ``null`` is allowed."""
    minimum: float | None = None
    """Lowest value that the server accepts; None if unknown."""
    maximum: float | None = None
    """Highest value that the server accepts; None if unknown."""
    step: float = 1
    """Increment of a number per key press."""
    is_whole: bool = False
    """True for integers."""
    when: Condition | None = None
    """Condition for the field to exist; None if it always does."""
    checked_at: MemberPath | None = None
    """Path in the schema of GA sessions; None if that schema lacks the field."""

    @property
    def pointer(self) -> str:
        """Return the path as a JSON pointer."""
        return pointer(self.path)

    @property
    def sent_with(self) -> MemberPath:
        """Return the path of the member that an update must contain as a whole: the union of the field, or the field itself."""
        return self.when.owner if self.when is not None else self.path

    @property
    def range_text(self) -> str:
        """Return the limits and the unit as text: ``0–1``, ``5,000–30,000 ms``."""
        low, high = self.minimum, self.maximum
        span = ""
        if low is not None and high is not None:
            span = f"{low:,g}–{high:,g}" if low != high else f"{low:,g}"
        elif low is not None and low > 0:
            span = f"{low:,g} or more"
        return f"{span} {self.unit}".strip()

    def read(self, session: object) -> Any:
        """Return the form's value for a session: a variant's name or the value itself; ``ABSENT`` if the session lacks the member.

        A value of an unknown variant is returned unchanged.
        """
        value = at(session, self.path)
        if not self.variants or value is ABSENT:
            return value
        named = self.variant_named_by(value)
        return named.name if named is not None else value

    def json_of(self, value: object) -> Any:
        """Return the session's JSON for a value of the form."""
        found = next((v for v in self.variants if v.name == value), None)
        return copied(found.begin if found is not None else value)

    def offers(self) -> tuple[Any, ...]:
        """Return the values to choose from: choices, then names of variants."""
        return (*self.choices, *(variant.name for variant in self.variants))

    def variant_named_by(self, value: object) -> Variant | None:
        """Return the variant of a JSON value, or None."""
        for variant in self.variants:
            if is_same(_in_order(variant.begin), _in_order(value)):
                return variant
        if not isinstance(value, Mapping):
            return None
        shapes = [v for v in self.variants if isinstance(v.begin, Mapping)]
        # An object with a known type is that variant even if its other members differ from the initial ones.
        named = [v for v in shapes if "type" in v.begin and v.begin["type"] == value.get("type")]
        return next(iter(named or [v for v in shapes if "type" not in v.begin]), None)

    def applies_to(self, session: object, owners: Mapping[MemberPath, FormField]) -> bool:
        """Return whether the field exists in a session; ``owners`` are the form's fields by path."""
        if self.when is None:
            return True
        owner = owners.get(self.when.owner)
        return owner is not None and self.when.holds(owner.read(session))


def _in_order(value: object) -> object:
    """Return a list in a fixed order, because the order of modalities has no meaning."""
    return sorted(value, key=str) if isinstance(value, list) else value
