"""Each rule beside its near miss: two short sessions as JSON lines, of which only the first has the fault."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

import orjson
import pytest

from inspector.analysis.lint.lint_run import lint
from inspector.core.event import Direction, Event
from tests.support import at, frame_event, numbered

BYTES_PER_MS = 48
"""PCM16 at 24 kHz."""


class Pair(NamedTuple):
    """A rule, and how near a session may come to its fault."""

    rule: str
    why: str
    """What makes the difference."""
    fault: str
    near: str


OPENED = '{"dir":"local","event":{"type":"inspector.opened","url":"wss://api.openai.com/v1/realtime?model=gpt-realtime"}}\n'
VAD = OPENED + (
    '{"dir":"server","event":{"type":"session.created","session":{"id":"s","type":"realtime","model":"gpt-realtime","instructions":"Be brief.",'
    '"audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"turn_detection":{"type":"server_vad","silence_duration_ms":500,'
    '"threshold":0.5,"create_response":true,"interrupt_response":true}},"output":{"format":{"type":"audio/pcm","rate":24000}}}}}}\n'
)
"""A session with turn detection."""
MANUAL = OPENED + (
    '{"dir":"server","event":{"type":"session.created","session":{"id":"s","type":"realtime","model":"gpt-realtime","instructions":"Be brief.",'
    '"audio":{"input":{"format":{"type":"audio/pcm","rate":24000},"turn_detection":null}}}}}\n'
)
TRANSCRIBES = (
    '{"dir":"server","event":{"type":"session.created","session":{"id":"s","type":"transcription","audio":{"input":{"turn_detection":null,'
    '"transcription":{"model":"gpt-4o-transcribe","prompt":"We talk about sailing boats and the weather."}}}}}}\n'
)
ANSWER = (
    '{"t":0.1,"dir":"server","event":{"type":"response.created","response":{"id":"r","status":"in_progress"}}}\n'
    '{"t":0.2,"dir":"server","event":{"type":"response.output_audio.delta","response_id":"r","item_id":"a","content_index":0,"delta":"@8000"}}\n'
    '{"t":0.3,"dir":"server","event":{"type":"response.output_audio_transcript.done","response_id":"r","item_id":"a","content_index":0,'
    '"transcript":"one two three four five six seven eight"}}\n'
    '{"t":0.4,"dir":"server","event":{"type":"response.done","response":{"id":"r","status":"completed","output":[]}}}\n'
)
"""8 s of sound, which came at once."""


def cut(t: float, end_ms: int) -> str:
    """Return a truncation, asked and confirmed."""
    body = f'"item_id":"a","content_index":0,"audio_end_ms":{end_ms}}}}}\n'
    return (
        f'{{"t":{t},"dir":"client","event":{{"type":"conversation.item.truncate",{body}'
        f'{{"t":{t},"dir":"server","event":{{"type":"conversation.item.truncated",{body}'
    )


def heard(text: str, t: float = 1.0) -> str:
    """Return a transcript of the user's."""
    return (
        f'{{"t":{t},"dir":"server","event":{{"type":"conversation.item.input_audio_transcription.completed","item_id":"u","content_index":0,'
        f'"transcript":"{text}"}}}}\n'
    )


def spoken(begin_ms: int, end_ms: int) -> str:
    """Return a turn as turn detection hears it."""
    return (
        f'{{"dir":"server","event":{{"type":"input_audio_buffer.speech_started","item_id":"u","audio_start_ms":{begin_ms}}}}}\n'
        f'{{"dir":"server","event":{{"type":"input_audio_buffer.speech_stopped","item_id":"u","audio_end_ms":{end_ms}}}}}\n'
    )


def said(response_id: str, text: str, *more: str) -> str:
    """Return an answer and what it said."""
    message = f'{{"id":"m{response_id}","type":"message","role":"assistant","content":[{{"type":"output_audio","transcript":"{text}"}}]}}'
    output = ",".join((message, *more))
    return f'{{"dir":"server","event":{{"type":"response.done","response":{{"id":"{response_id}","status":"completed","output":[{output}]}}}}}}\n'


