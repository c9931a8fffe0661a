"""A conversation of the Realtime API as a request for a chat completion. Pure.

Servers are strict about tools, each in its own way: every call must be followed by its output at once, and the last word must be
the user's or a tool's. So each call is given with its output, wherever that stands in the conversation, and what has no
counterpart is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inspector.sim.brain import BrainContext, Said

ChatJson = dict[str, Any]
NO_OUTPUT = "(no output yet)"
NO_WORDS = "(The user has said nothing new. Go on as your instructions say.)"
_NO_PARAMETERS: ChatJson = {"type": "object", "properties": {}}


def chat_request(context: BrainContext, model: str, limit_name: str) -> ChatJson:
    """Return the body of a request.

    Args:
        context: the conversation and what the response is to be like.
        model: the endpoint's name of a model.
        limit_name: the member that limits the answer's length.
    """
    body: ChatJson = {
        "model": model,
        "messages": _messages(context),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # Some servers take no notice of "none" and call all the same.
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
    outputs = {said.call_id: said.text for said in context.said if said.role == "tool"}
    calls = {said.call_id for said in context.said if said.call}
    for said in context.said:
        if said.call:
            messages += _call(said, outputs.get(said.call_id, NO_OUTPUT))
        elif said.role == "tool":
            if said.call_id not in calls:
                messages.append(_system(f"A function returned: {said.text}"))
        else:
            messages += _message(said)
    roles = [message["role"] for message in messages]
    if not {"user", "tool"} & set(roles) or roles[-1] == "assistant":
        messages.append({"role": "user", "content": NO_WORDS})
    return messages


def _system(text: str) -> ChatJson:
    return {"role": "system", "content": text}


def _call(said: Said, output: str) -> Iterator[ChatJson]:
    function = {"name": said.call, "arguments": said.arguments or "{}"}
    call = {"id": said.call_id, "type": "function", "function": function}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}
    yield {"role": "tool", "tool_call_id": said.call_id, "content": output}


def _message(said: Said) -> Iterator[ChatJson]:
    """Yield what was said; nothing where nothing was, as of an answer that was cancelled before its first word."""
    text = said.text
    if not text and said.audio_ms and said.role == "user":
        text = f"({said.audio_ms / 1000:.1f} s of audio that was not understood)"
    shown = [{"type": "image_url", "image_url": {"url": url}} for url in said.images if url]
    if shown:
        written = [{"type": "text", "text": text}] if text else []
        yield {"role": said.role, "content": [*written, *shown]}
    elif text:
        yield {"role": said.role, "content": text}


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
