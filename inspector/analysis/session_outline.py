"""SessionOutline: what a comparison looks at in a recording, and ``OutlineReading``, which collects it event by event.

An outline contains no ids and no times of day: they differ in any two sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from inspector.analysis.charges import Money
from inspector.analysis.latency import Latency
from inspector.analysis.ledger import CostGroup, CostLedger, turns_by_id
from inspector.analysis.lint.finding import Finding
from inspector.analysis.lint.lint_run import LintReport
from inspector.analysis.percentiles import MeasuredTurn
from inspector.core.event import Direction, Event
from inspector.core.item import Item
from inspector.core.kinds import APPENDS
from inspector.core.read import text_at
from inspector.core.state import SessionState
from inspector.core.turn import Turn
from inspector.core.turn_counter import TurnKind
from inspector.core.usage import ResponseUsage
from inspector.spec.events import EVENT_TYPES

NOT_SETTINGS = frozenset({"id", "object", "expires_at", "client_secret", "conversation_id"})
"""Members of a session object that differ in any two sessions."""
BESIDE = "conversation.item.input_audio_transcription."
"""Prefix of events that come beside the answer: where among its events they come is chance."""
_CALLS = frozenset({"function_call", "mcp_call"})


class WireStep(NamedTuple):
    """One event of a sequence: who sent it, and its type."""

    direction: Direction
    type: str


class ToolUse(NamedTuple):
    """One call of a tool."""

    name: str
    """``""`` if no event names the tool."""
    arguments: str
    """Compact JSON with sorted keys; verbatim if it is not JSON."""


class TokenCount(NamedTuple):
    """Tokens of some responses; None where one of them does not report them."""

    input: int | None
    output: int | None


@dataclass(frozen=True, slots=True)
class OutlinedTurn:
    """What a comparison looks at in a turn."""

    number: int
    """Number of the turn in its recording, from 1."""
    kind: TurnKind
    said: str | None
    """The user's words, with single spaces; None if the recording has no transcript of them, or the user said nothing."""
    answer: str
    """The model's words, with single spaces; ``""`` for none."""
    tools: tuple[ToolUse, ...]
    steps: tuple[WireStep, ...]
    """Its events in order, without deltas and appends; see ``OutlineReading``."""
    latency: Latency
    tokens: TokenCount
    """Of its responses."""
    money: Money | None
    """What it cost; None if nothing of it has a price."""


@dataclass(frozen=True, slots=True)
class SessionOutline:
    """What a comparison looks at in a recording."""

    name: str
    """The file name as given; ``-`` for stdin."""
    started_at: str
    """UTC, ISO 8601; ``""`` if unknown."""
    model: str
    """``""`` if unknown."""
    settings: Mapping[str, Any] | None
    """Effective settings at the end, with tools by name; None if no event describes the session."""
    opening: tuple[WireStep, ...]
    """The events before the first turn, like ``OutlinedTurn.steps``."""
    turns: tuple[OutlinedTurn, ...]
    measured: tuple[MeasuredTurn, ...]
    """The same turns, for percentiles."""
    has_times: bool
    """True if any turn has a time."""
    tokens: TokenCount
    money: Money | None
    """What the recording cost; None if nothing has a price."""
    findings: tuple[Finding, ...]
    unjudged: frozenset[str]
    """Ids of the rules that could not judge the recording."""


