"""The conversation as a list of entries (messages, calls, approvals, utterances) in server order.

An entry is built on demand, and ``stamp`` changes whenever its content would, so that a view of ten thousand items builds only
those that it shows. Texts are not sanitized yet; views must do that when they draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from inspector.analysis.conversation_entry import (
    Column,
    Entry,
    EntryDraft,
    EntryId,
    OpenRequest,
    Phrase,
    Tone,
)
from inspector.analysis.item_words import drafted
from inspector.analysis.summary import duration_text
from inspector.core.event import Event
from inspector.core.event_keys import EventKeys, keys_of
from inspector.core.item import Item
from inspector.core.read import object_at, text_at
from inspector.core.responses import Response
from inspector.core.state import SessionState
from inspector.core.transcripts import Utterance


def places(state: SessionState) -> list[EntryId]:
    """Return the entries of the conversation: its items, with responses without items and utterances inserted in order of time."""
    # map runs in C: a view calls this after every event, and a session of an hour has thousands of items.
    found = list(map(EntryId, repeat("item"), state.conversation.order))
    has_no_item = state.conversation.items.keys().isdisjoint
    others = [EntryId("utterance", utterance) for utterance in state.transcripts.utterances]
    others += [
        EntryId("response", response.id)
        for response in state.responses.all.values()
        if has_no_item(response.item_ids)
    ]
    for place in sorted(others, key=lambda place: _first_seq(state, place)):
        begun, at = _first_seq(state, place), len(found)
        # From the end: these entries are rare, and usually recent.
        while at and _first_seq(state, found[at - 1]) > begun:
            at -= 1
        found.insert(at, place)
    return found


def stamp(state: SessionState, place: EntryId) -> tuple[object, ...]:
    """Return a value that changes whenever the content of an entry would."""
    if place.kind == "response":
        response = state.responses.all[place.id]
        return response.status, response.done_seq
    if place.kind == "utterance":
        utterance = state.transcripts.utterances[place.id]
        return utterance.last_seq, utterance.audio_bytes, state.session.confirmed_seq
    conversation = state.conversation
    item = conversation.items[place.id]
    cause = state.responses.all.get(item.response_id)
    audio = state.output_audio.items.get(item.id)
    other = conversation.items.get(conversation.answers.outputs.get(item.call_id, ""))
    return (
        item.last_seq,
        cause and (cause.done_seq, cause.item_ids[-1:]),
        audio and (audio.received_bytes, audio.played_ms, audio.is_playing, len(audio.resumes)),
        other and other.last_seq,
        conversation.answers.approvals.get(item.id),
        state.input_audio.speech_item_id == item.id,
        state.input_audio.committed.get(item.id),
        state.input_audio.spoken_ms.get(item.id),
    )


def entry(state: SessionState, place: EntryId) -> Entry:
    """Build an entry.

    Raises:
        KeyError: the state has no such item, response or utterance.
    """
    if place.kind == "response":
        return _response_entry(state.responses.all[place.id], place)
    if place.kind == "utterance":
        return _utterance_entry(state, state.transcripts.utterances[place.id], place)
    item = state.conversation.items[place.id]
    draft = drafted(item, state)
    response = state.responses.all.get(item.response_id)
    if response is not None:
        _about_response(item, response, draft)
    # Warnings first, because a narrow screen cuts the end of the line.
    facts = sorted((*_common_facts(item), *draft.facts), key=lambda fact: fact.tone == Tone.DIM)
    paragraphs = tuple(draft.paragraphs)
    if item.is_deleted:
        paragraphs = tuple(tuple(Phrase(w.text, Tone.STRUCK) for w in p) for p in paragraphs)
        draft.columns = [Column(c.title, c.text, Tone.STRUCK) for c in draft.columns]
        draft.question = None
    return Entry(
        place,
        draft.who or item.type,
        Tone.DIM if item.is_deleted else draft.tone,
        item.t_ns,
        item.first_seq - 1,
        item.last_seq - 1,
        tuple(facts),
        paragraphs,
        tuple(draft.columns),
        draft.question,
        draft.cut_words,
    )


def question_for(state: SessionState, place: EntryId | None) -> OpenRequest | None:
    """Return the open request of an entry, else the oldest one of the conversation; None if nothing needs an answer."""
    conversation = state.conversation
    waiting = (*conversation.pending_calls(), *conversation.pending_approvals())
    candidates = [
        *((place,) if place is not None else ()),
        *(EntryId("item", i.id) for i in waiting),
    ]
    return next((found for at in candidates if (found := entry(state, at).question)), None)


def place_of(state: SessionState, event: Event) -> EntryId | None:
    """Return the entry that an event is about; None if the conversation has none for it."""
    item_id = item_of(state, keys_of(event))
    if item_id:
        place = EntryId("item", item_id)
        return place if item_id in state.conversation.items else None
    utterance = state.transcripts.utterance_of(event)
    return EntryId("utterance", utterance.id) if utterance is not None else None


def item_of(state: SessionState, keys: EventKeys) -> str:
    """Return the id of the item that an event with these ids is about: its own, its call's, or its response's last."""
    if keys.item_id:
        return keys.item_id
    response = state.responses.all.get(keys.response_id)
    items = response.item_ids if response is not None else ()
    return state.conversation.answers.calls.get(keys.call_id) or (items[-1] if items else "")


def _first_seq(state: SessionState, place: EntryId) -> int:
    if place.kind == "item":
        return state.conversation.items[place.id].first_seq
    if place.kind == "utterance":
        return state.transcripts.utterances[place.id].first_seq
    response = state.responses.all[place.id]
    return response.created_seq or response.done_seq


def _common_facts(item: Item) -> Iterator[Phrase]:
    if item.is_deleted:
        yield Phrase("deleted", Tone.WARNING)
    if item.status in ("incomplete", "failed"):
        yield Phrase(item.status, Tone.WARNING)
    elif item.status and item.status != "completed":
        yield Phrase(item.status.replace("_", " "), Tone.DIM)
    if item.phase:
        yield Phrase(item.phase.replace("_", " "), Tone.DIM)


def _about_response(item: Item, response: Response, draft: EntryDraft) -> None:
    if response.is_out_of_band:
        draft.fact("outside the conversation")
    is_last = item.id == (response.item_ids or (item.id,))[-1]
    if is_last and response.status not in ("completed", "in_progress", ""):
        draft.say(*_ending(response))


def _ending(response: Response) -> Phrase:
    reason = f": {response.reason}" if response.reason else ""
    tone = {"failed": Tone.ERROR, "completed": Tone.DIM}.get(response.status, Tone.WARNING)
    return Phrase(f"response {response.status}{reason}", tone)


def _utterance_entry(state: SessionState, utterance: Utterance, place: EntryId) -> Entry:
    """Build the entry of an utterance, with its target language and the length of its audio."""
    session = state.session
    is_translated = session.kind == "translation"
    draft = EntryDraft()
    if utterance.is_output:
        draft.who, draft.tone = "translation" if is_translated else "assistant", Tone.ASSISTANT
        output = object_at(object_at(session.config, "audio"), "output")
        draft.fact(text_at(output, "language"))
    else:
        draft.who, draft.tone = "speaker" if is_translated else "user", Tone.USER
    if utterance.audio_bytes:
        draft.fact(f"audio {duration_text(session.output_format.ms(utterance.audio_bytes))}")
    draft.say(utterance.text.strip())
    return Entry(
        place,
        draft.who,
        draft.tone,
        utterance.t_ns,
        utterance.first_seq - 1,
        utterance.last_seq - 1,
        tuple(draft.facts),
        tuple(draft.paragraphs),
    )


def _response_entry(response: Response, place: EntryId) -> Entry:
    is_active = response.status == "in_progress"
    words = Phrase("in progress …", Tone.DIM) if is_active else _ending(response)
    begun, done = response.created_seq, response.done_seq
    return Entry(
        place,
        "response",
        Tone.DIM,
        response.created_t_ns if response.created_t_ns is not None else response.done_t_ns,
        (begun or done) - 1,
        (done or begun) - 1,
        (
            Phrase(response.id, Tone.DIM),
            *((Phrase("outside the conversation", Tone.DIM),) if response.is_out_of_band else ()),
        ),
        ((words,),),
    )
