"""``inspector keys``: list the keys with the ids for remapping them."""

from __future__ import annotations

import os

from inspector.analysis.sanitize import sanitized
from inspector.cli import options
from inspector.cli.printing import say, write_line, write_object


def keys(json: options.JsonOption = False) -> None:
    """Print every key of the screens with its id, for the table [keys] in the configuration file."""
    from inspector.config import load_settings
    from inspector.folders import config_file
    from inspector.tui.common.keycaps import key_words
    from inspector.tui.common.keymap import all_bindings, keymap_problems

    keymap = load_settings({}, os.environ, config_file()).keys
    bindings = all_bindings()
    problems = keymap_problems(keymap)
    if json:
        rows = [
            {
                "id": binding.id,
                "keys": list(binding.keys_by(keymap)),
                "default": list(binding.keys),
                "does": binding.what,
                "where": binding.where,
            }
            for binding in bindings
        ]
        write_object({"keys": rows, "problems": problems})
        return
    where = ""
    for binding in bindings:
        if binding.where != where:
            where = binding.where
            write_line(f"\n{where}" if binding is not bindings[0] else where)
        own = "   (yours)" if binding.id in keymap else ""
        shown = " ".join(map(key_words, binding.keys_by(keymap)))
        write_line(sanitized(f"  {shown:<22} {binding.id:<24} {binding.what}{own}"))
    for problem in problems:
        say(f"warning: {problem}")
