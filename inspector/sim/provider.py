"""A simulated provider: a server that opens sessions and serves the HTTP endpoints for models and client secrets.

A session opened with a client secret starts with the settings that the secret was issued for; an expired secret is refused.
Pure: the caller passes in requests and times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from inspector.sim.connect_request import HttpAnswer, key_of, key_refusal
from inspector.sim.dialects import dialect_for
from inspector.sim.effective_session import EffectiveSession, new_session
from inspector.sim.fatal import Fatal, bad_key
from inspector.sim.faults import RaisedFault
from inspector.sim.ids import Ids
from inspector.sim.refusals import ApiRefusal
from inspector.sim.server import ConnectRequest, Seams, SimSession
from inspector.sim.server_outbox import Json
from inspector.sim.settings import SimSettings
from inspector.sim.value_checks import validate

MODELS = (
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-2",
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-mini",
    "gpt-realtime-translate",
    "gpt-realtime-whisper",
)
MAX_SECRETS = 10_000
"""Beyond this the oldest is dropped; bounds memory, and far above what a test uses in the two hours a secret lives."""
DEFAULT_LIFE_S, MIN_LIFE_S, MAX_LIFE_S = 600, 10, 7200  # API reference, ``expires_after.seconds``


@dataclass(frozen=True, slots=True)
class HttpRequest(ConnectRequest):
    """A plain HTTP request, without an upgrade."""

    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Secret:
    kind: str
    """``realtime``, ``transcription`` or ``translation``."""
    model: str
    opening: Json
    expires_at: int


@dataclass(slots=True)
class SimProvider:
    """The server behind every connection of one ``inspector serve``."""

    seed: int = 0
    """The seed of the first session; each further session uses the next number."""
    settings: SimSettings = field(default_factory=SimSettings)
    new_seams: Callable[[], Seams] = Seams
    """Creates the brain, voice and recognizer of one session."""
    faults: tuple[RaisedFault, ...] = ()
    """The faults set in each session."""
    dialect: str = ""
    """Name of the dialect of every session; ``""`` to choose by each request."""
    _opened: int = 0
    _secrets: dict[str, _Secret] = field(default_factory=dict)

    def open(self, request: ConnectRequest, unix_s: int) -> SimSession:
        """Return the server's side of a new connection."""
        seed = self.seed + self._opened
        self._opened += 1
        key = key_of(request)
        secret = self._secrets.get(key)
        refused: Fatal | None = None
        opening: Json | None = None
        if secret is not None:
            # A secret may be used several times until it expires; a session that it opened is not affected.
            refused = bad_key(key) if unix_s >= secret.expires_at else None
            opening = secret.opening or None
            request = _with_secret(request, secret)
        return SimSession(
            request,
            started_unix_s=unix_s,
            seed=seed,
            settings=self._settings_for(key),
            seams=self.new_seams(),
            faults=self.faults,
            dialect=self.dialect,
            opening=opening,
            refused=refused,
        )

    def http_refusal(self, request: ConnectRequest) -> HttpAnswer | None:
        """Return the HTTP response that replaces the upgrade; None to upgrade the connection."""
        settings = self._settings_for(key_of(request))
        return dialect_for(request, self.dialect).http_refusal(request, settings)

    def answer(self, request: HttpRequest, unix_s: int) -> HttpAnswer:
        """Return the response to a plain HTTP request."""
        refused = key_refusal(request, self.settings)
        if refused is not None:
            return _error(401, refused.refusal)
        path = request.path.rstrip("/")
        if request.method == "GET" and path.endswith("/models"):
            listed = [_model(name) for name in MODELS]
            return HttpAnswer(200, {"object": "list", "data": listed})
        if request.method == "POST" and path.endswith("/client_secrets"):
            try:
                return HttpAnswer(200, self._issue(request, unix_s))
            except ApiRefusal as refusal:
                return _error(400, refusal)
        message = f"Invalid URL ({request.method} {request.path})"
        return _error(404, ApiRefusal(None, message))

    def _settings_for(self, key: str) -> SimSettings:
        """Return the settings for a connection; a client secret issued here is accepted in place of the key."""
        is_client_secret = key in self._secrets
        return replace(self.settings, accepted_key=None) if is_client_secret else self.settings

    def _issue(self, request: HttpRequest, unix_s: int) -> Json:
        body = _json_object(request.body)
        life_s = _life_s(body.get("expires_after"))
        is_translation = request.path.rstrip("/").endswith("/translations/client_secrets")
        wanted = body.get("session") or {}
        if not isinstance(wanted, dict):
            raise ApiRefusal(
                "invalid_type", "Invalid type for 'session': expected an object.", "session"
            )
        kind = "translation" if is_translation else str(wanted.get("type", "realtime"))
        opening = {key: value for key, value in wanted.items() if key != "model"}
        if not is_translation:
            opening = {"type": kind, **opening}
            refusal = validate({"type": "session.update", "session": opening})
            if refusal is not None:
                raise refusal
        # Not the ids of a session: the seed must still give the same ids there, whatever was issued before.
        ids = Ids(self.seed * 31 + len(self._secrets) + unix_s)
        model = str(wanted.get("model") or "")
        expires_at = unix_s + self.settings.max_session_s
        session = EffectiveSession(new_session(kind, ids.new("sess_"), model, expires_at))
        session.update(opening)
        value = ids.new("ek_", 32)
        self._secrets[value] = _Secret(kind, model, opening, unix_s + life_s)
        if len(self._secrets) > MAX_SECRETS:
            del self._secrets[next(iter(self._secrets))]  # a dict iterates oldest first
        return {"value": value, "expires_at": unix_s + life_s, "session": session.object}


def _with_secret(request: ConnectRequest, secret: _Secret) -> ConnectRequest:
    """Return the request with the model and kind of session that its secret was issued for."""
    query = dict(request.query)
    if secret.model:
        query.setdefault("model", secret.model)
    if secret.kind == "transcription":
        query["intent"] = "transcription"
    return replace(request, query=query)


def _life_s(expires_after: object) -> int:
    seconds = (
        expires_after.get("seconds", DEFAULT_LIFE_S)
        if isinstance(expires_after, dict)
        else DEFAULT_LIFE_S
    )
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    if not is_number or not MIN_LIFE_S <= seconds <= MAX_LIFE_S:
        path = "expires_after.seconds"
        message = f"Invalid '{path}': expected an integer between {MIN_LIFE_S} and {MAX_LIFE_S}."
        raise ApiRefusal("invalid_value", message, path)
    return int(seconds)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiRefusal("invalid_json", "We could not parse the JSON body of your request.")
    return found


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 1_756_339_200, "owned_by": "system"}


def _error(status: int, refusal: ApiRefusal) -> HttpAnswer:
    error = {
        "message": refusal.message,
        "type": refusal.type,
        "param": refusal.param,
        "code": refusal.code,
    }
    return HttpAnswer(status, {"error": error})
