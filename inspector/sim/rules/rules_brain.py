"""RulesBrain: answers without a model, for tests of an app. It obeys, remembers, calls tools and does sums.

The one door of this folder: the subjects are in its other files, and here is only what comes before what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from inspector.sim.brain import Answer, BrainContext, Said
from inspector.sim.rules.acknowledgement import acknowledged, heeded, is_form_only, short_echo
from inspector.sim.rules.english import Reply, content, cut, sentences
from inspector.sim.rules.findings import found_before, told_by_tools
from inspector.sim.rules.instructions import (
    ReplyForm,
    always,
    form_of,
    formatted_reply,
    rule_for,
    to_say,
    without_form,
)
from inspector.sim.rules.memory import Memory, facts_in
from inspector.sim.rules.questions import MemoryQuestion, replies
from inspector.sim.rules.routing import routed
from inspector.sim.rules.tasks import message_in, task_in
from inspector.sim.rules.tool_choice import chosen_calls

_IDLE = "No user speech was detected"
"""How the server's own nudge after an idle timeout begins."""
_MAX_RULES_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class _Prompt:
    """What the answer is for."""

    text: str
    said: Said | None
    """None where only the instructions ask."""
    before: Sequence[Said]
    outputs: Sequence[str] = ()
    """What tools returned after the question."""


class RulesBrain:
    """Orders first, then tools, then questions; else what it was told, or the user's own words."""

    def answer(self, context: BrainContext) -> Answer:
        """Return the answer to the conversation so far."""
        prompt = _prompt(context)
        form = form_of(context.instructions).also(form_of(prompt.text)).also(form_of(context.order))
        if any(said.role == "system" and _IDLE in said.text for said in context.said[-2:]):
            return Answer("Are you still there?")
        said = _texts(context.said)
        ordered = routed(context.order, said) or to_say(context.order) if context.order else ""
        if ordered:
            return Answer(formatted_reply(Reply(ordered), _unforced(form)))
        passed_on = message_in(context.order)
        if passed_on and not prompt.outputs:
            return Answer(formatted_reply(Reply(passed_on), form))
        if prompt.outputs:
            return Answer(formatted_reply(told_by_tools(prompt.outputs), form))
        known = found_before(prompt.text, prompt.before)
        if known is not None and context.tool_choice in ("auto", "none"):
            return Answer(formatted_reply(known, form))
        calls = chosen_calls(prompt.text, _texts(prompt.before), context)
        if calls:
            return Answer(calls=calls)
        return Answer(_words(prompt, context, form))


def _prompt(context: BrainContext) -> _Prompt:
    """Return the newest thing that asks for an answer.

    That is the task in the instructions of the response, a user's words, or an order of the client's in a system item.
    """
    task = task_in(context.order)
    if task and not (context.said and context.said[-1].role == "tool"):
        return _Prompt(task, None, context.said)
    outputs: list[str] = []
    for index in range(len(context.said) - 1, -1, -1):
        said = context.said[index]
        if said.role == "tool":
            outputs.insert(0, said.text)
        elif said.role == "user" or (said.role == "system" and not outputs and _asks(said.text)):
            return _Prompt(cut(said.text), said, context.said[:index], outputs)
    return _Prompt(cut(context.order), None, context.said, outputs)


def _asks(text: str) -> bool:
    return bool(to_say(text)) or text.rstrip().endswith("?")


def _words(prompt: _Prompt, context: BrainContext, form: ReplyForm) -> str:
    instructions = context.instructions[:_MAX_RULES_CHARS]
    rules = "\n".join(
        [
            instructions,
            *(said.text[:2_000] for said in prompt.before[-40:] if said.role != "assistant"),
        ]
    )
    forced = (
        routed(instructions, _texts(context.said))
        or rule_for(prompt.text, rules)
        or always(instructions)
    )
    if forced:
        return formatted_reply(Reply(forced), _unforced(form))
    ordered = to_say(prompt.text)
    memory = Memory(prompt.before, context.instructions)
    if ordered and not form.is_json and not prompt.text.rstrip().endswith("?"):
        recalled = _named_fact(ordered, memory)
        return formatted_reply(
            Reply(recalled or ordered), _unforced(form) if not form.language else form
        )
    if form.is_json:
        shown = re.search(
            r"(?:[:]|json|exactly|with|say) *(?P<what>\{.{1,600}\})\s*$", prompt.text, re.IGNORECASE
        )
        if shown is not None and _is_json(shown.group("what")):
            return shown.group("what")
    reply = heeded(prompt.text, memory) or _reply(prompt.text, memory)
    if reply is None:
        reply = acknowledged(prompt.text) or _fallback(prompt, context.instructions)
    return formatted_reply(reply, form)


def _unforced(form: ReplyForm) -> ReplyForm:
    """Return a form without what would change words that were ordered exactly."""
    return replace(form, is_one_word=False, is_json=False, max_words=0, language="")


def _named_fact(ordered: str, memory: Memory) -> str:
    """Return the fact that ``say my name`` or ``say the code word`` means."""
    found = re.match(r"(?:the|my|our) (?P<name>[\w -]{1,40})$", ordered.strip(" ."), re.IGNORECASE)
    return memory.about(found.group("name")) if found is not None else ""


def _reply(text: str, memory: Memory) -> Reply | None:
    """Return the answer to what a text asks; each of its sentences that asks is answered."""
    asked = [one for one in sentences(without_form(text))[:8] if not is_form_only(one)]
    found: list[Reply] = []
    for at, sentence in enumerate(asked):
        known = Memory(
            [*memory.said, *(Said("user", one) for one in asked[:at])], memory.instructions
        )
        is_statement = not sentence.endswith("?") and bool(facts_in(sentence, "user"))
        reply = None if is_statement else next(replies(MemoryQuestion(sentence, known)), None)
        if reply is not None and not (found and reply.text.startswith(("Hello", "You have not"))):
            found.append(reply)
    if not found:
        return None
    useful = [reply for reply in found if not reply.text.startswith("Hello")] or found
    return Reply(" ".join(reply.text for reply in useful), useful[-1].short)


def _fallback(prompt: _Prompt, instructions: str) -> Reply:
    said = prompt.said
    if prompt.text:
        return Reply(f"You said: {prompt.text[:300]}", short_echo(prompt.text))
    if said is not None and said.audio_ms:
        return Reply(
            f"I heard {said.audio_ms / 1000:.1f} seconds of audio. I am a simulator, "
            "and could not make out any words in it.",
            "Unknown",
        )
    if said is not None and said.images:
        return Reply(
            "I received your image. I am a simulator, so I cannot see what it shows.", "Image"
        )
    ordered = to_say(instructions)
    return Reply(ordered) if ordered else Reply("Hello! How can I help you?", "Hello")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _texts(said: Sequence[Said]) -> list[str]:
    return [cut(one.text) for one in said[-20:] if one.role == "user" and content(one.text[:200])]
