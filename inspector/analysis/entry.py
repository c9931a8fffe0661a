"""Entry: one entry of the conversation to be read, in tones that a view gives styles to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


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


class Words(NamedTuple):
    """A run of text in one tone."""

    text: str
    tone: Tone = Tone.BASE


Paragraph = tuple[Words, ...]


class Place(NamedTuple):
    """What an entry is about."""

    kind: str
    """``item``; ``response`` for one that left no item; ``passage`` of a running transcript."""
    id: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the session waits for, and that can be answered by hand."""

    kind: str
    """``call`` or ``approval``."""
    item_id: str
    call_id: str
    """Of a function call; ``""`` for an approval."""
    name: str
    server_label: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One of two texts that belong side by side."""

    title: str
    text: str
    tone: Tone = Tone.BASE
    is_awaited: bool = False
    """Whether it is the user's to give: it stands for what is not there yet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the conversation."""

    place: Place
    who: str
    tone: Tone
    t_ns: int
    first_row: int
    """Row of the log where it begins; -1 where it has none."""
    last_row: int
    facts: tuple[Words, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()
    columns: tuple[Column, ...] = ()
    question: Question | None = None

    @property
    def text(self) -> str:
        """Return the words alone, as they came."""
        lines = ["".join(words.text for words in paragraph) for paragraph in self.paragraphs]
        return "\n".join([*lines, *(column.text for column in self.columns)])


@dataclass(slots=True)
class Draft:
    """An entry being written."""

    who: str = ""
    tone: Tone = Tone.HEAD
    facts: list[Words] = field(default_factory=list)
    paragraphs: list[Paragraph] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    question: Question | None = None

    def fact(self, text: str, tone: Tone = Tone.DIM) -> None:
        """Add a fact for the head line, unless it is empty."""
        if text:
            self.facts.append(Words(text, tone))

    def warn(self, text: str) -> None:
        """Add a fact that deserves attention."""
        self.fact(text, Tone.WARNING)

    def say(self, text: str, tone: Tone = Tone.BASE) -> None:
        """Add a paragraph, unless it is empty."""
        if text:
            self.paragraphs.append((Words(text, tone),))
