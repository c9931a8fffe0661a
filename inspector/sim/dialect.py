"""What a provider's server does differently. The core speaks the API as OpenAI does today; a dialect translates at the edge.

``Dialect`` itself is OpenAI's: it changes nothing. A dialect of another provider overrides what differs: facts as class
variables, ``accept`` for what the client sends, ``render`` for what the server sends. Source: protocol reference, section 6,
and recorded sessions of each provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from inspector.sim.connect_request import ConnectRequest, HttpAnswer, why_not
from inspector.sim.fatal import Fatal
from inspector.sim.ids import Ids
from inspector.sim.refusals import ApiRefusal
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings


class Dialect:
    """OpenAI's own server, and the base of the others; one instance a connection."""

    name: ClassVar[str] = "openai"
    default_model: ClassVar[str] = "gpt-realtime"
    """Of a session that names none and may do so."""
    path: ClassVar[str] = "/v1/realtime"
    """Where its clients connect."""
    query: ClassVar[str] = "model={model}"
    """And with which query."""
    answers_commits: ClassVar[bool] = False
    """A commit without turn detection begins a response."""
    can_truncate: ClassVar[bool] = True
    ignored: ClassVar[tuple[str, ...]] = ()
    """Client events of its own that are taken without an answer."""
    farewells: ClassVar[Mapping[str, str]] = {}
    """By the client event that ends a session: what is sent before the close."""
    ping_s: ClassVar[int] = 0
    """Seconds between ``ping`` events; 0 for none."""

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        self._ids = ids
        self._unix_ms = unix_ms

    @property
    def temperature(self) -> float | None:
        """Return how freely the model is to answer; None where the client cannot say, as in today's API."""
        return None

    @classmethod
    def make_ids(cls, seed: int) -> Ids:
        """Return where the ids of a session come from."""
        return Ids(seed)

    @classmethod
    def turn_away(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:  # noqa: ARG003 - a hook
        """Return what a request gets in place of an upgrade; None where it is upgraded."""
        return None

    def why_not(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is ended right after its upgrade; None where it is welcome."""
        return why_not(request, settings)

    def opening(self, session: Json) -> Json:
        """Return the session object that a connection begins with."""
        return session

    def settle(self, session: Json) -> None:
        """Change the session object after an update, where the client set what OpenAI's API does not know."""

    def accept(self, event: Json) -> Json:
        """Return a client's event as OpenAI's API has it; unknown members stay, for the checks to find.

        Raises:
            Refusal: the dialect has no such thing.
        """
        return event

    def render(self, event: Json) -> Iterable[Json]:
        """Yield what an event of OpenAI's API is here: itself, others, or none. What is given must not be changed."""
        yield event

    def worded(self, refusal: ApiRefusal) -> ApiRefusal:
        """Return a refusal in the names of this dialect."""
        return refusal

    def transcription_failure(self, model: str) -> str | None:  # noqa: ARG002 - a hook
        """Return the code with which a transcription model fails; None for one that is served."""
        return None


def as_number(value: object) -> float | None:
    """Return a number that a client set; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
