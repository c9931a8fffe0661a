"""Scenarios: TOML scripts that set what the simulator recognizes, answers and does wrong, turn by turn.

Parsing rejects unknown keys. ``ScenarioBrain`` and ``ScenarioRecognizer`` play a script in one session, and pass on to the
usual brain and recognizer what the script does not cover.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspector.errors import UsageError
from inspector.sim.brain import Answer, Brain, BrainContext, Call, ContextItem, PendingAnswer
from inspector.sim.faults import BY_NAME, FAULT_NAMES, Phase, RaisedFault
from inspector.sim.speech_recognizer import PendingTranscript, SpeechRecognizer, Transcript

ANY_TOOL = "*"
_TOP = {"title", "description", "latency", "audio_speed", "turn", "fault"}
_TURN = {"at", "words", "after", "hear", "delay_ms", "say", "call", "fault", "repeat"}
_CALL = {"name", "arguments"}
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ScenarioTurn:
    """One answer of the script, and the conditions for it."""

    at: int = 0
    """Only as the nth answer; 0 for any."""
    words: tuple[str, ...] = ()
    """Lower-case words that the user's input must all contain."""
    after: str = ""
    """Only after the output of this function; ``*`` for any function."""
    hear: str = ""
    """The transcript of the next spoken turn."""
    delay_ms: float = 0.0
    say: str | None = None
    """None lets the usual brain answer."""
    calls: tuple[Call, ...] = ()
    faults: tuple[str, ...] = ()
    repeats: bool = False
    """True if the turn may be played more than once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script for one session."""

    title: str = ""
    description: str = ""
    latency: float | None = None
    """Replaces ``SimSettings.latency_scale``."""
    audio_speed: float | None = None
    """Replaces ``SimSettings.audio_speed``."""
    turns: tuple[ScenarioTurn, ...] = ()
    faults: tuple[RaisedFault, ...] = ()
    """Faults that are set for a numbered turn or for the connection."""


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """Parse a scenario.

    Args:
        text: TOML.
        name: prefix of error messages, usually the file name.

    Raises:
        UsageError: the text is not valid TOML, or has an unknown key, an unknown fault or a value of the wrong type.
    """
    if len(text) > _MAX_BYTES:  # tomllib is slow on hostile input
        raise _bad(name, "it is larger than 1 MiB")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad(name, f"not valid TOML: {error}") from None
    reader = _Reader(name, data, _TOP)
    turns = [
        _turn(_Reader(f"{name}: turn {index}", body, _TURN))
        for index, body in enumerate(reader.tables("turn"), 1)
    ]
    raised = [
        _raised(_Reader(f"{name}: fault {index}", body, {"name", "turn"}))
        for index, body in enumerate(reader.tables("fault"), 1)
    ]
    raised += [RaisedFault(fault, turn.at) for turn in turns if turn.at for fault in turn.faults]
    return Scenario(
        title=reader.text("title"),
        description=reader.text("description"),
        latency=reader.number("latency"),
        audio_speed=reader.number("audio_speed", least=0.01),
        turns=tuple(replace(turn, faults=()) if turn.at else turn for turn in turns),
        faults=tuple(raised),
    )


def _turn(reader: _Reader) -> ScenarioTurn:
    faults = reader.names("fault")
    at = reader.whole("at")
    for fault in faults:
        reader.check_fault(fault)
        if not at and BY_NAME[fault].phase in (Phase.CONNECT, Phase.TRANSCRIPTION):
            raise _bad(
                reader.name,
                f"{fault} happens before the answer: add 'at' to the turn, or use [[fault]]",
            )
    calls = [
        _call(_Reader(f"{reader.name}: call {index}", body, _CALL))
        for index, body in enumerate(reader.tables("call"), 1)
    ]
    return ScenarioTurn(
        at=at,
        words=tuple(word.lower() for word in reader.names("words")),
        after=reader.text("after"),
        hear=reader.text("hear"),
        delay_ms=reader.number("delay_ms") or 0.0,
        say=reader.text("say") if reader.has("say") else None,
        calls=tuple(calls),
        faults=faults,
        repeats=reader.flag("repeat"),
    )


def _call(reader: _Reader) -> Call:
    name = reader.text("name")
    if not name:
        raise _bad(reader.name, "a call needs a 'name'")
    arguments = reader.value("arguments", {})
    if isinstance(arguments, str):
        return Call(name, arguments)
    if not isinstance(arguments, dict):
        raise _bad(reader.name, "'arguments' must be a table, or a string to send unchanged")
    return Call(name, json.dumps(arguments, ensure_ascii=False, default=str))


def _raised(reader: _Reader) -> RaisedFault:
    name = reader.text("name")
    reader.check_fault(name)
    return RaisedFault(name, reader.whole("turn"))


