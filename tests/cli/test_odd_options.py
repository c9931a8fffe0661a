"""Every option of every command, with texts that nobody means: words of the program's own, and never a fault of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from inspector.cli.command_tree import parser_of
from inspector.cli.listen_options import read_origins
from inspector.sources.upstream import upstream_at
from tests.cli.conftest import Run

SOON = ("--timeout=0.01",)
USUAL: dict[str, tuple[str, ...]] = {
    "sim": ("--headless", *SOON),
    "live": ("--headless", *SOON, "--url=ws://127.0.0.1:9/v1/realtime", "--model=m"),
    "replay": ("r.jsonl",),
    "serve": SOON,
    "proxy": ("--headless", *SOON, "--listen=127.0.0.1:0", "--upstream=sim"),
    "send": ("--sim", *SOON, "s.jsonl"),
    "cat": ("r.jsonl",),
    "export": ("r.jsonl", "--to=text"),
    "import": ("app.log", "-o=r2.jsonl"),
    "turns": ("r.jsonl",),
    "stats": ("r.jsonl",),
    "sound": ("r.jsonl",),
    "vad": ("r.jsonl", "--vad=energy"),
    "cost": ("r.jsonl",),
    "diff": ("r.jsonl", "r.jsonl"),
    "lint": ("r.jsonl",),
    "doctor": (),
    "keys": (),
    "paths": (),
}
"""By command, what ends at once and well."""
WORDS = ("\udcff", "", "\x01", "9" * 400, "nan", "http://[")
EXPECTED = {0, 2, 3, 4, 5, 74, 124}
"""Not 1 and 70: nothing here is a finding or a fault."""


def commands() -> dict[str, Any]:
    """Return the program's commands, as the parser has them."""
    group: Any = typer.main.get_command(parser_of(()))
    return dict(group.commands)


def options_with_text() -> list[tuple[str, str]]:
    """Return each command with each of its options and arguments that take a value."""
    return [
        (name, one.opts[-1] if one.opts[-1].startswith("--") else "")
        for name, command in commands().items()
        for one in command.params
        if not getattr(one, "is_flag", False) and one.name != "help"
    ]


def line(command: str, option: str, word: str) -> Sequence[str]:
    """Return a command line with a word in the place of an option's value, or of the argument."""
    usual = [one for one in USUAL[command] if not (option and one.startswith(f"{option}="))]
    if option:
        return [command, *usual, f"{option}={word}"]
    return [command, *("--" if one.endswith(".jsonl") else one for one in usual), word]


def test_each_command_is_here() -> None:
    assert set(commands()) == set(USUAL)


@pytest.mark.parametrize(("command", "option"), options_with_text())
def test_an_odd_text_is_refused_in_words(
    command: str, option: str, inspector: Run, recording: Path
) -> None:
    Path("r.jsonl").write_bytes(recording.read_bytes())
    Path("s.jsonl").write_text('{"type":"nope"}\n')
    for word in WORDS:
        outcome = inspector(*line(command, option, word))

        assert outcome.status in EXPECTED, (word, outcome)
        assert "Traceback" not in outcome.err
        assert "\udcff" not in outcome.err
        if outcome.status in {2, 3, 4}:
            assert outcome.err, word


@pytest.mark.parametrize("word", ["nan", "inf", "1e400", "-1"])
@pytest.mark.parametrize("option", ["--timeout", "--idle", "--connect-timeout"])
def test_a_time_that_never_comes_is_refused(option: str, word: str, inspector: Run) -> None:
    outcome = inspector("send", "s.jsonl", "--sim", f"{option}={word}")

    assert (outcome.status, option in outcome.err) == (2, True)


@pytest.mark.parametrize("folder", ["9" * 400, "\udcff"])
@pytest.mark.parametrize("variable", ["SESSIONS", "STATE", "DATA", "CACHE", "CONFIG"])
@pytest.mark.parametrize("command", ["paths", "doctor"])
def test_odd_folders_are_named_and_no_fault(
    command: str,
    variable: str,
    folder: str,
    inspector: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "INSPECTOR_SESSIONS" if variable == "SESSIONS" else f"XDG_{variable}_HOME"
    monkeypatch.setenv(name, str(tmp_path / folder))
    for form in ((), ("--json",)):
        outcome = inspector(command, *form)

        assert outcome.status in {0, 1, 2}, outcome
        assert outcome.status == 2 or not form or json.loads(outcome.out)


def test_a_session_recorded_under_a_name_of_any_bytes_is_told_as_json(inspector: Run) -> None:
    outcome = inspector("sim", "--headless", "--json", *SOON, "-o", "\udcff.jsonl")

    assert outcome.status == 124
    assert json.loads(outcome.out)["recording"] == "\udcff.jsonl"
    assert r"inspector replay $'\377.jsonl'" in outcome.err


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "localhost:3000",
        "http://localhost:3000/page",
        "http://",
        "http://[",
        "x" * 400,
    ],
)
@pytest.mark.parametrize("command", ["serve", "proxy"])
def test_what_is_not_an_origin_is_refused(command: str, origin: str, inspector: Run) -> None:
    outcome = inspector(command, *USUAL[command], f"--allow-origin={origin}")

    assert outcome.status == 2
    assert "is not the origin of a page" in outcome.err


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("*", "*"),
        ("null", "null"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("HTTP://LocalHost:3000/", "http://localhost:3000"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(given: str, read: str) -> None:
    assert read_origins([given]) == (read,)


@pytest.mark.parametrize(
    "address",
    ["", "9" * 400, "ws://h/a b", "ws://h/\x01", "ws://h?\u00e9"],
)
def test_what_is_not_an_upstream_is_refused(address: str, inspector: Run) -> None:
    outcome = inspector(
        "proxy", "--headless", *SOON, "--listen=127.0.0.1:0", f"--upstream={address}"
    )

    assert outcome.status == 2
    assert "is not a server address" in outcome.err


def test_the_name_of_a_server_may_be_in_any_script() -> None:
    assert upstream_at("wss://b\u00fccher.example").netloc == "xn--bcher-kva.example"
