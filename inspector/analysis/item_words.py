"""Texts of conversation items by type: paragraphs, facts for the head line, and the answer that an item needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from inspector.analysis.conversation_entry import Column, EntryDraft, OpenRequest, Phrase, Tone
from inspector.analysis.heard_answers import SAME_MS, Claim, cut_at, heard_answer
from inspector.analysis.summary import duration_text, size_text
from inspector.core.item import ContentPart, Item
from inspector.core.output_audio import ItemAudio
from inspector.core.state import SessionState

MAX_PRETTY_CHARS = 64_000
"""Longer JSON texts are shown unformatted."""
INLINE_CHARS = 40
"""JSON texts up to this length stay on one line."""


def drafted(item: Item, state: SessionState) -> EntryDraft:
    """Return the draft of an item's entry, without the facts of its response."""
    draft = EntryDraft()
    _READERS.get(item.type, _unknown)(item, state, draft)
    if item.is_mismatched:
        draft.warn("deltas and done differ")
    return draft


def _message(item: Item, state: SessionState, draft: EntryDraft) -> None:
    draft.who = item.role or "message"
    draft.tone = {"user": Tone.USER, "assistant": Tone.ASSISTANT}.get(item.role, Tone.DIM)
    draft.fact(" + ".join(dict.fromkeys(_modality(part.kind) for part in item.parts if part.kind)))
    audio = state.output_audio.items.get(item.id)
    sent = state.input_audio.committed.get(item.id, 0)
    spoken_ms = state.input_audio.spoken_ms.get(item.id, 0)
    # The most exact source of the length first: the server's speech times, then the appends, then the item's own audio.
    if audio is not None:
        _about_audio(item, audio, state, draft)
    elif spoken_ms:
        draft.fact(duration_text(spoken_ms))
    elif sent:
        draft.fact(duration_text(state.session.input_format.ms(sent)))
    elif item.audio_bytes:
        draft.fact(duration_text(state.session.input_format.ms(item.audio_bytes)))
    if state.input_audio.speech_item_id == item.id:
        draft.fact("speaking", Tone.USER)
    if item.truncated_ms is not None and audio is None:
        draft.warn(f"truncated at {item.truncated_ms:,} ms")
    is_cut = False
    for part in item.parts:
        is_cut = _part(part, item, audio, draft, is_cut=is_cut)


def _modality(kind: str) -> str:
    return kind.removeprefix("input_").removeprefix("output_")


def _about_audio(item: Item, audio: ItemAudio, state: SessionState, draft: EntryDraft) -> None:
    received = audio.received_ms
    if item.truncated_ms is None and (audio.is_playing or audio.played_ms is None):
        draft.fact(duration_text(received))  # the facts below repeat the length
    if item.truncated_ms is not None:
        # A recording may lack part of the audio; then the position in the transcript cannot be estimated.
        known = "word position estimated" if item.truncated_ms < received else "audio incomplete"
        draft.warn(f"truncated at {item.truncated_ms:,} of {received:,} ms ({known})")
        _about_cut(item.truncated_ms, audio, state, draft)
    if audio.is_playing:
        draft.fact("playing", Tone.ASSISTANT)
    elif audio.played_ms is not None:
        draft.fact(f"heard {min(audio.played_ms, received):,} of {received:,} ms")
    gaps = audio.underruns
    if gaps:
        silent_ms = sum(gap.to_ns - gap.from_ns for gap in gaps) / 1e6
        count = f"{len(gaps)} underrun{'s' * (len(gaps) != 1)}"
        draft.warn(f"{count}: silent for {duration_text(silent_ms)} in the middle")


def _about_cut(cut_ms: int, audio: ItemAudio, state: SessionState, draft: EntryDraft) -> None:
    """Add who determined how much was heard: measured by the inspector's player, or claimed by another client."""
    answer = heard_answer(audio, state)
    if answer.unheard_ms:
        count = len(answer.words_between(cut_ms - answer.unheard_ms, cut_ms).split())
        words = f"{count} word{'s' * (count != 1)}" if count else f"{answer.unheard_ms:,} ms"
        draft.warn(f"the model remembers {words} that nobody heard")
    if audio.is_measured:
        if audio.heard_ms(None) > cut_ms + SAME_MS:
            draft.cut_words = "heard, then cut"
        return
    draft.cut_words = "not heard, the app says"
    claim = f"the app says {cut_ms:,} ms were heard"
    possible_s, most_s = (audio.possible_ns or 0) / 1e9, (audio.most_ns or 0) / 1e9
    match answer.claim:
        case Claim.TOO_EARLY:
            draft.warn(f"{claim}; up to {possible_s:.1f} s could have been")
        case Claim.TOO_LATE | Claim.BEYOND if audio.most_ns is not None:
            draft.warn(f"{claim}; only {most_s:.1f} s can have been")
        case _:
            draft.fact(claim)


