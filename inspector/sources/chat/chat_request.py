"""Translation of a Realtime conversation to the request of a chat completion. Pure.

Endpoints are strict about the order of messages: a call must be directly followed by its output, and the last message must be
from the user or a tool. So each call is sent together with its output, wherever that is in the conversation, and an output
without a call becomes a system message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inspector.sim.brain import BrainContext, ContextItem

ChatJson = dict[str, Any]
NO_OUTPUT = "(no output yet)"
NO_WORDS = "(The user has said nothing new. Continue as your instructions say.)"
_NO_PARAMETERS: ChatJson = {"type": "object", "properties": {}}


def chat_request(context: BrainContext, model: str, limit_name: str) -> ChatJson:
    """Return the body of a request.

    Args:
        context: the conversation, tools and settings of the response.
        model: the endpoint's name of the model.
        limit_name: the member that limits the length of the answer.
    """
    body: ChatJson = {
        "model": model,
        "messages": _messages(context),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # Some endpoints ignore a ``tool_choice`` of "none", so leave out the tools instead.
    tools = [] if context.tool_choice == "none" else list(map(_tool, context.tools))
    if tools:
        body |= {"tools": tools, "tool_choice": _choice(context.tool_choice)}
        if not context.may_call_in_parallel:
            body["parallel_tool_calls"] = False
    if context.max_output_tokens is not None:
        body[limit_name] = context.max_output_tokens
    if context.temperature is not None:
        body["temperature"] = context.temperature
    return body


def _messages(context: BrainContext) -> list[ChatJson]:
    messages = [_system(context.instructions)] if context.instructions else []
    outputs = {item.call_id: item.text for item in context.items if item.role == "tool"}
    calls = {item.call_id for item in context.items if item.call}
    for item in context.items:
        if item.call:
            messages += _call(item, outputs.get(item.call_id, NO_OUTPUT))
        elif item.role == "tool":
            if (
                item.call_id not in calls
            ):  # the call was deleted, or dropped from the context window
                messages.append(_system(f"A function returned: {item.text}"))
        else:
            messages += _message(item)
    roles = [message["role"] for message in messages]
    if not {"user", "tool"} & set(roles) or roles[-1] == "assistant":
        messages.append({"role": "user", "content": NO_WORDS})
    return messages


def _system(text: str) -> ChatJson:
    return {"role": "system", "content": text}


def _call(item: ContextItem, output: str) -> Iterator[ChatJson]:
    function = {"name": item.call, "arguments": item.arguments or "{}"}
    call = {"id": item.call_id, "type": "function", "function": function}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}
    yield {"role": "tool", "tool_call_id": item.call_id, "content": output}


def _message(item: ContextItem) -> Iterator[ChatJson]:
    """Yield the message of an item; nothing for an empty one, such as an answer cancelled before its first word."""
    text = item.text
    if not text and item.audio_ms and item.role == "user":
        text = f"({item.audio_ms / 1000:.1f} s of audio that was not understood)"
    images = [{"type": "image_url", "image_url": {"url": url}} for url in item.images if url]
    if images:
        texts = [{"type": "text", "text": text}] if text else []
        yield {"role": item.role, "content": [*texts, *images]}
    elif text:
        yield {"role": item.role, "content": text}


def _tool(tool: Mapping[str, Any]) -> ChatJson:
    function = {
        "name": tool.get("name", ""),
        "description": tool.get("description") or "",
        "parameters": tool.get("parameters") or _NO_PARAMETERS,
    }
    return {"type": "function", "function": function}


def _choice(choice: str | Mapping[str, Any]) -> str | ChatJson:
    if isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice.get("name", "")}}
