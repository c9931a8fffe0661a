"""The folders that the program uses. Loads little, so that a large recording is being indexed before all else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

APP_NAME = "realtime-inspector"
FOLDER_MODE = 0o700
"""Recordings hold someone's voice, logs what was done with it."""
_THEME_FILE = "theme"
"""In the state folder: a name and nothing else, so that it may be deleted, copied or written by hand."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the program keeps things."""

    sessions: Path
    config: Path
    """The configuration file itself."""
    themes: Path
    """Themes of the user's own."""
    state: Path
    """Logs and crash reports."""
    data: Path
    cache: Path
    """What can be made again: indexes of large recordings."""


def find_folders(sessions: str, working: Path) -> Folders:
    """Return the folders; none of them is made here.

    Args:
        sessions: where recordings go; ``""`` for where they usually do.
        working: the current folder; its ``sessions`` is used where it exists.
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
    """Return where what can be made again is kept."""
    import platformdirs

    return platformdirs.user_cache_path(APP_NAME, appauthor=False)


def config_file() -> Path:
    """Return where the configuration file is, or would be."""
    import platformdirs

    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def remembered_theme(state: Path) -> str:
    """Return the theme that was chosen last on a screen; ``""`` where none was."""
    try:
        return (state / _THEME_FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def remember_theme(state: Path, name: str) -> bool:
    """Keep the theme that was chosen on a screen; tell whether that could be done."""
    try:
        (make_folder(state) / _THEME_FILE).write_text(f"{name}\n", "utf-8")
    except OSError:
        return False
    return True


def make_folder(folder: Path) -> Path:
    """Make a folder that only its owner can read; one that exists is left as it is.

    Raises:
        OSError: it cannot be made.
    """
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
