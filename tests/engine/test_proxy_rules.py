"""Rules of the proxy: each does what its file says, and an invalid one is reported."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from inspector.core.event import Origin
from inspector.engine.proxied_session import FrameRules
from inspector.errors import UsageError
from inspector.sources.base import Side
from tests.engine.proxied_stage import event, faults, heard, joined
from tests.proxy_stage import closed_with

RULES = {
    "drop": ('do="drop"', ["response.created", "last"]),
    "replace": (
        'do="replace"\npointer="/response/status"\nvalue="failed"',
        ["response.created", "response.done", "last"],
    ),
    "delay": ('do="delay"\nseconds=0.02', ["response.created", "response.done", "last"]),
    "inject": (
        'do="inject"\nevent={type="error", error={code="rate_limit_exceeded"}}',
        ["response.created", "response.done", "error", "last"],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_what_a_hand_would(name: str, tmp_path: Path) -> None:
    text, expected = RULES[name]

    async def scenario() -> None:
        rules = faults(tmp_path, f'[[rule]]\nmatch="type:response.done"\ntimes=1\n{text}\n')
        async with joined(faults=rules) as (stage, app, server):
            await server.say(event("response.created"))
            await server.say(event("response.done", response={"status": "completed", "id": "r"}))
            await server.say(event("last"))
            got = [orjson.loads(await heard(app)) for _ in expected]

            assert [body["type"] for body in got] == expected
            assert [e.type for e in stage.events()] == expected
            if name == "replace":
                assert got[1]["response"] == {"status": "failed", "id": "r"}
            if name != "inject":
                fact = stage.facts("inspector.altered")[0]
                assert fact["by"].startswith("rule 1")
                assert b"completed" in fact["original"].encode()
            assert stage.session._queues[1].is_open, "one match was all"

    asyncio.run(scenario())


def test_a_rule_can_close_the_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        rules = faults(
            tmp_path, '[[rule]]\nmatch="type:bye"\ndo="close"\ncode=4000\nreason="by rule"\n'
        )
        async with joined(faults=rules) as (stage, app, server):
            await app.send(event("bye"))

            assert await server.next() == event("bye")
            assert await closed_with(app) == (4000, "by rule")
            await stage.over()
            assert stage.session.closed is not None
            assert stage.session.closed.by is Side.INSPECTOR
            assert server.connections[0].close_code == 4000

    asyncio.run(scenario())


def test_a_rule_can_answer_the_other_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        rules = faults(
            tmp_path,
            '[[rule]]\nmatch="type:response.create"\ndo="drop"\n'
            '[[rule]]\nmatch="type:session.update"\ndirection="client"\ndo="inject"\nto="app"\n'
            'event=\'{"type":"error"}\'\n',
        )
        async with joined(faults=rules) as (_, app, server):
            await app.send(event("response.create"))
            await app.send(event("session.update"))

            assert await server.next() == event("session.update")
            assert await heard(app) == event("error")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not valid TOML"),
        ("x=1", "and nothing else"),
        ('[[rule]]\ndo="drop"', "needs 'match'"),
        ('[[rule]]\nmatch="x"\ndo="explode"', "one of drop, delay"),
        ('[[rule]]\nmatch="("\ndo="drop"', "rule 1"),
        ('[[rule]]\nmatch="x"\ndo="delay"\nseconds=-1', "from 0"),
        ('[[rule]]\nmatch="x"\ndo="drop"\nseconds=1', "has no key 'seconds'"),
        ('[[rule]]\nmatch="x"\ndo="replace"\npointer="a"\nvalue=1', "JSON pointer"),
        ('[[rule]]\nmatch="x"\ndo="close"\ncode=1006', "cannot be sent"),
        ('[[rule]]\nmatch="x"\ndo="close"\ncode=99', "whole number"),
        ('[[rule]]\nmatch="x"\ndo="inject"\nevent=7', "table or a string"),
        ('[[rule]]\nmatch="x"\ndo="drop"\ntimes=0', "from 1"),
        ('[[rule]]\nmatch="x"\ndo="drop"\ndirection="up"', "client, server"),
    ],
)
def test_a_bad_rule_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        faults(tmp_path, text)


def test_client_events_get_an_id_on_demand_and_nothing_else() -> None:
    async def scenario() -> None:
        async with joined(faults=FrameRules(adds_event_ids=True)) as (stage, app, server):
            for text in ('{ "type" : "x" }', "{}", '{"event_id":"mine"}', "no json", "[1]"):
                await app.send(text)

            assert [await server.next() for _ in range(5)] == [
                '{"event_id":"evt_inspector_000001", "type" : "x" }',
                '{"event_id":"evt_inspector_000002"}',
                '{"event_id":"mine"}',
                "no json",
                "[1]",
            ]
            assert [e.origin for e in stage.events()] == [Origin.WIRE] * 5
            await server.say("{}")
            assert await heard(app) == "{}"

    asyncio.run(scenario())


@pytest.mark.parametrize("is_rule", [True, False])
def test_a_pattern_that_takes_too_long_says_so_once_and_lets_the_frames_go_on(
    is_rule: bool, tmp_path: Path
) -> None:
    pattern = "~(a+)+[$]b~"
    slow = event("x", text="a" * 400)

    async def scenario() -> None:
        rules = faults(tmp_path, f"[[rule]]\nmatch='{pattern}'\ndo='drop'\n")
        async with joined(faults=rules if is_rule else FrameRules()) as (stage, app, server):
            if not is_rule:
                stage.session.breakpoints.arm(pattern)
            for _ in range(3):
                await server.say(slow)
            for _ in range(3):
                assert await heard(app) == slow

            (fact,) = stage.facts("inspector.rule_failed")
            assert "takes too long" in fact["message"]

    asyncio.run(scenario())
