"""The dialects of the Realtime API that the program knows by name, and other protocols that it can tell apart from them.

One list for the simulator, the profiles and the inspector: names, hosts and paths stand here and nowhere else. Source: the providers'
reference pages of their realtime WebSockets (OpenAI, Azure OpenAI, Azure Voice Live, xAI, DashScope).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Called(NamedTuple):
    """How a dialect or protocol is called."""

    short: str
    """In a line with other facts."""
    title: str
    """Where there is room."""


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
"""By the name that options and JSON have."""


class Route(NamedTuple):
    """Where a server of a dialect answers."""

    path: str
    query: str = ""
    """Sent with every request, after the ``?``."""
    model_parameter: str = "model"
    """The query parameter that names the model."""


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
"""By dialect."""
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
"""By provider, the hosts that are its alone; ``.x`` stands for all subdomains of ``x``."""

SPOKEN = tuple(ROUTES)
"""What ``--dialect`` and profiles take: how the simulator can speak, and how a server may be spoken to."""

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
"""Other protocols: name, how it is called, and first keys of its messages, which have no ``type``."""


def is_host_in(host: str, known: tuple[str, ...]) -> bool:
    """Tell whether a host, in lower case, is one of some as ``HOSTS`` writes them."""
    return any(host.endswith(one) if one.startswith(".") else host == one for one in known)
