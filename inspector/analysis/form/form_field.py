"""FormField: one row of the session form, as data. What it holds is read and written here, and nowhere else."""

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
    """Several lines."""
    LINE = "line"
    NUMBER = "number"
    SWITCH = "switch"
    JSON = "json"
    LIST = "list"
    """Any of ``choices``, or strings where ``is_open``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the shapes that a member of the session can have."""

    name: str
    """As the form shows it."""
    begin: Any
    """The JSON that it begins with: ``null``, a string, a list, or an object with the members that name it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The variants of another member under which a field exists."""

    owner: MemberPath
    """Path of the member that decides."""
    variants: frozenset[str]
    """Names of its variants."""

    def holds(self, variant: object) -> bool:
        """Tell whether a value of the owner's field is one of the variants."""
        return isinstance(variant, str) and variant in self.variants


@dataclass(frozen=True, slots=True)
class FormField:
    """One row of the form."""

    path: MemberPath
    """Where its value is in the session object."""
    kind: FieldKind
    """How it is edited."""
    label: str
    """Its name in the form."""
    group: str
    """The heading that it stands under."""
    note: str = ""
    """What it means."""
    unit: str = ""
    """Of a number; ``""`` for none."""
    choices: tuple[Any, ...] = ()
    """Offered values; of a number: the words that it may be in place of one."""
    variants: tuple[Variant, ...] = ()
    """Where not empty, the form shows and takes a variant's name, and the session holds its JSON."""
    is_open: bool = False
    """True where other values than the offered ones are allowed."""
    is_nullable: bool = False
    """True where ``null`` is a value."""
    minimum: float | None = None
    """The least that the server takes; None where it does not say."""
    maximum: float | None = None
    """The greatest that the server takes; None where it does not say."""
    step: float = 1
    """How far a number moves at once."""
    is_whole: bool = False
    """True for integers."""
    when: Condition | None = None
    """None: always there."""
    checked_at: MemberPath | None = None
    """Where the schema of GA sessions has it; None where that schema does not know it."""

    @property
    def pointer(self) -> str:
        """Return the path as a JSON pointer."""
        return pointer(self.path)

    @property
    def sent_with(self) -> MemberPath:
        """Return the member that an update has to hold whole: the union that this is a part of, or the field itself."""
        return self.when.owner if self.when is not None else self.path

    @property
    def range_text(self) -> str:
        """Return bounds and unit in a few characters: ``0–1``, ``5,000–30,000 ms``."""
        low, high = self.minimum, self.maximum
        span = ""
        if low is not None and high is not None:
            span = f"{low:,g}–{high:,g}" if low != high else f"{low:,g}"
        elif low is not None and low > 0:
            span = f"{low:,g} or more"
        return f"{span} {self.unit}".strip()

    def read(self, session: object) -> Any:
        """Return what the form shows of a session: a variant's name or the value; ``ABSENT`` where it has none.

        A member whose shape is no known variant reads as itself.
        """
        value = at(session, self.path)
        if not self.variants or value is ABSENT:
            return value
        named = self.variant_named_by(value)
        return named.name if named is not None else value

    def json_of(self, value: object) -> Any:
        """Return what the session holds for a value of the form."""
        found = next((v for v in self.variants if v.name == value), None)
        return copied(found.begin if found is not None else value)

    def offers(self) -> tuple[Any, ...]:
        """Return the values that can be chosen: choices, then names of variants."""
        return (*self.choices, *(variant.name for variant in self.variants))

    def variant_named_by(self, value: object) -> Variant | None:
        """Return the variant that a JSON value is of."""
        for variant in self.variants:
            if is_same(_in_order(variant.begin), _in_order(value)):
                return variant
        if not isinstance(value, Mapping):
            return None
        shapes = [v for v in self.variants if isinstance(v.begin, Mapping)]
        named = [v for v in shapes if "type" in v.begin and v.begin["type"] == value.get("type")]
        return next(iter(named or [v for v in shapes if "type" not in v.begin]), None)

    def applies_to(self, session: object, owners: Mapping[MemberPath, FormField]) -> bool:
        """Tell whether a session has this field; ``owners``: the form's fields by path."""
        if self.when is None:
            return True
        owner = owners.get(self.when.owner)
        return owner is not None and self.when.holds(owner.read(session))


def _in_order(value: object) -> object:
    """Return a list in a fixed order: of modalities, which comes first means nothing."""
    return sorted(value, key=str) if isinstance(value, list) else value
