"""The events behind the manual actions, built from dialog values. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from inspector.analysis.conversation_entry import OpenRequest
from inspector.core.codec import decode
from inspector.core.read import object_at, text_at
from inspector.core.state import SessionState
from inspector.errors import UsageError
from inspector.tui.common.dialog import DialogUpdate, Field

DialogAnswers = Mapping[str, str]
ClientEvent = dict[str, Any]


def create_fields() -> tuple[Field, ...]:
    """Return the fields of the create dialog."""
    return (
        Field(
            "conversation", "conversation", "auto", "auto, or none: out-of-band", ("auto", "none")
        ),
        Field(
            "modality", "modality", "", "(session default), audio or text", ("", "audio", "text")
        ),
        Field("instructions", "instructions", "", "(session default)"),
        Field("metadata", "metadata", "", 'optional JSON, e.g. {"topic":"x"}'),
    )


def create_response(answers: DialogAnswers) -> ClientEvent:
    """Return a ``response.create`` without the fields that were left empty.

    Raises:
        UsageError: a value is invalid.
    """
    options: ClientEvent = {}
    if answers["conversation"] == "none":
        options["conversation"] = "none"
    elif answers["conversation"] not in ("", "auto"):
        raise UsageError("conversation must be auto or none")
    if answers["modality"]:
        if answers["modality"] not in ("audio", "text"):
            raise UsageError("modality must be audio or text")
        options["output_modalities"] = [answers["modality"]]
    if answers["instructions"]:
        options["instructions"] = answers["instructions"]
    if answers["metadata"]:
        options["metadata"] = _json_object(answers["metadata"], "metadata")
    return {"type": "response.create", **({"response": options} if options else {})}


def truncate_fields(state: SessionState, now_ns: int, selected_item: str) -> tuple[Field, ...]:
    """Return the truncate dialog's fields, filled in for the item being played, the selected one, or the last."""
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
    # While an item plays the field counts on, so the current number is no useful suggestion.
    ends = (received, "0") if playing is not None else (heard, received, "0")
    return (
        Field("item_id", "item_id", audio.item_id, "an assistant item with audio", items),
        Field("content_index", "content_index", str(audio.content_index)),
        Field("audio_end_ms", "audio_end_ms", heard, "ms", ends),
    )


def truncation_now(state: SessionState, now_ns: int, item_id: str, cancel_key: str) -> DialogUpdate:
    """Return the note of the truncate dialog and the current value of ``audio_end_ms``.

    Args:
        state: the session's state.
        now_ns: session time.
        item_id: text of the item field, which may be incomplete.
        cancel_key: key that cancels a response.
    """
    if not state.output_audio.items:
        return DialogUpdate(
            "No assistant audio has been received yet; only assistant audio can be truncated."
        )
    audio = state.output_audio.items.get(item_id)
    if audio is None:
        return DialogUpdate("No assistant audio has been received for this item.")
    heard_ms = audio.heard_ms(now_ns)
    counted = "Playing: heard" if audio.is_sounding(now_ns) else "Heard"
    sentences = [
        f"{counted} {heard_ms:,} of {audio.received_ms:,} ms received.",
        "The model forgets everything after this point; the item's transcript is removed.",
    ]
    if audio.response_id in state.responses.active:
        sentences.append(
            f"Its response is still being generated and continues; {cancel_key} also stops it."
        )
    return DialogUpdate(" ".join(sentences), {"audio_end_ms": str(heard_ms)})


def truncate_item(answers: DialogAnswers) -> ClientEvent:
    """Return a ``conversation.item.truncate``.

    Raises:
        UsageError: a number is invalid.
    """
    return {
        "type": "conversation.item.truncate",
        "item_id": answers["item_id"],
        "content_index": _whole(answers["content_index"] or "0", "content_index"),
        "audio_end_ms": _whole(answers["audio_end_ms"], "audio_end_ms"),
    }


def item_fields(state: SessionState, selected_item: str) -> tuple[Field, ...]:
    """Return the fields of the delete and retrieve dialogs."""
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
    """Return a function call's output with a placeholder to fill in."""
    item = {"type": "function_call_output", "call_id": question.call_id, "output": '{"ok": true}'}
    return {"type": "conversation.item.create", "item": item}


def answered_call(text: str) -> str:
    """Return the id of the call whose output a text contains; ``""`` for any other text."""
    _, body, _ = decode(text.encode("utf-8", "replace"))
    item = object_at(body or {}, "item")
    return text_at(item, "call_id") if item.get("type") == "function_call_output" else ""


def approval_fields() -> tuple[Field, ...]:
    """Return the fields of the approval dialog."""
    return (
        Field("approve", "approve", "yes", "yes or no", ("yes", "no")),
        Field("reason", "reason", "", "(optional)"),
    )


def approval(question: OpenRequest, answers: DialogAnswers) -> ClientEvent:
    """Return the answer to an MCP approval request.

    Raises:
        UsageError: the answer is neither yes nor no.
    """
    if answers["approve"] not in ("yes", "no"):
        raise UsageError("approve must be yes or no")
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
        raise UsageError(f"{name} must be a whole number, not {text!r}") from None


def _json_object(text: str, name: str) -> Any:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} must be JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{name} must be a JSON object")
    return value
