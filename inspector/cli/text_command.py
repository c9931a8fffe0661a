"""TextCommand: a command that rejects arguments which are not valid Unicode."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from inspector.cli.printing import is_utf8
from inspector.errors import UsageError

_PATHS = frozenset({"file", "files", "output", "mic", "speaker", "session", "key_file", "rules"})
"""Parameters that name files, which may contain any bytes."""


def _can_be_sent(value: object) -> bool:
    return not isinstance(value, str) or is_utf8(value)


class TextCommand(TyperCommand):
    """A command that rejects invalid Unicode in arguments, which could not be sent, recorded or printed.

    The system passes any bytes, which Python decodes as surrogates.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command, if its arguments are valid Unicode."""
        for param in self.params:
            value = ctx.params.get(param.name or "")
            values = value if isinstance(value, list | tuple) else (value,)
            if param.name not in _PATHS and not all(map(_can_be_sent, values)):
                raise UsageError(
                    f"the value of {param.opts[0]} is not UTF-8 text",
                    code="not_utf8",
                    hint="check the encoding of the terminal, or of the file that the value comes from",
                )
        return super().invoke(ctx)
