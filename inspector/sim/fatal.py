"""The refusals that end a connection, with the server's exact wording."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.core.log import GOING_AWAY
from inspector.sim.refusals import ApiRefusal


@dataclass(frozen=True, slots=True)
class Fatal:
    """A refusal that is sent as an ``error`` event and immediately followed by a close."""

    refusal: ApiRefusal
    close_code: int

    @property
    def reason(self) -> str:
        """Return the close reason: ``type.code``, the type alone, or the message of an expiry."""
        if self.close_code == GOING_AWAY:
            return self.refusal.message
        return self.refusal.type + (f".{self.refusal.code}" if self.refusal.code else "")


def bad_key(key: str) -> Fatal:
    """A key that is not accepted."""
    # Masked as the server does it, so that the message shows no whole key.
    shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "***"
    message = (
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )
    return Fatal(ApiRefusal("invalid_api_key", message), 3000)


def no_auth() -> Fatal:
    """No key at all."""
    return Fatal(ApiRefusal(None, "Missing bearer or basic authentication in header"), 3000)


def bad_model(model: str) -> Fatal:
    """A model that is not available."""
    return Fatal(
        ApiRefusal("invalid_model", f'Model "{model}" is not supported in realtime mode.'), 4000
    )


def no_model() -> Fatal:
    """No model in the URL."""
    message = (
        "You must provide a model parameter, for example "
        "wss://api.openai.com/v1/realtime?model=gpt-realtime-1.5"
    )
    return Fatal(ApiRefusal("missing_model", message), 4000)


def beta_shape() -> Fatal:
    """The header ``OpenAI-Beta: realtime=v1``."""
    message = (
        "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
    )
    return Fatal(ApiRefusal("beta_api_shape_disabled", message), 4000)


def expired() -> Fatal:
    """A session older than 60 minutes."""
    return Fatal(
        ApiRefusal("session_expired", "Your session hit the maximum duration of 60 minutes."),
        GOING_AWAY,
    )
