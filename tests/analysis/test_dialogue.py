"""The conversation as entries: foreign recordings, every kind of item, and hostile events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.analysis.conversation_entry import Entry, EntryId, Tone
from inspector.analysis.dialogue import entry, item_of, place_of, places, stamp
from inspector.analysis.heard_answers import cut_at
from inspector.core.event import Direction, Event
from inspector.core.event_keys import EventKeys
from inspector.core.state import SessionState
from inspector.recording.opening import open_recording
from inspector.spec.events import EVENT_TYPES
from tests.core.test_output_audio import delta, played, playing, truncate
from tests.spoken import events as spoken_events
from tests.support import at, client, event_of, folded, numbered, recordings, server, silence


def entries(state: SessionState) -> list[Entry]:
    return [entry(state, place) for place in places(state)]


def added(item_id: str, previous: str | None = None, **members: Any) -> Event:
    item = {"id": item_id, "status": "completed", **members}
    return server("conversation.item.added", previous_item_id=previous, item=item)


def message(item_id: str, role: str, *content: dict[str, Any], **members: Any) -> Event:
    return added(item_id, type="message", role=role, content=list(content), **members)


def facts(found: Entry) -> str:
    return " | ".join(fact.text for fact in found.facts)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_foreign_recordings_read_as_a_conversation(path: Any) -> None:
    opening = open_recording(path)
    state = SessionState()
    for row in range(len(opening.log)):
        state.apply(opening.log.event(row), strict=True)
        for found in entries(state):
            assert found.who
            assert -1 <= found.first_row <= found.last_row <= row
    opening.close()

    shown = {place.id for place in places(state) if place.kind == "item"}
    assert shown == set(state.conversation.items)


def test_an_entry_changes_only_with_its_stamp() -> None:
    state = SessionState()
    before: dict[EntryId, tuple[object, Entry]] = {}
    for event in spoken_events():
        state.apply(event, strict=True)
        for place in places(state):
            now = stamp(state, place), entry(state, place)
            if place in before and before[place][0] == now[0]:
                assert before[place][1] == now[1]
            before[place] = now


def test_words_after_a_truncation_are_struck_and_marked_as_estimated() -> None:
    state = folded(*spoken_events())
    found = entry(state, EntryId("item", "item_a"))

    assert found.paragraphs[0] == (("One two ", Tone.BASE), ("three four.", Tone.STRUCK))
    assert "truncated at 1,500 of 3,000 ms (word position estimated)" in facts(found)


@pytest.mark.parametrize(
    ("events", "expected", "cut_words"),
    [
        (
            [delta(1000, 5000), *truncate(2500, 1400)],
            "the app says 1,400 ms were heard",
            "not heard, the app says",
        ),
        (
            [delta(1000, 5100), *truncate(20_000, 500)],
            "the app says 500 ms were heard; up to 5.1 s could have been",
            "not heard, the app says",
        ),
        (
            [delta(1000, 5000), *truncate(2500, 4000)],
            "the app says 4,000 ms were heard; only 1.5 s can have been",
            "not heard, the app says",
        ),
        (
            [delta(1000, 5000), playing(1060, 0), played(2500, 1440), *truncate(2510, 1440)],
            "heard 1,440 of 5,000 ms",
            "not heard",
        ),
        (
            [delta(1000, 900), playing(1060, 0), played(1960, 900), *truncate(9000, 300)],
            "heard 900 of 900 ms",
            "heard, then cut",
        ),
    ],
    ids=[
        "claimed",
        "long ago",
        "more than had time to play",
        "measured",
        "heard before it was cut",
    ],
)
def test_a_truncation_names_its_source(events: list[Event], expected: str, cut_words: str) -> None:
    item = {"id": "a", "type": "message", "role": "assistant"}
    found = entry(
        folded(server("conversation.item.added", item=item), *events), EntryId("item", "a")
    )

    assert expected in facts(found)
    assert found.cut_words == cut_words


def test_words_that_the_model_remembers_and_nobody_heard_are_counted() -> None:
    where = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}
    words = "one two three four five six seven eight nine ten"
    spoken = server("response.output_audio_transcript.done", **where, transcript=words)
    item = {"id": "a", "type": "message", "role": "assistant"}
    added_item = server("conversation.item.added", item=item)
    late = folded(added_item, delta(1000, 5000), spoken, *truncate(2500, 4000))
    right = folded(added_item, delta(1000, 5000), spoken, *truncate(2500, 1400))
    silent = folded(added_item, delta(1000, 5000), *truncate(2500, 4000))
    remarks = [facts(entry(state, EntryId("item", "a"))) for state in (late, right, silent)]

    assert "the model remembers 4 words that nobody heard" in remarks[0]
    assert "nobody heard" not in remarks[1]
    assert "the model remembers 2,500 ms that nobody heard" in remarks[2]


def test_an_entry_counts_its_underruns() -> None:
    item = {"id": "a", "type": "message", "role": "assistant"}
    audio = [delta(1000, 300), delta(2000, 300), delta(3000, 300)]
    state = folded(server("conversation.item.added", item=item), *audio)

    assert "2 underruns: silent for 1.40 s in the middle" in facts(
        entry(state, EntryId("item", "a"))
    )


def test_a_truncation_without_recorded_audio_strikes_nothing() -> None:
    where = {"response_id": "r", "item_id": "a", "content_index": 0}
    state = folded(
        server("response.output_audio.delta", **where, delta=silence(10)),
        server("response.output_audio_transcript.done", **where, transcript="All of it."),
        server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=900),
    )

    assert entry(state, EntryId("item", "a")).paragraphs == ((("All of it.", Tone.BASE),),)


@given(st.text(max_size=80), st.integers(-5, 5000), st.integers(-5, 5000))
def test_a_cut_is_within_the_text_and_never_inside_a_word(text: str, kept: int, total: int) -> None:
    at = cut_at(text, kept, total)

    assert 0 <= at <= len(text)
    assert at in (0, len(text)) or text[at].isspace() or text[at - 1].isspace()


def test_a_call_is_shown_with_its_output_and_needs_one_until_then() -> None:
    call = added("c", type="function_call", name="f", call_id="call_1", arguments='{"a":1}')
    output = added("o", "c", type="function_call_output", call_id="call_1", output="fine")

    waiting = entry(folded(call), EntryId("item", "c"))
    assert waiting.question is not None
    assert (waiting.question.kind, waiting.question.call_id) == ("call", "call_1")
    answered = entries(folded(call, output))
    assert answered[0].question is None
    assert [(c.title, c.text) for c in answered[0].columns] == [
        ("arguments", '{"a": 1}'),
        ("output", "fine"),
    ]
    assert "shown with the call" in answered[1].text


def test_arguments_that_are_not_json_are_shown_unchanged_and_flagged() -> None:
    call = added("c", type="function_call", name="f", call_id="x", arguments='{"a":')
    found = entry(folded(call), EntryId("item", "c"))

    assert found.columns[0].text == '{"a":'
    assert "not JSON" in facts(found)


def test_an_output_without_a_call_shows_itself() -> None:
    output = added("o", type="function_call_output", call_id="nobody", output="fine")
    found = entry(folded(output), EntryId("item", "o"))

    assert "no matching function call" in facts(found)
    assert found.text == "fine"


def test_mcp_items_are_read_and_an_approval_waits() -> None:
    request = added("q", type="mcp_approval_request", server_label="docs", name="find")
    answer = added("p", "q", type="mcp_approval_response", approval_request_id="q", approve=False)
    tools = added("l", type="mcp_list_tools", server_label="docs", tools=[{"name": "find"}])
    error = {"type": "http_error", "code": 500, "message": "down"}
    call = added(
        "m", type="mcp_call", server_label="docs", name="find", arguments="{}", error=error
    )

    question = entry(folded(request), EntryId("item", "q")).question
    assert question is not None
    assert (question.kind, question.server_label) == ("approval", "docs")
    state = folded(request, answer, tools, call)
    assert entry(state, EntryId("item", "q")).question is None
    assert "denied: find" in entry(state, EntryId("item", "p")).text
    assert entry(state, EntryId("item", "l")).text == "find"
    assert entry(state, EntryId("item", "m")).columns[1].text == "http_error: down"


def test_deleted_items_are_struck_and_need_no_answer() -> None:
    call = added("c", type="function_call", name="f", call_id="x", arguments="{}")
    state = folded(call, server("conversation.item.deleted", item_id="c"))
    found = entry(state, EntryId("item", "c"))

    assert found.question is None
    assert {words.tone for paragraph in found.paragraphs for words in paragraph} == {Tone.STRUCK}
    assert "deleted" in facts(found)


def test_images_failed_transcripts_and_phases_are_shown() -> None:
    url = "data:image/png;base64,aGk="
    state = folded(
        message("i", "user", {"type": "input_image", "image_url": url}),
        message("u", "user", {"type": "input_audio", "transcript": None}),
        server(
            "conversation.item.input_audio_transcription.failed",
            item_id="u",
            content_index=0,
            error={"message": "no model"},
        ),
        message("a", "assistant", {"type": "output_text", "text": "Hm."}, phase="commentary"),
    )

    assert entry(state, EntryId("item", "i")).text == "[image image/png  2 bytes]"
    assert "transcription failed: no model" in entry(state, EntryId("item", "u")).text
    assert "commentary" in facts(entry(state, EntryId("item", "a")))


def done(status: str, response_id: str, **details: Any) -> Event:
    response = {"id": response_id, "status": status, "status_details": details, "output": []}
    return server("response.done", response=response)


def test_responses_without_items_are_entries_in_order_of_time() -> None:
    state = folded(
        message("u", "user", {"type": "input_text", "text": "Hi"}),
        server("response.created", response={"id": "r", "status": "in_progress"}),
        message("v", "user", {"type": "input_text", "text": "Wait"}),
        done("failed", "r", type="failed", error={"code": "quota", "message": "pay"}),
    )

    assert [place.id for place in places(state)] == ["u", "r", "v"]
    assert entry(state, EntryId("response", "r")).text == "response failed: quota: pay"


def test_the_reason_of_an_early_end_is_under_the_last_item() -> None:
    item = {"id": "a", "type": "message", "role": "assistant", "content": []}
    state = folded(
        server("response.created", response={"id": "r", "conversation_id": None}),
        server("response.output_item.added", response_id="r", output_index=0, item=item),
        done("cancelled", "r", type="cancelled", reason="turn_detected"),
    )
    found = entry(state, EntryId("item", "a"))

    assert found.text == "response cancelled: turn_detected"
    assert "outside the conversation" in facts(found)


def test_an_event_leads_to_its_item_by_any_id() -> None:
    state = folded(*spoken_events())

    assert item_of(state, EventKeys(item_id="item_u")) == "item_u"
    assert item_of(state, EventKeys(call_id="call_1")) == "item_f"
    assert item_of(state, EventKeys(response_id="resp_1")) == "item_a"
    assert item_of(state, EventKeys()) == ""


leaf = st.none() | st.booleans() | st.integers(-(2**40), 2**60) | st.text(max_size=6)
described = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b"])},
    optional={
        "type": st.sampled_from(
            [
                "message",
                "function_call",
                "function_call_output",
                "mcp_call",
                "mcp_list_tools",
                "mcp_approval_request",
                "mcp_approval_response",
                "?",
            ]
        ),
        "content": st.lists(
            st.dictionaries(st.sampled_from(["type", "text", "transcript", "image_url"]), leaf)
        ),
        "arguments": st.sampled_from(["{}", "[", "1e999", "[" * 5000, '"\\ud800"']),
        "call_id": st.just("c"),
        "output": leaf,
        "tools": leaf | st.lists(st.just({"name": "x"})),
        "approval_request_id": st.sampled_from(["a", "b"]),
        "approve": leaf,
        "error": leaf | st.just({"message": 1}),
        "role": leaf,
        "status": leaf,
    },
)
about = {
    "item": described,
    "item_id": st.sampled_from(["a", "b"]),
    "response_id": st.just("r"),
    "response": st.fixed_dictionaries({"id": st.just("r")}, optional={"status": leaf}),
    "delta": leaf,
    "transcript": leaf,
    "audio_end_ms": leaf,
    "content_index": st.integers(-1, 3),
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(EVENT_TYPES)), st.fixed_dictionaries({}, optional=about)),
        max_size=12,
    )
)
def test_no_events_break_the_conversation(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    state = SessionState()
    for event in numbered(
        event_of(Direction(EVENT_TYPES[name].direction), name, b) for name, b in drawn
    ):
        state.apply(event, strict=True)

    for place in places(state):
        hash(stamp(state, place))
        assert isinstance(entry(state, place).text, str)


TRANSLATION = server(
    "session.created",
    session={"type": "translation", "audio": {"output": {"language": "es"}}},
)


def running(side: str, words: str, ms: int) -> Event:
    return at(ms, server(f"session.{side}_transcript.delta", delta=words, elapsed_ms=ms))


def said(state: SessionState) -> list[tuple[str, str]]:
    return [(found.who, found.text) for found in entries(state)]


def test_a_translation_shows_speech_and_its_translation() -> None:
    state = folded(
        TRANSLATION,
        running("input", "Good", 1000),
        running("input", " morning.", 1100),
        running("output", "Buenos", 1300),
        running("output", " días.", 1400),
        at(1500, server("session.output_audio.delta", delta=silence(600))),
        running("input", " How are", 1600),
        running("output", " ¿Cómo", 1700),
        running("input", " you?", 1800),
        running("output", " estás?", 1900),
        running("input", " Fine", 4500),
    )

    assert said(state) == [
        ("speaker", "Good morning."),
        ("translation", "Buenos días."),
        ("speaker", "How are you?"),
        ("translation", "¿Cómo estás?"),
        ("speaker", "Fine"),
    ]
    assert facts(entries(state)[1]) == "es | audio 600 ms"
    assert (entries(state)[2].first_row, entries(state)[2].last_row) == (6, 8)


def test_an_event_of_a_transcript_leads_to_its_utterance() -> None:
    events = numbered(
        [
            running("input", "Good.", 1000),
            running("output", "Buenos.", 1300),
            at(1500, server("session.output_audio.delta", delta=silence(600))),
            running("input", "How?", 1600),
            at(1700, server("session.closed")),
        ]
    )
    state = folded(*events)

    assert [place_of(state, event) for event in events] == [
        EntryId("utterance", "input-1"),
        EntryId("utterance", "output-2"),
        EntryId("utterance", "output-2"),
        EntryId("utterance", "input-4"),
        None,
    ]
    assert place_of(state, replace(events[0], seq=0)) is None


def test_a_speaker_without_pauses_is_read_in_utterances() -> None:
    words = [running("input", " word", 100 * n) for n in range(1, 1000)]

    found = entries(folded(TRANSLATION, *words))

    assert len(found) == 5
    assert max(len(entry.text) for entry in found) <= 1005
    assert all(entry.text.startswith("word") for entry in found)


def test_a_growing_utterance_changes_but_a_copied_state_does_not() -> None:
    state = SessionState()
    first, second = numbered([running("output", "Buenos", 10), running("output", " días", 20)])
    state.apply(first, strict=True)
    kept = state.copy()
    (place,) = places(state)
    before = stamp(state, place)
    state.apply(second, strict=True)

    assert stamp(state, place) != before == stamp(kept, place)
    assert (said(kept), said(state)) == ([("assistant", "Buenos")], [("assistant", "Buenos días")])


def test_the_length_of_user_audio_is_that_of_the_servers_speech_times() -> None:
    state = folded(
        server("session.created", session={"type": "realtime"}),
        client("input_audio_buffer.append", audio=silence(1000)),
        server("input_audio_buffer.speech_started", item_id="u", audio_start_ms=300),
        server("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=900),
        server("input_audio_buffer.committed", item_id="u", previous_item_id=None),
        message("u", "user", {"type": "input_audio", "transcript": None}),
    )

    assert "600 ms" in facts(entries(state)[0])
