"""Why a connection was refused or ended, in words, and what to do next. Tables only; no I/O.

Close codes as observed on the API: 3000 is authorisation and 4000 the shape of the request, both with the reason
``type.code``; 1001 with a sentence is the end of the session's hour. The rest is RFC 6455 section 7.4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from inspector.sources.base import Closed, Side


class Words(NamedTuple):
    """What a code means here, and what the user can do about it."""

    meaning: str
    next_step: str = ""


_RECONNECT = (
    "reconnect; the server keeps nothing, so send the session settings and the history again"
)
_KEY = "set OPENAI_API_KEY, or name another source with --key-env NAME or --key-file FILE"

CLOSE_CODES: Mapping[int, Words] = {
    1000: Words("closed normally"),
    1001: Words("the server is going away", _RECONNECT),
    1002: Words(
        "one side broke the WebSocket protocol", "see whether something between rewrites frames"
    ),
    1003: Words(
        "the server does not take this kind of frame", "send JSON in text frames, never binary"
    ),
    1005: Words("closed without a code", "look at the last events before it for the reason"),
    1006: Words(
        "the connection was lost without a close frame",
        "check the network and proxies, then reconnect; a client that stops answering pings is cut off too",
    ),
    1007: Words("a text frame was not UTF-8", "send UTF-8"),
    1008: Words(
        "the server refuses by policy", "check the key, the model's access and the server's limits"
    ),
    1009: Words("a frame was too big", "send audio in smaller pieces: an append takes 15 MiB"),
    1011: Words(
        "the server failed, or gave up waiting for a pong",
        "reconnect; if it comes back, look for a client that stalls, and at the provider's status page",
    ),
    1012: Words("the server restarts", _RECONNECT),
    1013: Words("the server is overloaded", "wait a little and reconnect"),
    1015: Words("TLS failed", "check the certificate and the system's clock"),
    3000: Words("not authorised", _KEY),
    4000: Words("the server refuses the request", "the error event before it says why"),
}

CLOSE_REASONS: Mapping[str, Words] = {
    "invalid_api_key": Words("the API key is not valid", _KEY),
    "beta_api_shape_disabled": Words(
        "the Beta API is gone",
        "connect without --beta and without an OpenAI-Beta header, and use the GA event names",
    ),
    "missing_model": Words("no model was named", "add --model gpt-realtime"),
    "invalid_model": Words(
        "the model is unknown or not one for realtime",
        "choose another with --model; gpt-realtime is one that works",
    ),
    "model_not_found": Words(
        "the model is unknown, or this key may not use it", "choose another with --model"
    ),
    "insufficient_quota": Words(
        "the account has no credit left", "check plan and billing of the account"
    ),
    "session_expired": Words(
        "the session has reached its longest duration of 60 minutes", _RECONNECT
    ),
    "call_id_not_found": Words(
        "no call with this id is running", "check --call-id; a call that has ended is gone"
    ),
}
"""By the last part of a close reason ``type.code``."""

_EXPIRY = "maximum duration"
_NO_AUTHORIZATION = Words("no API key was sent, or not in a form the server takes", _KEY)

HTTP_STATUSES: Mapping[int, Words] = {
    400: Words(
        "the server calls the request bad", "check --model and the URL's path and parameters"
    ),
    401: Words("not authorised: the key is missing or not valid", _KEY),
    403: Words(
        "forbidden: this key may not do this, or not from here",
        "check the key's project and permissions, the region, and whether a proxy or firewall answers",
    ),
    404: Words(
        "there is no realtime endpoint at this address",
        "check the URL's path (usually /v1/realtime), and the deployment's or call's name",
    ),
    407: Words("the proxy asks for a password", "put it in the proxy's URL in HTTPS_PROXY"),
    426: Words("the server wants another protocol", "check the URL"),
    429: Words(
        "too many requests, or no quota left", "wait, then check the account's limits and billing"
    ),
    500: Words("the server failed", "try again; then look at the provider's status page"),
    502: Words("the gateway got no good answer from the server behind it", "try again in a moment"),
    503: Words("the server is not available", "try again in a moment"),
    504: Words("the server behind the gateway did not answer in time", "try again in a moment"),
}

_HTTP_CLASSES: Mapping[int, Words] = {
    2: Words("the server answered, but does not speak WebSocket here", "check the URL's path"),
    3: Words(
        "the server redirects; that is not followed, since the key would go along",
        "connect to the new address if you trust it",
    ),
    4: Words("the server refuses the request", "check the URL, the model and the key"),
    5: Words("the server failed", "try again; then look at the provider's status page"),
}


_STEPS_FOR_APP: Mapping[str, str] = {
    _KEY: "look at the key that the app sends, or let --key-from ENV put one in",
    _RECONNECT: "the app must connect again; the server keeps nothing",
    CLOSE_REASONS["missing_model"].next_step: "the app must name a model in its URL (?model=…)",
    CLOSE_REASONS["invalid_model"].next_step: "the app must name another; gpt-realtime works",
    CLOSE_REASONS["model_not_found"].next_step: "the app must name another, or use another key",
    CLOSE_REASONS["beta_api_shape_disabled"].next_step: "the app must use the GA API",
    HTTP_STATUSES[400].next_step: "check the app's model, path and parameters",
    HTTP_STATUSES[404].next_step: "check the app's path, and --upstream",
}


def step_for_app(step: str) -> str:
    """Return what to do next where an app is the client, and not this program."""
    return _STEPS_FOR_APP.get(step, step)


def closing_words(code: int, reason: str) -> Words:
    """Return the words for a close code and reason, the most specific there are."""
    known = CLOSE_REASONS.get(reason.rpartition(".")[2])
    if known is not None:
        return known
    if code == 1001 and _EXPIRY in reason:
        return CLOSE_REASONS["session_expired"]
    if code == 3000 and reason == "invalid_request_error":
        return _NO_AUTHORIZATION
    if code in CLOSE_CODES:
        return CLOSE_CODES[code]
    if 4000 <= code < 5000:
        return Words(f"closed with the server's own code {code}", CLOSE_CODES[1005].next_step)
    return Words(f"closed with code {code}")


def refusal_words(status: int) -> Words:
    """Return the words for an HTTP status that is not 101."""
    return HTTP_STATUSES.get(status) or _HTTP_CLASSES.get(
        status // 100, Words("the server refuses the request")
    )


def explained(code: int, reason: str, by: Side) -> Closed:
    """Return how a connection ended, with the words for it."""
    words = closing_words(code, reason)
    return Closed(code, reason, by, words.meaning, words.next_step)
