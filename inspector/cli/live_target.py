"""The target of a live session: address, headers and key, from settings and options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from inspector.config import Settings, choose_profile, find_key
from inspector.errors import ConnectError, UsageError
from inspector.profiles import Profile, needs_key
from inspector.secret import Secret, is_secret_header
from inspector.sources.address import is_loopback, model_in, realtime_url
from inspector.sources.live import OPEN_TIMEOUT_S, LiveTarget
from inspector.spec.dialects import ROUTES

BETA_HEADER = ("OpenAI-Beta", "realtime=v1")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Options of a live session that are not settings."""

    call_id: str = ""
    intent: str = ""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    use_beta: bool = False
    key_in_subprotocol: bool = False
    connect_timeout_s: float = OPEN_TIMEOUT_S


def live_target(
    settings: Settings,
    options: LiveOptions,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> LiveTarget:
    """Return the server to connect to, with headers and key.

    Raises:
        UsageError: there is no address, or the settings are invalid.
        ConnectError: the server requires a key, and none is configured.
    """
    profile = choose_profile(settings)
    address = settings.url or environment.get(profile.address_env, "") or profile.address
    if not address:
        hint = f" or {profile.address_env}" if profile.address_env else ""
        raise UsageError(f"no address to connect to; give --url{hint}")
    options = _with_profile(options, settings)
    model = settings.model or ("" if options.intent or model_in(address) else profile.model)
    url = realtime_url(
        _dialect_address(_azure_base(address, profile), settings.dialect, model),
        model="" if settings.dialect == "azure-preview" else model,
        call_id=options.call_id,
        intent=options.intent,
        path=profile.path,
    )
    key = find_key(settings, profile, environment)
    if key is None and needs_key(url) and not _brings_key(options.headers, profile):
        raise _no_key(profile)
    if key is not None and url.startswith("ws://") and not is_loopback(url):
        tell("warning: the key travels unencrypted; use wss:// or https://")
    return LiveTarget(
        url,
        model_in(url) or model,
        _headers(profile, key, options, environment),
        ("realtime", Secret(f"openai-insecure-api-key.{key.reveal()}"))
        if key is not None and options.key_in_subprotocol
        else (),
        options.connect_timeout_s,
    )


def parse_header(text: str) -> tuple[str, str | Secret]:
    """Parse ``K=V`` or ``K: V`` as a header; make the value a secret if the name suggests one.

    Raises:
        UsageError: the text has another form.
    """
    found = re.match(r"([^=:]+)(?:=|:\s*)(.*)", text, re.DOTALL)
    name, value = (found.group(1).strip(), found.group(2)) if found else ("", "")
    if not _HEADER_NAME.fullmatch(name) or not all(" " <= c <= "~" for c in value):
        raise UsageError("a --header must have the form K=V, in plain ASCII", code="bad_header")
    return name, Secret(value) if is_secret_header(name) else value


def _with_profile(options: LiveOptions, settings: Settings) -> LiveOptions:
    """Return the options with the headers and dialect of the profile; the command line has precedence."""
    given = {name.lower() for name, _ in options.headers}
    added = tuple(h for h in settings.headers.items() if h[0].lower() not in given)
    for name, value in added:
        if not _HEADER_NAME.fullmatch(name) or not all(" " <= c <= "~" for c in value):
            raise UsageError(
                f"profile {settings.profile}: the header {name!r} is not plain ASCII",
                code="bad_header",
            )
    is_beta = options.use_beta or settings.dialect == "beta"
    return replace(options, headers=(*options.headers, *added), use_beta=is_beta)


def _dialect_address(address: str, dialect: str, model: str) -> str:
    """Return an address with the path and query of a dialect, unless it has its own."""
    host = address.partition("://")[2] or address
    if not dialect or "/" in host.rstrip("/") or "?" in host:
        return address
    path, query, parameter = ROUTES[dialect]
    named = f"{parameter}={quote(model, safe='')}" if model and parameter != "model" else ""
    query = "&".join(filter(None, (query, named)))
    return f"{address.rstrip('/')}{path}{f'?{query}' if query else ''}"


def _azure_base(address: str, profile: Profile) -> str:
    """Return an Azure endpoint without a trailing ``/openai`` or ``/openai/v1``, which SDKs require."""
    if profile.name != "azure":
        return address
    return re.sub(r"(://[^/?]+)/(?:openai(?:/v1)?/?)?$", r"\1", address)


def _headers(
    profile: Profile, key: Secret | None, options: LiveOptions, environment: Mapping[str, str]
) -> tuple[tuple[str, str | Secret], ...]:
    given = {name.lower() for name, _ in options.headers}
    headers: list[tuple[str, str | Secret]] = []
    if key is not None and not options.key_in_subprotocol:
        is_bearer = profile.key_header.lower() == "authorization"
        value = Secret(f"Bearer {key.reveal()}") if is_bearer else key
        # A header from the command line replaces the same one of the profile, such as the key's.
        headers.append((profile.key_header, value))
    headers += [(n, environment[e]) for n, e in profile.env_headers if environment.get(e)]
    if options.use_beta:
        headers.append(BETA_HEADER)
    headers = [(name, value) for name, value in headers if name.lower() not in given]
    return (*headers, *options.headers)


def _brings_key(headers: tuple[tuple[str, str | Secret], ...], profile: Profile) -> bool:
    names = {"authorization", "api-key", profile.key_header.lower()}
    return any(name.lower() in names for name, _ in headers)


def _no_key(profile: Profile) -> ConnectError:
    return ConnectError(
        "this server requires an API key, and none is set",
        code="no_key",
        hint=f"{f'set {profile.key_env}, or ' if profile.key_env else ''}"
        "name a variable with --key-env NAME or a file with --key-file FILE; "
        "`inspector sim` needs no key",
    )
