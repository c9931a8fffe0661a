"""Entry: one entry of the conversation to be read, in tones that a view gives styles to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

NOT_HEARD = "not heard"
"""What is cut off was measured not to have been heard."""


class Tone(StrEnum):
    """How words are meant; a view gives each a style."""

    BASE = "base"
    DIM = "dim"
    HEAD = "head"
    USER = "client"
    ASSISTANT = "server"
    STRUCK = "struck"
    """Said by the model, but cut off before it was heard, or deleted."""
    WARNING = "warning"
    ERROR = "error"


class Phrase(NamedTuple):
    """A run of text in one tone."""

    text: str
    tone: Tone = Tone.BASE


Paragraph = tuple[Phrase, ...]


class EntryId(NamedTuple):
    """What an entry is about."""

    kind: str
    """``item``; ``response`` for one that left no item; ``passage`` of a running transcript."""
    id: str


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Something that the session waits for, and that can be answered by hand."""

    kind: str
    """``call`` or ``approval``."""
    item_id: str
    """The item that waits."""
    call_id: str
    """Of a function call; ``""`` for an approval."""
    name: str
    """The function or tool that is called."""
    server_label: str = ""
    """The MCP server; ``""`` for a function."""


@dataclass(frozen=True, slots=True)
class Column:
    """One of two texts that belong side by side."""

    title: str
    """What the text is."""
    text: str
    """As it came, not inert."""
    tone: Tone = Tone.BASE
    """Of the text."""
    is_awaited: bool = False
    """Whether it is the user's to give: it stands for what is not there yet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the conversation."""

    place: EntryId
    """What it is about."""
    who: str
    """Who speaks, in a word."""
    tone: Tone
    """Of that word."""
    t_ns: int | None
    """When it began, session time; None where the recording does not say."""
    first_row: int
    """Row of the log where it begins; -1 where it has none."""
    last_row: int
    """Row of the log with its last event."""
    facts: tuple[Phrase, ...] = ()
    """Beside the name, on the head line."""
    paragraphs: tuple[Paragraph, ...] = ()
    """The words, in order."""
    columns: tuple[Column, ...] = ()
    """Texts that stand side by side where there is room."""
    question: OpenRequest | None = None
    """What it waits for; None for nothing."""
    cut_words: str = NOT_HEARD
    """What is true of the words in ``Tone.STRUCK`` that follow others, and by whose account."""

    @property
    def text(self) -> str:
        """Return the words alone, as they came."""
        lines = ["".join(words.text for words in paragraph) for paragraph in self.paragraphs]
        return "\n".join([*lines, *(column.text for column in self.columns)])


@dataclass(slots=True)
class EntryDraft:
    """An entry being written."""

    who: str = ""
    """Who speaks, in a word."""
    tone: Tone = Tone.HEAD
    """Of that word."""
    facts: list[Phrase] = field(default_factory=list)
    """As of ``Entry``."""
    paragraphs: list[Paragraph] = field(default_factory=list)
    """As of ``Entry``."""
    columns: list[Column] = field(default_factory=list)
    """As of ``Entry``."""
    question: OpenRequest | None = None
    """As of ``Entry``."""
    cut_words: str = NOT_HEARD
    """As of ``Entry``."""

    def fact(self, text: str, tone: Tone = Tone.DIM) -> None:
        """Add a fact for the head line, unless it is empty."""
        if text:
            self.facts.append(Phrase(text, tone))

    def warn(self, text: str) -> None:
        """Add a fact that deserves attention."""
        self.fact(text, Tone.WARNING)

    def say(self, text: str, tone: Tone = Tone.BASE) -> None:
        """Add a paragraph, unless it is empty."""
        if text:
            self.paragraphs.append((Phrase(text, tone),))
