"""The folders that the program uses. Imports little, so that indexing of a large recording starts before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

APP_NAME = "realtime-inspector"
FOLDER_MODE = 0o700
"""Owner only: recordings hold someone's voice, and logs show what was done with it."""
_THEME_FILE = "theme"
"""File in the state folder with only a name in it, so that it can be deleted, copied or edited by hand."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Paths of the program's files and folders."""

    sessions: Path
    config: Path
    """The configuration file itself."""
    themes: Path
    """The user's own themes."""
    state: Path
    """Logs and crash reports."""
    data: Path
    cache: Path
    """Files that can be rebuilt: indexes of large recordings."""


def find_folders(sessions: str, working: Path) -> Folders:
    """Return the folders, without creating them.

    Args:
        sessions: folder for recordings; ``""`` for the default.
        working: the current folder; its subfolder ``sessions`` is the default if it exists.
    """
    import platformdirs

    dirs = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
    here = working / "sessions"
    recordings = (
        Path(sessions).expanduser()
        if sessions
        else here
        if path_exists(here) and here.is_dir()
        else dirs.user_data_path / "sessions"
    )
    config = config_file()
    return Folders(
        sessions=recordings,
        config=config,
        themes=config.with_name("themes"),
        state=dirs.user_state_path,
        data=dirs.user_data_path,
        cache=cache_folder(),
    )


def cache_folder() -> Path:
    """Return the folder for files that can be rebuilt."""
    import platformdirs

    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


def config_file() -> Path:
    """Return the path of the configuration file, whether it exists or not."""
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def remembered_theme(state: Path) -> str:
    """Return the theme last chosen on a screen; ``""`` if none was."""
    try:
        return (state / _THEME_FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember_theme(state: Path, name: str) -> bool:
    """Store the theme chosen on a screen; return whether it could be written."""
    try:
        (make_folder(state) / _THEME_FILE).write_text(f"{name}\n", "utf-8")
    except OSError:
        return False
    return True


def make_folder(folder: Path) -> Path:
    """Create a folder and its missing parents with access for the owner only; leave existing ones unchanged.

    Raises:
        OSError: the folder cannot be created.
    """
    # ``Path.mkdir(parents=True)`` would give the parents the default mode.
    for missing in reversed([folder, *folder.parents]):
        if not path_exists(missing):
            missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def path_exists(path: Path) -> bool:
    """Tell whether something is at a path; what cannot be looked at (too long a name, a folder that is closed) is not there."""
    try:
        return path.exists()
    except (OSError, ValueError):  # Path.exists raises both before Python 3.14
        return False
