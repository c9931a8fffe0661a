"""The dialects of the Realtime API that the program knows by name, and other protocols that it can tell apart from them.

One list for the simulator, the profiles and the inspector. Source: protocol reference, section 6; GPT-Live reference, section 1.
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

SPOKEN = ("openai", "beta", "azure", "azure-preview", "voice-live", "xai", "qwen")
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
