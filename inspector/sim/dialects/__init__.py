"""The dialects by name, and the choice of a dialect by the path or model of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspector.sim.connect_request import ConnectRequest, model_of
from inspector.sim.dialect import Dialect
from inspector.sim.dialects.azure import AzureDialect, AzurePreviewDialect
from inspector.sim.dialects.beta import BetaDialect
from inspector.sim.dialects.qwen import QwenDialect
from inspector.sim.dialects.voice_live import VoiceLiveDialect
from inspector.sim.dialects.xai import XaiDialect

SIMULATED: Mapping[str, type[Dialect]] = {
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
"""By the name that ``--dialect`` takes: those of ``spec.dialects.SPOKEN``."""

# The first match wins: Azure's GA path starts like its preview path.
_SIGNS: tuple[tuple[Callable[[ConnectRequest], bool], type[Dialect]], ...] = (
    (lambda request: request.path.startswith("/voice-live/"), VoiceLiveDialect),
    (lambda request: request.path.startswith("/openai/v1/"), AzureDialect),
    (lambda request: request.path.startswith("/openai/"), AzurePreviewDialect),
    (lambda request: request.path.startswith("/api-ws/"), QwenDialect),
    (lambda request: model_of(request).startswith("grok"), XaiDialect),
    (lambda request: model_of(request).startswith("qwen"), QwenDialect),
)


def dialect_for(request: ConnectRequest, name: str = "") -> type[Dialect]:
    """Return the dialect with that name, or if ``name`` is empty the one that the request's path or model implies."""
    if name:
        is_preview = name == "azure" and request.path.rstrip("/") == AzurePreviewDialect.path
        return AzurePreviewDialect if is_preview else SIMULATED[name]
    return next((dialect for is_meant, dialect in _SIGNS if is_meant(request)), Dialect)
