"""TextCommand: a command whose texts can be sent, recorded and printed."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from inspector.cli.printing import is_utf8
from inspector.errors import UsageError

_PATHS = frozenset({"file", "files", "output", "mic", "speaker", "session", "key_file", "rules"})
"""Parameters that are texts on the way in, since they may be ``-`` or a device, and name files."""


def _can_be_sent(value: object) -> bool:
    return not isinstance(value, str) or is_utf8(value)


class TextCommand(TyperCommand):
    """A command whose texts can be sent, recorded and printed: the system lets any bytes in, as surrogates.

    Paths may have any bytes in them.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command, unless a text of it is not UTF-8."""
        for param in self.params:
            value = ctx.params.get(param.name or "")
            values = value if isinstance(value, list | tuple) else (value,)
            if param.name not in _PATHS and not all(map(_can_be_sent, values)):
                raise UsageError(
                    f"what {param.opts[0]} says is not UTF-8 text",
                    code="not_utf8",
                    hint="check the encoding of the terminal, or of the file that it comes from",
                )
        return super().invoke(ctx)
