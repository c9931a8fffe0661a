"""Where exports go: files appear whole, links stay links, pipes and devices stay what they are."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from inspector.errors import EXIT_CANNOT_WRITE, ExportError
from inspector.export.output_file import written


def write(target: Path, data: bytes = b"new") -> None:
    with written(target) as file:
        file.write(data)


def test_a_file_is_replaced_completely_and_is_private(tmp_path: Path) -> None:
    target = tmp_path / "talk.txt"
    target.write_bytes(b"a longer old text")
    write(target)

    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_export_changes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "talk.txt"
    target.write_bytes(b"old")
    with pytest.raises(TypeError), written(target) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]  # what fails here

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_followed_and_stays_a_link(tmp_path: Path, is_there: bool) -> None:
    real, link, second = (tmp_path / name for name in ("real.txt", "link.txt", "second.txt"))
    if is_there:
        real.write_bytes(b"old")
    link.symlink_to("real.txt")
    second.symlink_to(link)
    write(second)

    assert link.is_symlink()
    assert second.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_link_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    (tmp_path / "talk.txt.part").symlink_to(victim)
    write(tmp_path / "talk.txt")

    assert victim.read_bytes() == b"old"
    assert (tmp_path / "talk.txt.part").is_symlink()


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(fifo.read_bytes()))
    reader.start()
    write(link)
    reader.join(10)

    assert said == [b"new"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.close(os.open(null, os.O_WRONLY))
    except OSError:
        pytest.skip("devices cannot be made or used here")
    write(null)

    assert stat.S_ISCHR(null.stat().st_mode)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_an_open_descriptor_is_written_to(tmp_path: Path, folder: str) -> None:
    if not Path(folder).is_dir():
        pytest.skip(f"no {folder} here")
    reading, writing = os.pipe()
    link = tmp_path / "stdout"
    link.symlink_to(f"{folder}/{writing}")
    write(link)
    os.close(writing)

    assert os.read(reading, 9) == b"new"
    assert link.is_symlink()
    os.close(reading)


def test_a_file_opened_by_the_shell_is_continued(tmp_path: Path) -> None:
    file = tmp_path / "all.txt"
    fd = os.open(file, os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"before ")
    write(Path(f"/dev/fd/{fd}"))
    os.write(fd, b" after")
    os.close(fd)

    assert file.read_bytes() == b"before new after"


def test_an_unwritable_target_has_its_own_exit_status(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for target in (tmp_path / "no" / "folder", tmp_path, loop, Path("/dev/fd/999999")):
        with pytest.raises(ExportError, match="cannot write") as caught:
            write(target)

        assert (caught.value.code, caught.value.exit_code) == ("cannot_write", EXIT_CANNOT_WRITE)


def test_the_recording_itself_is_never_written_over(tmp_path: Path) -> None:
    recording, link = tmp_path / "it.jsonl", tmp_path / "link"
    recording.write_bytes(b"old")
    link.symlink_to(recording)
    with pytest.raises(ExportError, match="the recording itself"), written(link, recording):
        pass

    assert recording.read_bytes() == b"old"
