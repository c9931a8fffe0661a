"""The default brain: answers by rules, without a language model, so that an app can be tested offline and reproducibly.

It follows orders, remembers facts, calls tools and does sums. This file only sets the order in which the rules apply; the
rules themselves are in the other files of this folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from inspector.sim.brain import Answer, BrainContext, ContextItem
from inspector.sim.rules.acknowledgement import (
    fact_acknowledgement,
    is_form_only,
    short_echo,
    signal_reply,
)
from inspector.sim.rules.english import Reply, content, cut, sentences
from inspector.sim.rules.findings import earlier_output_reply, outputs_reply
from inspector.sim.rules.instructions import (
    ReplyForm,
    constant_reply,
    form_of,
    formatted_reply,
    rule_for,
    verbatim_order,
    without_form,
)
from inspector.sim.rules.memory import Memory, facts_in
from inspector.sim.rules.questions import MemoryQuestion, replies
from inspector.sim.rules.routing import routing_reply
from inspector.sim.rules.tasks import message_in, task_in
from inspector.sim.rules.tool_choice import chosen_calls

_IDLE = "No user speech was detected"
"""The start of the system item that the server adds after an idle timeout."""
_MAX_RULES_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class _Prompt:
    """The question or task to answer, and the conversation before it."""

    text: str
    item: ContextItem | None
    """The item that the text is from; None if it is from the instructions."""
    before: Sequence[ContextItem]
    outputs: Sequence[str] = ()
    """The tool outputs after the item."""


class RulesBrain:
    """Apply orders first, then tools, then questions; otherwise acknowledge facts or echo the user."""

    def answer(self, context: BrainContext) -> Answer:
        """Return the answer to the conversation so far."""
        prompt = _prompt(context)
        form = form_of(context.instructions).also(form_of(prompt.text)).also(form_of(context.order))
        if any(item.role == "system" and _IDLE in item.text for item in context.items[-2:]):
            return Answer("Are you still there?")
        texts = _texts(context.items)
        ordered = (
            routing_reply(context.order, texts) or verbatim_order(context.order)
            if context.order
            else ""
        )
        if ordered:
            return Answer(formatted_reply(Reply(ordered), _verbatim_form(form)))
        message = message_in(context.order)
        if message and not prompt.outputs:
            return Answer(formatted_reply(Reply(message), form))
        if prompt.outputs:
            return Answer(formatted_reply(outputs_reply(prompt.outputs), form))
        known = earlier_output_reply(prompt.text, prompt.before)
        if known is not None and context.tool_choice in ("auto", "none"):
            return Answer(formatted_reply(known, form))
        calls = chosen_calls(prompt.text, _texts(prompt.before), context)
        if calls:
            return Answer(calls=calls)
        return Answer(_words(prompt, context, form))


def _prompt(context: BrainContext) -> _Prompt:
    """Return the newest prompt: a task in the response's instructions, a user item, or an order in a system item."""
    task = task_in(context.order)
    if task and not (context.items and context.items[-1].role == "tool"):
        return _Prompt(task, None, context.items)
    outputs: list[str] = []
    for index in range(len(context.items) - 1, -1, -1):
        item = context.items[index]
        if item.role == "tool":
            outputs.insert(0, item.text)
        elif item.role == "user" or (
            item.role == "system" and not outputs and _needs_answer(item.text)
        ):
            return _Prompt(cut(item.text), item, context.items[:index], outputs)
    return _Prompt(cut(context.order), None, context.items, outputs)


def _needs_answer(text: str) -> bool:
    return bool(verbatim_order(text)) or text.rstrip().endswith("?")


def _words(prompt: _Prompt, context: BrainContext, form: ReplyForm) -> str:
    instructions = context.instructions[:_MAX_RULES_CHARS]
    rules = "\n".join(
        [
            instructions,
            *(item.text[:2_000] for item in prompt.before[-40:] if item.role != "assistant"),
        ]
    )
    fixed = (
        routing_reply(instructions, _texts(context.items))
        or rule_for(prompt.text, rules)
        or constant_reply(instructions)
    )
    if fixed:
        return formatted_reply(Reply(fixed), _verbatim_form(form))
    ordered = verbatim_order(prompt.text)
    memory = Memory(prompt.before, context.instructions)
    if ordered and not form.is_json and not prompt.text.rstrip().endswith("?"):
        recalled = _named_fact(ordered, memory)
        return formatted_reply(
            Reply(recalled or ordered), _verbatim_form(form) if not form.language else form
        )
    if form.is_json:
        literal = re.search(
            r"(?:[:]|json|exactly|with|say) *(?P<what>\{.{1,600}\})\s*$", prompt.text, re.IGNORECASE
        )
        if literal is not None and _is_json(literal.group("what")):
            return literal.group("what")
    reply = signal_reply(prompt.text, memory) or _reply(prompt.text, memory)
    if reply is None:
        reply = fact_acknowledgement(prompt.text) or _fallback(prompt, context.instructions)
    return formatted_reply(reply, form)


def _verbatim_form(form: ReplyForm) -> ReplyForm:
    """Return a form without the parts that would alter words that were ordered verbatim."""
    return replace(form, is_one_word=False, is_json=False, max_words=0, language="")


def _named_fact(ordered: str, memory: Memory) -> str:
    """Return the fact that an order like "say my name" refers to; ``""`` if it refers to none."""
    found = re.match(r"(?:the|my|our) (?P<name>[\w -]{1,40})$", ordered.strip(" ."), re.IGNORECASE)
    return memory.value_of(found.group("name")) if found is not None else ""


def _reply(text: str, memory: Memory) -> Reply | None:
    """Return the joined replies to the sentences of a text; None if no rule replies to any of them."""
    parts = [one for one in sentences(without_form(text))[:8] if not is_form_only(one)]
    found: list[Reply] = []
    for at, sentence in enumerate(parts):
        # A sentence may use facts of the ones before it: "My name is Dan. What's my name?"
        known = Memory(
            [*memory.items, *(ContextItem("user", one) for one in parts[:at])], memory.instructions
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
    item = prompt.item
    if prompt.text:
        return Reply(f"You said: {prompt.text[:300]}", short_echo(prompt.text))
    if item is not None and item.audio_ms:
        return Reply(
            f"I heard {item.audio_ms / 1000:.1f} seconds of audio. I am a simulator, "
            "and could not make out any words in it.",
            "Unknown",
        )
    if item is not None and item.images:
        return Reply(
            "I received your image. I am a simulator, so I cannot see what it shows.", "Image"
        )
    ordered = verbatim_order(instructions)
    return Reply(ordered) if ordered else Reply("Hello! How can I help you?", "Hello")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _texts(items: Sequence[ContextItem]) -> list[str]:
    return [
        cut(item.text) for item in items[-20:] if item.role == "user" and content(item.text[:200])
    ]
