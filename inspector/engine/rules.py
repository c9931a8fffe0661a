"""The proxy's rules: a TOML file of automatic actions on matching frames.

    [[rule]]
    match = "type:response.done"      a filter, as in the panes
    direction = "server"              client (to the API) or server (to the app); default: both
    do = "replace"                    drop, delay, replace, inject or close
    pointer = "/response/status"      replace: which value (JSON pointer, RFC 6901) …
    value = "failed"                  … and by what
    times = 1                         only the first so many matches

``delay`` takes ``seconds``, ``inject`` an ``event`` (a table or JSON text) and ``to`` ("api" or "app"; default: the direction of
the matched frame), ``close`` a ``code`` and a ``reason``.

Several rules may apply to one frame, in the order of the file; each matches the original frame. Replacements build on each
other, delays add up, injected frames follow the frame or take its place if it is dropped, and the session is closed last. A
rule that has no effect, because the frame was dropped before, does not count as a match.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from inspector.analysis.query import Facts, Query, parse_for_frames
from inspector.core.event import Direction
from inspector.errors import FilterError, UsageError

MAX_DELAY_S = 600.0
"""Longer than any client waits; more is assumed to be a mistake."""
CLOSE_CODES = range(1000, 5000)
NOT_SENT = (1004, 1005, 1006, 1015)
"""Close codes that must not be sent in a frame (RFC 6455, 7.4.1)."""
_COMMON = frozenset({"match", "direction", "do", "times", "name"})


class RuleAction(StrEnum):
    """What a rule does."""

    DROP = "drop"
    DELAY = "delay"
    REPLACE = "replace"
    INJECT = "inject"
    CLOSE = "close"


_OWN: Mapping[RuleAction, tuple[frozenset[str], frozenset[str]]] = {
    RuleAction.DROP: (frozenset(), frozenset()),
    RuleAction.DELAY: (frozenset({"seconds"}), frozenset()),
    RuleAction.REPLACE: (frozenset({"pointer", "value"}), frozenset()),
    RuleAction.INJECT: (frozenset({"event"}), frozenset({"to"})),
    RuleAction.CLOSE: (frozenset(), frozenset({"code", "reason"})),
}
"""The required and the optional keys of each action."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a file."""

    name: str
    """Its name in the log: from the file, or ``rule`` and its number there."""
    query: Query
    """The filter of its frames."""
    action: RuleAction
    """The action on them."""
    directions: frozenset[Direction]
    """The directions of its frames."""
    times: int | None = None
    """The number of frames that it applies to; None for all."""
    seconds: float = 0.0
    """``delay``: the delay."""
    pointer: tuple[str, ...] = ()
    """``replace``: the keys of the value (RFC 6901)."""
    value: Any = None
    """``replace``: the new value."""
    event: bytes = b""
    """``inject``: the payload."""
    to: Direction | None = None
    """``inject``: the direction of the payload; None for that of the frame."""
    code: int = 1000
    """``close``: the close code (RFC 6455, 7.4)."""
    reason: str = ""
    """``close``: the close reason."""
    label: str = ""
    """Its name in a list of rules: from the file, or its action."""

    @property
    def title(self) -> str:
        """Return its action and filter."""
        return f"{self.action} {self.query.expression}".strip()


class RuleSet:
    """The rules of one session, each with its number of hits."""

    def __init__(self, rules: tuple[Rule, ...] = (), totals: list[int] | None = None) -> None:
        """Start without hits.

        Args:
            rules: the rules, in the order in which they are applied.
            totals: hits of each rule in all sessions, updated by this one.
        """
        self.rules = rules
        self.hits = [0] * len(rules)
        """Number of frames that each rule was applied to."""
        self._totals = totals if totals is not None else [0] * len(rules)
        self._slow: set[str] = set()

    def is_exhausted(self, index: int) -> bool:
        """Return True if a rule has reached its ``times``."""
        return self.hits[index] == self.rules[index].times

    def watches(self, direction: Direction) -> bool:
        """Return True if a rule may still apply to frames of a direction."""
        return any(
            direction in rule.directions and not self.is_exhausted(index)
            for index, rule in enumerate(self.rules)
        )

    def matching(self, direction: Direction, row: Facts) -> Iterator[tuple[int, Rule]]:
        """Yield (index, rule) for the rules that a frame matches; call ``hit`` for each one that is applied."""
        for index, rule in enumerate(self.rules):
            if direction not in rule.directions or self.is_exhausted(index):
                continue
            if rule.query.test(row):
                yield index, rule

    def hit(self, index: int) -> None:
        """Count an application of a rule."""
        self.hits[index] += 1
        self._totals[index] += 1

    def newly_slow(self) -> list[tuple[str, str]]:
        """Return (name, message) of each rule whose pattern timed out for the first time since the last call."""
        slow = [(rule.name, rule.query.complaint) for rule in self.rules if rule.query.complaint]
        fresh = [(name, words) for name, words in slow if name not in self._slow]
        self._slow.update(name for name, _ in fresh)
        return fresh


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read a file of rules.

    Raises:
        UsageError: the file cannot be read, is not valid TOML, or has an invalid rule.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", code="bad_rules") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", code="bad_rules") from None
    tables = data.get("rule")
    if set(data) != {"rule"} or not isinstance(tables, list) or not tables:
        raise UsageError(
            f"{path} must contain [[rule]] tables and nothing else",
            code="bad_rules",
            hint="write each rule as a table [[rule]]",
        )
    rules = []
    for number, table in enumerate(tables, 1):
        try:
            rules.append(_rule(table, number))
        except (ValueError, FilterError) as error:
            raise UsageError(f"{path}: rule {number}: {error}", code="bad_rules") from None
    return tuple(rules)


