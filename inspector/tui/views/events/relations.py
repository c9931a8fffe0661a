"""Relations between events: the links of the detail pane, and the notes on rejections in the rows."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.analysis.lint.finding import SIGNS, Severity
from inspector.analysis.lint.proofs import NO_PROOFS, Proofs
from inspector.analysis.summary import short_id
from inspector.core.error_attribution import Refusal
from inspector.core.event import Event
from inspector.core.event_keys import EventKeys
from inspector.core.log import EventLog
from inspector.core.state import SessionState
from inspector.spec.events import EVENT_TYPES
from inspector.tui.common.glyphs import Glyphs
from inspector.tui.views.events.detail import Link

MAX_EFFECTS = 4
HARMLESS_SIGN = SIGNS[Severity.HARMLESS]
"""Begins the note on a rejection that needs no attention."""


def links_of(
    log: EventLog, state: SessionState, event: Event, keys: EventKeys, glyphs: Glyphs
) -> Iterator[Link]:
    """Yield the links of an event to other events, causes first."""
    row = event.seq - 1
    intervention = state.interventions.of.get(event.seq)
    if intervention is not None:
        words = f"{glyphs.folded} {intervention}, see seq {intervention.seq:,}"
        yield Link(words, intervention.seq - 1)
    causes = state.causes
    cause = causes.cause_of.get(event.seq, 0)
    blamed = causes.blamed.get(event.seq)
    if cause:
        adverb = blamed.confidence.adverb if blamed is not None else ""
        yield Link(f"{glyphs.folded} {adverb}caused by {_named(log, cause)}", cause - 1)
    for effect in causes.effects_of.get(event.seq, ())[:MAX_EFFECTS]:
        refusal = causes.blamed.get(effect)
        is_error = log.is_error(effect - 1)
        word = f"{refusal.confidence.adverb}rejected by" if refusal is not None else "rejected by"
        word = word if is_error else "caused"
        yield Link(f"{glyphs.folded} {word} {_named(log, effect)}", effect - 1)
    refusal = blamed or causes.rejected.get(event.seq)
    running = state.responses.all.get(refusal.running_id) if refusal is not None else None
    if running is not None and running.created_seq:
        words = f"{glyphs.folded} response {running.id} was still in progress"
        yield Link(words, running.created_seq - 1)
    response = state.responses.all.get(keys.response_id)
    if response is not None and response.created_seq and response.created_seq - 1 != row:
        words = f"{glyphs.folded} part of response {short_id(response.id)}"
        yield Link(words, response.created_seq - 1)
    item = state.conversation.items.get(keys.item_id)
    if item is not None and item.first_seq - 1 != row:
        words = f"{glyphs.folded} {item.role or item.type} item {short_id(item.id)}"
        yield Link(words, item.first_seq - 1)


def related_seqs(state: SessionState, seq: int) -> frozenset[int]:
    """Return the sequence numbers of an event's cause and effects."""
    effects = state.causes.effects_of.get(seq, ())
    cause = state.causes.cause_of.get(seq, 0)
    return frozenset((*effects, cause) if cause else effects)


def rejection_of(log: EventLog, state: SessionState, seq: int, proofs: Proofs = NO_PROOFS) -> str:
    """Return a row's note on a rejection: the error's code, or the event that an error rejects; ``""`` for none.

    The mark is ``✗?`` if the error does not name the event, so that the relation is only probable, and ``·`` if the rejection
    is harmless.
    """
    causes = state.causes
    refused = causes.rejected.get(seq)
    if refused is not None:
        is_harmless = any(map(proofs.is_harmless, causes.effects_of.get(seq, ())))
        return f"{HARMLESS_SIGN if is_harmless else _mark(refused)} {refused.code}"
    blamed = causes.blamed.get(seq)
    if blamed is None:
        return ""
    name = log.type_of(blamed.seq - 1)
    known = EVENT_TYPES.get(name)
    mark = HARMLESS_SIGN if proofs.is_harmless(seq) else _mark(blamed)
    return f"{mark} #{blamed.seq} {known.short if known is not None else name}".rstrip()


def _mark(refusal: Refusal) -> str:
    return "✗" if refusal.is_certain else "✗?"


def _named(log: EventLog, seq: int) -> str:
    t_us = log.time_us(seq - 1)
    when = "" if t_us is None else f"  at {t_us / 1e6:.3f} s"
    return f"{log.type_of(seq - 1)}{when}  seq {seq:,}"
