"""Every template of the event editor, sent in a suitable session: each has its effect, and none is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from inspector.analysis.validate import check
from inspector.spec.templates import TEMPLATES
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    WEATHER,
    Body,
    SimDriver,
    append,
    buzz,
    error,
    of_type,
    types,
    update,
    user,
)

BODIES = {template.name: dict(template.body) for template in TEMPLATES}
NO_EFFECT = ""
Ids = dict[str, str]
Scene = tuple[SimDriver, Ids]


def fresh() -> Scene:
    driver = SimDriver()
    driver.run()
    return driver, {}


def listening() -> Scene:
    driver, ids = fresh()
    driver.ask(PUSH_TO_TALK)
    driver.send(append(buzz(500)))
    return driver, ids


def asked() -> Scene:
    driver, ids = fresh()
    driver.ask(user("Hello!"))
    return driver, ids


def answering() -> Scene:
    driver, ids = asked()
    driver.send(CREATE)
    driver.run_to("response.output_audio.delta")
    return driver, ids


def answered() -> Scene:
    driver, _ = asked()
    (done,) = of_type(driver.ask(CREATE), "response.done")
    return driver, {"item_id": done["response"]["output"][0]["id"]}


def called() -> Scene:
    driver, _ = fresh()
    driver.ask(update(tools=[WEATHER]), user("What is the weather in Paris?"))
    (done,) = of_type(driver.ask(CREATE), "response.done")
    return driver, {"call_id": done["response"]["output"][0]["call_id"]}


def awaiting_approval() -> Scene:
    server = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example/mcp"}
    driver, _ = fresh()
    driver.ask(
        update(tools=[{**server, "require_approval": "always"}]),
        user("Search the docs for Realtime"),
    )
    (done,) = of_type(driver.ask(CREATE), "response.done")
    requests = [item for item in done["response"]["output"] if "approval" in item["type"]]
    return driver, {"approval_request_id": requests[-1]["id"]}


def transcribing() -> Scene:
    driver = SimDriver(query={"intent": "transcription"})
    driver.run()
    return driver, {}


def translating() -> Scene:
    driver = SimDriver(path="/v1/realtime/translations", query={"model": "gpt-realtime-translate"})
    driver.run()
    return driver, {}


SCENES: dict[str, tuple[Callable[[], Scene], str]] = {
    "response.create": (asked, "response.done"),
    "response.create, out-of-band": (asked, "response.done"),
    "response.create, instructions": (asked, "response.done"),
    "session.update, transcription session": (transcribing, "session.updated"),
    "response.cancel": (answering, "response.done"),
    "conversation.item.create, function output": (called, "conversation.item.done"),
    "conversation.item.create, MCP approval": (awaiting_approval, "conversation.item.done"),
    "conversation.item.truncate": (answered, "conversation.item.truncated"),
    "conversation.item.delete": (answered, "conversation.item.deleted"),
    "conversation.item.retrieve": (answered, "conversation.item.retrieved"),
    "input_audio_buffer.append, 20 ms of silence": (listening, NO_EFFECT),
    "input_audio_buffer.commit": (listening, "input_audio_buffer.committed"),
    "input_audio_buffer.clear": (listening, "input_audio_buffer.cleared"),
    "session.input_audio_buffer.append": (translating, NO_EFFECT),
    "session.close": (translating, "session.closed"),
}
"""The session that a template needs and the event that it causes; other templates are sent in a new session."""
BY_TYPE = {
    "session.update": "session.updated",
    "conversation.item.create": "conversation.item.done",
}
REFUSED = {"output_audio_buffer.clear": "invalid_value"}
"""Templates for other transports only, with the documented error."""


@pytest.mark.parametrize("name", [name for name in BODIES if name not in REFUSED])
def test_a_template_that_is_filled_in_has_its_effect(name: str) -> None:
    set_up, effect = SCENES.get(name, (fresh, BY_TYPE.get(BODIES[name]["type"], "")))
    driver, ids = set_up()
    event = filled(BODIES[name], ids)

    assert check(event) == []
    came = driver.ask(event)
    assert of_type(came, "error") == []
    assert effect in types(came) if effect else not came


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_websocket_does_not_take_is_refused_as_documented(name: str) -> None:
    driver, _ = fresh()

    assert error(driver.ask(BODIES[name]))["code"] == REFUSED[name]


def filled(event: Body, ids: Ids) -> Body:
    """Replace a template's placeholder ids, which are only a prefix, by real ones."""
    text = json.dumps(event)
    for name, value in ids.items():
        for start in ("item_", "call_", "mcpr_"):
            text = text.replace(f'"{name}": "{start}"', f'"{name}": "{value}"')
    made: Body = json.loads(text)
    return made


def test_a_commit_after_a_template_of_silence_is_too_short_and_says_so() -> None:
    driver, _ = fresh()
    driver.ask(PUSH_TO_TALK)
    came = driver.ask(BODIES["input_audio_buffer.append, 20 ms of silence"], COMMIT)

    assert error(came)["code"] == "input_audio_buffer_commit_empty"