def _part(
    part: ContentPart, item: Item, audio: ItemAudio | None, draft: EntryDraft, *, is_cut: bool
) -> bool:
    """Add one part to the draft; return whether the truncation lies before its end."""
    growing = "…" if part.is_grown else ""
    if part.kind == "input_image":
        draft.say(f"[image {part.text}]", Tone.DIM)
    elif part.text and part.kind == "audio" and item.truncated_ms is not None:
        total = audio.received_ms if audio is not None else 0
        at = 0 if is_cut or not item.truncated_ms else cut_at(part.text, item.truncated_ms, total)
        runs = (Phrase(part.text[:at]), Phrase(part.text[at:], Tone.STRUCK))
        draft.paragraphs.append(tuple(run for run in runs if run.text))
        return at < len(part.text)
    elif part.text:
        draft.say(f"{part.text}{growing}")
    elif part.kind == "input_audio" and not part.error:
        draft.say("(no transcript)" if item.status == "completed" else "…", Tone.DIM)
    elif part.audio_bytes:
        draft.say(f"({size_text(part.audio_bytes)} of audio, no transcript)", Tone.DIM)
    if part.error:
        draft.say(f"transcription failed: {part.error}", Tone.ERROR)
    return is_cut


def _call(item: Item, state: SessionState, draft: EntryDraft) -> None:
    draft.who = "call"
    draft.say(item.name or "(no name yet)", Tone.HEAD)
    arguments, is_json = _pretty(item.arguments)
    # Incomplete arguments are never valid JSON, so only completed calls are flagged.
    if not is_json and item.arguments and item.status == "completed":
        draft.warn("the arguments are not JSON")
    draft.columns.append(Column("arguments", arguments))
    output_id = state.conversation.answers.outputs.get(item.call_id)
    if output_id in state.conversation.items:
        draft.columns.append(
            Column("output", _pretty(state.conversation.items[output_id].output)[0])
        )
    elif item.status != "in_progress":
        draft.warn("no output yet")
        draft.columns.append(Column("output", "none yet", Tone.WARNING, is_awaited=True))
        draft.question = OpenRequest("call", item.id, item.call_id, item.name)
    draft.fact(item.call_id)


def _output(item: Item, state: SessionState, draft: EntryDraft) -> None:
    draft.who = "output"
    call = state.conversation.items.get(state.conversation.answers.calls.get(item.call_id, ""))
    draft.fact(item.call_id)
    if call is None:
        draft.warn("no matching function call")
        draft.columns.append(Column("output", _pretty(item.output)[0]))
    else:
        draft.say(f"of {call.name or 'the call'}, shown with the call", Tone.DIM)


def _mcp_list(item: Item, _: SessionState, draft: EntryDraft) -> None:
    draft.who = "mcp tools"
    draft.fact(item.server_label)
    if item.tools:
        draft.fact(f"{len(item.tools)} tool{'s' * (len(item.tools) != 1)}")
        draft.say(", ".join(item.tools))
    draft.say(item.error, Tone.ERROR)


def _mcp_call(item: Item, _: SessionState, draft: EntryDraft) -> None:
    draft.who = "mcp call"
    draft.fact(item.server_label)
    draft.say(item.name, Tone.HEAD)
    draft.columns.append(Column("arguments", _pretty(item.arguments)[0]))
    if item.error:
        draft.columns.append(Column("error", item.error, Tone.ERROR))
    elif item.output:
        draft.columns.append(Column("output", _pretty(item.output)[0]))


def _approval_request(item: Item, state: SessionState, draft: EntryDraft) -> None:
    draft.who = "approval"
    draft.fact(item.server_label)
    draft.say(f'MCP tool "{item.name}" needs approval')
    draft.columns.append(Column("arguments", _pretty(item.arguments)[0]))
    answer = state.conversation.items.get(state.conversation.answers.approvals.get(item.id, ""))
    if answer is None:
        draft.warn("waiting for approval")
        draft.columns.append(Column("answer", "none yet", Tone.WARNING, is_awaited=True))
        draft.question = OpenRequest("approval", item.id, "", item.name, item.server_label)
    else:
        draft.columns.append(Column("answer", _verdict(answer)))


def _approval_response(item: Item, state: SessionState, draft: EntryDraft) -> None:
    draft.who = "approval"
    request = state.conversation.items.get(item.approval_request_id)
    draft.say(f"{_verdict(item)}{f': {request.name}' if request is not None else ''}")
    if request is None:
        draft.warn("no matching approval request")


def _verdict(item: Item) -> str:
    return "denied" if item.is_approved is False else "approved"


def _unknown(item: Item, _: SessionState, draft: EntryDraft) -> None:
    draft.who = item.type
    draft.tone = Tone.DIM
    draft.say(item.text)


_READERS: Mapping[str, Callable[[Item, SessionState, EntryDraft], None]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
    "mcp_list_tools": _mcp_list,
    "mcp_call": _mcp_call,
    "mcp_approval_request": _approval_request,
    "mcp_approval_response": _approval_response,
}


def _pretty(text: str) -> tuple[str, bool]:
    """Return a text, formatted if it is a JSON object or list, and whether it is JSON."""
    if len(text) > MAX_PRETTY_CHARS:
        return text, True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text, False
    if not isinstance(value, dict | list):
        return text, True
    inline = json.dumps(value, ensure_ascii=False)
    is_short = len(inline) <= INLINE_CHARS
    return inline if is_short else json.dumps(value, ensure_ascii=False, indent=2), True
