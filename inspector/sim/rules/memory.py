"""Facts in a conversation, with owner and name, and whole sentences as a fallback.

Nothing is stored: each question searches the conversation as it is, so deleted and truncated items are forgotten, as a model
forgets them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from inspector.sim.brain import ContextItem
from inspector.sim.rules.english import (
    Reply,
    content,
    cut,
    proper_nouns,
    sentences,
    stem,
    swap_persons,
    with_digits,
)

_MAX_RETURNED, _MAX_FACTS = 20_000, 100
"""Characters and members read from one tool output."""
MAX_ITEMS = 400
"""Items searched, from the newest back."""
USER, MODEL, ANY = "user", "model", ""
"""Owners of facts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact from the conversation."""

    owner: str
    name: str
    """In the speaker's words, such as ``favorite color``."""
    value: str


_VALUE = r"(?P<value>[^\n;!?]{1,120}?)(?=[;!?\n]|\.(?:\s|$)|,? (?:and|but) (?:my|i|i'm|please|you|your|the|it)\b|, (?:please|so|my|and|but|i|right|okay)\b|$)"
_KEY = r"(?P<name>[^\W\d_][\w'-]*(?: [\w'-]+){0,5}?)"
_REMEMBER = r"(?:remember|memori[sz]e|keep in mind|note(?: down)?|don't forget|do not forget|store|save|recall)"
_KIND = (
    r"(?:secret |code |special |magic |lucky |random |following |pass ?|access |security |verification |account |order )*"
    r"(?:number|word|code|codeword|password|passphrase|phrase|name|color|colour|animal|fruit|city|token|letter|key|"
    r"string|date|item|pin|id|term|object|food)"
)
_LEAD = r"(?:(?:that|this|the|my|a|an|these|for me|please|for later|fact)[: ]+)*"
_FACTS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (rf"\b(?P<owner>my|your|our|the user's|the customer's|the caller's|user's|his|her|their|the|this|a|today's) {_KEY} (?:is|was|are|will be|equals|=|must be|has been set to|is set to|should be) (?:now |called |always |also )?{_VALUE}", ""),
        (rf"\b(?P<owner>my|your|the|secret) ?(?P<name>{_KIND})(?::| =) ?{_VALUE}", ""),
        (rf"\b{_REMEMBER}:? {_LEAD}(?P<name>{_KIND})(?: is)?(?: as)?[:,]? +(?!i\b|that i\b|you\b|we\b|for\b|to\b|and\b|of\b)['\"]?{_VALUE}", ""),
        (rf"\b{_REMEMBER}[:,]? (?:that |this: )?(?!i |you |we |they )(?P<name>[^\W\d_][\w'-]*(?: [\w'-]+){{0,3}}?) (?:is|are|=|equals) {_VALUE}", ""),
        (rf"\b{_REMEMBER}:? (?:(?:that|this|please|for me|for later)[: ]+)*{_VALUE}", "note"),
        (r"\b(?:call me|i am called|i'm called|i go by|my name's|this is|name's) (?P<value>[A-Z][\w'-]*(?: [A-Z][\w'-]*){0,2})(?=[.,;!?\s]|$)", "name"),
        (r"\b(?:call me|my name's|i am called|i'm called) (?P<value>[a-z][\w'-]*)", "name"),
        (r"(?:^|[.!?,] |\bhi |\bhello |\bhey |\band )(?:I am|I'm|i am|i'm) (?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})(?=[.,;!?\s]|$)", "name"),
        (r"\b(?:the )?(?:user|customer|caller|person you are talking to)(?: is called| is named| is|, named)? (?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})", "name"),
        (rf"\bi(?: currently| now)? live in {_VALUE}", "city live home place"),
        (rf"\bi(?: am|'m| come) (?:originally )?from {_VALUE}", "town country from place"),
        (rf"\bi was born (?:in|on) {_VALUE}", "birth"),
        (rf"\bi (?:work|am working) (?:as|at|for|in) (?:an? )?{_VALUE}", "work"),
        (r"\bi(?:'m| am) (?:an? )(?P<value>[a-z][\w -]{1,40}?)(?=[.,;!?]|$| (?:and|who|from|at|in)\b)", "work"),
        (r"\bi(?:'m| am) (?P<value>\d{1,3})(?: years? old)?(?=[.,;!? ]|$)", "age old"),
        (rf"\bi (?:really )?(?:like|love|enjoy|prefer|adore) {_VALUE}", "like love hobby"),
        (rf"\bi (?:really )?(?:hate|dislike|am allergic to) {_VALUE}", "hate dislike allergic"),
        (rf"\bi drive (?:an? )?{_VALUE}", "car drive"),
        (rf"\bi speak {_VALUE}", "language speak"),
        (rf"\bi(?:'m| am) (?:thinking|planning|going) (?:of|about|to) (?!be\b){_VALUE}", "thought plan"),
        (r"\b(?:i have|i've got|i own|we have|my|a) (?:(?:an?|one|two|three|\d+) )?(?P<name>[\w-]+(?: [\w-]+)?) (?:named|called) (?P<value>(?-i:[A-Z])[\w'-]*)", ""),
    )
)  # fmt: skip
_SELF = re.compile(
    r"\b(?:you are|you're|your name is|call yourself|you will be|act as) (?:now )?(?:an? [\w ,-]{1,60}? (?:named|called) )?"
    r"(?P<value>(?-i:[A-Z])[\w'-]+(?: (?-i:[A-Z])[\w'-]+){0,2})",
    re.IGNORECASE,
)
_NOT_NAMES_TEXT = (
    "sorry sure glad happy here ready fine good okay ok not the a an i yes no thanks just "
    "trying looking going hi hello hungry tired great well busy done english spanish french "
    "german american british today now asking"
)
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())


