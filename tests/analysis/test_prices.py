"""The table of prices: what is shipped, what a user says over it, and which price holds."""

from __future__ import annotations

from datetime import date

import pytest

from inspector.analysis.prices import read_prices, shipped_prices
from inspector.errors import UsageError

TABLE = shipped_prices()
AUTUMN = date(2026, 11, 27)


def test_every_row_names_its_source() -> None:
    assert {row.model for row in TABLE.rows if not row.source.startswith("https://")} == set()
    assert date(2026, 11, 1) < TABLE.as_of


@pytest.mark.parametrize(
    ("model", "rates", "context"),
    [
        ("gpt-realtime-2.1", (4, 0.4, 24, 32, 0.4, 64, 5, 0.5), 128_000),
        ("gpt-realtime-2", (4, 0.4, 24, 32, 0.4, 64, 5, 0.5), 128_000),
        ("gpt-realtime-2.1-mini", (0.6, 0.06, 2.4, 10, 0.3, 20, 0.8, 0.08), 128_000),
        ("gpt-realtime-1.5", (4, 0.4, 16, 32, 0.4, 64, 5, 0.5), 32_000),
        ("gpt-realtime", (4, 0.4, 16, 32, 0.4, 64, 5, 0.5), 32_000),
        ("gpt-realtime-2025-08-28", (4, 0.4, 16, 32, 0.4, 64, 5, 0.5), 32_000),
        ("gpt-realtime-mini-2025-12-15", (0.6, 0.06, 2.4, 10, 0.3, 20, 0.8, 0.08), 32_000),
        ("gpt-4o-realtime-preview", (5, 2.5, 20, 40, 2.5, 80, None, None), 32_000),
        ("gpt-4o-realtime-preview-2024-10-01", (5, 2.5, 20, 100, 20, 200, None, None), 128_000),
        ("gpt-4o-mini-realtime-preview", (0.6, 0.3, 2.4, 10, 0.3, 20, None, None), 16_000),
    ],
)
def test_prices_of_the_models(model: str, rates: tuple[float | None, ...], context: int) -> None:
    price = TABLE.quote(model, AUTUMN).price

    assert price is not None
    parts = [("text", p) for p in ("in", "cached", "out")]
    parts += [("audio", p) for p in ("in", "cached", "out")]
    parts += [("image", p) for p in ("in", "cached")]
    assert tuple(price.rate(*part) for part in parts) == rates
    assert price.context == context


@pytest.mark.parametrize(
    ("model", "per_minute"),
    [
        ("whisper-1", 0.006),
        ("gpt-transcribe", 0.0045),
        ("gpt-realtime-whisper", 0.017),
        ("gpt-live-transcribe", 0.017),
        ("gpt-realtime-translate", 0.034),
        ("gpt-live-1", 0.05),
        ("gpt-live-1.1", 0.05),
    ],
)
def test_prices_by_the_minute(model: str, per_minute: float) -> None:
    price = TABLE.quote(model, AUTUMN).price

    assert price is not None
    assert price.per_minute == per_minute
    assert not price.is_by_tokens


@pytest.mark.parametrize(
    ("model", "day", "per_minute", "audio_in"),
    [
        ("grok-voice-latest", date(2026, 8, 4), 0.05, None),
        ("grok-voice-latest", date(2026, 8, 5), 0.08, None),
        ("grok-voice-latest", None, 0.08, None),
        ("gpt-4o-transcribe", date(2025, 11, 1), None, 6),
        ("gpt-4o-transcribe", AUTUMN, None, 2.5),
        ("gpt-4o-mini-transcribe", date(2025, 11, 1), None, 3),
        ("gpt-4o-mini-transcribe", AUTUMN, None, 1.25),
    ],
)
def test_the_price_is_that_of_the_day(
    model: str, day: date | None, per_minute: float | None, audio_in: float | None
) -> None:
    price = TABLE.quote(model, day).price

    assert price is not None
    assert price.per_minute == per_minute
    assert price.rate("audio", "in") == audio_in


def test_a_snapshot_that_is_not_known_costs_what_its_family_costs_and_that_is_said() -> None:
    quote = TABLE.quote("gpt-realtime-2.1-mini-2026-10-10", AUTUMN)

    assert quote.price is not None
    assert quote.price.model == "gpt-realtime-2.1-mini"
    assert "priced as gpt-realtime-2.1-mini" in quote.remarks[0]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("", "the model is not known"),
        ("my-deployment", "no known price for my-deployment"),
        ("gpt-realtime-9-2026-01-01", "no known price for gpt-realtime-9-2026-01-01"),
    ],
)
def test_a_model_that_is_not_known_has_no_price(model: str, reason: str) -> None:
    quote = TABLE.quote(model, AUTUMN)

    assert quote.price is None
    assert quote.reason == reason


def test_a_gateway_puts_the_provider_before_the_model() -> None:
    price = TABLE.quote("openai/gpt-realtime", AUTUMN).price

    assert price is not None
    assert price.model == "gpt-realtime"


