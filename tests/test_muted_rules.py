"""Muted rules: kept in a file that can be edited by hand, everywhere or for one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.muted_rules import MutedRules, MuteScope


def muted(tmp_path: Path, folder: str = "calls") -> MutedRules:
    rules = MutedRules(tmp_path / folder, tmp_path / "config" / "muted.toml")
    rules.refresh()
    return rules


@pytest.mark.parametrize(
    "folder", ["calls", "with space", 'quo"ted\\', "naïve 日本", "a.b = []", "\x7f\x01"]
)
def test_a_rule_is_muted_for_one_folder_and_brought_back(tmp_path: Path, folder: str) -> None:
    rules = muted(tmp_path, folder)
    assert rules.toggle("slow-turn", MuteScope.FOLDER)

    assert muted(tmp_path, folder).scope("slow-turn") is MuteScope.FOLDER
    assert "slow-turn" not in muted(tmp_path, "elsewhere")
    assert not rules.toggle("slow-turn", MuteScope.FOLDER)
    assert "slow-turn" not in muted(tmp_path, folder)


def test_a_rule_is_muted_everywhere_and_brought_back_from_anywhere(tmp_path: Path) -> None:
    assert muted(tmp_path).toggle("slow-turn", MuteScope.EVERYWHERE)
    other = muted(tmp_path, "elsewhere")
    assert other.scope("slow-turn") is MuteScope.EVERYWHERE
    assert not other.toggle("slow-turn", MuteScope.FOLDER)
    assert "slow-turn" not in muted(tmp_path)


def test_what_another_window_has_muted_is_kept_and_noticed(tmp_path: Path) -> None:
    one, other = muted(tmp_path), muted(tmp_path)
    one.toggle("slow-turn", MuteScope.FOLDER)
    other.toggle("echo-loop", MuteScope.EVERYWHERE)
    before = one.revision
    one.refresh()

    assert one.revision == before + 1
    assert "slow-turn" in one
    assert "echo-loop" in one
    one.refresh()
    assert one.revision == before + 1


@pytest.mark.parametrize(
    "text", [b"everywhere = 3", b"folders = []", b"folders = {a = [1]}", b"[", b"\xff"]
)
def test_a_file_that_cannot_be_read_mutes_nothing_and_is_not_overwritten(
    tmp_path: Path, text: bytes
) -> None:
    rules = muted(tmp_path)
    rules.path.parent.mkdir()
    rules.path.write_bytes(text)
    rules.refresh()

    assert "cannot read" in rules.problem
    assert "slow-turn" not in rules
    with pytest.raises(UsageError, match="cannot read"):
        rules.toggle("slow-turn", MuteScope.FOLDER)
    assert rules.path.read_bytes() == text


def test_a_session_that_is_not_recorded_has_no_folder(tmp_path: Path) -> None:
    rules = MutedRules(None, tmp_path / "muted.toml")
    with pytest.raises(UsageError, match="not recorded"):
        rules.toggle("slow-turn", MuteScope.FOLDER)
    assert rules.toggle("slow-turn", MuteScope.EVERYWHERE)


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("not a folder")
    rules = MutedRules(tmp_path, tmp_path / "config" / "muted.toml")
    with pytest.raises(UsageError, match=r"cannot (read|write)"):
        rules.toggle("slow-turn", MuteScope.FOLDER)


def test_the_users_own_file_is_beside_the_configuration(home: Path) -> None:
    rules = MutedRules(home)
    rules.toggle("slow-turn", MuteScope.EVERYWHERE)

    assert rules.path.name == "muted.toml"
    assert rules.path.is_relative_to(home)
    assert 'everywhere = ["slow-turn"]' in rules.path.read_text()
