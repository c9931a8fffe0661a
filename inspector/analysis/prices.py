"""PriceTable: list prices by model and day, shipped with the program, and the user's own over them."""

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

PER_TOKENS = 1_000_000
"""Tokens that a price is for."""
MOST_USD = 1e9
"""No price is higher."""
ZONES = ("global", "us", "eu")
"""Where Azure works on what it is sent: anywhere, or within a data zone, which costs more."""
AZURE = frozenset({"azure", "azure-preview", "voice-live"})
"""Dialects that Azure bills."""
_SNAPSHOT = re.compile(r"-20[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")
_DEPLOYMENT = re.compile(r"-(?:(global|data-?zone)-)?(?:standard|batch|provisioned)\Z")
"""What Azure adds to a model's name for the kind of a deployment."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What one model costs in one period, in US dollars. Source: the row's own.

    None is a price that there is not: the model does not take or make it, or nobody says.
    """

    model: str
    also: tuple[str, ...] = ()
    """Other names of it."""
    begins: date | None = None
    """The first day; None from the beginning."""
    ends: date | None = None
    """The day after the last; None where it still holds."""
    source: str = ""
    """Where it is written."""
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
    """Tokens that prompt and answer may have together."""
    max_output: int | None = None
    """Tokens of one answer."""
    shutdown: date | None = None
    """The day on which the model ends."""
    is_users: bool = False
    """True where it is from the user's own file."""

    def rate(self, modality: str, part: str) -> float | None:
        """Return the price of 1,000,000 tokens: ``part`` is ``in``, ``cached`` or ``out``; cached ones cost no less unless it is said."""
        found: float | None = getattr(self, f"{modality}_{part}", None)
        return self.rate(modality, "in") if found is None and part == "cached" else found

    @property
    def is_by_tokens(self) -> bool:
        """Tell whether tokens are what is billed."""
        return self.text_in is not None or self.audio_in is not None

    def holds(self, day: date) -> bool:
        """Tell whether it is the price of a day."""
        return (self.begins is None or self.begins <= day) and (
            self.ends is None or day < self.ends
        )


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """The price that holds for a model on a day, and what has to be said about it."""

    price: ModelPrice | None
    """None where the model is not known: its tokens are counted, and have no price."""
    factor: float = 1.0
    """Over the list price."""
    remarks: tuple[str, ...] = ()
    """What was assumed."""
    reason: str = ""
    """Why there is no price; ``""`` where there is one."""


@dataclass(frozen=True)
class PriceTable:
    """Prices by model."""

    rows: tuple[ModelPrice, ...]
    as_of: date
    """The day on which they were last compared with their sources."""
    data_zone_factor: float = 1.0
    """Of Azure's data zones, over the list price."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """Azure's zones by host, as far as the user says."""

    def quote(self, model: str, day: date | None, dialect: str = "", zone: str = "") -> PriceQuote:
        """Return what holds for a model.

        Args:
            model: as the session names it; a deployment's name may have the model's in it.
            day: of the session; None where it is not known, which takes the newest price.
            dialect: a key of ``spec.dialects.DIALECTS``.
            zone: one of ``ZONES``, ``""`` where it is not known.
        """
        if not model:
            return PriceQuote(None, reason="nothing names the model")
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
            return PriceQuote(None, reason=f"no price is known for {model}")
        price = _on(rows, day)
        if day is not None and not price.holds(day):
            remarks.append(f"no price of {price.model} is known for {day}: the nearest is taken")
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
    """Return the row of a day, or else the nearest; the newest where there is no day."""
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
    """Read a table of prices.

    Args:
        text: TOML; ``inspector/spec/prices.toml`` says what is in it.
        origin: how errors call it.
        is_users: it is the user's own.

    Raises:
        UsageError: it is not TOML, or says something that no price can be.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad(origin, f"not TOML: {error}") from None
    _known(data, ("as_of", "data_zone_factor", "zones", "price"), origin, "")
    listed = data.get("price", [])
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise _bad(origin, "price has to be tables, each under [[price]]")
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
        raise _bad(origin, "also has to be a list of names")
    if not isinstance(source, str):
        raise _bad(origin, "source has to be a text")
    begins, ends = _day(row, "from", origin), _day(row, "until", origin)
    if begins is not None and ends is not None and begins >= ends:
        raise _bad(origin, f"from {begins} is not before until {ends}")
    numbers: dict[str, Any] = {name: _amount(row, name, origin) for name in _NUMBERS}
    for name in ("context", "max_output"):
        value = numbers[name]
        if value is not None and (value < 1 or value != int(value)):
            raise _bad(origin, f"{name} has to be a whole number of tokens, not {value:g}")
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
        raise _bad(origin, "zones has to be a table of hosts")
    for host, zone in zones.items():
        if zone not in ZONES:
            raise _bad(origin, f"the zone of {host} is none of {', '.join(ZONES)}: {zone!r}")
    return zones


def _known(data: Mapping[str, Any], names: Iterable[str], origin: str, whose: str) -> None:
    unknown = sorted(data.keys() - set(names))
    if unknown:
        raise _bad(origin, f"{unknown[0]} is no key{whose}; there are {', '.join(names)}")


def _amount(data: Mapping[str, Any], name: str, origin: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MOST_USD:
        raise _bad(origin, f"{name} has to be a number that is not negative, not {str(value)[:40]}")
    return float(value)


def _day(data: Mapping[str, Any], name: str, origin: str) -> date | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _bad(origin, f"{name} has to be a day like 2026-11-27, without quotes, not {value!r}")
    return value


def _bad(origin: str, what: str) -> UsageError:
    return UsageError(
        f"{origin}: {what}", code="bad_prices", hint="correct the file, or move it away"
    )
