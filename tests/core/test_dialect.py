"""The dialect of a session, and the evidence for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from inspector.core.dialect_evidence import dialect_of_url
from inspector.core.event import Direction, Event
from inspector.recording.format import parse
from inspector.recording.reader import RecordingReader
from inspector.spec.dialects import DIALECTS, FOREIGN
from tests.support import client, folded, frame_event, local, recordings, server


def opened(url: str) -> Event:
    return local("inspector.opened", url=url)


def described(name: str = "session.created", **session: Any) -> Event:
    return server(name, session={"id": "s", **session})


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("wss://r.openai.azure.com/openai/v1/realtime?model=d", "azure"),
        ("wss://r.openai.azure.com/openai/realtime?api-version=x&deployment=d", "azure-preview"),
        ("ws://127.0.0.1:9/openai/v1/realtime", "azure"),
        ("wss://r.services.ai.azure.com/voice-live/realtime?model=m", "voice-live"),
        ("wss://api.x.ai/v1/realtime?model=grok", "xai"),
        ("wss://notapi.x.ai.example/v1/realtime", ""),
        ("wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime?model=q", "qwen"),
        ("wss://api.openai.com/v1/live/sessions", "gpt-live"),
        ("wss://r.openai.azure.com/openai/v1/live/sessions", "gpt-live"),
        ("wss://api.openai.com/v1/realtime/translations?model=m", "translation"),
        ("wss://api.openai.com/v1/realtime?intent=transcription", "transcription"),
        ("wss://api.openai.com/v1/realtime?model=m", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_an_address_implies_a_dialect_only_if_it_is_unique(url: str, name: str) -> None:
    assert dialect_of_url(url) == name


@pytest.mark.parametrize(
    ("events", "name", "proof"),
    [
        ([], "", ""),
        ([opened("wss://api.openai.com/v1/realtime?model=m")], "openai", "the address has the host api.openai.com"),
        ([described(type="realtime")], "openai", "the session in session.created has type realtime"),
        ([described(type="transcription")], "transcription", "the session in session.created has type transcription"),
        ([described("transcription_session.created", object="realtime.transcription_session")], "transcription", "the session in transcription_session.created is a transcription_session"),
        ([described(modalities=["text"], voice="alloy")], "beta", "the session in session.created has no type, but modalities"),
        ([described(model="grok-voice-latest", modalities=["audio"])], "xai", "the session in session.created has the model grok-voice-latest"),
        ([described(modalities=["audio"], voice={"name": "x", "type": "openai"})], "voice-live", "the session in session.created has an object with a type for its voice"),
        ([client("session.update", session={"modalities": ["text"]})], "", ""),
        ([opened("wss://llm.example/v1/realtime"), described(type="realtime")], "gateway", "the session in session.created has type realtime, at llm.example, which is not OpenAI's"),
        ([opened("ws://127.0.0.1:9/v1/realtime"), described(type="realtime")], "openai", "the session in session.created has type realtime"),
        ([opened("sim://simulator/v1/realtime"), described(type="realtime")], "openai", "the session in session.created has type realtime"),
        ([opened("wss://r.openai.azure.com/openai/realtime"), described(modalities=["text"])], "azure-preview", "the address has the path /openai/realtime"),
        ([described(type="realtime"), server("response.content_part.added", part={}, content=[])], "azure", "response.content_part.added has a content beside its part"),
        ([described(type="realtime"), described("session.updated", type="realtime", model="gpt-live-x")], "openai", "the session in session.created has type realtime"),
        ([server("response.created", response={"modalities": ["text"]})], "beta", "the response of response.created has modalities"),
        ([client("session.start", session={})], "gpt-live", "only GPT-Live has session.start"),
        ([frame_event(Direction.CLIENT, b'{"setup":{}}')], "gemini-live", "messages have no type, and begin with setup"),
        ([frame_event(Direction.CLIENT, b'{"event":{"sessionStart":{}}}')], "nova-sonic", "messages have no type, and begin with event"),
        ([frame_event(Direction.SERVER, b"{}"), frame_event(Direction.SERVER, b'{"x":1}')], "", ""),
        ([described(type="realtime"), frame_event(Direction.SERVER, b'{"setup":1}')], "openai", "the session in session.created has type realtime"),
        ([server("session.created"), server("session.created", session=7), server("response.done", response=[])], "", ""),
    ],
)  # fmt: skip
def test_a_session_is_named_with_its_proof(events: Sequence[Event], name: str, proof: str) -> None:
    fold = folded(*events).dialect

    assert (fold.dialect, fold.evidence.proof) == (name, proof)
    assert bool(fold.called.title) is bool(name)


def test_another_connection_is_classified_anew() -> None:
    state = folded(opened("wss://api.x.ai/v1/realtime"), opened("ws://127.0.0.1/v1/realtime"))

    assert state.dialect.dialect == ""


TRUTH = {
    "azure-": "azure",
    "beta-": "beta",
    "gateway-": "openai",  # without its address it cannot be told from OpenAI's own
    "gemini-": "gemini-live",
    "live-": "gpt-live",
    "openai-": "openai",
    "voice-live-": "voice-live",
    "xai-": "xai",
}


@pytest.mark.parametrize("start", TRUTH)
def test_recorded_sessions_are_classified_as_named(start: str) -> None:
    paths = recordings(f"{start}*.jsonl")
    found = []
    for path in paths:
        reader = RecordingReader(path)
        lines = enumerate(reader.lines(reader.start, reader.size))
        state = folded(*(parse(line, row, reader.shape) for row, (_, line) in lines))
        reader.close()
        found.append(state.dialect.dialect)

    assert paths
    assert found == [TRUTH[start]] * len(paths)


def test_every_name_is_unique() -> None:
    assert not DIALECTS.keys() & FOREIGN.keys()
