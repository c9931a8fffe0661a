"""Which declared functions fit what the user said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from inspector.sim.brain import BrainContext, Call
from inspector.sim.rules.arguments import arguments_for, places_in
from inspector.sim.rules.arithmetic import sum_in
from inspector.sim.rules.english import cut, named, stem

Tool = Mapping[str, Any]

_COMMON = (
    "a an and any are as at be by can could do does for from function get give given has have how i if in into is it its "
    "look lookup me my need of on or please returns return set should some such tell that the this to tool use used user "
    "using want what when where whenever which who will with would you your current currently now today value values "
    "information info data about call fetch retrieve find show make let know like string specific provide provided name "
    "just just answer question ask asked asks request requested new one two only say said there was were not no"
)
_STOPWORDS = frozenset(stem(word) for word in _COMMON.split()) | frozenset(_COMMON.split())
"""Words that say nothing about what a function does."""
_ALIKE: Mapping[str, str] = {
    stem(word): head
    for head, words in {
        "weather": "temperature forecast rain raining rainy sunny cloudy umbrella snow snowing hot cold warm windy degrees climate",
        "time": "clock hour oclock timezone",
        "mail": "email message inbox",
        "order": "purchase package delivery shipment shipping tracking",
        "book": "reserve reservation booking table",
        "schedul": "appointment meeting calendar event agenda",
        "pric": "cost stock quote share ticker expensive",
        "music": "song play track playlist",
        "light": "lamp lights bulb dim brightness",
        "sum": "add calculate calculator math arithmetic compute multiply subtract plus minus",
        "transfer": "human agent representative operator escalate handoff",
        "search": "google web internet lookup news",
        "tim": "countdown",
        "remind": "reminder",
        "alarm": "wake",
        "flight": "fly plane airline",
        "restaurant": "eat dinner lunch",
    }.items()
    for word in words.split()
}
_REFUSED = re.compile(
    r"\b(?:do not|don't|never|without|avoid) (?:\w+ ){0,3}(?:call|calling|use|using|invoke|invoking)?(?: \w+){0,3}? ?(?:tools?|functions?)\b|\bno (?:tools?|functions?)(?: calls?)?\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"^(?:and|what about|how about|and what about|now)\b", re.IGNORECASE)
_MAX_CALLS = 8
_ENOUGH = 3
"""One word of a function's name, or two of its description; one will do where the user says nothing else."""


def chosen_calls(question: str, before: Sequence[str], context: BrainContext) -> tuple[Call, ...]:
    """Return the calls that a question asks for: one, several in parallel, or none.

    Args:
        question: the user's words.
        before: the user's words before that, the oldest first.
        context: the tools, and which may be chosen.
    """
    functions = [tool for tool in context.tools if tool.get("type", "function") == "function"]
    choice = context.tool_choice
    if choice == "none" or not functions:
        return ()
    if isinstance(choice, Mapping):
        named = [tool for tool in functions if tool.get("name") == choice.get("name")]
        return _calls([(named[0], question)], context) if named else ()
    if choice != "required" and _REFUSED.search(question):
        return ()
    asked = _asked(question, functions)
    if not asked and _AGAIN.match(question) and before:
        tool = chosen_tool(before[-1], functions)
        asked = [(tool, question)] if tool is not None else []
    if not asked and choice == "required":
        asked = [(functions[0], question)]
    asked = [(tool, _with_place(tool, clause, before, functions)) for tool, clause in asked]
    return _calls(asked, context)


def _with_place(tool: Tool, clause: str, before: Sequence[str], functions: Sequence[Tool]) -> str:
    """Return a clause with the place that was asked about last, like ``is it warm there``."""
    if not _takes_a_place(tool) or places_in(clause):
        return clause
    for text in reversed(before):
        places = places_in(text) if chosen_tool(text, functions) is tool else []
        if places:
            return f"{clause.rstrip(' ?.!')} in {places[-1]}?"
    return clause


def chosen_tool(question: str, functions: Sequence[Tool]) -> Tool | None:
    """Return the function whose words match a question best; None where none does well enough."""
    asked = _words(question) | ({"sum"} if sum_in(question) is not None else set())
    scores = [_score(asked, question, tool) for tool in functions]
    best = max(scores, default=0)
    enough = 2 if len(asked) == 1 else _ENOUGH
    return functions[scores.index(best)] if best >= enough else None


def _asked(question: str, functions: Sequence[Tool]) -> list[tuple[Tool, str]]:
    """Return functions with the clause that asks for each."""
    whole = chosen_tool(question, functions)
    if whole is None:
        return []
    clauses = [
        clause
        for clause in re.split(r"[?.!;]\s|,? and (?:also |then )?|, (?:then |also )?", question)
        if clause.strip()
    ]
    asked: list[tuple[Tool, str]] = []
    for clause in clauses[:20]:
        tool = chosen_tool(clause, functions)
        if tool is not None and all(tool is not other for other, _ in asked):
            is_whole = named(clause) or re.search(r"\d", clause) or places_in(clause)
            asked.append((tool, clause if is_whole else question))
    return asked if len(asked) > 1 else [(whole, question)]


def _calls(asked: Sequence[tuple[Tool, str]], context: BrainContext) -> tuple[Call, ...]:
    calls = []
    for tool, clause in asked:
        places = places_in(clause) if _takes_a_place(tool) else []
        for place in places if len(places) > 1 else [""]:
            about = f"{_without(clause, places)} in {place}" if place else clause
            calls.append(Call(str(tool.get("name", "")), arguments_for(tool, about)))
    limit = _MAX_CALLS if context.may_call_in_parallel else 1
    return tuple(calls[:limit])


def _without(text: str, places: Sequence[str]) -> str:
    for place in places:
        text = re.sub(rf"\b(?:in|for|at|of)? ?{re.escape(place)}\b", "", text, flags=re.IGNORECASE)
    return text


def _takes_a_place(tool: Tool) -> bool:
    """Tell whether a function is for one place at a time."""
    schema = tool.get("parameters")
    members = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(members, Mapping):
        return False
    places = [
        name
        for name, member in members.items()
        if isinstance(member, Mapping)
        and member.get("type", "string") == "string"
        and re.search(r"city|location|place|town|country|region|where|address", str(name).lower())
    ]
    return len(places) == 1


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", cut(text))
    stems = (
        stem(word) for word in re.findall(r"[^\W_]+", spaced.lower()) if word not in _STOPWORDS
    )
    return {_ALIKE.get(word, word) for word in stems if word not in _STOPWORDS}


def _score(asked: set[str], question: str, tool: Tool) -> int:
    schema = tool.get("parameters")
    members = schema.get("properties") if isinstance(schema, Mapping) else None
    name = str(tool.get("name", ""))
    if len(name) > 3 and re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", question.lower()):
        return 100
    named, described = _words(name), _words(str(tool.get("description", "")))
    parameters: set[str] = set()
    for key, member in members.items() if isinstance(members, Mapping) else ():
        text = member.get("description", "") if isinstance(member, Mapping) else ""
        options = member.get("enum", ()) if isinstance(member, Mapping) else ()
        shown = " ".join(map(str, options[:20])) if isinstance(options, list) else ""
        parameters |= _words(f"{key} {str(text)[:300]} {shown}")
    score = 3 * len(asked & named) + 2 * len(asked & described) + len(asked & parameters)
    is_meant = asked & named or len(asked & described) > 1 or len(asked) == 1
    return score if is_meant and asked & (named | described) else 0