def replaced(body: object, pointer: tuple[str, ...], value: Any) -> Any:
    """Return a JSON value with the member at a pointer replaced; missing parents are created.

    Raises:
        ValueError: the pointer leads through a value without members, or past the end of a list.
    """
    if not pointer:
        return value
    head, *rest = pointer
    if isinstance(body, Mapping):
        return {**body, head: replaced(body.get(head, {}), tuple(rest), value)}
    if isinstance(body, list):
        at = len(body) if head == "-" else int(head) if head.isdigit() else -1
        if not 0 <= at <= len(body):
            raise ValueError(f"{head!r} is not an index of a list of {len(body)}")
        entry = replaced(body[at] if at < len(body) else {}, tuple(rest), value)
        return [*body[:at], entry, *body[at + 1 :]]
    raise ValueError(f"there is nothing at {head!r}")


def _rule(table: object, number: int) -> Rule:
    if not isinstance(table, dict):
        raise ValueError("it must be a table")  # noqa: TRY004 - one exception type for all errors in the file
    action = _one_of(table, "do", [action.value for action in RuleAction])
    needed, possible = _OWN[RuleAction(action)]
    known = _COMMON | needed | possible
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(
            f"{action} has no key {unknown[0]!r}; its keys are {', '.join(sorted(known))}"
        )
    missing = sorted((needed | {"match"}) - set(table))
    if missing:
        raise ValueError(f"{action} needs {missing[0]!r}")
    directions = frozenset({Direction.CLIENT, Direction.SERVER})
    if "direction" in table:
        directions = frozenset({Direction(_one_of(table, "direction", ["client", "server"]))})
    event, to = _injected(table) if action == RuleAction.INJECT else (b"", None)
    own_name = _text(table, "name") if "name" in table else ""
    return Rule(
        name=own_name or f"rule {number}",
        label=own_name or action,
        query=parse_for_frames(_text(table, "match")),
        action=RuleAction(action),
        directions=directions,
        times=_whole(table, "times", range(1, 1 << 31)) if "times" in table else None,
        seconds=_seconds(table) if action == RuleAction.DELAY else 0.0,
        pointer=_pointer(_text(table, "pointer")) if action == RuleAction.REPLACE else (),
        value=_json_value(table["value"]) if action == RuleAction.REPLACE else None,
        event=event,
        to=to,
        code=_close_code(table) if "code" in table else 1000,
        reason=_text(table, "reason") if "reason" in table else "",
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a string")  # noqa: TRY004 - see _rule
    return value


def _one_of(table: Mapping[str, Any], key: str, names: list[str]) -> str:
    value = table.get(key)
    if value not in names:
        problem = f"not {value!r}" if key in table else "and is missing"
        raise ValueError(f"{key!r} must be one of {', '.join(names)}, {problem}")
    return str(value)


def _whole(table: Mapping[str, Any], key: str, allowed: range) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise ValueError(f"{key!r} must be a whole number from {allowed.start} to {allowed[-1]}")
    return value


def _close_code(table: Mapping[str, Any]) -> int:
    code = _whole(table, "code", CLOSE_CODES)
    if code in NOT_SENT:
        raise ValueError(f"{code} cannot be sent in a close frame")
    return code


def _seconds(table: Mapping[str, Any]) -> float:
    value = table["seconds"]
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value <= MAX_DELAY_S
    ):
        raise ValueError(f"'seconds' must be a number from 0 to {MAX_DELAY_S:g}")
    return float(value)


def _pointer(text: str) -> tuple[str, ...]:
    if not text.startswith("/"):
        raise ValueError(
            f"{text!r} is not a JSON pointer, which starts with /, like /response/status"
        )
    # This order: "~01" stands for "~1" (RFC 6901, 4).
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _json_value(value: Any) -> Any:
    try:
        orjson.dumps(value)
    except TypeError:
        raise ValueError(
            "'value' must have a JSON type; TOML's dates and times have none"
        ) from None
    return value


def _injected(table: Mapping[str, Any]) -> tuple[bytes, Direction | None]:
    event = table["event"]
    if isinstance(event, str):
        data = event.encode()
    elif isinstance(event, dict):
        data = orjson.dumps(_json_value(event))
    else:
        raise ValueError("'event' must be a table or a string")  # noqa: TRY004 - see _rule
    if "to" not in table:
        return data, None
    to = _one_of(table, "to", ["api", "app"])
    return data, Direction.CLIENT if to == "api" else Direction.SERVER
