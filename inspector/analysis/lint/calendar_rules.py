"""Rules about the calendar: models, transcribers and features that end.

The day of a session is that of its ``expires_at``, which is an hour after its beginning.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from inspector.analysis.lint.finding import Finding, Severity
from inspector.analysis.lint.lint_rule import LintRule, Moment
from inspector.analysis.lint.phrases import as_json, counted, session_update
from inspector.analysis.lint.reference_links import DEPRECATIONS
from inspector.analysis.lint.shutdowns import Shutdown, day_of, shutdowns, table_day
from inspector.core.event import Direction, Event
from inspector.core.read import object_at, objects_at, text_at
from inspector.core.session_fold import CONFIGURED
from inspector.core.state import SessionState

SOON_DAYS = 30
"""From here on it is time to change."""
FAR_DAYS = 90
"""Ends further away than this are not mentioned."""
OPENAI = frozenset({"openai", "beta", "transcription", "gateway"})
"""Dialects to which OpenAI's calendar applies; Azure has its own."""


class _Ending(LintRule):
    """What the rules about the calendar share."""

    severity = Severity.ERROR
    links = (DEPRECATIONS,)
    types = CONFIGURED
    kind: ClassVar[str]
    """Kind of shutdown."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        """What ends by its name, to the event that shows its use."""

    @abstractmethod
    def used_in(self, event: Event, state: SessionState) -> str:
        """Return what an event shows in use that may end; ``""`` if nothing."""

    @abstractmethod
    def fix(self, end: Shutdown, state: SessionState) -> str:
        """Return what to change."""

    def apply(self, event: Event, state: SessionState) -> None:
        """Look at what the session uses."""
        name = self.used_in(event, state)
        if name in shutdowns(self.kind):
            self._used.setdefault(name, event.seq)

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report what has ended or ends soon."""
        state = moment.state
        if state.dialect.dialect not in OPENAI:
            return
        today = day_of(state.session.expires_at)
        for name, seq in self._used.items():
            end = shutdowns(self.kind)[name]
            left = None if today is None else (end.day - today).days
            # Without its day a session is at least not much older than the table, which came with the program.
            least = (end.day - table_day()).days if left is None else left
            if least > FAR_DAYS:
                continue
            words = f"on {end.day}" if left is None else _until(left, end)
            ends = "ended" if left is not None and left <= 0 else "ends"
            severity = Severity.NOTE
            if left is not None and left <= SOON_DAYS:
                severity = Severity.WARNING if left > 0 else Severity.ERROR
            yield self.found(
                severity, (seq,), f"{self.subject(name)} {ends} {words}", self.fix(end, state)
            )

    def subject(self, name: str) -> str:
        """Return the subject of the finding."""
        return name


def _until(left: int, end: Shutdown) -> str:
    if left > 0:
        return f"on {end.day}, {counted(left, 'day')} after this session"
    return f"on {end.day}, before this session"


class ModelRetires(_Ending):
    """A model that ends."""

    id = "model-retires"
    title = "the model ends"
    why = "From its last day on a model refuses every connection. A newer one may speak, hear and call tools differently, so try it before."
    kind = "model"

    def used_in(self, event: Event, state: SessionState) -> str:
        """Return the model."""
        return text_at(state.session.config, "model")

    def fix(self, end: Shutdown, state: SessionState) -> str:
        """Return the address with another model."""
        return f"connect with ?model={end.instead}"


class TranscriberRetires(_Ending):
    """A transcriber that ends."""

    id = "transcriber-retires"
    title = "the transcriber ends"
    why = "From its last day on every transcription fails, with an event of its own that many apps do not listen for; answers go on."
    kind = "transcriber"

    def used_in(self, event: Event, state: SessionState) -> str:
        """Return the transcriber, from its place in GA or in the beta."""
        session = state.session.config
        nested = object_at(object_at(session, "audio"), "input").get("transcription")
        found = (
            nested if isinstance(nested, dict) else object_at(session, "input_audio_transcription")
        )
        return text_at(found, "model")

    def fix(self, end: Shutdown, state: SessionState) -> str:
        """Return an update with another transcriber."""
        return session_update(state, {"audio.input.transcription": {"model": end.instead}})


class PromptObjectRetired(_Ending):
    """A stored prompt, which the API no longer takes."""

    id = "prompt-object-retired"
    title = "stored prompts end"
    why = "Prompts that are stored with the provider and named by id end; a session or response that names one is refused from then on."
    kind = "feature"
    types = CONFIGURED | {"response.create", "session.update"}

    def used_in(self, event: Event, state: SessionState) -> str:
        """Return the feature if a session or a request names a prompt."""
        body = event.body or {}
        members = ("session", "response")
        return "prompt" if any(object_at(body, one).get("prompt") for one in members) else ""

    def subject(self, name: str) -> str:
        """Return the subject of the finding."""
        return "a stored prompt (prompt.id) is in use; the feature"

    def fix(self, end: Shutdown, state: SessionState) -> str:
        """Return an update with the prompt's text."""
        return session_update(state, {"instructions": "<the text of the prompt>", "prompt": None})


class ConnectorIdDeprecated(LintRule):
    """A tool of an MCP server that is named by a connector."""

    id = "connector-id-deprecated"
    title = "connector_id is deprecated"
    severity = Severity.NOTE
    why = "Models that appear from 2026-09-01 on no longer take the provider's connectors; an MCP server is named by its address."
    links = (DEPRECATIONS,)
    types = frozenset({"session.update", "response.create"})

    def __init__(self) -> None:
        self._seqs: list[int] = []
        self._label = ""

    def apply(self, event: Event, state: SessionState) -> None:
        """Look for connectors in what the app sends."""
        body = event.body or {}
        if event.direction is not Direction.CLIENT or self._seqs:
            return
        for member in ("session", "response"):
            for tool in objects_at(object_at(body, member), "tools"):
                if tool.get("type") == "mcp" and tool.get("connector_id"):
                    self._seqs, self._label = [event.seq], text_at(tool, "server_label")

    def findings(self, moment: Moment) -> Iterable[Finding]:
        """Report the connector."""
        if self._seqs and moment.state.dialect.dialect in OPENAI:
            tool = {"type": "mcp", "server_label": self._label, "server_url": "https://…"}
            yield self.found(
                Severity.NOTE,
                self._seqs,
                f"the MCP server {self._label!r} is named by connector_id, which newer models do not take",
                as_json(tool),
            )


RULES: tuple[type[LintRule], ...] = (
    ModelRetires,
    TranscriberRetires,
    PromptObjectRetired,
    ConnectorIdDeprecated,
)
"""Rules about the calendar."""
