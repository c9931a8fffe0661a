"""The simulated provider: client secrets, models, and sessions opened with secrets."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from inspector.sim.connect_request import HttpAnswer
from inspector.sim.provider import HttpRequest, SimProvider
from inspector.sim.server import ConnectRequest, SimSession
from inspector.sim.settings import SimSettings

NOW = 1_760_000_000
SECRETS = "/v1/realtime/client_secrets"


def post(provider: SimProvider, body: Any, path: str = SECRETS, **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return provider.answer(HttpRequest(path, {}, headers, (), "POST", data), NOW)


def first_event(session: SimSession) -> dict[str, Any]:
    (output, *_) = session.due(0) or session.due(10**9)
    event: dict[str, Any] = orjson.loads(output.data)  # type: ignore[union-attr]  # the first is no close
    return event


def connect(provider: SimProvider, key: str, *, at_s: int = NOW, **query: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"}
    return first_event(provider.open(ConnectRequest("/v1/realtime", query, headers), at_s))


def test_a_secret_opens_the_session_that_it_was_made_for() -> None:
    provider = SimProvider()
    session = {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "instructions": "Be brief",
        "audio": {"output": {"voice": "cedar"}},
    }
    answer = post(provider, {"session": session})
    opened = connect(provider, answer.body["value"])["session"]

    assert answer.status == 200
    assert answer.body["value"].startswith("ek_")
    assert answer.body["expires_at"] == NOW + 600
    for shown in (answer.body["session"], opened):
        assert (shown["model"], shown["instructions"]) == ("gpt-realtime-2.1", "Be brief")
        assert shown["audio"]["output"]["voice"] == "cedar"


def test_a_secret_may_be_for_another_kind_of_session() -> None:
    provider = SimProvider()
    heard = {"input": {"transcription": {"model": "whisper-1"}}}
    answer = post(provider, {"session": {"type": "transcription", "audio": heard}})
    opened = connect(provider, answer.body["value"])["session"]

    assert opened["object"] == "realtime.transcription_session"
    assert opened["audio"]["input"]["transcription"]["model"] == "whisper-1"


def test_translations_have_secrets_of_their_own() -> None:
    provider = SimProvider()
    body = {"session": {"model": "gpt-realtime-translate", "audio": {"output": {"language": "es"}}}}
    answer = post(provider, body, "/v1/realtime/translations/client_secrets")
    headers = {"authorization": f"Bearer {answer.body['value']}"}
    request = ConnectRequest("/v1/realtime/translations", {}, headers)

    assert answer.body["session"]["type"] == "translation"
    session = first_event(provider.open(request, NOW))["session"]
    assert session["audio"]["output"]["language"] == "es"


def test_an_expired_secret_opens_nothing() -> None:
    provider = SimProvider()
    key = post(provider, {"expires_after": {"anchor": "created_at", "seconds": 10}}).body["value"]

    assert connect(provider, key, at_s=NOW + 9, model="gpt-realtime")["type"] == "session.created"
    refused = connect(provider, key, at_s=NOW + 10, model="gpt-realtime")
    assert refused["error"]["code"] == "invalid_api_key"


def test_secrets_differ() -> None:
    provider = SimProvider()
    values = {post(provider, {}).body["value"] for _ in range(20)}

    assert len(values) == 20


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        ({"session": []}, None),
        ({"session": [1]}, "session"),
        ({"session": {"nope": 1}}, "session.nope"),
        ({"session": {"audio": {"output": {"voice": "x"}}}}, "session.audio.output.voice"),
        ({"expires_after": {"seconds": 5}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": True}}, "expires_after.seconds"),
    ],
)
def test_a_body_that_makes_no_sense_mints_nothing(body: Any, param: str | None) -> None:
    answer = post(SimProvider(), body)

    if body == {"session": []}:  # empty, so nothing is wrong with it
        assert answer.status == 200
    else:
        assert (answer.status, answer.body["error"]["param"]) == (400, param)


def test_models_are_listed() -> None:
    answer = SimProvider().answer(HttpRequest("/v1/models"), NOW)

    assert answer.body["object"] == "list"
    assert "gpt-realtime" in [model["id"] for model in answer.body["data"]]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HttpRequest("/v1/nope"), 404),
        (HttpRequest(SECRETS, method="GET"), 404),
        (HttpRequest("/v1/models", {}, {"authorization": "Bearer sk-bad"}), 401),
    ],
)
def test_other_requests_are_refused_in_json(request_: HttpRequest, status: int) -> None:
    answer = SimProvider().answer(request_, NOW)

    assert answer.status == status
    assert answer.body["error"]["type"] == "invalid_request_error"


def test_a_key_may_be_required() -> None:
    provider = SimProvider(settings=SimSettings(require_key=True))

    assert provider.answer(HttpRequest("/v1/models"), NOW).status == 401


def test_each_session_has_ids_of_its_own() -> None:
    provider = SimProvider(seed=3)
    ids = {connect(provider, "k", model="gpt-realtime")["session"]["id"] for _ in range(3)}

    assert len(ids) == 3
    again = SimProvider(seed=3)
    assert connect(again, "k", model="gpt-realtime")["session"]["id"] in ids
