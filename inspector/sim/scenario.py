"""A scenario: what the simulator hears, says and does wrong, turn by turn, as a TOML file has it.

Parsing is pure and refuses what it does not know. ``ScenarioBrain`` and ``ScenarioRecognizer`` play one session of it; where the script
has nothing to say, the usual brain and recognizer answer.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspector.errors import UsageError
from inspector.sim.brain import Answer, Brain, BrainContext, Call, Said, Thought
from inspector.sim.faults import BY_NAME, FAULT_NAMES, Phase, RaisedFault
from inspector.sim.speech_recognizer import PendingTranscript, SpeechRecognizer, Transcript

ANY_TOOL = "*"
_TOP = {"title", "description", "latency", "audio_speed", "turn", "fault"}
_TURN = {"at", "words", "after", "hear", "delay_ms", "say", "call", "fault", "repeat"}
_CALL = {"name", "arguments"}
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the script, and when it is given."""

    at: int = 0
    """For the nth answer only; 0 for any."""
    words: tuple[str, ...] = ()
    """All of these must be in the user's words; lower case."""
    after: str = ""
    """After the output of this function; ``*`` for any."""
    hear: str = ""
    """What the next spoken turn is understood as."""
    delay_ms: float = 0.0
    say: str | None = None
    """None leaves the words to the usual brain."""
    calls: tuple[Call, ...] = ()
    faults: tuple[str, ...] = ()
    repeats: bool = False
    """May be played more than once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script for a session."""

    title: str = ""
    description: str = ""
    latency: float | None = None
    """In place of the usual ``latency_scale``."""
    audio_speed: float | None = None
    """Seconds of audio in a second."""
    turns: tuple[Turn, ...] = ()
    faults: tuple[RaisedFault, ...] = ()
    """Those that are tied to a turn or to the connection."""


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """Read a scenario.

    Args:
        text: TOML.
        name: what messages call it.

    Raises:
        UsageError: it is no TOML, has a key or fault that nobody knows, or a value of the wrong type.
    """
    if len(text) > _MAX_BYTES:
        raise _bad(name, "it is larger than 1 MiB")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad(name, f"not TOML: {error}") from None
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


def _turn(reader: _Reader) -> Turn:
    faults = reader.names("fault")
    at = reader.whole("at")
    for fault in faults:
        reader.check_fault(fault)
        if not at and BY_NAME[fault].phase in (Phase.CONNECT, Phase.TRANSCRIPTION):
            raise _bad(
                reader.name,
                f"{fault} happens before the answer: give the turn an 'at', or use [[fault]]",
            )
    calls = [
        _call(_Reader(f"{reader.name}: call {index}", body, _CALL))
        for index, body in enumerate(reader.tables("call"), 1)
    ]
    return Turn(
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
        raise _bad(reader.name, "'arguments' is a table, or a text to send as it is")
    return Call(name, json.dumps(arguments, ensure_ascii=False, default=str))


def _raised(reader: _Reader) -> RaisedFault:
    name = reader.text("name")
    reader.check_fault(name)
    return RaisedFault(name, reader.whole("turn"))


class _Reader:
    """Takes values out of one table, and refuses what should not be there."""

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
            raise _bad(self.name, f"{key!r} is a text")
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
            raise _bad(self.name, f"{key!r} is a number from {least:g} to a million")
        return float(value)

    def whole(self, key: str) -> int:
        value = self._body.get(key, 0)
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or (key in self._body and not 0 < value < 10**9)
        ):
            raise _bad(self.name, f"{key!r} is a whole number, the first is 1")
        return value

    def flag(self, key: str) -> bool:
        value = self._body.get(key, False)
        if not isinstance(value, bool):
            raise _bad(self.name, f"{key!r} is true or false")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        value = self._body.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _bad(self.name, f"{key!r} is a text or a list of texts")
        return tuple(value)

    def tables(self, key: str) -> Sequence[Mapping[str, Any]]:
        value = self._body.get(key, [])
        value = [value] if isinstance(value, dict) else value
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise _bad(self.name, f"{key!r} is a table or a list of tables")
        return value

    def check_fault(self, fault: str) -> None:
        if fault not in BY_NAME:
            raise _bad(self.name, f"no such fault: {fault!r}", f"one of {', '.join(FAULT_NAMES)}")


def _bad(name: str, what: str, hint: str = "") -> UsageError:
    return UsageError(f"{name}: {what}", code="bad_scenario", hint=hint)


class _Disturbed:
    """What another brain thinks, later than usual or with faults."""

    def __init__(self, thought: Thought, turn: Turn) -> None:
        self._thought = thought
        self._turn = turn

    def so_far(self) -> Answer:
        """Return what is known of the answer."""
        known = self._thought.so_far()
        return replace(known, delay_ms=self._turn.delay_ms, faults=self._turn.faults)

    def cancel(self) -> None:
        """Stop thinking."""
        self._thought.cancel()


class ScenarioBrain:
    """Plays the answers of a scenario in one session."""

    def __init__(self, scenario: Scenario, otherwise: Brain) -> None:
        """Begin at the first turn.

        Args:
            scenario: the script.
            otherwise: answers where the script does not.
        """
        self._otherwise = otherwise
        self._left = list(scenario.turns)
        self._answers = 0

    def answer(self, context: BrainContext) -> Thought:
        """Return the answer of the turn that fits; it is played once unless it repeats."""
        self._answers += 1
        newest = next(
            (said for said in reversed(context.said) if said.role in ("user", "tool")),
            Said("user", ""),
        )
        turn = next((turn for turn in self._left if self._fits(turn, newest, context.said)), None)
        if turn is None:
            return self._otherwise.answer(context)
        if not turn.repeats:
            self._left.remove(turn)
        if turn.say is None and not turn.calls:
            return _Disturbed(self._otherwise.answer(context), turn)
        return Answer(
            _filled(turn.say or "", context.said),
            turn.calls,
            delay_ms=turn.delay_ms,
            faults=turn.faults,
        )

    def _fits(self, turn: Turn, newest: Said, said: Sequence[Said]) -> bool:
        if turn.at and turn.at != self._answers:
            return False
        if turn.after:
            called = next((one.call for one in reversed(said) if one.call), "")
            if newest.role != "tool" or turn.after not in (ANY_TOOL, called):
                return False
        heard = newest.text.lower() if newest.role == "user" else ""
        return all(word in heard for word in turn.words)


def _filled(text: str, said: Sequence[Said]) -> str:
    """Put the user's words in place of ``{words}``, and what the tool returned in place of ``{result}``."""
    roles = {"{words}": "user", "{result}": "tool"}

    def value(found: re.Match[str]) -> str:
        role = roles[found.group()]
        return next((one.text for one in reversed(said) if one.role == role), "")

    return re.sub(r"\{words\}|\{result\}", value, text)


class ScenarioRecognizer:
    """Hears what a scenario says that the user says; each spoken turn is the next ``hear`` of the script."""

    def __init__(self, scenario: Scenario, otherwise: SpeechRecognizer) -> None:
        """Begin at the first spoken turn.

        Args:
            scenario: the script.
            otherwise: listens when the script is over.
        """
        self._lines = [turn.hear for turn in scenario.turns if turn.hear]
        self._otherwise = otherwise

    def hear(self, pcm16: bytes, rate_hz: int) -> Transcript | PendingTranscript:
        """Return the next line; silence stays silence."""
        if not self._lines or not pcm16.strip(b"\0"):
            return self._otherwise.hear(pcm16, rate_hz)
        line = self._lines.pop(0)
        return Transcript(line, line)