SPEECH = '{"t":2.3,"dir":"server","event":{"type":"input_audio_buffer.speech_started","item_id":"u","audio_start_ms":2000}}\n'
CALL = '{"id":"c","type":"function_call","name":"weather","call_id":"c1","arguments":"{}"}'
LATER = '{"t":12,"dir":"server","event":{"type":"rate_limits.updated","rate_limits":[]}}\n'
UPDATE = '{"t":1,"dir":"client","event":{"type":"session.update","session":{"type":"realtime",'
APPEND = '{"type":"input_audio_buffer.append","audio":"@20"}'
COMMIT = '"event":{"type":"input_audio_buffer.commit"}}\n'
COMMITTED = '"event":{"type":"input_audio_buffer.committed","item_id":"u"}}\n'
CALLED = OPENED.replace("?model=gpt-realtime", "?call_id=rtc_1")
FAILED = (
    '{"dir":"local","event":{"type":"inspector.connect_failed","url":"wss://api.openai.com/v1/realtime?call_id=rtc_1",'
    '"code":"%s","message":"%s"}}\n'
)
PCMU = '"audio":{"%s":{"format":{"type":"audio/pcmu"}}%s}}}}\n'
UPDATED = (
    '{"t":1.1,"dir":"server","event":{"type":"session.updated","session":{"id":"s","type":"realtime","output_modalities":["audio"],'
    '"audio":{"input":{"format":{"type":"%s"}},"output":{"format":{"type":"audio/pcmu"}}}}}}\n'
)
BLIPS = [spoken(n * 3000, n * 3000 + 400) for n in range(3)]