# Cached by text: every answer searches the whole conversation again.
@lru_cache(maxsize=4096)
def facts_in(text: str, role: str) -> tuple[Fact, ...]:
    """Return the facts in a text, in order; ``role`` tells whom "my" refers to, and whether to try JSON (``tool``)."""
    returned = tuple(_returned(text)) if role == "tool" else ()
    return returned or tuple(_facts(cut(text), role))


def _returned(text: str) -> Iterator[Fact]:
    """Yield the members of a tool's JSON output, breadth first, including nested ones."""
    try:
        unvisited: list[object] = [json.loads(text[:_MAX_RETURNED])]
    except (ValueError, RecursionError):
        return
    for at in range(_MAX_FACTS):
        if at >= len(unvisited):
            return
        value = unvisited[at]
        if isinstance(value, list):
            unvisited += value[:_MAX_FACTS]
        for name, member in list(value.items())[:_MAX_FACTS] if isinstance(value, dict) else ():
            if isinstance(member, dict | list):
                unvisited.append(member)
            elif member is not None:
                yield Fact(ANY, name.replace("_", " "), str(member)[:_MAX_RETURNED])


def _facts(text: str, role: str) -> Iterator[Fact]:
    if role == "system" and (found := _SELF.search(text)) is not None:
        yield Fact(MODEL, "name", found.group("value"))
    for sentence in sentences(text):
        if is_question(sentence):
            continue
        for pattern, fixed in _FACTS:
            if fixed == "note" and role == "assistant":
                continue  # "I will remember that …" only repeats what the user said
            for found in pattern.finditer(sentence):
                fact = _fact(found, fixed, role)
                if fact is not None:
                    yield fact


def _fact(found: re.Match[str], fixed: str, role: str) -> Fact | None:
    groups = found.groupdict()
    value = _tidy(groups["value"])
    name = fixed or groups["name"].lower()
    owner = (groups.get("owner") or ("my" if fixed and fixed != "note" else "")).lower()
    if not value or (fixed == "name" and value.lower().split()[0] in _NOT_NAMES):
        return None
    if re.match(r"(?:what|who|which|where|how|why|when)\b", name):
        return None
    if owner in ("my", "your"):
        is_models = (owner == "my") == (role == "assistant")
        if role == "system" and owner == "my":
            is_models = False
        return Fact(MODEL if is_models else USER, name, value)
    is_users = owner in ("the user's", "the customer's", "the caller's", "user's")
    return Fact(USER if is_users or fixed == "name" else ANY, name, value)


def is_question(sentence: str) -> bool:
    """Return True for a question, which states no facts."""
    asks = re.match(
        r"(?:and |but |so |ok(?:ay)?,? |please,? |hey,? |now,? )*(?:what|who|which|where|when|how|do you|can you tell|could you tell|tell me|is|are|was|did)\b",
        sentence,
        re.IGNORECASE,
    )
    return sentence.endswith("?") and asks is not None


def _tidy(value: str) -> str:
    value = re.sub(
        r"\s+(?:please|for me|for later|okay|ok|in mind|as well|too)$",
        "",
        value.strip(),
        flags=re.IGNORECASE,
    )
    quoted = re.match(r"""["'](.{1,100}?)["']""", value)
    return quoted.group(1) if quoted is not None else value.strip(" \"'.,:")


