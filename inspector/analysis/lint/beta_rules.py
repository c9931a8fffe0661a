"""The rule about names of the beta API in a GA session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import (
    GA_DIALECTS,
    listed,
    refs,
)
from inspector.analysis.lint.reference_links import CONVERSATIONS
from inspector.analysis.lint.settings_rules import MAX_FINDINGS
from inspector.core.error_attribution import UPDATES, Confidence
from inspector.core.event import Direction, Event
from inspector.core.read import Body, object_at, objects_at, text_at
from inspector.core.state import SessionState
from inspector.spec.beta_names import GA_FIELDS
from inspector.spec.events import EVENT_TYPES


class _BetaUse(NamedTuple):
    """A name of the beta in a frame of the app."""

    seq: int
    name: str
    """As the app wrote it, with its place."""
    ga: str


class BetaNames(LintRule):
    """Names of the beta API, or its header, in a GA session."""

    id = "beta-names"
    title = "the app uses names of the beta API"
    severity = Severity.ERROR
    why = (
        "The GA API has renamed events and fields and refuses the old names, each time with the whole event that has one. Code and "
        "samples from before the autumn of 2025 use them."
    )
    links = (CONVERSATIONS, "https://github.com/langwatch/scenario/issues/602")
    types = frozenset(
        {
            *UPDATES,
            "response.create",
            "conversation.item.create",
            "inspector.opened",
            "inspector.closed",
        }
    )

    def __init__(self) -> None:
        self._used: list[_BetaUse] = []
        self._header_seq = self._refused_seq = 0
        """The opening with the beta's header, and the close that refuses it."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Collect names of the beta in what the app sends."""
        body = event.body or {}
        if event.type == "inspector.opened":
            headers = object_at(body, "request_headers")
            has_header = any(str(name).lower() == "openai-beta" for name in headers)
            self._header_seq = event.seq if has_header else 0
        elif event.type == "inspector.closed":
            is_beta = "beta_api_shape_disabled" in text_at(body, "reason")
            self._refused_seq = event.seq if is_beta else 0
        elif event.direction is Direction.CLIENT and len(self._used) < MAX_FINDINGS:
            self._used += [_BetaUse(event.seq, name, ga) for name, ga in _beta_names(event, body)]

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the names if the session is GA, unless a refused update reports them already."""
        state = moment.state
        if self._refused_seq:
            yield self.found(
                Severity.ERROR,
                (self._refused_seq, *((self._header_seq,) if self._header_seq else ())),
                "the server closed the connection because it asked for the beta API, which has ended",
                "connect without the header OpenAI-Beta, and use the GA names",
            )
        elif self._header_seq and state.dialect.dialect in GA_DIALECTS:
            yield self.found(
                Severity.WARNING,
                (self._header_seq,),
                "the handshake has the header OpenAI-Beta, which OpenAI's servers no longer accept",
                "connect without the header OpenAI-Beta",
            )
        if state.dialect.dialect not in (*GA_DIALECTS, "gateway"):
            return
        rejected = state.causes.rejected
        used = [
            one
            for one in self._used
            if not (one.seq in rejected and one.name.startswith("session."))
        ]
        refused = [one for one in used if one.seq in rejected]
        # A gateway may well understand the names; only a refusal is proof.
        shown = refused or (used if state.dialect.dialect in GA_DIALECTS else [])
        if shown:
            names = listed(f"{one.name}" for one in shown)
            many = len({one.name for one in shown}) > 1
            verb = "was refused" if refused else "will be refused"
            seqs = tuple(dict.fromkeys(one.seq for one in shown))
            yield self.found(
                Severity.ERROR if refused else Severity.WARNING,
                seqs,
                f"{names} {'are names' if many else 'is a name'} of the beta API: {refs(seqs)} {verb} as a whole",
                "\n".join(dict.fromkeys(f"{one.name} → {one.ga}" for one in shown)),
                rejected[refused[0].seq].confidence if refused else Confidence.LIKELY,
            )


def _beta_names(event: Event, body: Body) -> Iterator[tuple[str, str]]:
    """Yield the names of the beta in a client's event, each with its name in GA."""
    row = EVENT_TYPES.get(event.type)
    if row is not None and row.ga:
        yield event.type, " + ".join(row.ga)
        return
    for member in ("session", "response"):
        # A translation session has its own shape, and ``voice`` of a response was one of the beta.
        for name in object_at(body, member):
            if name in GA_FIELDS:
                yield (
                    f"{member}.{name}",
                    f"{member}.{GA_FIELDS[name]}"
                    if " " not in GA_FIELDS[name]
                    else GA_FIELDS[name],
                )
    item = object_at(body, "item")
    if item.get("role") == "assistant":
        for part in objects_at(item, "content"):
            if part.get("type") in ("text", "audio"):
                yield f"content type {part['type']!r}", f"output_{part['type']}"


RULES: tuple[type[LintRule], ...] = (BetaNames,)
"""Rules about the beta API."""
