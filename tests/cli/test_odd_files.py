"""Files that are not ordinary recordings: a clear message or a complete reading, and never a hang."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.cli import stdin_feed
from inspector.errors import RecordingError
from inspector.recording.opening import open_recording
from tests.cli.conftest import Run

HUGE = 80 << 20


@pytest.mark.parametrize("form", [(), ("--jsonl",), ("--raw",)])
def test_a_named_pipe_is_rejected_without_waiting(
    form: tuple[str, ...], inspector: Run, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    outcome = inspector("cat", tmp_path / "pipe", *form)

    assert (outcome.status, outcome.out) == (4, b"")
    assert "pipe is a pipe" in outcome.err
    assert "inspector cat - reads" in outcome.err


def test_a_pipe_is_rejected_by_replay_too(tmp_path: Path) -> None:
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


def test_a_file_without_json_is_rejected_without_reading_it_all(
    inspector: Run, tmp_path: Path
) -> None:
    path = tmp_path / "zeros"
    with path.open("wb") as file:
        file.truncate(8 << 30)  # takes no room on the disk

    outcome = inspector("cat", path, "--json")

    assert outcome.status == 4
    assert json.loads(outcome.err)["error"]["code"] == "not_a_recording"


def test_a_pipe_without_a_writer_does_not_block_the_session(inspector: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    outcome = inspector("send", tmp_path / "pipe", "--sim", "--timeout", "0.05")

    assert outcome.status == 124
    assert "pipe is a pipe without a writer: waiting" in outcome.err


def test_data_written_to_a_pipe_is_sent(inspector: Run, tmp_path: Path) -> None:
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


def failing_read(
    real: Callable[[int, int, int], bytes], begin: int
) -> Callable[[int, int, int], bytes]:
    """Return a ``pread`` of a disk that is broken from some byte on."""

    def pread(fd: int, size: int, offset: int) -> bytes:
        if offset + size > begin:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, size, offset)

    return pread


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_disk_read_error_is_reported(
    form: tuple[str, ...], inspector: Run, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pread", failing_read(os.pread, 0))

    outcome = inspector("cat", recording, *form)

    assert (outcome.status, outcome.out) == (4, b"")
    assert f"cannot read {recording} from byte 0 on: Input/output error" in outcome.err


def test_a_partly_readable_recording_is_shown_as_far_as_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"type":"session.created"}\n' * 40_000)
    monkeypatch.setattr(os, "pread", failing_read(os.pread, 600_000))
    opening = open_recording(path)
    while opening.progress < 1:
        opening.advance()

    assert 0 < len(opening.log) < 40_000
    assert "Input/output error" in opening.notices[-1]
    opening.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("live", "--url", "http://[", "--headless"),
        ("live", "--url", "ws://[::1", "--headless"),
        ("live", "--url", "ws://h:99999", "--headless"),
        ("live", "--url", "ws://a b", "--headless"),
        ("live", "--url", "http://me:pw@[", "--headless"),
        ("proxy", "--upstream", "http://[", "--headless"),
        ("live", "--model", "m\udcff", "--url", "ws://127.0.0.1:1", "--headless"),
        ("cat", "x.jsonl", "--filter", "\udcff"),
        ("cat", "x.jsonl", "--filter", "\udcff", "--json"),
        ("export", "x.jsonl", "--to", "\udcff"),
    ],
)
def test_invalid_addresses_and_texts_are_usage_errors(
    arguments: tuple[str, ...], inspector: Run
) -> None:
    outcome = inspector(*arguments)

    assert outcome.status == 2
    assert "fault" not in outcome.err


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_path_may_have_any_bytes(form: tuple[str, ...], inspector: Run, recording: Path) -> None:
    odd = recording.with_name("r\udcff.jsonl")
    recording.rename(odd)

    assert inspector("cat", odd, *form).status == 0
    assert inspector("cat", f"{odd}.not", *form).status == 4


def test_an_endless_device_is_not_read_into_memory(
    inspector: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdin_feed, "MAX_LINE_BYTES", 1 << 20)

    outcome = inspector("send", "/dev/zero", "--sim")

    assert outcome.status == 4
    assert "a line of more than 1 MB" in outcome.err


def test_a_catastrophic_filter_is_stopped_and_reported(inspector: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"type":"response.create","t":"%b!"}\n' % (b"a" * 400) * 3)

    outcome = inspector("cat", path, "--filter", "~(a+)+[$]b~")

    assert (outcome.status, outcome.out) == (0, b"")
    assert outcome.err.count("takes too long on some events, which count as no match") == 1
