"""Which turn an event belongs to; and that every reader of it, however fast, says the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.analysis.turn_index import TurnIndex
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.core.turn_counter import TurnCounter, TurnKind
from inspector.recording.reader import RecordingReader
from tests.recording.test_lean import random_recording
from tests.support import SEEDS, client, facts, local, numbered, server

CREATED = server("session.created", session={"id": "s1"})
OTHER = server("session.created", session={"id": "s2"})
SPEECH = server("input_audio_buffer.speech_started")
COMMITTED = server("input_audio_buffer.committed")
TIMEOUT = server("input_audio_buffer.timeout_triggered", item_id="i")
ANSWER = server("response.created", response={"id": "r1"})
ASIDE = server("response.created", response={"id": "o1", "conversation_id": None})
ASIDE_DONE = server("response.done", response={"id": "o1"})
DONE = server("response.done", response={"id": "r1"})
SAID = server("response.output_item.added", response_id="r1", item={"type": "message"})
TALKED = server("response.done", response={"id": "r1", "output": [{"type": "message"}]})
NEXT = server("response.created", response={"id": "r2"})
RESULT = client("conversation.item.create", item={"type": "function_call_output", "call_id": "c"})


def added(role: str, name: str = "conversation.item.added", **members: str) -> Event:
    return server(name, item={"role": role, **members})


@pytest.mark.parametrize(
    ("events", "turns"),
    [
        ([DONE, SPEECH], [0, 1]),
        ([SPEECH, COMMITTED, added("user"), ANSWER, DONE], [1, 1, 1, 1, 1]),
        ([SPEECH, SPEECH], [1, 2]),
        ([SPEECH, COMMITTED, SPEECH, ANSWER], [1, 1, 2, 2]),
        ([added("user"), added("user"), ANSWER], [1, 1, 1]),
        ([added("user"), ANSWER, added("user", "conversation.item.created")], [1, 1, 2]),
        ([added("system"), added("assistant"), ANSWER], [0, 0, 1]),
        ([added("user"), ANSWER, added("assistant"), COMMITTED], [1, 1, 1, 2]),
        ([added("user"), ANSWER, added("user", type="function_call")], [1, 1, 1]),
        ([added("user"), ASIDE, ASIDE_DONE, ANSWER], [1, 2, 1, 1]),
        ([added("user"), ASIDE, ANSWER, ASIDE_DONE, DONE], [1, 2, 1, 1, 1]),
        ([added("user"), ANSWER, RESULT, ANSWER], [1, 1, 1, 1]),
        ([added("user"), ANSWER, SAID, RESULT, ANSWER], [1, 1, 1, 1, 2]),
        ([added("user"), ANSWER, SAID, ANSWER], [1, 1, 1, 1]),
        # The interrupted answer has spoken, and ends, but not in the turn that interrupted it.
        ([added("user"), ANSWER, SPEECH, TALKED, NEXT, RESULT, NEXT], [1, 1, 2, 2, 2, 2, 2]),
        ([added("user"), ANSWER, SPEECH, NEXT, SAID, TALKED, RESULT, NEXT], [1, 1, *[2] * 6]),
        ([CREATED, SPEECH, ANSWER, OTHER, ANSWER], [0, 1, 1, 0, 2]),
        ([CREATED, SPEECH, CREATED, ANSWER], [0, 1, 1, 1]),
        ([SPEECH, ANSWER, local("inspector.opened"), SPEECH], [1, 1, 0, 2]),
    ],
)
def test_a_turn_begins_with_what_brought_it_about(events: list[Event], turns: list[int]) -> None:
    counter = TurnCounter()

    assert [counter.feed(event) for event in numbered(events)] == turns


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([SPEECH], TurnKind.SPEECH),
        ([COMMITTED], TurnKind.SPEECH),
        ([server("input_audio_buffer.speech_stopped")], TurnKind.SPEECH),
        ([added("user")], TurnKind.TEXT),
        ([ANSWER], TurnKind.GREETING),
        ([ASIDE], TurnKind.OUT_OF_BAND),
        ([TIMEOUT, server("input_audio_buffer.committed", item_id="i")], TurnKind.IDLE),
        ([SPEECH, ANSWER, SAID, RESULT, ANSWER], TurnKind.TOOL),
        (
            [SPEECH, ANSWER, SAID, server("response.mcp_call.completed", item_id="m"), ANSWER],
            TurnKind.TOOL,
        ),
    ],
)
def test_a_turn_is_called_by_what_brought_it_about(events: list[Event], kind: TurnKind) -> None:
    counter = TurnCounter()
    for event in events:
        counter.feed(event)

    assert counter.kinds[-1] is kind


def test_what_was_spoken_is_one_turn_though_its_item_comes_after_the_answer() -> None:
    counter = TurnCounter()
    events = [
        server("input_audio_buffer.speech_started", item_id="i"),
        server("response.created", response={"id": "r1"}),
        server("input_audio_buffer.committed", item_id="i"),
        server("conversation.item.added", item={"id": "i", "role": "user", "type": "message"}),
    ]

    assert [counter.feed(event) for event in events] == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_filter_fold_and_counter_agree_on_every_row(tmp_path: Path, seed: int) -> None:
    random_recording(tmp_path / "x.jsonl", seed)
    reader = RecordingReader(tmp_path / "x.jsonl")
    log, counter, state = reader.new_log(), TurnCounter(), SessionState()
    reader.index_rows(log, reader.start, reader.size)
    index = TurnIndex(log)

    for row in range(len(log)):
        event = log.read(row)
        number = counter.feed(event)
        state.apply(event)
        current = state.turns.current

        assert index.number(row) == number == (current.number if current is not None else 0)
    assert [turn.kind for turn in state.turns.all] == counter.kinds
    reader.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_goes_on_as_the_fold_itself_and_leaves_it_alone(tmp_path: Path, seed: int) -> None:
    random_recording(tmp_path / "x.jsonl", seed)
    reader = RecordingReader(tmp_path / "x.jsonl")
    events = [replace(event, seq=seq) for seq, event in enumerate(reader.events(), 1)]
    reader.close()
    cut = random.Random(seed).randrange(len(events))
    live = SessionState()
    for event in events[:cut]:
        live.apply(event, strict=True)
    kept = live.copy()
    before = facts(vars(kept.turns))

    for event in events[cut:]:
        live.apply(event, strict=True)
    assert facts(vars(kept.turns)) == before
    for event in events[cut:]:
        kept.apply(event, strict=True)
    whole = SessionState()
    for event in events:
        whole.apply(event, strict=True)
    assert facts(vars(kept.turns)) == facts(vars(live.turns)) == facts(vars(whole.turns))


def test_turns_are_bounded() -> None:
    state = SessionState()
    events = [added("user", id="u")]
    for number in range(40):
        events.append(server("response.created", response={"id": f"r{number}"}))
        events += [
            server(
                "response.function_call_arguments.done",
                response_id=f"r{number}",
                call_id=f"c{number}.{call}",
                name="look",
            )
            for call in range(3)
        ]
    for event in numbered(events):
        state.apply(event, strict=True)

    turn = state.turns.all[0]
    assert (len(turn.answers), turn.more_answers) == (32, 8)
    assert (len(turn.tools), turn.more_tools) == (64, 56)
