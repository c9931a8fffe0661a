"""Every error that the program raises on purpose, in one tree.

    InspectorError              carries code, hint and the process's exit status
    ├── UsageError        (2)   wrong arguments or settings
    │   └── FilterError   (2)   a filter expression that does not parse
    ├── ConnectError      (3)   no connection, or not authorised
    ├── RecordingError    (4)   a file that cannot be opened as a recording
    ├── ExportError       (4)   a recording that cannot be exported in this format
    ├── SoundFileError    (4)   a file that cannot be read or written as sound
    ├── DeviceError       (1)   a microphone or speaker that cannot be used
    ├── SessionFailed     (5)   the session ended in a server error
    └── RunTimeout      (124)   a bounded run that did not finish in time

Errors from a file that cannot be written have the exit status ``EXIT_CANNOT_WRITE`` instead.

Problems in *data* (a frame that is not JSON, an event that breaks the schema) are values, not exceptions.
"""

from __future__ import annotations

EXIT_FAULT = 70
"""EX_SOFTWARE of sysexits.h."""
EXIT_INTERRUPTED = 130
"""What a shell reports for a program that SIGINT ended."""
EXIT_CANNOT_WRITE = 74
"""EX_IOERR of sysexits.h: a file or stdout cannot be written."""


class InspectorError(Exception):
    """Base of all expected errors: what happened, a stable code, and what to do next."""

    code = "error"
    """Stable machine-readable name, printed as ``error.code`` with ``--json`` and ``--jsonl``."""
    exit_code = 1
    """Process exit status, as listed in the README."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        exit_code: int | None = None,
    ) -> None:
        # An option, a path or a variable of the environment may hold any bytes, and goes into JSON and recordings from here.
        self.message = message.encode("utf-8", "backslashreplace").decode()
        self.hint = hint.encode("utf-8", "backslashreplace").decode()
        super().__init__(self.message)
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code

    @property
    def words(self) -> str:
        """Return the message and the hint in one line."""
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(InspectorError):
    """An argument or a setting is wrong."""

    code = "usage"
    exit_code = 2


class FilterError(UsageError):
    """A filter expression does not parse; ``position`` is the 0-based index of the offending character."""

    code = "bad_filter"

    def __init__(self, message: str, *, position: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class ConnectError(InspectorError):
    """No connection could be made, or the server rejected the credentials."""

    code = "cannot_connect"
    exit_code = 3


class RecordingError(InspectorError):
    """A file cannot be opened as a recording."""

    code = "bad_recording"
    exit_code = 4


class ExportError(InspectorError):
    """A recording lacks what the export needs, or has more than the format can hold."""

    code = "cannot_export"
    exit_code = 4


class SoundFileError(InspectorError):
    """A file cannot be read or written as sound."""

    code = "bad_sound_file"
    exit_code = 4


class DeviceError(InspectorError):
    """A microphone or speaker cannot be used; ``hint`` names what to install or check."""

    code = "no_sound_device"


class SessionFailed(InspectorError):
    """The session ended in a server error."""

    code = "session_failed"
    exit_code = 5


class RunTimeout(InspectorError):
    """A bounded run did not finish in time."""

    code = "timeout"
    exit_code = 124
