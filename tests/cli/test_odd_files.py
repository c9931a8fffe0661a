"""Files that are no ordinary recordings: a clear word or a full reading, and never a hang."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from inspector.errors import RecordingError
from inspector.recording.opening import open_recording
from tests.cli.conftest import Run

HUGE = 80 << 20


@pytest.mark.parametrize("form", [(), ("--jsonl",), ("--raw",)])
def test_a_pipe_by_its_name_is_refused_and_not_waited_for(
    form: tuple[str, ...], inspector: Run, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    outcome = inspector("cat", tmp_path / "pipe", *form)

    assert (outcome.status, outcome.out) == (4, b"")
    assert "pipe is a pipe" in outcome.err
    assert "inspector cat - reads" in outcome.err


def test_a_pipe_is_refused_by_the_replay_as_well(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(RecordingError, match="is a pipe"):
        open_recording(tmp_path / "pipe")


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording with lines of 80 MB, of text and of audio, between small ones."""
    path = tmp_path_factory.mktemp("huge") / "huge.jsonl"
    kinds = ("response.output_text.delta", "response.output_audio.delta")
    with path.open("wb") as file:
        file.write(b'{"type":"session.created","session":{"model":"m"}}\n')
        for kind in kinds:
            file.write(b'{"type":"%b","delta":"' % kind.encode())
            file.write(b"A" * HUGE)
            file.write(b'"}\n')
        file.write(b'{"type":"response.done","response":{"status":"completed"}}\n')
    return path


def test_lines_of_80_megabytes_are_printed(huge: Path, inspector: Run) -> None:
    outcome = inspector("cat", huge)

    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) < 1000
    assert b"62.9 MB" in lines[2]


def test_lines_of_80_megabytes_are_opened(huge: Path) -> None:
    opening = open_recording(huge)
    until = time.monotonic() + 30
    while opening.progress < 1 and time.monotonic() < until:
        opening.advance()
        time.sleep(0.005)  # another process is reading

    assert list(opening.log.size)[1:3] == [HUGE + 48, HUGE + 49]
    assert opening.log.event(3).type == "response.done"
    opening.close()


def test_a_file_that_is_no_json_at_all_is_refused_without_being_read(
    inspector: Run, tmp_path: Path
) -> None:
    path = tmp_path / "zeros"
    with path.open("wb") as file:
        file.truncate(8 << 30)  # takes no room on the disk

    outcome = inspector("cat", path, "--json")

    assert outcome.status == 4
    assert json.loads(outcome.err)["error"]["code"] == "not_a_recording"


def test_a_pipe_that_nobody_writes_to_does_not_hold_up_what_is_to_be_sent(
    inspector: Run, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    outcome = inspector("send", tmp_path / "pipe", "--sim", "--timeout", "0.05")

    assert outcome.status == 124
    assert "pipe is a pipe that nobody writes to yet: waiting" in outcome.err


def test_what_is_written_to_a_pipe_is_sent(inspector: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'{"type":"nope"}\n',))
    writer.start()

    outcome = inspector("send", pipe, "--sim", "--until", "error", "--timeout", "10")

    writer.join()
    assert outcome.status == 0
    assert b"nope" in outcome.out


def test_a_directory_is_not_sent(inspector: Run, tmp_path: Path) -> None:
    outcome = inspector("send", tmp_path, "--sim")

    assert outcome.status == 4
    assert "it is a directory" in outcome.err