class _Reader:
    """Read values from one TOML table; reject unknown keys and wrong types."""

    def __init__(self, name: str, body: Mapping[str, Any], known: set[str]) -> None:
        self.name = name
        self._body = body
        for key in body:
            if key not in known:
                raise _bad(name, f"unknown key {key!r}", f"known: {', '.join(sorted(known))}")

    def has(self, key: str) -> bool:
        return key in self._body

    def value(self, key: str, default: object) -> object:
        return self._body.get(key, default)

    def text(self, key: str) -> str:
        value = self._body.get(key, "")
        if not isinstance(value, str):
            raise _bad(self.name, f"{key!r} must be a string")
        return value

    def number(self, key: str, *, least: float = 0.0) -> float | None:
        value = self._body.get(key)
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value <= 1e6
        ):
            raise _bad(self.name, f"{key!r} must be a number from {least:g} to 1000000")
        return float(value)

    def whole(self, key: str) -> int:
        value = self._body.get(key, 0)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or (key in self._body and not 0 < value < 10**9)
        ):
            raise _bad(self.name, f"{key!r} must be a whole number from 1")
        return value

    def flag(self, key: str) -> bool:
        value = self._body.get(key, False)
        if not isinstance(value, bool):
            raise _bad(self.name, f"{key!r} must be true or false")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        value = self._body.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _bad(self.name, f"{key!r} must be a string or a list of strings")
        return tuple(value)

    def tables(self, key: str) -> Sequence[Mapping[str, Any]]:
        value = self._body.get(key, [])
        value = [value] if isinstance(value, dict) else value
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise _bad(self.name, f"{key!r} must be a table or a list of tables")
        return value

    def check_fault(self, fault: str) -> None:
        if fault not in BY_NAME:
            raise _bad(
                self.name, f"no such fault: {fault!r}", f"use one of {', '.join(FAULT_NAMES)}"
            )


def _bad(name: str, what: str, hint: str = "") -> UsageError:
    return UsageError(f"{name}: {what}", code="bad_scenario", hint=hint)


class _WithTurn:
    """Another brain's answer, with the delay and faults of a turn."""

    def __init__(self, pending: PendingAnswer, turn: ScenarioTurn) -> None:
        self._pending = pending
        self._turn = turn

    def so_far(self) -> Answer:
        """Return the part of the answer that has arrived."""
        answer = self._pending.so_far()
        return replace(answer, delay_ms=self._turn.delay_ms, faults=self._turn.faults)

    def cancel(self) -> None:
        """Cancel the other brain's answer."""
        self._pending.cancel()


class ScenarioBrain:
    """Play the answers of a scenario in one session."""

    def __init__(self, scenario: Scenario, otherwise: Brain) -> None:
        """Start at the first turn.

        Args:
            scenario: the script.
            otherwise: answers if no turn of the script fits.
        """
        self._otherwise = otherwise
        self._left = list(scenario.turns)
        self._answers = 0

    def answer(self, context: BrainContext) -> PendingAnswer:
        """Return the answer of the first remaining turn whose conditions hold; a turn is used once unless it repeats."""
        self._answers += 1
        newest = next(
            (item for item in reversed(context.items) if item.role in ("user", "tool")),
            ContextItem("user", ""),
        )
        turn = next((turn for turn in self._left if self._fits(turn, newest, context.items)), None)
        if turn is None:
            return self._otherwise.answer(context)
        if not turn.repeats:
            self._left.remove(turn)
        if turn.say is None and not turn.calls:
            return _WithTurn(self._otherwise.answer(context), turn)
        return Answer(
            _filled(turn.say or "", context.items),
            turn.calls,
            delay_ms=turn.delay_ms,
            faults=turn.faults,
        )

    def _fits(self, turn: ScenarioTurn, newest: ContextItem, items: Sequence[ContextItem]) -> bool:
        if turn.at and turn.at != self._answers:
            return False
        if turn.after:
            called = next((item.call for item in reversed(items) if item.call), "")
            if newest.role != "tool" or turn.after not in (ANY_TOOL, called):
                return False
        text = newest.text.lower() if newest.role == "user" else ""
        return all(word in text for word in turn.words)


def _filled(text: str, items: Sequence[ContextItem]) -> str:
    """Return the text with ``{words}`` replaced by the user's words and ``{result}`` by the last tool output."""
    roles = {"{words}": "user", "{result}": "tool"}

    def value(found: re.Match[str]) -> str:
        role = roles[found.group()]
        return next((item.text for item in reversed(items) if item.role == role), "")

    # One pass, and not ``str.format``: the inserted text may contain braces itself.
    return re.sub(r"\{words\}|\{result\}", value, text)


class ScenarioRecognizer:
    """Recognize each spoken turn as the next ``hear`` of a scenario."""

    def __init__(self, scenario: Scenario, otherwise: SpeechRecognizer) -> None:
        """Start at the first ``hear``.

        Args:
            scenario: the script.
            otherwise: recognizes the turns after the last ``hear``.
        """
        self._lines = [turn.hear for turn in scenario.turns if turn.hear]
        self._otherwise = otherwise

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | PendingTranscript:
        """Return the next line as transcript; digital silence does not use one up."""
        if not self._lines or not pcm16.strip(b"\0"):
            return self._otherwise.hear(pcm16, rate_hz)
        line = self._lines.pop(0)
        return Transcript(line, line)
