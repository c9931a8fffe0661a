"""Where one event leads: what caused it, what it caused, and the response and item that it is about, as links."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.analysis.summary import short_id
from inspector.core.event import Event
from inspector.core.keys import EventKeys
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.tui.glyphs import Glyphs
from inspector.tui.widgets.detail import Link

MAX_EFFECTS = 4


def links_of(
    log: EventLog, state: SessionState, event: Event, keys: EventKeys, glyphs: Glyphs
) -> Iterator[Link]:
    """Yield the links of an event, causes first; none leads to the event itself."""
    row = event.seq - 1
    made = state.interventions.of.get(event.seq)
    if made is not None:
        yield Link(f"{glyphs.folded} {made}, see seq {made.seq:,}", made.seq - 1)
    cause = state.causes.cause_of.get(event.seq, 0)
    if cause:
        yield Link(f"{glyphs.folded} caused by {_named(log, cause)}", cause - 1)
    for effect in state.causes.effects_of.get(event.seq, ())[:MAX_EFFECTS]:
        word = "refused by" if log.is_error(effect - 1) else "caused"
        yield Link(f"{glyphs.folded} {word} {_named(log, effect)}", effect - 1)
    response = state.responses.all.get(keys.response_id)
    if response is not None and response.created_seq and response.created_seq - 1 != row:
        words = f"{glyphs.folded} part of response {short_id(response.id)}"
        yield Link(words, response.created_seq - 1)
    item = state.conversation.items.get(keys.item_id)
    if item is not None and item.first_seq - 1 != row:
        words = f"{glyphs.folded} about {item.role or item.type} item {short_id(item.id)}"
        yield Link(words, item.first_seq - 1)


def related_seqs(state: SessionState, seq: int) -> frozenset[int]:
    """Return the numbers of what an event caused, and of what it was caused by."""
    effects = state.causes.effects_of.get(seq, ())
    cause = state.causes.cause_of.get(seq, 0)
    return frozenset((*effects, cause) if cause else effects)


def rejection_of(state: SessionState, seq: int) -> str:
    """Return why the server refused an event; ``""`` where it did not."""
    error_seq = state.causes.rejected.get(seq)
    if not error_seq:
        return ""
    problem = next((p for p in reversed(state.problems.all) if p.seq == error_seq), None)
    return problem.code if problem is not None else "rejected"


def _named(log: EventLog, seq: int) -> str:
    t_us = log.time_us(seq - 1)
    when = "" if t_us is None else f"  at {t_us / 1e6:.3f} s"
    return f"{log.type_of(seq - 1)}{when}  seq {seq:,}"
