"""``--brain`` from outside: a whole run against a stand-in, its failures, and options that cannot be combined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chat_stand_in import Exchange, over, stand_in, words
from tests.cli.conftest import Run

KEY = "planted-brain-key-0123456789"
ASK = b'{"type":"session.update","session":{"type":"realtime","output_modalities":["text"]}}\n{"type":"response.create"}\n'


def test_a_model_answers_in_a_run(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_KEY", KEY)
    events = tmp_path / "events.jsonl"
    events.write_bytes(ASK)

    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.stream(words("Good ", "morning."), over())

    with stand_in(give) as server:
        outcome = inspector(
            "send", events, "--sim", "--brain", server.url, "--brain-model", "llama",
            "--brain-key-env", "BRAIN_KEY", "--until", "response.done", "--timeout", "30",
        )  # fmt: skip

    done = json.loads(outcome.out.splitlines()[-1])["event"]["response"]
    assert outcome.status == 0
    assert done["output"][0]["content"][0]["text"] == "Good morning."
    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY.encode() not in b"".join([outcome.out, outcome.err.encode(), *kept])


def test_a_failing_endpoint_is_reported_on_stderr_without_the_key(
    inspector: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_KEY", KEY)
    events = tmp_path / "events.jsonl"
    events.write_bytes(ASK)

    def give(exchange: Exchange) -> None:
        exchange.begin(401, "application/json")
        exchange.send(json.dumps({"error": {"message": f"{KEY} is no key"}}).encode())

    with stand_in(give) as server:
        outcome = inspector(
            "send", events, "--sim", "--brain", server.url, "--brain-model", "llama",
            "--brain-key-env", "BRAIN_KEY", "--until", "response.done", "--timeout", "30",
        )  # fmt: skip

    assert f"brain: {server.url} refused the key (401): *** is no key" in outcome.err
    assert b'"status":"failed"' in outcome.out
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY.encode() not in b"".join([outcome.out, outcome.err.encode(), *kept])


@pytest.mark.parametrize(
    ("arguments", "words_of_it"),
    [
        (["sim", "--headless", "--brain-model", "m"], "--brain-model needs --brain URL"),
        (["sim", "--headless", "--brain", "localhost:1"], "a model that the endpoint serves"),
        (["sim", "--headless", "--brain", "ftp://x", "--brain-model", "m"], "http://127.0.0.1"),
        (["proxy", "--headless", "--brain", "localhost:1"], "--brain needs --upstream sim"),
        (["send", "-", "--brain", "localhost:1"], "--brain needs --sim"),
        (["live", "--headless", "--brain", "localhost:1"], "--brain needs --url sim"),
        (["serve", "--brain", "x", "--brain-model", "m", "--brain-key-env", "NO"], "variable NO"),
    ],
)
def test_invalid_options_are_rejected(
    arguments: list[str], words_of_it: str, inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == 2
    assert words_of_it in outcome.err