class OutlineReading:
    """Collect what an outline needs that a ``SessionState`` does not keep.

    Of the sequence of events it keeps those on the wire. Deltas are left out, since the events around them say the same, and so are
    appends and input transcriptions: they run beside the answer, so that their place among its events is chance.
    """

    def __init__(self) -> None:
        self._steps: dict[int, list[WireStep]] = {0: []}
        """Events by turn; 0: before the first turn, or between two sessions of a log."""
        self._number = self._most = 0
        self._items: dict[int, dict[str, Item]] = {}
        """Items by number of their session in the log."""

    def end_session(self, state: SessionState) -> None:
        """Keep the items of a session that is about to end, or has ended."""
        self._items.setdefault(state.turns.sessions, {}).update(state.conversation.items)

    def apply(self, event: Event, state: SessionState) -> None:
        """Take one event in, after ``state`` has."""
        if event.direction is Direction.LOCAL:
            return
        current = state.turns.current
        number = 0 if current is None else current.number
        if number != self._number:
            self._enter(number)
        if not _is_beside(event.type):
            self._steps[number].append(WireStep(event.direction, event.type))

    def outline(
        self,
        name: str,
        state: SessionState,
        ledger: CostLedger,
        report: LintReport,
        measure: Callable[[Turn], Latency],
        started_at: str = "",
    ) -> SessionOutline:
        """Return the outline of a recording that has been read to its end.

        Args:
            name: of the recording.
            state: after its last event.
            ledger: its costs, up to date.
            report: what the rules find.
            measure: returns the latency of a turn.
            started_at: when it was recorded; ``""`` if unknown.
        """
        self.end_session(state)
        turns = state.turns.all
        measured = tuple(MeasuredTurn(name, "", turn, measure(turn)) for turn in turns)
        answers = {answer.response_id: turn.number for turn in turns for answer in turn.answers}
        inputs = {item_id: turn.number for turn in turns for item_id in turn.item_ids}
        groups = {one.key: one for one in ledger.grouped(turns_by_id(answers, inputs))}
        outputs = {number: _by_response(items) for number, items in self._items.items()}
        config = state.session.config
        return SessionOutline(
            name,
            started_at,
            text_at(config, "model") or (turns[-1].model if turns else ""),
            _settings(config) if config else None,
            tuple(self._steps[0]),
            tuple(
                self._turn(one, groups.get(one.turn.number), outputs.get(one.turn.session, {}))
                for one in measured
            ),
            measured,
            any(turn.began.t_ns is not None for turn in turns),
            _tokens(groups.values()),
            ledger.total,
            report.findings,
            frozenset(rule for spot in report.coverage for rule in spot.rules),
        )

    def _enter(self, number: int) -> None:
        before, self._number = self._number, number
        if number <= self._most:
            return
        self._most = number
        # What the app sends last before a turn begins is what begins it.
        steps = self._steps[before]
        own = len(steps)
        while own and steps[own - 1].direction is Direction.CLIENT:
            own -= 1
        self._steps[number] = steps[own:]
        del steps[own:]

    def _turn(
        self,
        one: MeasuredTurn,
        group: CostGroup | None,
        outputs: Mapping[str, list[Item]],
    ) -> OutlinedTurn:
        turn = one.turn
        items = self._items.get(turn.session, {})
        produced = [item for each in turn.answers for item in outputs.get(each.response_id, ())]
        said = _words(items[item_id] for item_id in turn.item_ids if item_id in items)
        return OutlinedTurn(
            turn.number,
            turn.kind,
            said or None,
            _words(item for item in produced if item.type == "message"),
            tuple(
                ToolUse(item.name, _canonical(item.arguments))
                for item in produced
                if item.type in _CALLS
            ),
            tuple(self._steps.get(turn.number, ())),
            one.latency,
            TokenCount(None, None) if group is None else _tokens([group]),
            None if group is None else group.money,
        )


def _is_beside(name: str) -> bool:
    known = EVENT_TYPES.get(name)
    return name in APPENDS or name.startswith(BESIDE) or (known is not None and known.is_delta)


def _by_response(items: Mapping[str, Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items.values():
        found.setdefault(item.response_id, []).append(item)
    return found


def _words(items: Iterable[Item]) -> str:
    return " ".join(" ".join(item.text for item in items).split())


def _canonical(arguments: str) -> str:
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()
    except (ValueError, TypeError):
        return arguments


def _tokens(groups: Iterable[CostGroup]) -> TokenCount:
    counts = [
        line.record.tokens
        for group in groups
        for line in group.lines
        if isinstance(line.record, ResponseUsage)
    ]
    return TokenCount(
        _sum(None if one is None else one.input for one in counts),
        _sum(None if one is None else one.output for one in counts),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    found = list(counts)
    known = [count for count in found if count is not None]
    return sum(known) if found and len(known) == len(found) else None


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, with tools by name: their order means nothing."""
    found = {key: value for key, value in config.items() if key not in NOT_SETTINGS}
    if isinstance(config.get("tools"), list):
        tools: dict[str, Any] = {}
        for at, tool in enumerate(config["tools"]):
            named = tool if isinstance(tool, dict) else {}
            name = text_at(named, "name") or text_at(named, "server_label")
            tools[name if name and name not in tools else f"{name}#{at + 1}"] = tool
        found["tools"] = tools
    return found
