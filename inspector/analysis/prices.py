"""PriceTable: list prices by model and day. The shipped table can be overridden by the user's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from inspector.errors import UsageError
from inspector.spec.dialects import ZONES

PER_TOKENS = 1_000_000
"""Number of tokens that a token price covers."""
MOST_USD = 1e9
"""Sanity limit of a price in the user's file; also rejects NaN and infinity."""
AZURE = frozenset({"azure", "azure-preview", "voice-live"})
"""Dialects that Azure bills."""
_SNAPSHOT = re.compile(r"-20[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")
_DEPLOYMENT = re.compile(r"-(?:(global|data-?zone)-)?(?:standard|batch|provisioned)\Z")
"""Suffix that Azure adds to a model's name for the deployment type."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """The prices of one model in one period, in US dollars; ``source`` says where they are published.

    A price is None if the model does not support the modality, or if it is not published.
    """

    model: str
    also: tuple[str, ...] = ()
    """Aliases of the model."""
    begins: date | None = None
    """First day on which the price applies; None if unlimited."""
    ends: date | None = None
    """Day after the last; None if the price still applies."""
    source: str = ""
    """Where the price is published."""
    text_in: float | None = None
    text_cached: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_cached: float | None = None
    audio_out: float | None = None
    image_in: float | None = None
    image_cached: float | None = None
    per_minute: float | None = None
    per_minute_paused: float | None = None
    per_text_item: float | None = None
    context: int | None = None
    """Token limit of prompt and response together."""
    max_output: int | None = None
    """Output token limit of one response."""
    shutdown: date | None = None
    """Day on which the provider shuts the model down."""
    is_users: bool = False
    """True if the row is from the user's own file."""

    def rate(self, modality: str, part: str) -> float | None:
        """Return the price of 1,000,000 tokens; ``part`` is ``in``, ``cached`` or ``out``. Without a cached price, the input price applies."""
        found: float | None = getattr(self, f"{modality}_{part}", None)
        return self.rate(modality, "in") if found is None and part == "cached" else found

    @property
    def is_by_tokens(self) -> bool:
        """Return True if the model is billed by tokens."""
        return self.text_in is not None or self.audio_in is not None

    def holds(self, day: date) -> bool:
        """Return True if the price applies on a day."""
        return (self.begins is None or self.begins <= day) and (
            self.ends is None or day < self.ends
        )


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """The price of a model on a day, with remarks about it."""

    price: ModelPrice | None
    """None if the model is unknown: its tokens are counted but not priced."""
    factor: float = 1.0
    """Multiplier of the list price."""
    remarks: tuple[str, ...] = ()
    """What was assumed."""
    reason: str = ""
    """Why the price is unknown; ``""`` if ``price`` is set."""


@dataclass(frozen=True)
class PriceTable:
    """Prices by model."""

    rows: tuple[ModelPrice, ...]
    as_of: date
    """The day on which they were last compared with their sources."""
    data_zone_factor: float = 1.0
    """Multiplier of the list price in Azure's data zones."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """Azure's zones by host, from the user's file."""

    def quote(self, model: str, day: date | None, dialect: str = "", zone: str = "") -> PriceQuote:
        """Return the price of a model on a day.

        Args:
            model: as the session names it; a deployment's name may have the model's in it.
            day: of the session; None where it is not known, which takes the newest price.
            dialect: a key of ``spec.dialects.DIALECTS``.
            zone: one of ``ZONES``, ``""`` where it is not known.
        """
        if not model:
            return PriceQuote(None, reason="the model is not known")
        name, remarks = model.rpartition("/")[2], []
        deployment = _DEPLOYMENT.search(name)
        if deployment is not None and not self._of(name):
            name = name[: deployment.start()]
            zone = zone or {"global": "global", None: ""}.get(deployment[1], "data")
        rows = self._of(name)
        if not rows and _SNAPSHOT.search(name):
            family = _SNAPSHOT.sub("", name)
            rows = self._of(family)
            remarks.append(f"{name} is not in the table: priced as {family}")
        if not rows:
            return PriceQuote(None, reason=f"no known price for {model}")
        price = _on(rows, day)
        if day is not None and not price.holds(day):
            remarks.append(f"no known price of {price.model} for {day}: the nearest is used")
        factor = 1.0
        if dialect in AZURE:
            factor, said = self._azure(zone, dialect)
            remarks += said
        return PriceQuote(price, factor, tuple(remarks))

    def over(self, other: PriceTable) -> PriceTable:
        """Return another table with the models of this one in place of its own."""
        named = {name for row in self.rows for name in (row.model, *row.also)}
        kept = tuple(row for row in other.rows if row.model not in named)
        return PriceTable(
            (*self.rows, *kept),
            other.as_of,
            other.data_zone_factor,
            {**other.zones, **self.zones},
        )

    def _of(self, name: str) -> list[ModelPrice]:
        return self._by_name.get(name, [])

    @cached_property
    def _by_name(self) -> Mapping[str, list[ModelPrice]]:
        found: dict[str, list[ModelPrice]] = {}
        for row in self.rows:
            for name in (row.model, *row.also):
                # The first model that has a name keeps it: another may only know it as one more of its own.
                if name not in found or found[name][0].model == row.model:
                    found.setdefault(name, []).append(row)
        return found

    def _azure(self, zone: str, dialect: str) -> tuple[float, list[str]]:
        said = []
        if dialect == "voice-live":
            said.append("Voice Live has prices of its own; this is the model's list price")
        if zone == "global":
            return 1.0, said
        more = f"{self.data_zone_factor - 1:.0%}"
        if zone:
            return self.data_zone_factor, [*said, f"Azure data zone: {more} over the list price"]
        return 1.0, [*said, f"Azure: list price; data zones of the US and the EU cost {more} more"]


def _on(rows: list[ModelPrice], day: date | None) -> ModelPrice:
    """Return the row of a day or the nearest one; the newest if the day is None."""
    ordered = sorted(rows, key=lambda row: row.begins or date.min)
    if day is None:
        return ordered[-1]
    begun = [row for row in ordered if row.begins is None or row.begins <= day]
    return begun[-1] if begun else ordered[0]


@cache
def shipped_prices() -> PriceTable:
    """Return the table that comes with the program, read once."""
    text = (files("inspector.spec") / "prices.toml").read_text("utf-8")
    return read_prices(text, "inspector/spec/prices.toml")


def read_prices(text: str, origin: str, *, is_users: bool = False) -> PriceTable:
    """Parse a price table.

    Args:
        text: TOML; ``inspector/spec/prices.toml`` documents the format.
        origin: name of the file in error messages.
        is_users: True if the file is the user's own.

    Raises:
        UsageError: the text is not TOML, or holds an invalid value.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad(origin, f"not TOML: {error}") from None
    _known(data, ("as_of", "data_zone_factor", "zones", "price"), origin, "")
    listed = data.get("price", [])
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise _bad(origin, "price must be tables, each under [[price]]")
    rows = tuple(_row(row, f"{origin}, price {n}", is_users) for n, row in enumerate(listed, 1))
    _refuse_overlaps(rows, origin)
    as_of = _day(data, "as_of", origin) or date.min
    factor = _amount(data, "data_zone_factor", origin)
    return PriceTable(rows, as_of, 1.0 if factor is None else factor, _zones(data, origin))


