"""The choice of functions to call, from the words that the question shares with their names and descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from inspector.sim.brain import BrainContext, Call
from inspector.sim.rules.arguments import arguments_for, places_in
from inspector.sim.rules.arithmetic import sum_in
from inspector.sim.rules.english import cut, proper_nouns, stem

Tool = Mapping[str, Any]

_COMMON = (
    "a an and any are as at be by can could do does for from function get give given has have how i if in into is it its "
    "look lookup me my need of on or please returns return set should some such tell that the this to tool use used user "
    "using want what when where whenever which who will with would you your current currently now today value values "
    "information info data about call fetch retrieve find show make let know like string specific provide provided name "
    "just just answer question ask asked asks request requested new one two only say said there was were not no"
)
_STOPWORDS = frozenset(stem(word) for word in _COMMON.split()) | frozenset(_COMMON.split())
"""Words that do not tell what a function does."""
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
"""Score of one word of a function's name; one of its description (2) suffices if the question has a single word."""


def chosen_calls(question: str, before: Sequence[str], context: BrainContext) -> tuple[Call, ...]:
    """Return the calls that a question requires: none, one, or several in parallel.

    Args:
        question: the user's text.
        before: the user's earlier texts, oldest first.
        context: the tools and the tool choice.
    """
    functions = [tool for tool in context.tools if tool.get("type", "function") == "function"]
    choice = context.tool_choice
    if choice == "none" or not functions:
        return ()
    if isinstance(choice, Mapping):
        chosen = [tool for tool in functions if tool.get("name") == choice.get("name")]
        return _calls([(chosen[0], question)], context) if chosen else ()
    if choice != "required" and _REFUSED.search(question):
        return ()
    matches = _matches(question, functions)
    if not matches and _AGAIN.match(question) and before:  # "and in Rome?" repeats the last call
        tool = chosen_tool(before[-1], functions)
        matches = [(tool, question)] if tool is not None else []
    if not matches and choice == "required":
        matches = [(functions[0], question)]
    matches = [(tool, _with_place(tool, clause, before, functions)) for tool, clause in matches]
    return _calls(matches, context)


def _with_place(tool: Tool, clause: str, before: Sequence[str], functions: Sequence[Tool]) -> str:
    """Return a clause such as "is it warm there" with the place of the last question about the same tool."""
    if not _takes_a_place(tool) or places_in(clause):
        return clause
    for text in reversed(before):
        places = places_in(text) if chosen_tool(text, functions) is tool else []
        if places:
            return f"{clause.rstrip(' ?.!')} in {places[-1]}?"
    return clause


def chosen_tool(question: str, functions: Sequence[Tool]) -> Tool | None:
    """Return the function whose words match a question best; None if none matches well enough."""
    words = _words(question) | ({"sum"} if sum_in(question) is not None else set())
    scores = [_score(words, question, tool) for tool in functions]
    best = max(scores, default=0)
    enough = 2 if len(words) == 1 else _ENOUGH
    return functions[scores.index(best)] if best >= enough else None


def _matches(question: str, functions: Sequence[Tool]) -> list[tuple[Tool, str]]:
    """Return the matching functions, each with the clause of the question that it matches."""
    whole = chosen_tool(question, functions)
    if whole is None:
        return []
    clauses = [
        clause
        for clause in re.split(r"[?.!;]\s|,? and (?:also |then )?|, (?:then |also )?", question)
        if clause.strip()
    ]
    matches: list[tuple[Tool, str]] = []
    for clause in clauses[:20]:
        tool = chosen_tool(clause, functions)
        if tool is not None and all(tool is not other for other, _ in matches):
            has_values = proper_nouns(clause) or re.search(r"\d", clause) or places_in(clause)
            matches.append((tool, clause if has_values else question))
    return matches if len(matches) > 1 else [(whole, question)]


def _calls(matches: Sequence[tuple[Tool, str]], context: BrainContext) -> tuple[Call, ...]:
    calls = []
    for tool, clause in matches:
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
    """Return True if a function has exactly one parameter for a place, so that two places need two calls."""
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


def _score(words: set[str], question: str, tool: Tool) -> int:
    schema = tool.get("parameters")
    members = schema.get("properties") if isinstance(schema, Mapping) else None
    name = str(tool.get("name", ""))
    if len(name) > 3 and re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", question.lower()):
        return 100  # the question contains the function's name: beats any number of shared words
    in_name, in_description = _words(name), _words(str(tool.get("description", "")))
    parameters: set[str] = set()
    for key, member in members.items() if isinstance(members, Mapping) else ():
        text = member.get("description", "") if isinstance(member, Mapping) else ""
        options = member.get("enum", ()) if isinstance(member, Mapping) else ()
        values = " ".join(map(str, options[:20])) if isinstance(options, list) else ""
        parameters |= _words(f"{key} {str(text)[:300]} {values}")
    score = 3 * len(words & in_name) + 2 * len(words & in_description) + len(words & parameters)
    is_specific = words & in_name or len(words & in_description) > 1 or len(words) == 1
    return score if is_specific and words & (in_name | in_description) else 0
