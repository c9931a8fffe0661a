"""The events behind the manual buttons, made from what a dialog was told. Pure, so that every one can be tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from inspector.analysis.conversation_entry import OpenRequest
from inspector.core.codec import decode
from inspector.core.read import object_at, text_at
from inspector.core.state import SessionState
from inspector.errors import UsageError
from inspector.tui.common.dialog import Field, Running

DialogAnswers = Mapping[str, str]
ClientEvent = dict[str, Any]


def create_fields() -> tuple[Field, ...]:
    """Return what is asked before a response is created."""
    return (
        Field(
            "conversation", "conversation", "auto", "auto, or none: out-of-band", ("auto", "none")
        ),
        Field("modality", "modality", "", "of the session; or audio, text", ("", "audio", "text")),
        Field("instructions", "instructions", "", "of the session"),
        Field("metadata", "metadata", "", 'none; or JSON: {"topic":"x"}'),
    )


def create_response(answers: DialogAnswers) -> ClientEvent:
    """Return a ``response.create``; what was left empty is left out.

    Raises:
        UsageError: an answer makes no sense.
    """
    options: ClientEvent = {}
    if answers["conversation"] == "none":
        options["conversation"] = "none"
    elif answers["conversation"] not in ("", "auto"):
        raise UsageError("conversation is auto or none")
    if answers["modality"]:
        if answers["modality"] not in ("audio", "text"):
            raise UsageError("modality is audio or text")
        options["output_modalities"] = [answers["modality"]]
    if answers["instructions"]:
        options["instructions"] = answers["instructions"]
    if answers["metadata"]:
        options["metadata"] = _json_object(answers["metadata"], "metadata")
    return {"type": "response.create", **({"response": options} if options else {})}


def truncate_fields(state: SessionState, now_ns: int, selected_item: str) -> tuple[Field, ...]:
    """Return what is asked before a truncation, filled in for what is being played, else for the selected item or the last."""
    output = state.output_audio
    playing = output.playing(now_ns)
    audio = playing or output.items.get(selected_item) or output.current(now_ns)
    if audio is None:
        return (
            Field("item_id", "item_id"),
            Field("content_index", "content_index", "0"),
            Field("audio_end_ms", "audio_end_ms"),
        )
    selected = (selected_item,) if selected_item in output.items else ()
    items = tuple(dict.fromkeys((audio.item_id, *selected, *reversed(output.items))))
    heard, received = str(audio.heard_ms(now_ns)), str(audio.received_ms)
    # While it plays the field runs on, and a number of a moment ago is none to go back to.
    ends = (received, "0") if playing is not None else (heard, received, "0")
    return (
        Field("item_id", "item_id", audio.item_id, "an assistant item with audio", items),
        Field("content_index", "content_index", str(audio.content_index)),
        Field("audio_end_ms", "audio_end_ms", heard, "ms", ends),
    )


def truncation_now(state: SessionState, now_ns: int, item_id: str, cancel_key: str) -> Running:
    """Return what there is to know about the item that would be truncated, and how much of it was heard by now.

    Args:
        state: of the session.
        now_ns: session time.
        item_id: the item, or what was written in its place so far.
        cancel_key: the key that cancels a response.
    """
    if not state.output_audio.items:
        return Running(
            "No assistant audio has been received yet; only assistant audio can be truncated."
        )
    audio = state.output_audio.items.get(item_id)
    if audio is None:
        return Running("No assistant audio has been received for this item.")
    heard_ms = audio.heard_ms(now_ns)
    counted = "Playing: heard" if audio.is_sounding(now_ns) else "Heard"
    sentences = [
        f"{counted} {heard_ms:,} of {audio.received_ms:,} ms received.",
        "What is cut is forgotten, transcript included.",
    ]
    if audio.response_id in state.responses.active:
        sentences.append(
            f"Its response is still being generated, and goes on: {cancel_key} stops the answer too."
        )
    return Running(" ".join(sentences), {"audio_end_ms": str(heard_ms)})


def truncate_item(answers: DialogAnswers) -> ClientEvent:
    """Return a ``conversation.item.truncate``.

    Raises:
        UsageError: a number is none.
    """
    return {
        "type": "conversation.item.truncate",
        "item_id": answers["item_id"],
        "content_index": _whole(answers["content_index"] or "0", "content_index"),
        "audio_end_ms": _whole(answers["audio_end_ms"], "audio_end_ms"),
    }


def item_fields(state: SessionState, selected_item: str) -> tuple[Field, ...]:
    """Return what is asked before an item is deleted or retrieved."""
    known = tuple(
        item
        for item in reversed(state.conversation.order)
        if not state.conversation.items[item].is_deleted
    )
    return (
        Field(
            "item_id",
            "item_id",
            selected_item or (known[0] if known else ""),
            "id of an item",
            known,
        ),
    )


def about_item(action: str, answers: DialogAnswers) -> ClientEvent:
    """Return a ``conversation.item.delete`` or ``.retrieve``."""
    return {"type": f"conversation.item.{action}", "item_id": answers["item_id"]}


def call_output(question: OpenRequest) -> ClientEvent:
    """Return the output of a function call, to be filled in."""
    item = {"type": "function_call_output", "call_id": question.call_id, "output": '{"ok": true}'}
    return {"type": "conversation.item.create", "item": item}


def answered_call(text: str) -> str:
    """Return the call that a text, sent by hand, gives the output of; ``""`` where it is something else."""
    _, body, _ = decode(text.encode("utf-8", "replace"))
    item = object_at(body or {}, "item")
    return text_at(item, "call_id") if item.get("type") == "function_call_output" else ""


def approval_fields() -> tuple[Field, ...]:
    """Return what is asked before an MCP call is approved or denied."""
    return (
        Field("approve", "approve", "yes", "yes, or no", ("yes", "no")),
        Field("reason", "reason", "", "none"),
    )


def approval(question: OpenRequest, answers: DialogAnswers) -> ClientEvent:
    """Return the answer to an MCP approval request.

    Raises:
        UsageError: neither yes nor no.
    """
    if answers["approve"] not in ("yes", "no"):
        raise UsageError("approve is yes or no")
    item: ClientEvent = {
        "type": "mcp_approval_response",
        "approval_request_id": question.item_id,
        "approve": answers["approve"] == "yes",
    }
    if answers["reason"]:
        item["reason"] = answers["reason"]
    return {"type": "conversation.item.create", "item": item}


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} is a whole number, not {text!r}") from None


def _json_object(text: str, name: str) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{name} is not a JSON object")
    return value
