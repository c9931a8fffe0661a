"""Pages of the API's documentation that several rules refer to."""

from __future__ import annotations

_GUIDES = "https://developers.openai.com/api/docs/guides"
CONVERSATIONS = f"{_GUIDES}/realtime-conversations"
"""Sessions, items, responses, tools, interruption."""
VAD = f"{_GUIDES}/realtime-vad"
"""Turn detection."""
TRANSCRIPTION = f"{_GUIDES}/realtime-transcription"
MCP = f"{_GUIDES}/realtime-mcp"
COSTS = f"{_GUIDES}/realtime-costs"
WEBSOCKETS = f"{_GUIDES}/voice-websockets?api=realtime"
SERVER_CONTROLS = f"{_GUIDES}/voice-server-controls"
"""Calls, and connections that observe them."""
CLIENT_EVENTS = "https://developers.openai.com/api/reference/resources/realtime/client-events"
SERVER_EVENTS = "https://developers.openai.com/api/reference/resources/realtime/server-events"
DEPRECATIONS = "https://developers.openai.com/api/docs/deprecations"
