"""HomeList: the entries of the home screen (actions, connections, recordings) and what each of them does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from textual.content import Content
from textual.widgets.option_list import Option

from inspector.analysis.sanitize import sanitized
from inspector.muted_rules import MutedRules
from inspector.recording.recording_facts import RecordingFacts
from inspector.tui.common.keycaps import Key
from inspector.tui.home.home_rows import (
    INDENT,
    choice_line,
    connection_line,
    fact_columns,
    heading,
    recording_line,
)
from inspector.tui.home.launching import KnownConnection, Launcher

MAX_RECENT = 50  # the facts of each are read when the screen opens
TONE_SIGNS = {"error": "✗ ", "warning": "⚠ "}
"""What stands in front of a part of a verdict, as ``analysis.verdict`` has it, which no list needs to load."""
CHOICES = (
    ("simulator", "Simulator", "the built-in server: no key, network or sound card"),
    ("live", "Live", "connect to OpenAI, Azure or any compatible server"),
    ("open", "Open", "a recording file"),
)
FIRST_STEPS = (
    "No recordings yet. Start with the simulator: every session is recorded and listed here.",
    "In a session: {send} write a message · {create} ask for a response · {truncate} truncate the answer · {help} all keys",
    "OpenAI: set OPENAI_API_KEY, restart, press {live}. Your own app: run `inspector proxy`.",
)
_STEPS = {
    "simulator": "enter start the simulator",
    "live": "enter choose a server",
    "open": "enter choose a file",
}


class HomeList:
    """The list. The id of a line names its entry: a choice, ``connection-1``, ``recent-0`` or ``example-0``."""

    def __init__(self, launcher: Launcher, key: Key) -> None:
        """Create an empty list.

        Args:
            launcher: finds connections and recordings.
            key: returns the key name of a binding.
        """
        self._launcher = launcher
        self._key = key
        self.words = launcher.home_words()
        self.connections: list[KnownConnection] = []
        self._recent: list[Path] = []
        self._examples: list[Path] = []
        self._facts: dict[Path, RecordingFacts] = {}
        self._muted: dict[Path, MutedRules] = {}

    def look_up(self) -> None:
        """Find the connections and recordings."""
        self.connections = list(self._launcher.connections())
        self._recent = self._launcher.recent()[:MAX_RECENT]
        self._examples = self._launcher.examples()
        self.words = self._launcher.home_words()

    @property
    def is_outdated(self) -> bool:
        """Return whether recordings were added or removed since ``look_up``."""
        return self._recent != self._launcher.recent()[:MAX_RECENT]

    def follow_mutes(self) -> bool:
        """Take in which rules are muted by now; return whether others are."""
        before = [muted.revision for muted in self._muted.values()]
        for muted in self._muted.values():
            muted.refresh()
        return before != [muted.revision for muted in self._muted.values()]

    @property
    def has_facts(self) -> bool:
        """Return whether facts about any recording are known."""
        return bool(self._facts)

    @property
    def paths(self) -> list[Path]:
        """Return the paths of all recordings in the list."""
        return [*self._recent, *self._examples]

    def path_of(self, line_id: str) -> Path | None:
        """Return the recording of a line; None for other entries."""
        kind, _, at = line_id.partition("-")
        paths = {"recent": self._recent, "example": self._examples}.get(kind)
        return paths[int(at)] if paths is not None else None

    def learn(self, path: Path, facts: RecordingFacts) -> list[str]:
        """Store the facts about a recording; return the ids of the lines that change."""
        if self._facts.get(path) == facts:
            return []
        self._facts[path] = facts
        groups = (("recent", self._recent), ("example", self._examples))
        return [f"{kind}-{paths.index(path)}" for kind, paths in groups if path in paths]

    def recording(self, path: Path, width: int) -> Content:
        """Return the line of a recording."""
        facts = self._facts.get(path)
        return recording_line(path.name, facts, width, self._worst(path, facts))

    def _worst(self, path: Path, facts: RecordingFacts | None) -> str:
        """Return the worst severity that is shown of a recording; ``""`` for none, or if it is not known."""
        found, muted = (facts.findings if facts is not None else None), self._muted_for(path)
        return next((severity for severity, rule, _ in found or () if rule not in muted), "")

    def _muted_for(self, path: Path) -> MutedRules:
        folder = path.parent
        if folder not in self._muted:
            self._muted[folder] = MutedRules(folder)
            self._muted[folder].refresh()
        return self._muted[folder]

    def lines(self, width: int) -> Iterator[Option]:
        """Yield the lines of the list, ``width`` columns wide."""
        for name, title, words in CHOICES:
            line = choice_line(self._key(f"home.{name}"), title, words, width)
            yield Option(line, id=name)
        if self.connections:
            yield _blank()
            yield Option(heading("Connections", self.words.config, width), disabled=True)
            for number, known in enumerate(self.connections, 1):
                yield Option(connection_line(number, known, width), id=f"connection-{number}")
        yield _blank()
        if self._recent:
            yield from self._group("Recordings", self.words.sessions, "recent", width)
        else:
            for step in FIRST_STEPS:
                indent = " " * INDENT
                lines = wrap(self._with_keys(step), width, initial_indent=indent, subsequent_indent=indent)  # fmt: skip
                yield from (Option(line, disabled=True) for line in lines)
        if self._examples:
            yield _blank()
            yield from self._group("Examples", "shipped with the program", "example", width)

    def step(self, line_id: str) -> str:
        """Return what enter does on a line, and keys that the footer does not show."""
        rest = f"   {self._key('app.themes')} themes   ctrl+p commands"
        path = self.path_of(line_id)
        if path is not None:
            facts = self._facts.get(path)
            if facts is not None and facts.problem:
                return (
                    f"{sanitized(path.name)} cannot be replayed: {sanitized(facts.problem)}{rest}"
                )
            told, muted = facts.verdict if facts is not None else None, self._muted_for(path)
            shown = ((tone, words) for tone, words, rule in told or () if rule not in muted)
            verdict = " · ".join(f"{TONE_SIGNS.get(tone, '')}{words}" for tone, words in shown)
            return f"{verdict}   enter replay" if verdict else f"enter replay{rest}"
        kind, _, number = line_id.partition("-")
        if kind == "connection":
            known = self.connections[int(number) - 1]
            if not known.is_ready:
                return f"{sanitized(known.key)}: set it and restart{rest}"
            return f"enter connect to {sanitized(known.address)}{rest}"
        return f"{_STEPS.get(kind, 'enter open')}{rest}"

    def _group(self, title: str, note: str, kind: str, width: int) -> Iterator[Option]:
        yield Option(heading(title, note, width, fact_columns(width)), disabled=True)
        paths = self._recent if kind == "recent" else self._examples
        for index, path in enumerate(paths):
            yield Option(self.recording(path, width), id=f"{kind}-{index}")

    def _with_keys(self, text: str) -> str:
        names = {
            "send": "session.send",
            "create": "session.create",
            "truncate": "session.truncate",
            "help": "view.help",
            "live": "home.live",
        }
        return text.format_map({word: self._key(name) for word, name in names.items()})


def _blank() -> Option:
    return Option("", disabled=True)