_NUMBERS = tuple(
    name.name for name in fields(ModelPrice) if name.type in ("float | None", "int | None")
)
_KEYS = ("model", "also", "from", "until", "source", "shutdown", *_NUMBERS)


def _row(row: Mapping[str, Any], origin: str, is_users: bool) -> ModelPrice:
    _known(row, _KEYS, origin, " of a price")
    model, also, source = row.get("model"), row.get("also", []), row.get("source", "")
    if not isinstance(model, str) or not model.strip():
        raise _bad(origin, "model is missing")
    origin = f"{origin} ({model})"
    if not isinstance(also, list) or not all(isinstance(name, str) for name in also):
        raise _bad(origin, "also must be a list of names")
    if not isinstance(source, str):
        raise _bad(origin, "source must be a text")
    begins, ends = _day(row, "from", origin), _day(row, "until", origin)
    if begins is not None and ends is not None and begins >= ends:
        raise _bad(origin, f"from {begins} is not before until {ends}")
    numbers: dict[str, Any] = {name: _amount(row, name, origin) for name in _NUMBERS}
    for name in ("context", "max_output"):
        value = numbers[name]
        if value is not None and (value < 1 or value != int(value)):
            raise _bad(origin, f"{name} must be a whole number of tokens, not {value:g}")
        numbers[name] = None if value is None else int(value)
    if all(
        value is None for name, value in numbers.items() if name not in ("context", "max_output")
    ):
        raise _bad(origin, "it has no price: text_in, audio_in, per_minute, …")
    return ModelPrice(
        model,
        tuple(also),
        begins,
        ends,
        source,
        shutdown=_day(row, "shutdown", origin),
        is_users=is_users,
        **numbers,
    )


def _refuse_overlaps(rows: Iterable[ModelPrice], origin: str) -> None:
    last: dict[str, ModelPrice] = {}
    for row in sorted(rows, key=lambda row: (row.model, row.begins or date.min)):
        before = last.get(row.model)
        if before is not None and (
            before.ends is None or row.begins is None or row.begins < before.ends
        ):
            raise _bad(origin, f"two prices of {row.model} hold on the same day")
        last[row.model] = row


def _zones(data: Mapping[str, Any], origin: str) -> Mapping[str, str]:
    zones = data.get("zones", {})
    if not isinstance(zones, dict):
        raise _bad(origin, "zones must be a table of hosts")
    for host, zone in zones.items():
        if zone not in ZONES:
            raise _bad(
                origin, f"the zone of {host} must be one of {', '.join(ZONES)}, not {zone!r}"
            )
    return zones


def _known(data: Mapping[str, Any], names: Iterable[str], origin: str, whose: str) -> None:
    unknown = sorted(data.keys() - set(names))
    if unknown:
        raise _bad(origin, f"{unknown[0]} is not a known key{whose}; use one of {', '.join(names)}")


def _amount(data: Mapping[str, Any], name: str, origin: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MOST_USD:
        raise _bad(origin, f"{name} must be a number that is not negative, not {str(value)[:40]}")
    return float(value)


def _day(data: Mapping[str, Any], name: str, origin: str) -> date | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _bad(origin, f"{name} must be a day like 2026-11-27, without quotes, not {value!r}")
    return value


def _bad(origin: str, what: str) -> UsageError:
    return UsageError(
        f"{origin}: {what}", code="bad_prices", hint="correct the file, or move it away"
    )
