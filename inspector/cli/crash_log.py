"""The log file and crash reports in the state folder. Secrets are masked before anything is written."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

from inspector.clock import SystemClock
from inspector.folders import find_folders, make_folder
from inspector.secret import Secret, is_secret_header, mask_text

LOG_BYTES = 2 << 20
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class MaskingFormatter(logging.Formatter):
    """Formats records with secrets masked, also in tracebacks."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        super().__init__(_FORMAT)
        self._secrets = tuple(secrets)  # mask_text masks a secret only while its object is alive

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return mask_text(super().format(record))


def start_logging(folder: Path) -> None:
    """Log to a file in a folder; do not log if the folder cannot be written."""
    root = logging.getLogger()
    try:
        path = make_folder(folder) / "inspector.log"
        # RotatingFileHandler would create the file with the default mode.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        root.addHandler(logging.NullHandler())
        return
    handler.setFormatter(MaskingFormatter(secrets_in(os.environ)))
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def write_crash(error: BaseException) -> Path | None:
    """Write a crash report without local variables; return its path, or None if it could not be written."""
    known = secrets_in(os.environ)  # must be alive while the report is masked
    report = mask_text("".join(traceback.TracebackException.from_exception(error).format()))
    del known
    now = SystemClock().utc_now().strftime("%Y-%m-%dT%H-%M-%S-%f")
    try:
        folder = make_folder(find_folders("", Path()).state)
        path = folder / f"crash-{now}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report)
    except OSError:
        return None
    return path


def secrets_in(environment: Mapping[str, str]) -> list[Secret]:
    """Return the values of environment variables whose names suggest a secret."""
    names = [name for name in environment if _is_secret_name(name)]
    return [Secret(environment[name]) for name in names if environment[name]]


def _is_secret_name(name: str) -> bool:
    return name.upper().endswith(("_KEY", "_PAT")) or is_secret_header(name.replace("_", "-"))