@dataclass(frozen=True, slots=True)
class Memory:
    """The conversation before a question, searchable for facts."""

    items: Sequence[ContextItem]
    """The items before the question, oldest first."""
    instructions: str = ""

    def facts(self) -> Iterator[Fact]:
        """Yield the facts of the items, newest first, then those of the instructions."""
        for item in reversed(self.items[-MAX_ITEMS:]):
            if item.text:
                yield from reversed(facts_in(item.text, item.role))
        if self.instructions:
            yield from reversed(facts_in(self.instructions, "system"))

    def value_of(self, name: str, owner: str = ANY) -> str:
        """Return the value of the best matching fact, the newest of equally good ones; ``""`` if none matches."""
        wanted = _key(name)
        best, value = 0.0, ""
        for fact in self.facts():
            score = _fit(wanted, fact)
            if owner and fact.owner and fact.owner != owner:
                score -= 2.0  # a strong preference, but not a condition
            if score > best:
                best, value = score, fact.value
        return value

    def values_of(self, name: str) -> list[str]:
        """Return the distinct values of all facts with exactly that name, oldest first."""
        values = [fact.value for fact in self.facts() if fact.name == name]
        return list(reversed(list(dict.fromkeys(values))))

    def last(self, role: str, back: int = 0) -> str:
        """Return the last text of a role, or the one ``back`` texts before it; ``""`` if there is none."""
        texts = [item.text for item in reversed(self.items) if item.role == role and item.text]
        return cut(texts[back]) if back < len(texts) else ""

    def first(self, role: str) -> str:
        """Return the first text of a role; ``""`` if there is none."""
        return next((cut(item.text) for item in self.items if item.role == role and item.text), "")

    def sentence_about(self, question: str, least: float = 0.5) -> Reply | None:
        """Return the sentence that shares most words with a question, phrased as a reply; None if none shares enough.

        Args:
            question: the user's question.
            least: the share of its words that the sentence must have.
        """
        wanted = set(content(question))
        best, chosen, speaker = 0.0, "", ""
        for age, item in enumerate(reversed(self.items[-MAX_ITEMS:])):
            for sentence in sentences(cut(item.text)):
                shared = wanted & set(content(sentence))
                # Long words say more than short ones; between equals, the newer sentence wins.
                score = sum(1.0 + 0.05 * len(word) for word in shared) - age * 1e-4
                if shared and not is_question(sentence) and score > best:
                    best, chosen, speaker = score, sentence, item.role
        if not chosen and self.instructions:
            found = Memory([ContextItem("system", self.instructions)]).sentence_about(question)
            return found if found is not None and best == 0 and wanted else None
        enough = max(1.0, least * len(wanted))
        if not chosen or best < enough:
            return None
        short = salient(question, chosen)
        quoted = swap_persons(chosen) if speaker == "user" else chosen
        head = (
            "You told me: " if speaker == "user" else "I said: " if speaker == "assistant" else ""
        )
        return Reply(f"{head}{quoted[:1].upper()}{quoted[1:]}", short)


def salient(question: str, sentence: str) -> str:
    """Return the word of a sentence that most likely answers a question."""
    lowered = question.lower()
    numbers = re.findall(r"\d[\w.:,-]*\w|\d", with_digits(sentence))
    if numbers and re.search(
        r"\bhow (?:many|much|old|long|far|tall)|number|code|when|what time|year|price|cost", lowered
    ):
        return str(numbers[0])
    quoted = re.search(r"""["']([^"']{1,60})["']""", sentence)
    if quoted is not None:
        return str(quoted.group(1))
    known = set(content(question))
    names = [name for name in proper_nouns(sentence) if not set(content(name)) & known]
    if names:
        return names[-1]
    fresh = [
        word
        for word in re.findall(r"[\w'-]+", sentence)
        if content(word) and stem(word) not in known
    ]
    return fresh[-1] if fresh else ""


def _key(name: str) -> list[str]:
    return [stem(word) for word in re.findall(r"[\w'-]+", name.lower()) if stem(word) not in _EMPTY]


_EMPTY_TEXT = "the a an my your of you it is was that this exact again"
_EMPTY = frozenset(_EMPTY_TEXT.split())
_GENERIC = frozenset({"word", "code", "number", "secret", "nam", "name", "favorite", "color"})


def _fit(wanted: list[str], fact: Fact) -> float:
    """Return how well a fact matches the stems of a name; the last word counts most, a bare note least."""
    have = _key(fact.name)
    if not wanted or not have:
        return 0.0
    if fact.name == "note":
        shared = set(wanted) & set(content(fact.value))
        return 0.4 + len(shared) if shared or set(wanted) <= _NOTES else 0.0
    shared = set(wanted) & set(have)
    if not shared:
        return 0.0
    score = len(shared) / max(len(set(wanted)), len(set(have))) + 0.5 * len(shared)
    if wanted[-1] in have:
        score += 1.0
    extra = set(wanted) - set(have) - _GENERIC
    return score if not extra or len(shared) > len(extra) else 0.0


_NOTES = frozenset(
    {"number", "word", "code", "secret", "thing", "message", "fact", "item", "sentenc"}
)
