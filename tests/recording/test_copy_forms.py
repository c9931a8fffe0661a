"""Copies of an event: what they are pasted into takes them."""

from __future__ import annotations

import ast
import json
import shlex

import pytest

from inspector.core.event import Event
from inspector.recording.copy_forms import COPY_FORMS, OPENAI_URL, copied
from inspector.recording.format import parse
from tests.support import client, numbered, server

ITEM = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": 'it\'s "here" $HOME'}],
}
CREATE = client("conversation.item.create", item=ITEM, event_id="e1")


def test_json_is_indented_and_the_same() -> None:
    text = copied(CREATE, "json")

    assert json.loads(text) == CREATE.body
    assert "\n  " in text


def test_a_line_is_one_of_a_recording() -> None:
    (event,) = numbered([CREATE])

    assert parse(copied(event, "line").encode(), 1) == event


@pytest.mark.parametrize(
    ("event", "method"),
    [
        (CREATE, "connection.conversation.item.create"),
        (client("response.cancel"), "connection.response.cancel"),
        (client("session.update", session={"type": "realtime"}), "connection.session.update"),
        (client("not.known", x=1), "connection.send"),
        (client("response.create", **{"not a name": 1}), "connection.send"),
        (client("response.create", **{"class": 1}), "connection.send"),
    ],
)
def test_a_python_call_has_the_sdks_method_and_the_events_members(
    event: Event, method: str
) -> None:
    call = ast.parse(copied(event, "python")).body[0].value.value  # type: ignore[attr-defined]  # an awaited call

    assert ast.unparse(call.func) == method
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    sent = {name: value for name, value in (event.body or {}).items() if name != "type"}
    assert (given or ast.literal_eval(call.args[0] if call.args else "{}")) in (sent, event.body)


def test_every_sdk_method_exists() -> None:
    realtime = pytest.importorskip("openai.resources.realtime.realtime")
    from inspector.recording.copy_forms import _SDK_CALLS

    names = {
        "session": "Session",
        "response": "Response",
        "input_audio_buffer": "InputAudioBuffer",
        "output_audio_buffer": "OutputAudioBuffer",
        "conversation.item": "ConversationItem",
    }
    for path in _SDK_CALLS.values():
        resource, _, method = path.rpartition(".")
        assert hasattr(getattr(realtime, f"AsyncRealtime{names[resource]}Resource"), method), path


def test_a_shell_command_sends_the_very_frame_and_holds_no_key() -> None:
    words = shlex.split(copied(CREATE, "websocat", "wss://host/v1/realtime?model=m&x=1"))

    assert json.loads(words[1]) == CREATE.body
    assert words[3] == "websocat"
    assert words[-1] == "wss://host/v1/realtime?model=m&x=1"
    assert words[-2] == "-H=Authorization: Bearer $OPENAI_API_KEY"
    assert shlex.split(copied(CREATE, "websocat"))[-1] == OPENAI_URL


@pytest.mark.parametrize("form", ["python", "websocat"])
def test_what_a_server_sent_is_not_sent_again(form: str) -> None:
    with pytest.raises(ValueError, match="only an event of the client"):
        copied(server("session.created", session={}), form)


def test_an_unknown_form_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match=", ".join(COPY_FORMS)):
        copied(CREATE, "yaml")
