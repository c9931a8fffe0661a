"""Explanations of close codes, close reasons and HTTP statuses, and what the user can do about them. Tables only; no I/O.

Close codes as observed on the API: 3000 for authorisation and 4000 for an invalid request, both with the reason
``type.code``; 1001 with a sentence after the session's 60 minutes. The other codes are those of RFC 6455, 7.4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from inspector.sources.base import Closed, Side


class Explanation(NamedTuple):
    """The meaning of a code in its situation, and what the user can do about it."""

    meaning: str
    next_step: str = ""


_RECONNECT = (
    "the server keeps nothing: a new connection needs the session settings and the history again"
)
_KEY = "check the key (of OpenAI: OPENAI_API_KEY); --key-env NAME or --key-file FILE read it from elsewhere"
_LAST_EVENTS = "look for the reason in the events before it"
_NO_CALL = Explanation(
    "the call does not exist",
    "it may not be accepted yet, may have ended, or may belong to another project or key; accept answers 200 even to a body"
    " that it cannot use, so check that too (it needs a session type)",
)
_NO_SESSION = Explanation(
    "the session to attach to does not exist",
    "it may have ended, or may belong to another project or key",
)

CLOSE_CODES: Mapping[int, Explanation] = {
    1000: Explanation("closed normally"),
    1001: Explanation("{who} is going away", _RECONNECT),
    1002: Explanation(
        "{who} received a frame that violates the WebSocket protocol",
        "check whether something in between rewrites frames",
    ),
    1003: Explanation(
        "{who} does not accept this kind of frame", "send JSON in text frames, never binary"
    ),
    1005: Explanation("closed without a code", _LAST_EVENTS),
    1006: Explanation(
        "the connection was lost without a close frame",
        "check the network and proxies; a client that does not answer pings is disconnected too",
    ),
    1007: Explanation("a text frame was not UTF-8", "send UTF-8"),
    1008: Explanation(
        "{who} refused by policy", "check the key, access to the model and the server's limits"
    ),
    1009: Explanation(
        "a frame was too big for {who}",
        "send audio in smaller pieces: an append may have at most 15 MiB",
    ),
    1011: Explanation(
        "{who} failed, or timed out waiting for a pong",
        "if it happens again, check whether the client stalls, and the provider's status page",
    ),
    1012: Explanation("{who} is restarting", _RECONNECT),
    1013: Explanation("{who} is overloaded", "wait a little before you reconnect"),
    1015: Explanation("TLS failed", "check the certificate and the system's clock"),
    3000: Explanation("not authorised", _KEY),
    4000: Explanation("{who} refused the request", _LAST_EVENTS),
}
"""Close code to explanation; ``{who}`` is the side that closed."""
_WHO: Mapping[Side, str] = {
    Side.CLIENT: "the client",
    Side.SERVER: "the server",
    Side.INSPECTOR: "the inspector",
    Side.NETWORK: "one side",
}

CLOSE_REASONS: Mapping[str, Explanation] = {
    "invalid_api_key": Explanation("the API key is not valid", _KEY),
    "beta_api_shape_disabled": Explanation(
        "the Beta API was switched off",
        "connect without --beta and without an OpenAI-Beta header, and use the GA event names",
    ),
    "missing_model": Explanation("the URL names no model", "add --model gpt-realtime"),
    "invalid_model": Explanation(
        "the model is unknown or not a realtime model",
        "choose another with --model, such as gpt-realtime",
    ),
    "model_not_found": Explanation(
        "the model is unknown, or this key may not use it", "choose another with --model"
    ),
    "DeploymentNotFound": Explanation(
        "the resource has no deployment with this name",
        "set --model to the name of one of its deployments",
    ),
    "insufficient_quota": Explanation(
        "the account's quota is used up", "check the account's plan and billing"
    ),
    "session_expired": Explanation("the session reached its maximum duration", _RECONNECT),
    "call_id_not_found": _NO_CALL,
    "session_id_not_found": _NO_SESSION,
}
"""Error code to explanation: the last part of a close reason ``type.code``, or the code in the body of an HTTP refusal."""

_EXPIRY = "maximum duration"
_NO_AUTHORIZATION = Explanation(
    "no API key was sent, or not in a form that the server accepts", _KEY
)

HTTP_STATUSES: Mapping[int, Explanation] = {
    400: Explanation(
        "the server rejected the request as invalid",
        "check --model and the URL's path and parameters",
    ),
    401: Explanation("not authorised: the key is missing or not valid", _KEY),
    403: Explanation(
        "forbidden: this key may not do this, or not from here",
        "check the key's project and permissions, the region, and whether a proxy or firewall answered",
    ),
    404: Explanation(
        "the server has nothing at this address",
        "check the URL's path (usually /v1/realtime), and on Azure the name of the deployment",
    ),
    407: Explanation("the proxy asks for a password", "put it in the proxy's URL in HTTPS_PROXY"),
    426: Explanation("the server requires another protocol", "check the URL"),
    429: Explanation(
        "too many requests, or no quota left",
        "if it happens again, check the account's limits and billing",
    ),
    500: Explanation("the server failed", "if it happens again, check the provider's status page"),
    502: Explanation("the gateway got no valid response from the server behind it"),
    503: Explanation("the server is not available"),
    504: Explanation("the server behind the gateway did not answer in time"),
}
PASSING = frozenset({429, 500, 502, 503, 504})
"""Statuses of problems that may be temporary."""

_HTTP_CLASSES: Mapping[int, Explanation] = {
    2: Explanation(
        "the server answered, but does not speak WebSocket here", "check the URL's path"
    ),
    3: Explanation(
        "the server redirects, which is not followed because the key would be sent along",
        "connect to the new address if you trust it",
    ),
    4: Explanation("the server refused the request", "check the URL, the model and the key"),
    5: Explanation("the server failed", "check the provider's status page"),
}


_STEPS_FOR_APP: Mapping[str, str] = {
    _KEY: "check the key that the app sends, or add one with --key-from ENV",
    _RECONNECT: "the app must connect again; the server keeps nothing",
    CLOSE_REASONS["missing_model"].next_step: "the app must name a model in its URL (?model=…)",
    CLOSE_REASONS[
        "invalid_model"
    ].next_step: "the app must name another model, such as gpt-realtime",
    CLOSE_REASONS[
        "model_not_found"
    ].next_step: "the app must name another model, or use another key",
    CLOSE_REASONS[
        "DeploymentNotFound"
    ].next_step: "the app must name one of the resource's deployments",
    CLOSE_REASONS["beta_api_shape_disabled"].next_step: "the app must use the GA API",
    HTTP_STATUSES[400].next_step: "check the app's model, path and parameters",
    HTTP_STATUSES[404].next_step: "check the app's path, and --upstream",
}


def step_for_app(step: str) -> str:
    """Return the next step reworded for a proxied session, in which an app is the client and not this program."""
    return _STEPS_FOR_APP.get(step, step)


def closing_words(code: int, reason: str, by: Side = Side.SERVER) -> Explanation:
    """Return the most specific explanation of a close; without a next step if the client closed."""
    words = _closing_words(code, reason, by)
    step = "" if by is Side.CLIENT else words.next_step
    return Explanation(words.meaning.format(who=_WHO[by]), step)


def _closing_words(code: int, reason: str, by: Side) -> Explanation:
    known = CLOSE_REASONS.get(reason.rpartition(".")[2]) if by is Side.SERVER else None
    if known is not None:
        return known
    if code == 1001 and _EXPIRY in reason:
        return CLOSE_REASONS["session_expired"]
    if code == 3000 and reason == "invalid_request_error":
        return _NO_AUTHORIZATION
    if code in CLOSE_CODES:
        return CLOSE_CODES[code]
    if 4000 <= code < 5000:
        return Explanation(f"{{who}} closed with its own code {code}", _LAST_EVENTS)
    return Explanation(f"closed with code {code}")


def refusal_words(status: int, url: str = "", code: str = "", retry_after: str = "") -> Explanation:
    """Return the explanation of an HTTP status other than 101.

    Args:
        status: the status of the response.
        url: the URL of the request; tells what a 404 did not find.
        code: the error code in the body; more specific than the status.
        retry_after: the ``Retry-After`` header, in seconds or as a date (RFC 9110, 10.2.3).
    """
    words = CLOSE_REASONS.get(code) or _not_found(status, url) or HTTP_STATUSES.get(status)
    if words is None:
        words = _HTTP_CLASSES.get(status // 100, Explanation("the server refused the request"))
    wait = ""
    if retry_after:
        wait = f"wait {retry_after} s" if retry_after.isdecimal() else f"wait until {retry_after}"
    elif status in PASSING and code not in CLOSE_REASONS:
        wait = "wait a little"
    return Explanation(words.meaning, "; ".join(step for step in (wait, words.next_step) if step))


def proxy_step(status: int, variable: str = "HTTPS_PROXY") -> str:
    """Return what to do about a status that a proxy on the way answers with, whatever stands behind it.

    Args:
        status: the proxy's answer.
        variable: where the environment names that proxy.
    """
    if status == 407:
        return f"put it in the proxy's URL in {variable}"
    return f"check {variable}, and whether that proxy may connect to this host"


def _not_found(status: int, url: str) -> Explanation | None:
    """Return the explanation of a 404 for a call or session id; None if the endpoint itself was not found."""
    if status != 404:
        return None
    path, _, query = url.partition("?")
    if any(pair.startswith("call_id=") for pair in query.split("&")):
        return _NO_CALL
    return _NO_SESSION if "/live/sessions/" in path else None


def explained(code: int, reason: str, by: Side) -> Closed:
    """Return a close with its explanation."""
    words = closing_words(code, reason, by)
    return Closed(code, reason, by, words.meaning, words.next_step)
