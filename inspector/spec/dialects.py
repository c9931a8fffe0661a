"""The dialects of the Realtime API: names, paths and hosts; and other protocols that are recognized as different.

The simulator, the profiles and the inspector all use these tables. Source: the providers' reference pages of their realtime
WebSockets (OpenAI, Azure OpenAI, Azure Voice Live, xAI, DashScope).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Called(NamedTuple):
    """The names of a dialect or protocol for the user."""

    short: str
    """The short name, for lines with other information."""
    title: str
    """The full name, with the provider."""


DIALECTS: Mapping[str, Called] = MappingProxyType(
    {
        "openai": Called("GA", "OpenAI GA"),
        "beta": Called("beta", "OpenAI beta"),
        "azure": Called("Azure", "Azure OpenAI GA"),
        "azure-preview": Called("Azure preview", "Azure OpenAI preview, beta shape"),
        "voice-live": Called("Voice Live", "Azure Voice Live"),
        "xai": Called("xAI", "xAI Grok Voice"),
        "qwen": Called("Qwen", "Qwen-Omni, DashScope"),
        "gateway": Called("gateway", "OpenAI GA through a gateway or a compatible server"),
        "transcription": Called("transcription", "OpenAI transcription"),
        "translation": Called("translation", "OpenAI translation"),
        "gpt-live": Called("GPT-Live", "OpenAI GPT-Live"),
    }
)
"""The names for the user, by the name in options and JSON."""


class Route(NamedTuple):
    """The endpoint of a dialect, relative to its host."""

    path: str
    query: str = ""
    """The fixed part of the query string, without the ``?``."""
    model_parameter: str = "model"
    """The query parameter for the model."""


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "openai": Route("/v1/realtime"),
        "beta": Route("/v1/realtime"),
        "azure": Route("/openai/v1/realtime"),
        "azure-preview": Route("/openai/realtime", "api-version=2025-04-01-preview", "deployment"),
        "voice-live": Route("/voice-live/realtime", "api-version=2026-04-10"),
        "xai": Route("/v1/realtime"),
        "qwen": Route("/api-ws/v1/realtime"),
    }
)
"""The endpoints, by dialect."""
HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "openai": ("api.openai.com", ".api.openai.com"),
        "azure": (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
        "xai": ("api.x.ai",),
        "qwen": (
            "dashscope.aliyuncs.com",
            "dashscope-intl.aliyuncs.com",
            ".maas.aliyuncs.com",
        ),
    }
)
"""The hosts that belong to one provider only, by provider; ``.x`` matches all subdomains of ``x``."""

SPOKEN = tuple(ROUTES)
"""The values of ``--dialect`` and of profiles: the dialects that the simulator and the client support."""

FOREIGN: Mapping[str, tuple[Called, frozenset[str]]] = MappingProxyType(
    {
        "gemini-live": (
            Called("Gemini Live", "Gemini Live, another protocol"),
            frozenset(
                {
                    "setup",
                    "setupComplete",
                    "clientContent",
                    "client_content",
                    "serverContent",
                    "realtimeInput",
                    "realtime_input",
                    "toolCallCancellation",
                    "sessionResumptionUpdate",
                }
            ),
        ),
        "nova-sonic": (
            Called("Nova Sonic", "Amazon Nova Sonic, another protocol"),
            frozenset({"sessionStart", "promptStart", "audioOutput"}),
        ),
    }
)
"""Other protocols, by name: names for the user, and the first keys of their messages, which have no ``type``."""


def is_host_in(host: str, known: tuple[str, ...]) -> bool:
    """Return True if a host, in lower case, matches one of ``known``, written as in ``HOSTS``."""
    return any(host.endswith(one) if one.startswith(".") else host == one for one in known)


ZONES = ("global", "us", "eu")
"""Azure's data zones: requests are processed anywhere, or within one zone, which costs more."""
