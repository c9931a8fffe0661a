"""How long turns took, measured beside a session: live and as of a cursor, with the audio and without, and in slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.core.event import Event
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.engine.session_latency import RETRY_ROWS, SessionLatency
from inspector.recording.format import parse, render
from tests.spoken import base64_of, events, tone
from tests.support import Lines, at, numbered, server
from tests.turned import begun, described, ended, turned

TOTAL = frozenset({"voice_to_voice_ms"})


class Session:
    """A log and its state, which grow together."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.log = EventLog(self.lines, parse)
        self.state = SessionState()
        self.latency = SessionLatency(self.log)

    def take(self, made: list[Event]) -> None:
        for event in made:
            line = render(event).rstrip(b"\n")
            self.log.append(event, len(self.lines.lines), len(line))
            self.lines.lines.append(line)
            self.state.apply(event, strict=True)

    def measure(self) -> bool:
        return self.latency.step(self.state, never)


def never() -> bool:
    return False


def after(calls: int) -> Callable[[], bool]:
    left = [calls]

    def is_up() -> bool:
        left[0] -= 1
        return left[0] <= 0

    return is_up


def waits(latency: SessionLatency) -> list[float | None]:
    return [one.latency.wait_ms for one in latency.turns]


def test_a_session_is_measured_with_its_audio() -> None:
    session = Session()
    session.take(turned())

    assert session.measure()
    assert waits(session.latency) == [700, 3150, 650]
    assert not session.measure()


def test_the_end_of_speech_is_heard_in_the_appends() -> None:
    session = Session()
    session.take(events())
    session.measure()

    assert session.latency.turns[0].latency.anchor == "measured"


def test_only_the_turn_that_has_changed_is_measured_again() -> None:
    made, session = turned(), Session()
    session.take(made[:-4])
    session.measure()
    first, _, third = session.latency.turns
    session.take(made[-4:])

    assert session.measure()
    assert session.latency.turns[0] is first
    assert session.latency.turns[2] is not third


def test_turns_are_measured_in_slices_the_newest_first() -> None:
    session = Session()
    session.take(turned())

    session.latency.step(session.state, after(1))
    assert [one.turn.number for one in session.latency.turns] == [3]
    session.latency.step(session.state, after(1))
    assert [one.turn.number for one in session.latency.turns] == [2, 3]


def test_all_turns_are_there_before_the_first_is_listened_to() -> None:
    session = Session()
    session.take(turned())

    session.latency.step(session.state, after(3))
    assert waits(session.latency) == [None, None, None]
    assert session.latency.progress == 0
    session.latency.step(session.state, after(1))
    assert waits(session.latency) == [None, None, 650]
    assert session.latency.progress == pytest.approx(1 / 3)
    session.measure()
    assert waits(session.latency) == [700, 3150, 650]
    assert session.latency.progress == 1


def test_turns_after_the_cursor_are_forgotten_and_those_before_it_stay() -> None:
    made, session = turned(), Session()
    session.take(made)
    session.measure()
    first = session.latency.turns[0]
    revision = session.latency.revision
    earlier = SessionState()
    for event in (one for one in made if one.stamp_ns < 6_000_000_000):
        earlier.apply(event, strict=True)

    assert session.latency.step(earlier, never)
    assert [one.turn.number for one in session.latency.turns] == [1]
    assert session.latency.turns[0] is first
    assert session.latency.revision > revision


def test_an_answer_that_begins_with_silence_is_listened_to_until_it_is_audible() -> None:
    session = Session()
    where = {"response_id": "r", "item_id": "a"}
    silent = server("response.output_audio.delta", **where, delta=base64_of(bytes(48 * 20)))
    loud = server("response.output_audio.delta", **where, delta=base64_of(tone(200)))
    user = server("conversation.item.added", item={"id": "u", "type": "message", "role": "user"})
    made = [described(), at(100, user), begun("r", 150)]
    made += [at(200 + n, silent) for n in range(RETRY_ROWS)]
    made += [at(300 + n, loud) for n in range(RETRY_ROWS)]
    made = numbered([*made, ended("r", 600)])

    session.take(made[:4])
    session.measure()
    assert session.latency.turns[0].latency.figures["leading_silence_ms"] is None
    session.take(made[4:-1])
    assert session.measure()
    found = session.latency.turns[0].latency.figures["leading_silence_ms"]
    assert found == pytest.approx(20 * RETRY_ROWS, abs=10)


def test_nothing_after_the_cursor_is_listened_to() -> None:
    made, session = turned(), Session()
    session.take(made)
    sounding = next(n for n, one in enumerate(made) if one.type == "response.output_audio.delta")
    early = SessionState()
    for event in made[:sounding]:
        early.apply(event, strict=True)
    early.apply(made[sounding], strict=True)
    at_cursor = SessionLatency(session.log, lambda: sounding)

    at_cursor.step(early, never)

    assert at_cursor.turns[0].latency.figures["leading_silence_ms"] is None


def test_percentiles_rest_between_two_looks_at_a_long_session() -> None:
    session = Session()
    session.take(turned())
    session.measure()
    found = session.latency.spreads(TOTAL)

    assert [one.spread.n for one in found] == [3]
    assert session.latency.spreads(TOTAL) is found


def test_nothing_is_measured_without_turns() -> None:
    session = Session()
    session.take(numbered([described()]))

    assert not session.measure()
    assert list(session.latency.turns) == []
    assert list(session.latency.spreads(TOTAL)) == []


def test_time_stands_still_while_the_state_lags_behind_the_cursor() -> None:
    made, session = turned(), Session()
    session.take(made)
    covered = [4]
    latency = SessionLatency(session.log, lambda: covered[0])

    assert latency.known_until_us(14_000_000) == session.log.time_us(3)
    covered[0] = 0
    assert latency.known_until_us(14_000_000) == 0
    covered[0] = len(made)
    assert latency.known_until_us(14_000_000) == 14_000_000
    assert session.latency.known_until_us(20_000_000) == 20_000_000
