from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.cli.launch import launcher
from inspector.cli.live_target import LiveOptions, live_target, parse_header
from inspector.cli.new_recording import recording_name
from inspector.cli.session_file import session_update
from inspector.config import Settings
from inspector.errors import ConnectError, UsageError
from inspector.secret import Secret
from inspector.sources.live import LiveSource, LiveTarget

OPENAI = {"OPENAI_API_KEY": "sk-1234567", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "proj"}
AZURE = {
    "AZURE_OPENAI_API_KEY": "azure-key",
    "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/openai/v1/",
}


def target_of(
    settings: Settings | None = None,
    options: LiveOptions | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[LiveTarget, list[str]]:
    said: list[str] = []
    found = live_target(
        settings or Settings(),
        options or LiveOptions(),
        OPENAI if environment is None else environment,
        said.append,
    )
    return found, said


def plain(target: LiveTarget) -> dict[str, str]:
    return {n: v.reveal() if isinstance(v, Secret) else v for n, v in target.headers}


def test_openai_is_the_default() -> None:
    target, said = target_of()

    assert target.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime"
    assert plain(target) == {
        "Authorization": "Bearer sk-1234567",
        "OpenAI-Organization": "org",
        "OpenAI-Project": "proj",
    }
    assert not said
    assert "sk-1234567" not in repr(target)


def test_azure_takes_its_key_and_deployment() -> None:
    target, _ = target_of(Settings(profile="azure", model="my-deployment"), environment=AZURE)

    assert target.url == "wss://res.openai.azure.com/openai/v1/realtime?model=my-deployment"
    assert plain(target) == {"api-key": "azure-key"}


def test_the_base_url_of_the_sdk_is_honoured() -> None:
    target, _ = target_of(environment={**OPENAI, "OPENAI_BASE_URL": "https://gateway.example/v1"})

    assert target.url == "wss://gateway.example/v1/realtime?model=gpt-realtime"


def test_a_call_needs_no_model_and_an_intent_gets_no_default_one() -> None:
    assert target_of(options=LiveOptions(call_id="rtc_1"))[0].url.endswith(
        "/realtime?call_id=rtc_1"
    )
    assert target_of(options=LiveOptions(intent="transcription"))[0].url.endswith(
        "?intent=transcription"
    )


def test_the_beta_header_is_sent_only_when_asked_for() -> None:
    assert "OpenAI-Beta" not in plain(target_of()[0])
    assert plain(target_of(options=LiveOptions(use_beta=True))[0])["OpenAI-Beta"] == "realtime=v1"


def test_a_given_header_replaces_the_one_of_the_profile() -> None:
    options = LiveOptions(headers=(parse_header("authorization: Bearer mine"),))
    headers = plain(target_of(options=options)[0])

    assert headers["authorization"] == "Bearer mine"
    assert "Authorization" not in headers


def test_the_key_may_go_in_a_subprotocol() -> None:
    target, _ = target_of(options=LiveOptions(key_in_subprotocol=True))

    assert "Authorization" not in plain(target)
    assert target.subprotocols[0] == "realtime"
    assert isinstance(target.subprotocols[1], Secret)


def test_a_missing_key_is_an_error_only_if_one_is_required() -> None:
    with pytest.raises(ConnectError) as caught:
        target_of(environment={})

    assert (caught.value.code, caught.value.exit_code) == ("no_key", 3)
    assert target_of(Settings(url="ws://localhost:1"), environment={})[0].headers == ()
    header = LiveOptions(headers=(parse_header("Authorization=Bearer x"),))
    assert target_of(options=header, environment={})[0].headers


def test_an_unencrypted_key_is_warned_of_except_on_loopback() -> None:
    assert target_of(Settings(profile="openai", url="ws://example.com"))[1]
    assert not target_of(Settings(profile="openai", url="ws://127.0.0.1:1"))[1]


@pytest.mark.parametrize(
    ("text", "name", "value"), [("A=b=c", "A", "b=c"), ("X: y", "X", "y"), ("E=", "E", "")]
)
def test_headers_are_parsed(text: str, name: str, value: str) -> None:
    assert parse_header(text) == (name, value)


def test_a_header_whose_name_says_secret_is_one() -> None:
    assert isinstance(parse_header("X-Api-Key=abc")[1], Secret)


@pytest.mark.parametrize("text", ["", "novalue", "=x", "a b=c", "a=b\nc", "a=é"])
def test_invalid_headers_are_rejected(text: str) -> None:
    with pytest.raises(UsageError):
        parse_header(text)


def test_a_session_file_becomes_an_update_and_an_update_is_sent_as_is(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text('{\n "type": "realtime" }\n')
    assert json.loads(session_update(file)) == {
        "type": "session.update",
        "session": {"type": "realtime"},
    }

    whole = '{"type": "session.update",\n  "session": {"speed": 1.0}}'
    file.write_text(whole + "\n")
    assert session_update(file) == whole.encode()


def test_a_preset_of_the_session_form_becomes_the_update_that_it_was_saved_from(
    tmp_path: Path,
) -> None:
    from inspector.analysis.form.presets import preset_text
    from inspector.analysis.form.shapes import shape_named

    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "x"}}
    file = tmp_path / "s.json"
    file.write_text(preset_text(shape_named("realtime"), update))

    assert json.loads(session_update(file)) == update


@pytest.mark.parametrize("text", ["[]", "{", "nope"])
def test_invalid_session_files_are_rejected(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(UsageError):
        session_update(tmp_path / "s.json")


def test_a_recording_is_named_after_its_start_source_and_model() -> None:
    source = LiveSource(LiveTarget("ws://h", "gpt://folder/speech model"))
    now = datetime(2026, 11, 20, 23, 12, tzinfo=UTC)

    assert recording_name(source, now) == "2026-11-20T23-12-00-live-gpt-folder-speech-model"


def test_recent_recordings_are_listed_newest_first(tmp_path: Path) -> None:
    import os

    for age, name in enumerate(("new.jsonl", "old.jsonl", "notes.txt")):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    launch = launcher({}, environment={"INSPECTOR_SESSIONS": str(tmp_path)})

    assert [path.name for path in launch.recent()] == ["new.jsonl", "old.jsonl"]
    assert launcher({}, environment={"INSPECTOR_SESSIONS": str(tmp_path / "none")}).recent() == []


def test_a_recording_opens_as_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"type":"session.update"}\n{"type":"session.updated"}\n')
    replay = launcher({}, environment={}).open_replay(path)
    replay.seek_row(1)
    while not replay.is_settled:
        replay.tick()
    replay.close()

    assert len(replay.log) == 2
    assert replay.state_row == 1
