from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.errors import RecordingError
from inspector.recording import writer
from inspector.recording.writer import NOT_KEPT, RecordingFile
from tests.support import ManualClock


class Disk:
    """``os.write`` of a disk with so much room left; what does not fit is written in part, then refused."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.attempts = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.attempts += 1
        fitting = bytes(data)[: self.room]
        if not fitting:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(fitting)
        return _write(fd, fitting)


_write = os.write


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Disk]:
    def install(room: int) -> Disk:
        disk = Disk(room)
        monkeypatch.setattr(os, "write", disk.write)
        return disk

    return install


def test_a_recording_is_private_and_readable_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.jsonl"
    recording = RecordingFile(path, ManualClock())
    first, second = recording.append(b"one\n"), recording.append(b"second\n")

    assert path.read_bytes() == b"one\nsecond\n"
    assert recording.read(first, 3) == b"one"
    assert recording.read(second, 6) == b"second"
    assert recording.is_complete
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    recording.close()


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"mine")

    with pytest.raises(RecordingError, match="not overwritten"):
        RecordingFile(path, ManualClock())
    assert path.read_bytes() == b"mine"


def test_an_unwritable_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RecordingError) as error:
        RecordingFile(tmp_path / "file" / "a.jsonl", ManualClock())
    assert error.value.code == "cannot_record"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(RecordingError) as error:
        RecordingFile(tmp_path / "a.jsonl", ManualClock())
    tmp_path.chmod(0o700)
    assert error.value.code == "cannot_record"


def test_without_a_path_everything_stays_in_memory() -> None:
    recording = RecordingFile(None, ManualClock())
    offset = recording.append(b"line\n")

    assert recording.read(offset, 4) == b"line"
    assert not recording.is_complete
    recording.close()


def test_a_full_disk_keeps_every_line_readable_and_whole(
    tmp_path: Path, full_disk: Callable[[int], Disk]
) -> None:
    path, clock = tmp_path / "a.jsonl", ManualClock()
    recording = RecordingFile(path, clock)
    disk = full_disk(8)
    offsets = [recording.append(line) for line in (b"12345\n", b"abcdef\n", b"ghi\n")]

    assert path.read_bytes() == b"12345\n"
    assert recording.failure == "No space left on device"
    assert [recording.read(o, 3) for o in offsets] == [b"123", b"abc", b"ghi"]

    disk.room = 100
    clock.advance(1000)
    late = recording.append(b"late\n")

    assert path.read_bytes() == b"12345\nabcdef\nghi\nlate\n"
    assert recording.read(late, 4) == b"late"
    assert recording.failure == ""
    assert recording.is_complete
    recording.close()


def test_a_failing_disk_is_retried_once_a_second(
    tmp_path: Path, full_disk: Callable[[int], Disk]
) -> None:
    clock = ManualClock()
    recording = RecordingFile(tmp_path / "a.jsonl", clock)
    disk = full_disk(0)
    for _ in range(10):
        recording.append(b"line\n")
    assert disk.attempts == 1

    clock.advance(1000)
    recording.append(b"line\n")
    recording.append(b"line\n")

    assert disk.attempts == 2
    recording.close()


def test_gathered_lines_are_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = RecordingFile(tmp_path / "a.jsonl", ManualClock())
    written: list[int] = []
    write = os.write

    def counted(fd: int, data: bytes) -> int:
        written.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", counted)
    recording.append(b"first\n")
    recording.gather(True)
    second, third = recording.append(b"second\n"), recording.append(b"third\n")
    while_waiting = recording.read(second, 6), recording.read(third, 5)
    recording.gather(False)
    recording.append(b"fourth\n")

    assert while_waiting == (b"second", b"third")
    assert written == [6, 13, 7]
    assert recording.read(third, 5) == b"third"
    assert (tmp_path / "a.jsonl").read_bytes() == b"first\nsecond\nthird\nfourth\n"
    recording.close()


def test_gathered_lines_survive_a_full_disk(
    tmp_path: Path, full_disk: Callable[[int], Disk]
) -> None:
    clock = ManualClock()
    recording = RecordingFile(tmp_path / "a.jsonl", clock)
    disk = full_disk(3)
    for _ in range(2):
        recording.gather(True)
        recording.append(b"one\n")
        recording.append(b"two\n")
        recording.gather(False)
    assert recording.failure

    disk.room = 100
    clock.advance(1000)
    recording.append(b"after\n")
    assert (tmp_path / "a.jsonl").read_bytes() == b"one\ntwo\none\ntwo\nafter\n"
    assert not recording.failure
    recording.close()


def test_closing_tries_a_last_time(tmp_path: Path, full_disk: Callable[[int], Disk]) -> None:
    recording = RecordingFile(tmp_path / "a.jsonl", ManualClock())
    disk = full_disk(0)
    recording.append(b"line\n")
    disk.room = 100
    recording.close()

    assert (tmp_path / "a.jsonl").read_bytes() == b"line\n"


def test_lines_in_memory_are_bounded(
    tmp_path: Path, full_disk: Callable[[int], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 10)
    clock = ManualClock()
    recording = RecordingFile(tmp_path / "a.jsonl", clock)
    disk = full_disk(0)
    kept, dropped = recording.append(b"12345678\n"), recording.append(b"90\n")

    assert dropped == NOT_KEPT
    assert recording.read(dropped, 2) == b""
    assert recording.read(kept, 8) == b"12345678"
    assert recording.dropped_lines == 1

    disk.room = 100
    clock.advance(1000)
    recording.append(b"after\n")
    assert recording.read(kept, 8) == b"12345678"
    assert not recording.is_complete
    recording.close()


def test_a_disk_that_recovers_while_memory_is_full_is_noticed(
    tmp_path: Path, full_disk: Callable[[int], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING_BYTES", 10)
    clock = ManualClock()
    recording = RecordingFile(tmp_path / "a.jsonl", clock)
    disk = full_disk(0)
    recording.append(b"12345678\n")
    disk.room = 100
    clock.advance(1000)
    offset = recording.append(b"after\n")

    assert (tmp_path / "a.jsonl").read_bytes() == b"12345678\nafter\n"
    assert recording.read(offset, 5) == b"after"
    recording.close()


_SCRIPT = """
import sys
from pathlib import Path
from inspector.recording.writer import RecordingFile
from tests.support import ManualClock
recording = RecordingFile(Path(sys.argv[1]), ManualClock())
offsets = [recording.append(b'{"n":%d}\\n' % n) for n in range(100)]
assert recording.failure, "the limit did not hold"
assert [recording.read(o, 5) for o in offsets][99] == b'{"n":'
recording.close()
"""


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (301, 301))


def test_a_real_file_limit_leaves_only_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-B", "-c", _SCRIPT, str(path)],
        check=True,
        cwd=root,
        preexec_fn=_small_files,
    )

    text = path.read_bytes()
    assert 200 < len(text) <= 301
    assert text.endswith(b"}\n")


def no_room(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_unwritten_lines_are_rescued_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = RecordingFile(tmp_path / "a.jsonl", ManualClock())
    recording.append(b"one\n")
    with monkeypatch.context() as patch:
        patch.setattr("inspector.recording.writer.os.write", no_room)
        recording.append(b"two\n")
        (tmp_path / "other").mkdir()
        rescued = recording.rescue(tmp_path / "other")

    assert rescued is not None
    assert rescued.read_bytes() == b"one\ntwo\n"
    assert recording.rescue(tmp_path) is None
    recording.close()
