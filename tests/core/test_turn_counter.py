from __future__ import annotations

import pytest

from inspector.core.turn_counter import TurnCounter
from inspector.core.event import Event
from tests.support import server

SPEECH = server("input_audio_buffer.speech_started")
COMMITTED = server("input_audio_buffer.committed")
ANSWER = server("response.created")
DONE = server("response.done")


def added(role: str, name: str = "conversation.item.added") -> Event:
    return server(name, item={"role": role})


@pytest.mark.parametrize(
    ("events", "turns"),
    [
        ([DONE, SPEECH], [0, 1]),
        ([SPEECH, COMMITTED, added("user"), ANSWER, DONE], [1, 1, 1, 1, 1]),
        ([SPEECH, SPEECH], [1, 2]),
        ([SPEECH, COMMITTED, SPEECH, ANSWER], [1, 1, 2, 2]),
        ([added("user"), added("user"), ANSWER], [1, 1, 1]),
        ([added("user"), ANSWER, added("user", "conversation.item.created")], [1, 1, 2]),
        ([added("system"), added("assistant"), ANSWER], [0, 0, 0]),
        ([added("user"), ANSWER, added("assistant"), COMMITTED], [1, 1, 1, 2]),
    ],
)
def test_a_turn_begins_with_speech_or_the_first_input_after_an_answer(
    events: list[Event], turns: list[int]
) -> None:
    counter = TurnCounter()

    assert [counter.feed(event) for event in events] == turns
