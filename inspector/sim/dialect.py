"""The base class of dialects: what a provider's server does differently from OpenAI's GA API.

The core of the simulator speaks OpenAI's GA protocol only; a dialect translates at the edge. ``Dialect`` itself changes
nothing. A provider's dialect overrides what differs: facts as class variables, ``accept`` for client events, ``render`` for
server events. Each dialect names its public sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from inspector.sim.connect_request import ConnectRequest, HttpAnswer, connection_refusal
from inspector.sim.fatal import Fatal
from inspector.sim.ids import Ids
from inspector.sim.refusals import ApiRefusal
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.spec.dialects import ROUTES


class Dialect:
    """OpenAI's own dialect and the base of the others; one instance per connection."""

    name: ClassVar[str] = "openai"
    default_model: ClassVar[str] = "gpt-realtime"
    """Used if the request names no model and need not."""
    path: ClassVar[str] = ROUTES[name].path
    """The URL path that clients connect to."""
    query: ClassVar[str] = "model={model}"
    """The query string that clients connect with."""
    answers_commits: ClassVar[bool] = False
    """True if a commit without turn detection starts a response."""
    can_truncate: ClassVar[bool] = True
    ignored: ClassVar[tuple[str, ...]] = ()
    """Additional client events that are accepted without a reply."""
    closing_events: ClassVar[Mapping[str, str]] = {}
    """Client event that ends the session to the server event sent before the close."""
    ping_s: ClassVar[int] = 0
    """Seconds between ``ping`` events; 0 to send none."""

    def __init__(self, ids: Ids, unix_ms: Callable[[], int]) -> None:
        self._ids = ids
        self._unix_ms = unix_ms

    @property
    def temperature(self) -> float | None:
        """Return the sampling temperature that the client set; None in a dialect without the setting, such as GA."""
        return None

    @classmethod
    def make_ids(cls, seed: int) -> Ids:
        """Return the id generator of a session."""
        return Ids(seed)

    @classmethod
    def http_refusal(cls, request: ConnectRequest, settings: SimSettings) -> HttpAnswer | None:  # noqa: ARG003 - a hook
        """Return the HTTP response that replaces the upgrade; None to upgrade the connection."""
        return None

    def connection_refusal(self, request: ConnectRequest, settings: SimSettings) -> Fatal | None:
        """Return why a connection is closed right after its upgrade; None to accept it."""
        return connection_refusal(request, settings)

    def initial_session(self, session: Json) -> Json:
        """Return the session object that a connection starts with."""
        return session

    def after_update(self, session: Json) -> None:
        """Apply to the session object what an accepted update set beyond OpenAI's API."""

    def accept(self, event: Json) -> Json:
        """Return a client event translated to OpenAI's GA API, keeping unknown members for the checks to reject.

        Raises:
            ApiRefusal: the event is not valid in this dialect.
        """
        return event

    def render(self, event: Json) -> Iterable[Json]:
        """Yield the events of this dialect for a GA server event: any number; must not modify ``event``."""
        yield event

    def translated_refusal(self, refusal: ApiRefusal) -> ApiRefusal:
        """Return a refusal with the paths and names of this dialect."""
        return refusal

    def transcription_failure(self, model: str) -> str | None:  # noqa: ARG002 - a hook
        """Return the error code if a transcription model is not available; None if it is."""
        return None


def as_number(value: object) -> float | None:
    """Return the value if it is a JSON number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):  # a bool is an int in Python
        return None
    return float(value)
