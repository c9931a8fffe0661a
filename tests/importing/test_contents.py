"""What an import leaves out, counts, refuses, and never makes up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.core.event import Direction
from inspector.errors import RecordingError
from tests.importing.imports import import_text
from tests.importing.shapes import CREATED, DELTA, UPDATE, flow, har, har_messages, moment

PLANTED = ("ek_planted1", "sk-planted-0123456789", "planted-cookie", "planted-token-1234")
REALTIME = "wss://api.openai.com/v1/realtime?model=m"


def test_each_socket_of_a_har_file_is_a_session_and_others_are_skipped(tmp_path: Path) -> None:
    other = [{"type": "receive", "time": 1.0, "opcode": 1, "data": '{"type":"update"}'}]
    sockets = [
        (REALTIME, har_messages()),
        ("ws://localhost/vite", other),
        (REALTIME, har_messages()),
    ]
    result = import_text(tmp_path, har(sockets))

    assert result.summary.sessions == 2
    assert [event.type for event in result.rows].count("inspector.opened") == 2
    assert result.summary.skipped == {"another WebSocket (ws://localhost/vite)": 1}


def test_sessions_in_one_log_are_told_apart(tmp_path: Path) -> None:
    second = {**CREATED, "session": {**CREATED["session"], "id": "sess_2"}}
    events = (CREATED, DELTA, CREATED, second, DELTA)
    result = import_text(tmp_path, "".join(f"< {json.dumps(event)}\n" for event in events))

    assert (result.summary.events, result.summary.sessions) == (5, 2)


def test_a_har_file_keeps_binary_frames_and_closes(tmp_path: Path) -> None:
    more = [
        {"type": "receive", "time": 1.0, "opcode": 2, "data": "AAEC"},
        {"type": "receive", "time": 1.0, "opcode": 9, "data": ""},
        {"type": "receive", "time": 1.0, "opcode": 8, "data": "1001 going away"},
    ]
    result = import_text(tmp_path, har([(REALTIME, [*har_messages(), *more])]))

    binary, closed = result.rows[-2:]
    assert (binary.is_text, binary.data) == (False, b"\0\1\2")
    assert closed.body is not None
    assert (closed.body["code"], closed.body["by"]) == (1001, "server")


def test_no_secret_survives(tmp_path: Path) -> None:
    created = {**CREATED, "session": {"client_secret": {"value": "ek_planted1", "expires_at": 1}}}
    update = {
        **UPDATE,
        "session": {"tools": [{"type": "mcp", "authorization": "planted-token-1234"}]},
    }
    texts = [
        har([(f"{REALTIME}&api_key=planted-token-1234", har_messages())]),
        f"Sending {json.dumps(update)}\nReceived {json.dumps(created)} sk-planted-0123456789\n",
        f"> {json.dumps({**DELTA, 'delta': 'key sk-planted-0123456789'})}\n",
    ]
    found = []
    for text in texts:
        result = import_text(tmp_path, text)
        found.append(result.summary.dropped)

        assert not any(secret.encode() in result.text for secret in PLANTED)
    assert found[0]["Authorization header"] == found[0]["Cookie header"] == 1
    assert found[0]["subprotocol key"] == found[0]["URL secret"] == 1
    assert found[1] == {"payload secret": 1, "client secret": 1}
    assert found[2] == {"API key": 1}
    flows = import_text(tmp_path, flow())
    assert b"planted" not in flows.text
    assert flows.summary.dropped == {"Authorization header": 1}


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ('{"type":"input_audio_buffer.append","audio":"<base64 4800 bytes>"}', True),
        ('{"type":"input_audio_buffer.append","audio":"UklGR..."}', True),
        ('{"type":"input_audio_buffer.append","audio":"UklGR… (4800 bytes)"}', True),
        ('{"type":"input_audio_buffer.append","audio":"UklGR... [truncated]', True),
        ('{"type":"input_audio_buffer.append","audio":"[audio]"}', True),
        ('{"type":"response.output_audio.delta","delta":"(omitted)"}', True),
        ('{"type":"input_audio_buffer.append","audio":"UklGR"}', False),
        ('{"type":"input_audio_buffer.append","audio":"data:audio/wav;base64,UklGR"}', False),
        ('{"type":"response.output_audio_transcript.delta","delta":"(so)"}', False),
        ("{type: 'session.created', event_id: 'event_…', session: {…}}", True),
        ("{ type: 'response.done', response: { output: [Array], id: 'r' } }", True),
        ("{ type: 'response.done', response: { output: [ 1, ... 4 more items ] } }", True),
        ("{type: 'input_audio_buffer.append', audio: 'UklGR'... 4500 more characters}", True),
        ('TEXT \'{"type":"session.created","event_id":"e..."ek":null}}\' [895 bytes]', True),
        ('{"type":"response.output_text.delta","delta":"..."}', False),
        ('{"type":"response.output_text.done","text":"Well <b>… [ok] (2 bytes)"}', False),
    ],
)
def test_what_was_cut_out_before_is_marked(text: str, is_cut: bool, tmp_path: Path) -> None:
    result = import_text(tmp_path, f"Sending {text}\n")

    assert [event.type for event in result.events] == [
        text.split("type")[1].strip("\"': ").split("'")[0].split('"')[0]
    ]
    assert result.summary.elided == is_cut
    assert result.summary.elided_seqs == [1] * is_cut


def test_what_cannot_be_read_is_counted_with_its_line_and_not_guessed_at(tmp_path: Path) -> None:
    whole = json.dumps(CREATED)
    text = f"\nReceived {whole}\nReceived {whole[:-9]}\nReceived {json.dumps(DELTA)}\n"
    result = import_text(tmp_path, text)

    assert [event.type for event in result.events] == ["session.created", DELTA["type"]]
    assert (result.summary.lost, result.summary.lost_lines, result.lines) == (1, (3,), [2, 4])
    assert "2 of 3 events" in result.summary.words
    assert "1 cannot be read, first on line 3" in result.summary.words


@pytest.mark.parametrize(
    "text",
    [
        'The type is {"type": "error"} or {"type": "ping"}, says the page.\n',
        'data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}\n',
        '{"setup":{"model":"gemini"}}\n{"serverContent":{}}\n',
        '{"event":"media","streamSid":"MZ","media":{"payload":"fn5+"}}\n',
        '{"object":"chat.completion.chunk","id":"x"}\n',
        "\x89PNG\r\n\x1a\n",
        "def f(): return {'type': name}\n",
        "GIF89a",
        "   \n",
        json.dumps({"log": {"version": "1.2", "entries": [{"request": {"url": "https://x"}}]}}),
        "id,name,size\n1,a,2\n",
    ],
)
def test_what_is_no_session_is_refused_by_name(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError) as error:
        import_text(tmp_path, text)

    assert error.value.code == "not_a_recording"
    told = error.value.message.partition("no session to import: ")[2]
    expected = (
        "object",
        "Responses API",
        "Gemini",
        "Twilio",
        "chat",
        "PNG",
        "text",
        "GIF",
        "blank",
        "HAR",
        "CSV",
    )
    assert any(word in told for word in expected), told


def test_a_relay_that_receives_from_both_sides_is_told_by_the_types(tmp_path: Path) -> None:
    text = "".join(f"received {json.dumps(each)}\n" for each in (UPDATE, CREATED))
    result = import_text(tmp_path, text)

    assert [event.direction for event in result.events] == [Direction.CLIENT, Direction.SERVER]
    assert result.summary.inferred == 1


def test_an_event_of_a_type_that_is_not_known_yet_is_imported(tmp_path: Path) -> None:
    new = {"type": "response.thought.delta", "event_id": "event_9"}
    torn = {"type": "response.th\x13ght.delta", "event_id": "event_9"}
    text = "".join(f"Received {json.dumps(each)}\n" for each in (CREATED, new, torn))
    result = import_text(tmp_path, text)

    assert [event.type for event in result.events] == ["session.created", "response.thought.delta"]


def test_twilio_messages_between_the_events_are_skipped(tmp_path: Path) -> None:
    media = json.dumps({"event": "media", "streamSid": "MZ", "media": {"payload": "fn5+"}})
    result = import_text(tmp_path, f"got {media}\nReceived {json.dumps(CREATED)}\ngot {media}\n")

    assert len(result.events) == 1
    assert "skipped 2 Twilio media-stream messages" in result.summary.words


@pytest.mark.parametrize(
    ("times", "expected_ms", "form"),
    [
        (("1343.7", "1473.7", "1603.7"), (1343.7, 1473.7, 1603.7), "ms since a start"),
        (("1.3437", "1.4737", "1.6037"), (1343.7, 1473.7, 1603.7), "seconds since a start"),
        (("23:59:59.9", "00:00:00.1", "00:00:01"), (0, 200, 1100), "time of day"),
        (("11:59:59 AM", "12:00:00 PM", "1:00:00 PM"), (0, 1000, 3_601_000), "time of day"),
        (
            ("2026-11-20 09:00:00-0500", "2026-11-20T14:00:01Z", "nonsense"),
            (0, 1000, None),
            "ISO 8601",
        ),
        (("12:00:00", "2026-11-20T14:00:01Z", "12:00:01"), (0, None, 1000), "time of day"),
    ],
)
def test_times_of_one_kind_get_one_origin(
    times: tuple[str, ...], expected_ms: tuple[float | None, ...], form: str, tmp_path: Path
) -> None:
    text = "".join(f"{time} S>C {json.dumps(DELTA)}\n" for time in times)
    result = import_text(tmp_path, text)

    found = [None if event.t_ns is None else event.t_ns / 1e6 for event in result.events]
    assert found == pytest.approx(list(expected_ms))
    assert result.summary.time_form == form


def test_a_time_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    rows = [
        {"time": moment(0).isoformat(), "source": "server", "event": CREATED},
        {"time": "tomorrow", "source": "server", "event": DELTA},
    ]
    result = import_text(tmp_path, json.dumps(rows))

    assert [event.t_ns for event in result.events] == [0, None]
    assert "1 time ignored" in result.summary.words


def test_a_broken_event_between_others_on_one_line_costs_only_itself(tmp_path: Path) -> None:
    whole = [json.dumps(each) for each in (CREATED, DELTA, UPDATE, DELTA)]
    whole[1] = whole[1].replace('"response_id": ', '"response_id" ')
    result = import_text(tmp_path, f"[{', '.join(whole)}]")

    assert [event.type for event in result.events] == [
        CREATED["type"],
        UPDATE["type"],
        DELTA["type"],
    ]
    assert result.summary.lost == 1


def test_an_event_whose_type_was_cut_off_is_counted(tmp_path: Path) -> None:
    text = f'< {json.dumps(CREATED)}\n< {{"event_id": "event_2", "session": {{"id": "sess_\n'
    result = import_text(tmp_path, text)

    assert (len(result.events), result.summary.lost, result.summary.lost_lines) == (1, 1, (2,))