PAIRS = (
    Pair(
        "truncate-too-early",
        "2 s after the first sound: 0.5 s is too little, and 1.2 s a player that buffers",
        VAD + ANSWER + SPEECH + cut(2.4, 500),
        VAD + ANSWER + SPEECH + cut(2.4, 1200),
    ),
    Pair(
        "truncate-too-late",
        "2.2 s after the first sound nobody has heard 6 s, and 2.2 s perhaps",
        VAD + ANSWER + SPEECH + cut(2.4, 6000),
        VAD + ANSWER + SPEECH + cut(2.4, 2200),
    ),
    Pair(
        "playback-not-flushed",
        "the second app truncates",
        VAD + '{"t":0.05,"dir":"client","event":{"type":"input_audio_buffer.clear"}}\n' + ANSWER + SPEECH + LATER,
        VAD + ANSWER + SPEECH + cut(2.4, 2000) + LATER,
    ),
    Pair(
        "one-sided-format",
        "the second update names both directions",
        VAD + UPDATE + PCMU % ("output", "") + UPDATED % "audio/pcm",
        VAD + UPDATE + PCMU % ("output", ',"input":{"format":{"type":"audio/pcmu"}}') + UPDATED % "audio/pcmu",
    ),
    Pair(
        "vad-open-forever",
        "the first app stops sending, the second goes on: its user still speaks",
        VAD + f'{{"t":0.1,"times":50,"every":0.02,"dir":"client","event":{APPEND}}}\n' + SPEECH.replace("2.3", "0.5") + LATER,
        VAD + f'{{"t":0.1,"times":590,"every":0.02,"dir":"client","event":{APPEND}}}\n' + SPEECH.replace("2.3", "0.5") + LATER,
    ),
    Pair(
        "vad-too-eager",
        "three words within one sentence; three sentences with pauses between them",
        VAD + spoken(1000, 1900) + spoken(2100, 3000) + spoken(3300, 4100),
        VAD + spoken(1000, 1900) + spoken(3100, 4000) + spoken(5300, 6100),
    ),
    Pair(
        "vad-too-eager",
        "turns of 0.4 s are noises; two of them are chance",
        VAD + "".join(BLIPS),
        VAD + "".join(BLIPS[:2]) + spoken(9000, 10_000),
    ),
    Pair(
        "transcript-is-prompt",
        "the prompt word for word; a sentence that has its words",
        TRANSCRIBES + heard("We talk about sailing boats and the weather."),
        TRANSCRIBES + heard("What about the weather for sailing boats?"),
    ),
    Pair(
        "transcript-language",
        "one word in another script; a whole sentence in it is a user who speaks that language",
        VAD + "".join(map(heard, ("Hello there.", "How are you?", "Спасибо", "Tell me a joke."))),
        VAD + "".join(map(heard, ("Hello there.", "How are you?", "Расскажи мне, пожалуйста, о погоде", "Tell me a joke."))),
    ),
    Pair(
        "transcription-mode",
        "nobody commits what was appended for 11 s; a commit every few seconds",
        TRANSCRIBES + f'{{"t":0.5,"times":20,"every":0.5,"dir":"client","event":{APPEND}}}\n' + LATER,
        TRANSCRIBES + f'{{"t":0.5,"times":20,"every":0.5,"dir":"client","event":{APPEND}}}\n' + '{"t":10.5,"dir":"client",' + COMMIT + LATER,
    ),
    Pair(
        "answered-twice",
        "the answer after the tool says the same again; it goes on instead",
        MANUAL + said("r1", "I will look up the weather in Paris for you", CALL) + said("r2", "I will look up the weather in Paris for you now"),
        MANUAL + said("r1", "I will look up the weather in Paris for you", CALL) + said("r2", "It is sunny there, with 22 degrees and little wind"),
    ),
    Pair(
        "manual-under-vad",
        "the app commits 0.2 s after the server did; it commits without turn detection",
        VAD + '{"t":2,"dir":"server",' + COMMITTED + '{"t":2.2,"dir":"client",' + COMMIT,
        MANUAL + '{"t":2.2,"dir":"client",' + COMMIT + '{"t":2.3,"dir":"server",' + COMMITTED,
    ),
    Pair(
        "expiry",
        "57 minutes old; 40 minutes old",
        VAD + LATER.replace('"t":12', '"t":3420'),
        VAD + LATER.replace('"t":12', '"t":2400'),
    ),
    Pair(
        "call-gone",
        "the server knows no such call; it refuses the key",
        FAILED % ("http_404", "HTTP 404: call_id_not_found"),
        FAILED % ("http_401", "HTTP 401: invalid_api_key"),
    ),
    Pair(
        "call-gone",
        "a connection to a call that shows nothing; one to a call that begins",
        CALLED + LATER.replace('"t":12', '"t":60'),
        CALLED + VAD[len(OPENED) :] + LATER.replace('"t":12', '"t":60'),
    ),
    Pair(
        "update-unanswered",
        "neither session.updated nor an error; session.updated",
        VAD + UPDATE + '"instructions":"Be kind."}}}\n' + LATER,
        VAD + UPDATE + '"instructions":"Be kind."}}}\n' + UPDATED % "audio/pcm" + LATER,
    ),
)  # fmt: skip


def session(lines: str) -> Iterator[Event]:
    """Yield the events of JSON lines.

    Each has ``dir`` and ``event``, and may have ``t`` (seconds), ``times`` and ``every`` for the same event again. ``@N`` stands
    for the base64 of N ms of silence.
    """
    for line in lines.splitlines():
        row = orjson.loads(line)
        for number in range(row.get("times", 1)):
            body = {name: _sound(value) for name, value in row["event"].items()}
            event = frame_event(Direction(row["dir"]), orjson.dumps(body))
            yield (
                at((row["t"] + number * row.get("every", 0)) * 1000, event) if "t" in row else event
            )


def _sound(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    return base64.b64encode(bytes(int(value[1:]) * BYTES_PER_MS)).decode()


def found(lines: str) -> list[str]:
    events = sorted(session(lines), key=lambda one: one.t_ns or 0)
    return [one.rule for one in lint(numbered(events), is_strict=True).findings]


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{one.rule}: {one.why}" for one in PAIRS])
def test_a_fault_is_found_and_what_comes_near_it_is_not(pair: Pair) -> None:
    assert pair.rule in found(pair.fault)
    assert pair.rule not in found(pair.near)
