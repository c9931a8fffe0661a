"""A simulated provider: one server that opens sessions, and answers what comes over plain HTTP beside them.

Client secrets that it issued are known to it: what they say of the session is in force from its start, and a secret that
has expired opens none. Pure: whoever owns it brings the requests and the time.
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
"""Above it the oldest is forgotten: nobody connects with thousands of secrets within two hours."""
DEFAULT_LIFE_S, MIN_LIFE_S, MAX_LIFE_S = 600, 10, 7200


@dataclass(frozen=True, slots=True)
class HttpRequest(ConnectRequest):
    """A request that asks for no upgrade."""

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
    """The first session's; each further one has the next."""
    settings: SimSettings = field(default_factory=SimSettings)
    new_seams: Callable[[], Seams] = Seams
    """Makes what thinks, speaks and hears in one session."""
    faults: tuple[RaisedFault, ...] = ()
    """What goes wrong in each session."""
    dialect: str = ""
    """Name of the dialect of every session; ``""`` for that of each request."""
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
            refused = bad_key(key) if unix_s >= secret.expires_at else None
            opening = secret.opening or None
            request = _meant(request, secret)
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

    def turn_away(self, request: ConnectRequest) -> HttpAnswer | None:
        """Return what a request gets in place of an upgrade; None where it is upgraded."""
        settings = self._settings_for(key_of(request))
        return dialect_for(request, self.dialect).turn_away(request, settings)

    def answer(self, request: HttpRequest, unix_s: int) -> HttpAnswer:
        """Return the answer to a request that asks for no upgrade."""
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
        """Return the settings for a connection: a client secret of ours stands for the key that it was got with."""
        is_ours = key in self._secrets
        return replace(self.settings, accepted_key=None) if is_ours else self.settings

    def _issue(self, request: HttpRequest, unix_s: int) -> Json:
        body = _json_object(request.body)
        life_s = _life_s(body.get("expires_after"))
        is_translation = request.path.rstrip("/").endswith("/translations/client_secrets")
        given = body.get("session") or {}
        if not isinstance(given, dict):
            raise ApiRefusal(
                "invalid_type", "Invalid type for 'session': expected an object.", "session"
            )
        kind = "translation" if is_translation else str(given.get("type", "realtime"))
        opening = {key: value for key, value in given.items() if key != "model"}
        if not is_translation:
            opening = {"type": kind, **opening}
            refusal = validate({"type": "session.update", "session": opening})
            if refusal is not None:
                raise refusal
        ids = Ids(self.seed * 31 + len(self._secrets) + unix_s)
        model = str(given.get("model") or "")
        expires_at = unix_s + self.settings.max_session_s
        session = EffectiveSession(new_session(kind, ids.new("sess_"), model, expires_at))
        session.update(opening)
        value = ids.new("ek_", 32)
        self._secrets[value] = _Secret(kind, model, opening, unix_s + life_s)
        if len(self._secrets) > MAX_SECRETS:
            del self._secrets[next(iter(self._secrets))]
        return {"value": value, "expires_at": unix_s + life_s, "session": session.object}


def _meant(request: ConnectRequest, secret: _Secret) -> ConnectRequest:
    """Return the request with what its secret says: the model, and the kind of session."""
    query = dict(request.query)
    if secret.model:
        query.setdefault("model", secret.model)
    if secret.kind == "transcription":
        query["intent"] = "transcription"
    return replace(request, query=query)


def _life_s(given: object) -> int:
    seconds = given.get("seconds", DEFAULT_LIFE_S) if isinstance(given, dict) else DEFAULT_LIFE_S
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
