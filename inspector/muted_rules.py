"""MutedRules: rules whose findings the user does not want to see, everywhere or for the recordings of one folder.

The file is TOML, beside the configuration file, so that it can be read and edited by hand. An app's recordings are those of
its folder: that is all that a live session, a proxied one and an old file have in common.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from inspector.errors import EXIT_CANNOT_WRITE, UsageError
from inspector.folders import config_file, make_folder

MUTED_FILE = "muted.toml"
_REMARK = (
    "# Rules whose findings the screen does not show. Written by the keys of the Findings view."
)


class MuteScope(StrEnum):
    """Where a rule is muted."""

    FOLDER = "folder"
    """For recordings in one folder."""
    EVERYWHERE = "everywhere"
    """For all recordings."""


class MutedRules:
    """The muted rules, as they hold for one folder."""

    def __init__(self, folder: Path | None = None, file: Path | None = None) -> None:
        """Begin without reading the file.

        Args:
            folder: of the recordings; None for a session that is not recorded.
            file: where the rules are kept; None for the user's own.
        """
        self._folder = None if folder is None else str(folder.absolute())
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._scopes: Mapping[str, MuteScope] = {}
        self.problem = ""
        """Why the file could not be read; ``""`` if it could, or does not exist."""
        self.revision = 0
        """Incremented whenever other rules may be muted."""

    @property
    def path(self) -> Path:
        """Return the file's path."""
        if self._file is None:
            self._file = config_file().with_name(MUTED_FILE)
        return self._file

    @property
    def folder(self) -> str | None:
        """Return the folder of the recordings; None for a session that is not recorded."""
        return self._folder

    def __contains__(self, rule: object) -> bool:
        return rule in self._scopes

    def scope(self, rule: str) -> MuteScope | None:
        """Return where a rule is muted; None if it is not."""
        return self._scopes.get(rule)

    def refresh(self) -> None:
        """Read the file if it has changed; one that cannot be read mutes nothing."""
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        self.revision += 1
        try:
            self._take(_read(self.path))
            self.problem = ""
        except UsageError as error:
            self._scopes, self.problem = {}, error.message

    def toggle(self, rule: str, scope: MuteScope) -> bool:
        """Mute a rule, or bring it back if it is muted in any way; return whether it is muted now.

        Raises:
            UsageError: the file cannot be read or written, or the session has no folder.
        """
        table = _read(self.path)  # anew, since another window may have changed it
        everywhere, folders = table["everywhere"], table["folders"]
        here = folders.get(self._folder, []) if self._folder is not None else []
        is_muted = rule in everywhere or rule in here
        if is_muted:
            table["everywhere"] = [one for one in everywhere if one != rule]
            if self._folder is not None:
                folders[self._folder] = [one for one in here if one != rule]
        elif scope is MuteScope.EVERYWHERE:
            table["everywhere"] = [*everywhere, rule]
        elif self._folder is None:
            raise UsageError(
                "this session is not recorded, so it has no folder", hint="mute the rule everywhere"
            )
        else:
            folders[self._folder] = [*here, rule]
        _write(self.path, table)
        self._stamp = _stamp(self.path)
        self.revision += 1
        self._take(table)
        return not is_muted

    def _take(self, table: Mapping[str, Any]) -> None:
        here = table["folders"].get(self._folder, []) if self._folder is not None else []
        self._scopes = {
            **dict.fromkeys(here, MuteScope.FOLDER),
            **dict.fromkeys(table["everywhere"], MuteScope.EVERYWHERE),
        }


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_size, stat.st_mtime_ns


def _read(path: Path) -> dict[str, Any]:
    """Return what the file says.

    Raises:
        UsageError: it cannot be read, or says something else.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {"everywhere": [], "folders": {}}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {path}: {why}", code="bad_mutes") from None
    import tomllib  # most users have no such file

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"cannot read {path}: {error}", code="bad_mutes") from None
    everywhere, folders = table.get("everywhere", []), table.get("folders", {})
    lists = [everywhere, *(folders.values() if isinstance(folders, dict) else [None])]
    if not all(isinstance(one, list) and all(isinstance(n, str) for n in one) for one in lists):
        raise UsageError(
            f"cannot read {path}: it must hold everywhere = [RULE, …] and a table [folders] of such lists",
            code="bad_mutes",
        )
    return {"everywhere": everywhere, "folders": folders}


def _write(path: Path, table: Mapping[str, Any]) -> None:
    """Replace the file at once, so that another window never reads half of it.

    Raises:
        UsageError: it cannot be written.
    """
    # A JSON string or list is also TOML.
    lines = [_REMARK, f"everywhere = {json.dumps(table['everywhere'])}", "", "[folders]"]
    lines += [
        f"{_quoted(name)} = {json.dumps(rules)}"
        for name, rules in table["folders"].items()
        if rules
    ]
    new = path.with_suffix(f".{os.getpid()}.new")
    try:
        make_folder(path.parent)
        new.write_bytes("\n".join([*lines, ""]).encode("utf-8", "replace"))
        new.replace(path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", exit_code=EXIT_CANNOT_WRITE
        ) from error


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
