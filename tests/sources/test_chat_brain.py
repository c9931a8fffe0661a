"""The brain that asks a model over HTTP, against a stand-in endpoint on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, strategies
from websockets.asyncio.client import connect

from inspector.clock import SystemClock
from inspector.errors import UsageError
from inspector.secret import Secret
from inspector.sim.brain import Answer, BrainContext, Call, ContextItem, TokenCount
from inspector.sim.provider import SimProvider
from inspector.sim.server import Seams
from inspector.sim.settings import SimSettings
from inspector.sources.chat.chat_brain import ChatBrain, PendingChatAnswer
from inspector.sources.chat.chat_request import NO_OUTPUT, NO_WORDS, chat_request
from inspector.sources.chat.completion import ChatCompletion, EventStream
from inspector.sources.chat.endpoint import chat_endpoint
from inspector.sources.server_port import Listening, serve
from tests.chat_stand_in import (
    PATIENCE_S,
    Exchange,
    calling,
    counted,
    over,
    stand_in,
    words,
)

KEY = "planted-brain-key-0123456789"
MEMBERS = [
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "index",
    "id",
    "function",
    "name",
    "arguments",
    "usage",
    "error",
]
HELLO = BrainContext("Be kind.", [ContextItem("user", "Hello")])


@contextmanager
def brain_at(
    url: str, *, key: str = "", silence_s: float = PATIENCE_S
) -> Iterator[tuple[ChatBrain, list[str]]]:
    """Yield a brain, and the list of lines that it reports."""
    told: list[str] = []
    endpoint = chat_endpoint(url, "llama", Secret(key) if key else None)
    brain = ChatBrain(endpoint, told.append, silence_s=silence_s)
    try:
        yield brain, told
    finally:
        brain.close()


def whole(pending: PendingChatAnswer, is_enough: Callable[[Answer], bool] | None = None) -> Answer:
    """Wait until an answer is complete, or has enough in it."""
    tick = threading.Event()
    for _ in range(int(PATIENCE_S / 0.005)):
        answer = pending.so_far()
        if answer.is_complete or (is_enough is not None and is_enough(answer)):
            return answer
        tick.wait(0.005)
    raise AssertionError(f"still thinking: {pending.so_far()}")


def saying(*parts: Any) -> Callable[[Exchange], None]:
    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.stream(*parts)
        exchange.send(b"data: [DONE]\n\n")

    return give


def refusing(status: int, body: str) -> Callable[[Exchange], None]:
    def give(exchange: Exchange) -> None:
        exchange.begin(status, "application/json")
        exchange.send(body.encode())

    return give


def asked(give: Callable[[Exchange], None], context: BrainContext = HELLO) -> Answer:
    with stand_in(give) as server, brain_at(server.url) as (brain, _):
        return whole(brain.answer(context))


def test_words_come_as_they_are_streamed() -> None:
    may_end = threading.Event()

    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b": a comment\r\nevent: message\r\n")
        exchange.stream(words("Hel", "lo"))
        may_end.wait(PATIENCE_S)
        exchange.stream(words(" there."), over(), counted(31, 4))
        exchange.send(b"data: [DONE]\n\n")

    with stand_in(give) as server, brain_at(server.url) as (brain, told):
        pending = brain.answer(HELLO)
        early = whole(pending, lambda answer: answer.text == "Hello")
        may_end.set()
        answer = whole(pending)

    assert not early.is_complete
    assert answer == Answer("Hello there.", tokens=TokenCount(31, 4))
    assert told == []


def test_calls_come_in_pieces_and_several_at_once() -> None:
    parts = (
        words("Let me look."),
        calling("get_weather", '{"city":', ' "Paris"}'),
        calling("get_weather", '{"city": "Rome"}', index=1, call_id="c2"),
        over("tool_calls"),
    )

    assert asked(saying(*parts)) == Answer(
        "Let me look.",
        (Call("get_weather", '{"city": "Paris"}'), Call("get_weather", '{"city": "Rome"}')),
    )


def test_calls_of_a_server_that_counts_them_all_as_the_first_are_told_apart() -> None:
    parts = (calling("a", "{}"), calling("b", "{}", call_id="c2"), over())

    assert [call.name for call in asked(saying(*parts)).calls] == ["a", "b"]


@pytest.mark.parametrize(
    ("reason", "cut_short"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", "")],
)
def test_why_the_model_stopped_is_passed_on(reason: str, cut_short: str) -> None:
    assert asked(saying(words("Hi"), over(reason))).cut_short == cut_short


def test_a_server_that_does_not_stream_is_understood() -> None:
    message = {"role": "assistant", "content": "At once."}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}

    assert asked(refusing(200, json.dumps(body, indent=1))).text == "At once."


def test_what_the_model_thinks_is_not_said() -> None:
    thoughts = [{"choices": [{"delta": {"reasoning_content": "hmm", "reasoning": "hmm"}}]}]

    assert asked(saying(thoughts, words("Yes."), over())).text == "Yes."


@pytest.mark.parametrize(
    ("give", "code", "part"),
    [
        (refusing(401, '{"error": {"message": "bad key"}}'), "brain_key_refused", "bad key"),
        (refusing(404, '{"error": "model not found"}'), "brain_model_not_found", "--brain-model"),
        (refusing(429, '{"detail": "slow down"}'), "rate_limit_exceeded", "slow down"),
        (refusing(500, "<html>oops</html>"), "brain_failed", "answered 500: <html>oops</html>"),
        (refusing(200, "<html>hello</html>"), "brain_garbage", "<html>hello</html>"),
        (refusing(200, '{"object": "list"}'), "brain_garbage", "list"),
        (refusing(200, ""), "brain_cut_off", "halfway"),
        (saying([{"error": {"message": "out of memory"}}]), "brain_failed", "out of memory"),
        (lambda exchange: (exchange.begin(), exchange.send(b"data: {\n")), "brain_garbage", "{"),
        (lambda exchange: (exchange.begin(), exchange.send(b"\xff\0" * 99)), "brain_garbage", ""),
        (
            lambda exchange: (exchange.begin(), exchange.stream(words("Half an ans"))),
            "brain_cut_off",
            "halfway",
        ),
    ],
)
def test_a_failure_says_what_happened_and_where(give: Any, code: str, part: str) -> None:
    with stand_in(give) as server, brain_at(server.url) as (brain, told):
        failure = whole(brain.answer(HELLO)).failure

        assert failure is not None
        assert failure.code == code
        assert failure.message.startswith(server.url)
        assert part in failure.message
        assert told == [f"brain: {failure.message}"]


def test_what_was_said_before_the_connection_broke_stands() -> None:
    answer = asked(lambda exchange: (exchange.begin(), exchange.stream(words("Half"))))  # type: ignore[arg-type, func-returns-value] # the value is not used

    assert answer.text == "Half"


def test_an_endpoint_that_does_not_run_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with brain_at(url) as (brain, _):
            failure = whole(brain.answer(HELLO)).failure

    assert failure is not None
    assert failure.code == "brain_unreachable"
    assert "is it running?" in failure.message


def test_an_endpoint_that_says_nothing_is_given_up() -> None:
    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.wait_for_the_client_to_leave()

    with stand_in(give) as server, brain_at(server.url, silence_s=0.05) as (brain, _):
        failure = whole(brain.answer(HELLO)).failure

    assert failure is not None
    assert (failure.code, "0.05 s" in failure.message) == ("brain_timeout", True)


def test_cancelling_ends_the_request_and_nobody_is_told() -> None:
    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.stream(words("Once upon"))
        exchange.wait_for_the_client_to_leave()

    with stand_in(give) as server, brain_at(server.url) as (brain, told):
        pending = brain.answer(HELLO)
        whole(pending, lambda answer: bool(answer.text))
        pending.cancel()

        assert server.exchanges[0].has_left.wait(PATIENCE_S)
        assert told == []


def test_the_key_goes_to_the_endpoint_and_nowhere_else() -> None:
    quoting = refusing(401, json.dumps({"error": {"message": f"no such key: {KEY}"}}))
    with stand_in(quoting) as server, brain_at(server.url, key=KEY) as (brain, told):
        failure = whole(brain.answer(HELLO)).failure

    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{failure}{told}{brain!r}{vars(brain)}"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1/chat/completions"),
        ("localhost:8080", "http://localhost:8080/v1/chat/completions"),
        ("api.example.com", "https://api.example.com/v1/chat/completions"),
        ("https://a.example/openai/v1?x=1", "https://a.example/openai/v1/chat/completions?x=1"),
        ("http://[::1]:9/v1/chat/completions", "http://[::1]:9/v1/chat/completions"),
    ],
)
def test_an_address_is_completed(address: str, url: str) -> None:
    assert chat_endpoint(address, "m").url == url


@pytest.mark.parametrize("address", ["", "http://", "ftp://x/v1", "http://user:pw@x/v1", "a b"])
def test_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        chat_endpoint(address, "m")

    assert "http://127.0.0.1:11434/v1" in caught.value.words
    assert "pw" not in caught.value.message


def test_a_brain_needs_a_model() -> None:
    with pytest.raises(UsageError, match="--brain needs the name of a model"):
        chat_endpoint("localhost:1", "")


def test_the_newest_models_of_openai_are_limited_in_their_own_way() -> None:
    assert chat_endpoint("https://api.openai.com", "m").limit_name == "max_completion_tokens"
    assert chat_endpoint("localhost:1", "m").limit_name == "max_tokens"


def test_a_conversation_becomes_messages() -> None:
    said = [
        ContextItem("system", "The caller is Ann."),
        ContextItem("user", "Weather in Paris and Rome?", images=("data:image/png;base64,AA==",)),
        ContextItem(
            "assistant", "", call="get_weather", call_id="c1", arguments='{"city": "Paris"}'
        ),
        ContextItem(
            "assistant", "", call="get_weather", call_id="c2", arguments='{"city": "Rome"}'
        ),
        ContextItem("tool", "sunny", call_id="c1"),
        ContextItem("assistant", ""),
        ContextItem("user", "", audio_ms=1640),
        ContextItem("tool", "lost", call_id="c9"),
        ContextItem("tool", "5", call="add", call_id="mcp_1", arguments="{}"),
    ]
    messages = chat_request(BrainContext("Be kind.", said), "m", "max_tokens")["messages"]

    def called(name: str, call_id: str, arguments: str, output: str) -> list[Any]:
        function = {"name": name, "arguments": arguments}
        call = {"id": call_id, "type": "function", "function": function}
        return [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": output},
        ]

    assert messages == [
        {"role": "system", "content": "Be kind."},
        {"role": "system", "content": "The caller is Ann."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Weather in Paris and Rome?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
        *called("get_weather", "c1", '{"city": "Paris"}', "sunny"),
        *called("get_weather", "c2", '{"city": "Rome"}', NO_OUTPUT),
        {"role": "user", "content": "(1.6 s of audio that was not understood)"},
        {"role": "system", "content": "A function returned: lost"},
        *called("add", "mcp_1", "{}", "5"),
    ]


@pytest.mark.parametrize(
    "said", [[], [ContextItem("user", "Hi"), ContextItem("assistant", "Hello!")]]
)
def test_a_model_always_has_something_to_answer(said: list[ContextItem]) -> None:
    messages = chat_request(BrainContext("Greet.", said), "m", "max_tokens")["messages"]

    assert messages[-1] == {"role": "user", "content": NO_WORDS}


def test_tools_and_limits_are_passed_on() -> None:
    tool = {
        "type": "function",
        "name": "f",
        "description": "Does f.",
        "parameters": {"type": "object"},
    }
    context = BrainContext(
        "", HELLO.items, [tool], {"type": "function", "name": "f"}, "", False, 64, 0.5
    )
    body = chat_request(context, "m", "max_tokens")

    function = {"name": "f", "description": "Does f.", "parameters": {"type": "object"}}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["parallel_tool_calls"] is False
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (64, 0.5, True)
    assert "tools" not in chat_request(BrainContext("", [], [tool], "none"), "m", "max_tokens")


async def talk(url: str, *sends: dict[str, Any], until: str = "response.done") -> list[Any]:
    """Send events to a session; return the received events up to one of a type."""
    events: list[Any] = []
    async with asyncio.timeout(PATIENCE_S), connect(url) as client:
        for event in sends:
            await client.send(json.dumps(event))
        while not events or events[-1]["type"] != until:
            events.append(json.loads(await client.recv()))
    return events


def said(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    return {"type": "conversation.item.create", "item": item}


CREATE = {"type": "response.create"}


def session_with(
    give: Callable[[Exchange], None], *sends: Any, dialect: str = "", until: str = "response.done"
) -> tuple[list[Any], list[Exchange]]:
    """Return the events of a session over WebSocket with a stand-in brain, and the requests to it."""

    async def run(brain: ChatBrain) -> list[Any]:
        provider = SimProvider(
            settings=SimSettings(latency_scale=0.01, audio_speed=1000.0),
            new_seams=lambda: Seams(brain=brain),
            dialect=dialect,
        )
        clock = SystemClock()
        async with serve(lambda request: provider.open(request, 0), clock, Listening()) as url:
            return await talk(f"{url}?model=gpt-realtime", *sends, until=until)

    with stand_in(give) as server, brain_at(server.url) as (brain, _):
        events = asyncio.run(run(brain))
        if until != "response.done":
            assert server.exchanges[0].has_left.wait(PATIENCE_S)
    return events, server.exchanges


def test_a_client_talks_to_the_model_and_hears_it() -> None:
    give = saying(words("Hi ", "Ann, how are", " you?"), over(), counted(40, 6))
    events, (exchange,) = session_with(give, said("I am Ann."), CREATE)
    response = events[-1]["response"]

    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["transcript"] == "Hi Ann, how are you?"
    assert response["usage"]["total_tokens"] == 46
    assert any(event["type"] == "response.output_audio.delta" for event in events)
    assert exchange.path == "/v1/chat/completions"
    assert exchange.body["model"] == "llama"
    assert exchange.body["messages"][-1] == {"role": "user", "content": "I am Ann."}


def test_a_model_calls_the_clients_function_in_another_dialect_too() -> None:
    give = saying(calling("get_weather", '{"city": ', '"Oslo"}'), over("tool_calls"))
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    update = {"type": "session.update", "session": {"tools": [tool], "temperature": 0.7}}
    events, (exchange,) = session_with(give, update, said("Oslo?"), CREATE, dialect="voice-live")
    (item,) = events[-1]["response"]["output"]

    assert (item["type"], item["arguments"]) == ("function_call", '{"city": "Oslo"}')
    assert exchange.body["tools"][0]["function"]["name"] == "get_weather"
    assert exchange.body["temperature"] == 0.7


def test_a_client_that_leaves_ends_the_request() -> None:
    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.stream(words("Once upon a time, "))
        exchange.wait_for_the_client_to_leave()

    session_with(give, said("A story!"), CREATE, until="response.output_audio_transcript.delta")


def test_a_cancelled_response_ends_the_request() -> None:
    def give(exchange: Exchange) -> None:
        exchange.begin()
        exchange.stream(words("Once upon a time, "))
        exchange.wait_for_the_client_to_leave()
        # The connection of the response is closed while that of the client is open: it waits for the end of this answer.

    async def run(brain: ChatBrain, exchanges: list[Exchange]) -> str:
        provider = SimProvider(
            settings=SimSettings(latency_scale=0.01), new_seams=lambda: Seams(brain=brain)
        )
        async with (
            asyncio.timeout(PATIENCE_S),
            serve(lambda request: provider.open(request, 0), SystemClock(), Listening()) as url,
            connect(f"{url}?model=gpt-realtime") as client,
        ):
            for event in (said("A story!"), CREATE):
                await client.send(json.dumps(event))
            async for frame in client:
                event = json.loads(frame)
                if event["type"] == "response.output_audio_transcript.delta":
                    await client.send('{"type":"response.cancel"}')
                elif event["type"] == "response.done":
                    has_left = await asyncio.to_thread(exchanges[0].has_left.wait, PATIENCE_S)
                    assert has_left
                    return str(event["response"]["status"])
        return ""

    with stand_in(give) as server, brain_at(server.url) as (brain, _):
        assert asyncio.run(run(brain, server.exchanges)) == "cancelled"


def test_a_response_fails_in_words_where_the_endpoint_does() -> None:
    events, _ = session_with(refusing(404, '{"error": {"message": "no llama"}}'), CREATE)
    response = events[-1]["response"]

    assert response["status"] == "failed"
    assert "no llama" in response["status_details"]["error"]["message"]


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.sampled_from(MEMBERS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(strategies.lists(JSON, max_size=4))
def test_no_chunk_is_too_odd(chunks: list[Any]) -> None:
    completion = ChatCompletion()
    for chunk in chunks:
        completion.add(chunk)

    assert isinstance(completion.answer(is_complete=True), Answer)


@given(strategies.binary(max_size=200), strategies.integers(1, 20))
def test_a_stream_is_the_same_however_it_is_cut(body: bytes, size: int) -> None:
    def data(*pieces: bytes) -> list[bytes]:
        lines = EventStream()
        return [one for piece in pieces for one in lines.feed(piece)] + lines.end()

    body = b'data: {"a":1}\r\n\n' + body
    assert data(body) == data(*(body[at : at + size] for at in range(0, len(body), size)))
