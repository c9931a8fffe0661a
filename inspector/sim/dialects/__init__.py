"""The dialects, by name, and which one a request is for. The first whose sign a request carries is the one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspector.sim.connect_request import ConnectRequest, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.azure import AzureDialect, AzurePreviewDialect
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.dialects.qwen import QwenDialect
from inspector.sim.dialects.voice_live import VoiceLiveDialect
from inspector.sim.dialects.xai import XaiDialect

DIALECTS: Mapping[str, type[Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect,
        BetaDialect,
        AzureDialect,
        AzurePreviewDialect,
        VoiceLiveDialect,
        XaiDialect,
        QwenDialect,
    )
}
"""By the name that ``--dialect`` takes."""

_SIGNS: tuple[tuple[Callable[[ConnectRequest], bool], type[Dialect]], ...] = (
    (lambda request: request.path.startswith("/voice-live/"), VoiceLiveDialect),
    (lambda request: request.path.startswith("/openai/v1/"), AzureDialect),
    (lambda request: request.path.startswith("/openai/"), AzurePreviewDialect),
    (lambda request: request.path.startswith("/api-ws/"), QwenDialect),
    (lambda request: model_of(request).startswith("grok"), XaiDialect),
    (lambda request: model_of(request).startswith("qwen"), QwenDialect),
)


def dialect_for(request: ConnectRequest, name: str = "") -> type[Dialect]:
    """Return the dialect of a name, or else of what a request asks for: its path, or its model."""
    if name:
        is_preview = name == "azure" and request.path.rstrip("/") == "/openai/realtime"
        return AzurePreviewDialect if is_preview else DIALECTS[name]
    return next((dialect for is_meant, dialect in _SIGNS if is_meant(request)), Dialect)
