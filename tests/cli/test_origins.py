"""Requests with an Origin: websocket-client, which always sends one, is accepted; pages are rejected and reported."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.cli.conftest import spawn

PAGE = "http://evil.example"
CHAINS = {
    "serve": (("serve",),),
    "serve --tls": (("serve", "--tls"),),
    "proxy": (("proxy", "--headless", "--upstream", "sim"),),
    "proxy --tls": (("proxy", "--headless", "--tls", "--upstream", "sim"),),
    "proxy in front of serve": (("serve",), ("proxy", "--headless")),
    "proxy --tls in front of serve": (("serve",), ("proxy", "--headless", "--tls")),
    "proxy in front of proxy": (
        ("proxy", "--headless", "--upstream", "sim"),
        ("proxy", "--headless"),
    ),
}


@contextmanager
def chain(
    links: Sequence[Sequence[str]], *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Start servers, each in front of the previous one; yield the last one and its first line."""
    with ExitStack() as stack:
        started: list[tuple[subprocess.Popen[bytes], dict[str, Any]]] = []
        for link in links:
            behind = [started[-1][1]["url"].split("/v1/")[0]] if started else []
            upstream = ["--upstream", *behind] if behind else []
            process = stack.enter_context(
                spawn(*link, "--listen", "127.0.0.1:0", *upstream, *options)
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            started.append((process, json.loads(process.stdout.readline())))
        yield started[-1]


def trusted(process: subprocess.Popen[bytes], first: dict[str, Any], home: Path) -> str | None:
    if not first["url"].startswith("wss"):
        return None
    found = first.get("certificate")
    return found or str(next(home.rglob("tls/*.pem")))


@pytest.mark.parametrize("name", list(CHAINS))
def test_websocket_client_is_accepted(name: str, home: Path) -> None:
    websocket = pytest.importorskip("websocket")
    with chain(CHAINS[name]) as (process, first):
        for host in ("127.0.0.1", "localhost"):
            url = first["url"].replace("127.0.0.1", host)
            model = "" if "model=" in url else "?model=gpt-realtime"
            client = websocket.create_connection(
                url + model, timeout=20, sslopt={"ca_certs": trusted(process, first, home)}
            )
            created = json.loads(client.recv())
            client.close()
            assert created["type"] == "session.created"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (PAGE, "127.0.0.1:{port}"),
        ("http://127.0.0.1:1", "127.0.0.1:{port}"),
        ("http://localhost", "localhost:{port}"),
        ("http://localhost:{port}", "127.0.0.1:{port}"),
        ("http://evil.example:{port}", "evil.example:{port}"),
        ("http://127.0.0.1.evil.example:{port}", "127.0.0.1.evil.example:{port}"),
        ("http://evil@127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("http://127.0.0.1:{port}/x", "127.0.0.1:{port}"),
        ("file://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("http://[", "127.0.0.1:{port}"),
        ("null", "127.0.0.1:{port}"),
        ("", "127.0.0.1:{port}"),
    ],
)
def test_an_origin_that_only_resembles_our_own_is_a_page(origin: str, host: str) -> None:
    from inspector.sources.access_control import AccessControl
    from inspector.sources.heads import Head

    headers = {"Origin": origin.format(port=8899), "Host": host.format(port=8899)}
    head = Head.of(headers.items())

    for is_loopback in (True, False):
        refusal = AccessControl(is_loopback=is_loopback, port=8899).refusal(head)
        assert refusal is not None
        assert refusal.code == "origin_not_allowed"
        assert AccessControl(("*",), is_loopback=False, port=8899).refusal(head) is None


@pytest.mark.parametrize("command", ["serve", "proxy"])
def test_a_rejected_page_is_reported_in_a_line_and_in_the_stream(command: str) -> None:
    more = ["--jsonl"] if command == "proxy" else []
    with chain(CHAINS[command], *more) as (process, first):
        with pytest.raises(InvalidStatus) as caught:
            connect(f"{first['url']}&api_key=sk-abcdefghij", origin=Origin(PAGE))
        line = process.stdout.readline() if command == "proxy" and process.stdout else b""
        process.terminate()
        _, err = process.communicate(timeout=20)

    said = [line for line in err.decode().splitlines() if "refused" in line]
    assert len(said) == 1
    assert PAGE in said[0]
    assert "403" in said[0]
    assert "--allow-origin" in said[0]
    assert PAGE in bytes(caught.value.response.body or b"").decode()
    if command == "proxy":
        fact = json.loads(line)
        assert (fact["schema"], fact["session"], fact["type"]) == (1, None, "inspector.refused")
        assert fact["event"]["code"] == "origin_not_allowed"
        assert fact["event"]["target"].endswith("api_key=***")


@pytest.mark.parametrize("command", ["serve", "proxy"])
@pytest.mark.parametrize("allowed", ["*", PAGE])
def test_an_allowed_origin_means_the_same_in_both(command: str, allowed: str) -> None:
    with (
        chain(CHAINS[command], "--allow-origin", allowed) as (_, first),
        connect(first["url"], origin=Origin(PAGE)) as client,
    ):
        created = json.loads(client.recv(timeout=20))

    assert created["type"] == "session.created"


REQUIRED = "sk-the-only-one-0123"


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        ((), {None: None, "sk-any": "let in"}),
        (
            ("ONLY",),
            {None: None, "sk-another-one-012345": "invalid_api_key", REQUIRED: "let in"},
        ),
    ],
    ids=["any", "one"],
)
@pytest.mark.parametrize("replays", [False, True])
def test_a_key_that_is_required_is_required_as_the_api_does(
    value: tuple[str, ...],
    answers: dict[str | None, str | None],
    replays: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONLY", REQUIRED)
    recording = tmp_path / "golden.jsonl"
    recording.write_text('{"type":"session.created","session":{}}\n')
    more = ("--replay", str(recording)) if replays else ()
    with chain([("serve",)], "--require-key", *value, *more) as (_, first):
        for key, code in answers.items():
            assert_answered(first["url"], key, code)


def assert_answered(url: str, key: str | None, code: str | None) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with connect(url, additional_headers=headers) as client:
        said = json.loads(client.recv(timeout=20))
        if code == "let in":
            assert said["type"] == "session.created"
            return
        with pytest.raises(Exception, match="3000") as closed:
            client.recv(timeout=20)

    assert said["type"] == "error"
    assert said["error"]["code"] == code
    reason = "invalid_request_error" + (f".{code}" if code else "")
    assert reason in str(closed.value)


def test_a_client_secret_stands_for_the_key_that_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    monkeypatch.setenv("ONLY", REQUIRED)
    with chain([("serve",)], "--require-key", "ONLY") as (_, first):
        mint = f"{first['http_url']}/realtime/client_secrets"
        with pytest.raises(HTTPError, match="401"):
            urlopen(Request(mint, b"{}"), timeout=20)
        request = Request(mint, b"{}", {"Authorization": f"Bearer {REQUIRED}"})
        with urlopen(request, timeout=20) as answer:
            secret = json.load(answer)["value"]
        bearer = {"Authorization": f"Bearer {secret}"}
        with connect(first["url"], additional_headers=bearer) as client:
            assert json.loads(client.recv(timeout=20))["type"] == "session.created"


def test_both_forms_of_the_address_options_are_equivalent() -> None:
    for where in (("--listen", "[::1]:0"), ("--host", "::1", "--port", "0"), ("--host", "::1")):
        with spawn("serve", *where) as process:
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            process.kill()

        assert first["url"].startswith("ws://[::1]:")


def test_the_forms_of_the_address_options_cannot_be_combined() -> None:
    with spawn("serve", "--listen", "127.0.0.1:0", "--port", "1") as process:
        _, err = process.communicate(timeout=20)

    assert process.returncode == 2
    assert b"cannot be combined" in err
