"""``inspector export``: files, exit statuses and messages."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.spoken import write_recording


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "talk.jsonl")


def test_a_wav_is_written_to_the_current_folder_and_reported(
    inspector: Run, recording: Path
) -> None:
    outcome = inspector("export", recording, "--to", "wav")

    assert (outcome.status, outcome.out) == (0, b"")
    assert "wrote talk.wav: 6.200 s, stereo, 24,000 Hz" in outcome.err
    with wave.open("talk.wav") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 24_000)


def test_items_are_files_in_a_folder(inspector: Run, recording: Path) -> None:
    outcome = inspector("export", recording, "--to", "wav", "--what", "items", "--json")

    files = json.loads(outcome.out)["files"]
    assert [Path(file["path"]).name for file in files] == [
        "001-user-item_u.wav",
        "002-assistant-item_a.wav",
        "003-user-item_v.wav",
    ]
    assert all(Path(file["path"]).exists() for file in files)


def test_stdout_takes_a_wav_and_stdin_a_recording(program: Run, recording: Path) -> None:
    outcome = program(
        "export", "-", "--to", "wav", "--what", "user", "-o", "-", stdin=recording.read_bytes()
    )

    assert outcome.status == 0
    with wave.open(io.BytesIO(outcome.out)) as file:
        assert file.getnframes() == 2600 * 24


def test_a_transcript_goes_to_stdout_or_to_a_file(inspector: Run, recording: Path) -> None:
    printed = inspector("export", recording, "--to", "text")
    kept = inspector("export", recording, "--to", "text", "-o", "talk.txt")

    assert b"[not heard, the app says: three four.]" in printed.out
    assert (kept.status, kept.out) == (0, b"")
    assert Path("talk.txt").read_bytes() == printed.out


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--to", "mp3"), 2),
        (("--to", "wav", "--what", "everything"), 2),
        (("--to", "text", "--what", "user"), 2),
        (("--to", "wav", "--what", "items", "-o", "-"), 2),
        (("--to", "wav", "--json", "-o", "-"), 2),
        (("--to", "wav", "-o", "no/such/folder/a.wav"), 74),
    ],
)
def test_invalid_options_are_rejected(
    inspector: Run, recording: Path, arguments: tuple[str, ...], status: int
) -> None:
    assert inspector("export", recording, *arguments).status == status


def test_files_without_audio_and_missing_files_are_bad_input(
    inspector: Run, tmp_path: Path
) -> None:
    silent = tmp_path / "silent.jsonl"
    silent.write_text('{"type":"session.created","session":{}}\n')

    outcome = inspector("export", silent, "--to", "wav", "--json")
    assert outcome.status == 4
    assert json.loads(outcome.err.splitlines()[-1])["error"]["code"] == "cannot_export"
    assert inspector("export", tmp_path / "nowhere.jsonl", "--to", "wav").status == 4
    assert inspector("export", silent, "--to", "wav", "-o", silent).status == 4


def test_the_text_of_a_recording_without_times_has_none(inspector: Run, tmp_path: Path) -> None:
    item = '{"id":"i","type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}'
    line = f'{{"dir":"server","event":{{"type":"conversation.item.added","item":{item}}}}}\n'
    path = tmp_path / "untimed.jsonl"
    path.write_text(line)

    assert inspector("export", path, "--to", "text", "-o", "-").out.splitlines()[:2] == [
        b"user  (text)",
        b"    hi",
    ]


def test_two_sessions_without_ids_are_two_parts(inspector: Run, tmp_path: Path) -> None:
    def session(session_id: str, model: str) -> str:
        item = {"id": session_id, "type": "message", "role": "user", "content": []}
        events = [
            {"type": "session.created", "session": {"id": session_id, "model": model}},
            {"type": "session.updated", "session": {"model": model}},
            {"type": "conversation.item.added", "item": item},
        ]
        return "".join(f"{json.dumps({'dir': 'server', 'event': event})}\n" for event in events)

    path = tmp_path / "two.jsonl"
    path.write_text(session("A", "m1") + session("B", "m2"))
    text = inspector("export", path, "--to", "text", "-o", "-").out.decode()

    assert [line for line in text.splitlines() if line.startswith("model")] == [
        "model m1",
        "model m2",
    ]
    assert text.count("────") == 1
