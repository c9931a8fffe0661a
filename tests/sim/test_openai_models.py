"""Every event of the simulator validates as a model of the OpenAI SDK, without unknown members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from inspector.sim.provider import HttpRequest, SimProvider
from tests.sim_driver import (
    COMMIT,
    CREATE,
    PUSH_TO_TALK,
    TEXT_SESSION,
    Body,
    SimDriver,
    append,
    buzz,
    of_type,
    only,
    update,
    user,
)

pytest.importorskip("openai")

from openai.types.realtime import (
    ClientSecretCreateResponse,
    RealtimeServerEvent,
    RealtimeTranslationClientSecretCreateResponse,
    RealtimeTranslationServerEvent,
)
from pydantic import BaseModel, TypeAdapter

ON_THE_WIRE = {"obfuscation", "phase", "reasoning_tokens"}
"""Members of recorded events that the SDK has no types for."""
IN_SESSIONS = {"id", "object", "expires_at"}
"""Members of recorded session objects that the SDK only has for sessions created over HTTP."""
DOCS = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example"}


def extras(value: object) -> Iterator[str]:
    """Yield the members of a model, at any depth, that its type does not declare."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for child in value.__dict__.values():
            yield from extras(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from extras(child)
    elif isinstance(value, dict):
        for child in value.values():
            yield from extras(child)


def assert_typed(events: list[Body], type_: Any = RealtimeServerEvent) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(type_)
    for event in events:
        known = ON_THE_WIRE | (IN_SESSIONS if "session" in event else set())
        unknown = set(extras(adapter.validate_python(event))) - known
        assert not unknown, f"{event['type']}: {unknown}"


@pytest.mark.parametrize("model", ["gpt-realtime", "gpt-realtime-2.1"])
def test_voice_text_and_errors(model: str) -> None:
    driver = SimDriver(query={"model": model})
    heard = {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}
    include = ["item.input_audio_transcription.logprobs"]
    driver.ask(update(audio=heard, include=include))
    driver.stream(buzz(900) + buzz(800, 0))
    driver.run()
    driver.stream(buzz(900) + buzz(800, 0))
    driver.ask(TEXT_SESSION, user("Hello"), CREATE, {"type": "nope"}, COMMIT)
    driver.ask({"type": "conversation.item.truncate", "item_id": "x", "content_index": 0})

    assert_typed(driver.events)


@pytest.mark.parametrize("approval", ["never", "always"])
def test_servers_of_tools(approval: str) -> None:
    driver = SimDriver()
    tools = [{**DOCS, "require_approval": approval, "allowed_tools": ["search", "fail_search"]}]
    driver.ask(TEXT_SESSION, update(tools=tools))
    driver.ask(update(tools=[{**DOCS, "server_url": "https://x.invalid"}]))
    driver.ask(update(tools=tools))
    asked = driver.ask(user("Search the docs for Realtime"), CREATE)
    item = only(asked, "response.done")["response"]["output"][0]
    if approval == "always":
        yes = {"type": "mcp_approval_response", "id": "y", "approve": True}
        event = {"type": "conversation.item.create"}
        driver.ask({**event, "item": {**yes, "approval_request_id": item["id"]}})
    choice = {"type": "mcp", "server_label": "docs", "name": "fail_search"}
    driver.ask(update(tool_choice=choice), CREATE)

    assert_typed(driver.events)


@pytest.mark.parametrize("model", ["gpt-live-transcribe", "gpt-4o-transcribe-diarize", "whisper-1"])
def test_transcription_sessions(model: str) -> None:
    driver = SimDriver(query={"intent": "transcription"})
    heard = {"transcription": {"model": model}, "turn_detection": None}
    session = {"type": "transcription", "audio": {"input": heard}}
    driver.ask({"type": "session.update", "session": session})
    driver.stream(buzz(3000))
    driver.ask(COMMIT)

    assert_typed(driver.events)


def test_translation_sessions() -> None:
    driver = SimDriver(path="/v1/realtime/translations", query={"model": "gpt-realtime-translate"})
    heard = {"transcription": {"model": "gpt-realtime-whisper"}}
    session = {"audio": {"input": heard, "output": {"language": "fr"}}}
    said = {**append(buzz(900)), "type": "session.input_audio_buffer.append"}
    driver.ask({"type": "session.update", "session": session}, said, {"type": "session.close"})

    assert_typed(driver.events, RealtimeTranslationServerEvent)


@pytest.mark.parametrize(
    ("path", "session", "type_"),
    [
        ("", {"type": "realtime", "model": "gpt-realtime"}, ClientSecretCreateResponse),
        ("", {"type": "transcription"}, ClientSecretCreateResponse),
        (
            "/translations",
            {"model": "gpt-realtime-translate"},
            RealtimeTranslationClientSecretCreateResponse,
        ),
    ],
)
def test_client_secrets(path: str, session: Body, type_: type[BaseModel]) -> None:
    body = orjson.dumps({"session": session})
    request = HttpRequest(f"/v1/realtime{path}/client_secrets", {}, {}, (), "POST", body)
    made = type_.model_validate(SimProvider().answer(request, 0).body)

    assert set(extras(made)) <= ON_THE_WIRE


def test_items_that_are_fetched() -> None:
    driver = SimDriver()
    driver.ask(PUSH_TO_TALK, append(buzz(300)), COMMIT, CREATE)
    for added in of_type(driver.events, "conversation.item.added"):
        item_id = added["item"]["id"]
        (fetched,) = driver.ask({"type": "conversation.item.retrieve", "item_id": item_id})
        (part,) = fetched["item"]["content"]
        assert part.pop("format") == "pcm16"  # documented beside the audio, and typed nowhere
        assert_typed([fetched])