@pytest.mark.parametrize(
    ("model", "zone", "factor", "words"),
    [
        ("gpt-realtime", "", 1.0, "list price; data zones"),
        ("gpt-realtime", "global", 1.0, ""),
        ("gpt-realtime", "eu", 1.1, "data zone: 10%"),
        ("gpt-realtime", "us", 1.1, "data zone: 10%"),
        ("gpt-realtime-global-standard", "", 1.0, ""),
        ("gpt-realtime-datazone-standard", "", 1.1, "data zone: 10%"),
        ("gpt-realtime-standard", "", 1.0, "list price; data zones"),
    ],
)
def test_azure_costs_more_in_a_data_zone(model: str, zone: str, factor: float, words: str) -> None:
    quote = TABLE.quote(model, AUTUMN, "azure", zone)

    assert quote.price is not None
    assert quote.factor == factor
    assert words in " ".join(quote.remarks)
    assert bool(words) == bool(quote.remarks)


def test_a_zone_is_azures_alone() -> None:
    assert TABLE.quote("gpt-realtime", AUTUMN, "openai", "eu").factor == 1.0


def test_voice_live_says_that_it_has_prices_of_its_own() -> None:
    quote = TABLE.quote("gpt-realtime-global-standard", AUTUMN, "voice-live")

    assert "prices of its own" in quote.remarks[0]


def test_a_day_before_all_prices_takes_the_nearest() -> None:
    table = read_prices(ROW.format("from = 2026-01-01"), "x")
    quote = table.quote("m", date(2025, 1, 1))

    assert quote.price is not None
    assert "the nearest is used" in quote.remarks[0]


# ── the user's own ─────────────────────────────────────────────────────────────────────────────────────────────────────

ROW = '[[price]]\nmodel = "m"\ntext_in = 1\n{}\n'


def test_a_users_row_replaces_all_of_that_model_and_leaves_the_others() -> None:
    mine = '[[price]]\nmodel = "gpt-realtime"\naudio_in = 1\ncontext = 64_000\n'
    table = read_prices(mine, "mine", is_users=True).over(TABLE)
    price = table.quote("gpt-realtime", AUTUMN).price

    assert price is not None
    assert price.is_users
    assert price.rate("audio", "in") == 1
    assert price.rate("text", "in") is None
    assert table.quote("gpt-realtime-2", AUTUMN) == TABLE.quote("gpt-realtime-2", AUTUMN)
    assert table.as_of == TABLE.as_of


def test_a_user_names_a_deployment_and_its_zone() -> None:
    mine = '[zones]\n"x.openai.azure.com" = "eu"\n[[price]]\nmodel = "my-dep"\nper_minute = 1\n'
    table = read_prices(mine, "mine").over(TABLE)

    assert table.zones == {"x.openai.azure.com": "eu"}
    assert table.quote("my-dep", AUTUMN).price is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("price = 1", "must be tables"),
        ("[[price", "not TOML"),
        ("prices = []", "prices is not a known key; use one of as_of"),
        ("[[price]]\ntext_in = 1", "price 1: model is missing"),
        (ROW.format("text_inn = 1"), "text_inn is not a known key of a price"),
        (ROW.format("text_out = -1"), "(m): text_out must be a number that is not negative"),
        (ROW.format("text_out = true"), "text_out must be a number"),
        (ROW.format("text_out = nan"), "text_out must be a number"),
        (ROW.format("text_out = 1" + "0" * 400), "text_out must be a number"),
        (ROW.format('text_out = "4"'), "text_out must be a number"),
        (ROW.format("context = 1.5"), "context must be a whole number of tokens, not 1.5"),
        (ROW.format('from = "2026-01-01"'), "from must be a day like 2026-11-27, without quotes"),
        (ROW.format("from = 2026-01-01T00:00:00"), "from must be a day"),
        (ROW.format("from = 2026-02-01\nuntil = 2026-01-01"), "is not before until"),
        (ROW.format("also = 'x'"), "also must be a list of names"),
        (ROW.format("source = 1"), "source must be a text"),
        ('[[price]]\nmodel = "m"', "it has no price"),
        (ROW.format("") * 2, "two prices of m hold on the same day"),
        (
            ROW.format("until = 2026-02-01") + ROW.format("from = 2026-01-01"),
            "two prices of m hold on the same day",
        ),
        ("zones = 1", "zones must be a table"),
        ('[zones]\nh = "mars"', "the zone of h must be one of global, us, eu"),
        ("as_of = 1", "as_of must be a day"),
        ("data_zone_factor = -1", "data_zone_factor must be a number"),
    ],
)
def test_a_bad_file_says_what_is_wrong_where(text: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_prices(text, "prices.toml")

    assert words in raised.value.message
    assert raised.value.message.startswith("prices.toml")
    assert raised.value.code == "bad_prices"
