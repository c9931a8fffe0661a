"""Edits of a session, the update made from them, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from inspector.analysis.form.draft import FieldView, FormDraft, Mark
from inspector.analysis.form.form_field import FormField
from inspector.analysis.form.history import Outcome, UpdateHistory, differences
from inspector.analysis.form.read_only import read_only_reasons
from inspector.analysis.form.shapes import shape_named, shape_of
from inspector.analysis.form.values import ABSENT
from inspector.core.event import Event
from inspector.core.state import SessionState
from inspector.sim.effective_session import (
    EffectiveSession,
    realtime_session,
    transcription_session,
)
from tests.support import client, local, numbered, server, silence

DETECTION = "audio.input.turn_detection"
SPEED = "audio.output.speed"


class Desk:
    """A draft on a session, with a history of what was sent."""

    def __init__(self, session: Mapping[str, Any] | None = None) -> None:
        self.session = dict(session or realtime_session("sess_1", "gpt-realtime", 1))
        self.draft = FormDraft(shape_of(self.session))
        self.history = UpdateHistory()
        self.state = SessionState()
        self._events: list[Event] = []
        self.say(server("session.created", session=self.session))

    def say(self, event: Event) -> None:
        self._events.append(event)
        numbered_event = numbered(self._events)[-1]
        if numbered_event.type in ("session.created", "session.updated"):
            self.session = dict((numbered_event.body or {})["session"])
        self.state.apply(numbered_event, strict=True)
        self.history.apply(numbered_event)
        self.history.settle(self.state.causes)
        self.draft.observe(self.session, self.history.updates)

    def field(self, path: str) -> FormField:
        return self.draft.shape.by_path()[tuple(path.split("."))]

    def edit(self, path: str, value: object) -> None:
        self.draft.edit(self.field(path), value)

    def patch(self) -> dict[str, Any]:
        body: dict[str, Any] = self.draft.patch()["session"]
        return body

    def view(self, path: str) -> FieldView:
        return next(v for v in self.draft.views({}) if v.field.path == tuple(path.split(".")))

    def send(self, event_id: str = "evt_1") -> None:
        self.say(client("session.update", event_id=event_id, session=self.patch()))

    def accept(self) -> None:
        effective = EffectiveSession(self.session)
        effective.update(self.history.updates[-1].session)  # type: ignore[arg-type] # a plain dict
        self.say(server("session.updated", session=effective.object))

    def refuse(self, message: str, param: str | None, event_id: str | None = "evt_1", code: str = "invalid_value") -> None:  # fmt: skip
        error = {"code": code, "message": message, "param": param, "event_id": event_id}
        self.say(server("error", error=error))

    def send_refused(self, path: str, value: object, message: str, param: str, event_id: str = "evt_1") -> None:  # fmt: skip
        """Edit a field, send it, and get an error about a parameter."""
        self.edit(path, value)
        self.send()
        self.refuse(message, param, event_id)


def test_only_what_changed_is_sent() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.edit("instructions", "Be brief.")

    assert desk.patch() == {
        "type": "realtime",
        "instructions": "Be brief.",
        "audio": {"output": {"speed": 1.2}},
    }


def test_nothing_edited_is_nothing_to_send() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.edit(SPEED, 1.0)

    assert desk.draft.changed() == []
    assert desk.patch() == {"type": "realtime"}


def test_a_member_of_a_union_is_sent_with_the_union_and_without_nulls() -> None:
    desk = Desk()
    desk.edit(f"{DETECTION}.threshold", 0.7)

    assert desk.patch()["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "create_response": True,
        "interrupt_response": True,
    }


def test_a_null_that_clears_something_is_sent() -> None:
    desk = Desk()
    session = realtime_session("sess_1", "gpt-realtime", 1)
    session["audio"]["input"]["turn_detection"]["idle_timeout_ms"] = 6000
    desk.say(server("session.updated", session=session))
    desk.edit(f"{DETECTION}.idle_timeout_ms", None)

    assert desk.patch()["audio"]["input"]["turn_detection"]["idle_timeout_ms"] is None


def test_another_kind_of_turn_detection_keeps_what_both_have() -> None:
    desk = Desk()
    desk.edit(f"{DETECTION}.create_response", value=False)
    desk.edit(DETECTION, "semantic_vad")
    desk.edit(f"{DETECTION}.eagerness", "low")

    assert desk.patch()["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "create_response": False,
        "interrupt_response": True,
        "eagerness": "low",
    }


def test_an_edit_of_a_field_that_is_gone_is_not_sent() -> None:
    desk = Desk()
    desk.edit(f"{DETECTION}.threshold", 0.7)
    desk.edit(DETECTION, "none")

    assert desk.patch() == {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


def test_the_whole_session_omits_server_only_and_locked_members() -> None:
    desk = Desk()
    voice = ("audio", "output", "voice")
    whole = desk.draft.whole([voice])["session"]

    assert "voice" not in whole["audio"]["output"]
    assert not {"id", "object", "expires_at", "model"} & whole.keys()
    assert whole["tracing"] is None
    assert "idle_timeout_ms" not in whole["audio"]["input"]["turn_detection"]
    assert desk.draft.problems() == {}


def test_the_whole_session_is_one_that_the_server_takes() -> None:
    desk = Desk()
    desk.say(client("session.update", event_id="evt_1", session=desk.draft.whole()["session"]))
    desk.accept()

    assert desk.history.updates[-1].outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (SPEED, 3, "above maximum"),
        (f"{DETECTION}.threshold", 2, "above maximum"),
        (f"{DETECTION}.idle_timeout_ms", 100, "below minimum"),
        ("max_output_tokens", 9000, "above maximum"),
        ("tools", {"type": "function"}, "expected"),
        ("tools", [{"type": "function", "name": "x", "parameters": {"type": "text"}}], "type"),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(path: str, value: object, words: str) -> None:
    desk = Desk()
    desk.edit(path, value)
    view = desk.view(path)

    assert view.mark is Mark.EDITED
    assert view.is_wrong
    assert words in view.message


def test_an_update_is_sent_then_confirmed() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.send()
    sent = desk.view(SPEED).mark
    desk.accept()

    assert sent is Mark.SENT
    assert desk.view(SPEED).mark is Mark.CONFIRMED
    assert desk.view("audio.output.voice").mark is Mark.UNCHANGED
    assert desk.draft.changed() == []


def test_a_value_that_the_server_does_not_echo_is_accepted_and_no_longer_an_edit() -> None:
    desk = Desk()
    desk.edit("audio.input.transcription", "on")
    desk.edit("audio.input.transcription.delay", "low")
    desk.send()
    desk.accept()

    assert desk.view("audio.input.transcription").mark is Mark.CONFIRMED
    assert desk.view("audio.input.transcription.delay").mark is Mark.ACCEPTED
    assert desk.draft.changed() == []


def test_a_rejection_is_shown_at_its_field_and_the_other_edits_are_not_applied() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.edit(f"{DETECTION}.threshold", 2)
    desk.send()
    desk.refuse("Expected a value <= 1, but got 2.", f"session.{DETECTION}.threshold")

    assert desk.view(f"{DETECTION}.threshold").mark is Mark.REJECTED
    assert desk.view(f"{DETECTION}.threshold").message == "Expected a value <= 1, but got 2."
    assert desk.view(SPEED).mark is Mark.EDITED
    assert "rejected the whole update" in desk.view(SPEED).message
    assert desk.draft.general_rejection() == ""


def test_a_rejection_without_a_path_is_attributed_by_code_or_message() -> None:
    desk = Desk()
    desk.edit("audio.output.voice", "coral")
    desk.send()
    words = "Cannot update a conversation's voice if assistant audio is present."
    desk.refuse(words, None, code="cannot_update_voice")

    assert desk.view("audio.output.voice").message == words


def test_a_rejection_without_a_field_is_shown_for_the_whole_form() -> None:
    desk = Desk()
    unknown = "Unknown parameter: 'session.modalities'."
    desk.send_refused(SPEED, 1.2, unknown, "session.modalities")

    assert desk.draft.general_rejection() == unknown


def test_an_error_without_an_event_id_rejects_the_oldest_pending_update() -> None:
    desk = Desk()
    desk.send_refused(SPEED, 3, "too fast", f"session.{SPEED}", event_id="event_TODO")

    assert desk.view(SPEED).mark is Mark.REJECTED


def test_an_error_about_something_else_leaves_an_update_pending() -> None:
    desk = Desk()
    desk.send_refused(SPEED, 1.2, "Item not found", "item_id", event_id="evt_other")

    assert desk.view(SPEED).mark is Mark.SENT


def test_an_edit_after_a_rejection_is_an_edit_again_and_revert_discards_it() -> None:
    desk = Desk()
    desk.send_refused(SPEED, 3, "too fast", f"session.{SPEED}")
    desk.edit(SPEED, 1.1)
    edited = desk.view(SPEED)
    desk.draft.revert(desk.field(SPEED))

    assert (edited.mark, edited.message) == (Mark.EDITED, "")
    assert desk.view(SPEED).mark is Mark.UNCHANGED
    assert desk.view(SPEED).message == ""


def test_an_edit_made_while_an_update_is_pending_is_kept() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.send()
    desk.edit(SPEED, 1.4)
    desk.accept()

    assert desk.view(SPEED).value == 1.4
    assert desk.view(SPEED).mark is Mark.EDITED


def test_an_update_lost_with_its_connection_is_no_longer_pending() -> None:
    desk = Desk()
    desk.edit(SPEED, 1.2)
    desk.send()
    desk.say(local("inspector.closed", code=1006))

    assert desk.history.updates[-1].outcome is Outcome.LOST
    assert desk.view(SPEED).mark is Mark.EDITED


def test_a_rejection_of_an_update_from_outside_the_form_is_shown() -> None:
    desk = Desk()
    desk.say(client("session.update", event_id="evt_9", session={"audio": {"output": {"speed": 3}}}))  # fmt: skip
    desk.refuse("too fast", "session.audio.output.speed", event_id="evt_9")

    assert desk.view(SPEED).mark is Mark.REJECTED
    assert desk.view(SPEED).message == "requested 3: too fast"


def test_beta_sessions_are_edited_and_checked_in_their_own_shape() -> None:
    desk = Desk({"modalities": ["audio", "text"], "voice": "echo", "temperature": 0.8, "turn_detection": {"type": "server_vad", "threshold": 0.5}})  # fmt: skip
    desk.edit("turn_detection.threshold", 2)
    desk.edit("modalities", "text")

    assert desk.patch() == {
        "modalities": ["text"],
        "turn_detection": {"type": "server_vad", "threshold": 2},
    }
    assert "'session.turn_detection.threshold'" in desk.view("turn_detection.threshold").message


def test_voice_live_and_xai_send_their_own_shapes() -> None:
    azure = Desk({"modalities": ["audio"], "voice": {"name": "alloy", "type": "openai"}, "turn_detection": {"type": "server_vad", "end_of_utterance_detection": None}})  # fmt: skip
    azure.edit("turn_detection", "azure_semantic_vad")
    xai = Desk({"model": "grok-voice-latest", "voice": "ara", "turn_detection": {"type": "server_vad"}})  # fmt: skip
    xai.edit("turn_detection", "none")

    assert azure.patch() == {"turn_detection": {"type": "azure_semantic_vad"}}
    assert xai.patch() == {"turn_detection": {"type": None}}


def test_a_transcription_session_says_its_kind_in_every_update() -> None:
    desk = Desk(transcription_session("sess_1", 1))
    desk.edit("audio.input.transcription", "on")

    assert desk.patch() == {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}},
    }


def test_a_member_that_only_this_session_has_can_be_set() -> None:
    desk = Desk({"modalities": ["text"], "top_k": 20})
    desk.edit("top_k", 30)

    assert desk.patch() == {"top_k": 30}


def test_the_voice_is_locked_once_the_assistant_has_spoken() -> None:
    state = SessionState()
    voice = ("audio", "output", "voice")
    before = read_only_reasons(shape_named("realtime"), state)
    where = {"item_id": "item_1", "output_index": 0, "content_index": 0}
    delta = server("response.output_audio.delta", response_id="r", **where, delta=silence(100))
    state.apply(numbered([delta])[0])
    after = read_only_reasons(shape_named("realtime"), state)

    assert voice not in before
    assert "assistant audio" in after[voice].why
    assert ("model",) in before
    assert ("voice",) not in read_only_reasons(shape_named("xai"), state)


def test_hostile_sessions_do_not_break_the_form() -> None:
    desk = Desk()
    for odd in ({"audio": None, "tools": {"a": 1}}, {"audio": {"input": [], "output": 3}}, {}):
        desk.say(server("session.updated", session={"type": "realtime", **odd}))
        desk.edit(SPEED, 1.3)
        desk.draft.views({})
        desk.draft.whole()

        assert desk.patch()["audio"]["output"] == {"speed": 1.3}


def test_the_sent_values_are_compared_with_the_effective_ones() -> None:
    sent = {"type": "realtime", "instructions": "x", "audio": {"output": {"speed": 1.2}}}
    found = differences(sent, {"type": "realtime", "audio": {"output": {"speed": 1.0}}})

    assert [(".".join(d.path), d.is_same) for d in found] == [
        ("type", True),
        ("instructions", False),
        (SPEED, False),
    ]
    assert found[1].effective is ABSENT


@pytest.mark.parametrize("odd", [{"type": "telepathy"}, {"type": []}, [], 7, "on", {}])
def test_a_union_with_an_unknown_value_is_shown_and_can_be_changed(odd: object) -> None:
    session = realtime_session("sess_1", "gpt-realtime", 1)
    session["audio"]["input"]["turn_detection"] = odd
    desk = Desk(session)
    desk.draft.views({})
    desk.draft.whole()
    desk.edit(DETECTION, "none")

    assert desk.patch()["audio"]["input"] == {"turn_detection": None}
