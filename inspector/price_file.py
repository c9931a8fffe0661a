"""The prices in force: the user's own ``prices.toml`` beside the configuration file, over the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inspector import __version__
from inspector.analysis.prices import PriceTable, read_prices, shipped_prices
from inspector.errors import UsageError
from inspector.folders import config_file

if TYPE_CHECKING:
    from inspector.analysis.ledger import CostLedger
    from inspector.recording.format import Header

PRICES_FILE = "prices.toml"


def prices_here(tell: Callable[[str], None] | None = None) -> PriceTable:
    """Return the prices in force; the shipped ones if the user's own cannot be read.

    Args:
        tell: called with the reason if they cannot be used; None to ignore it.
    """
    try:
        return read_price_table()
    except UsageError as error:
        if tell is not None:
            tell(error.message)
        return shipped_prices()


def ledger_here(header: Header) -> CostLedger:
    """Return an empty ledger for a session, at the prices in force here on its day."""
    from inspector.analysis.ledger import CostLedger

    return CostLedger(prices_here(), header.day, model=header.model)


def price_stamp() -> str:
    """Return a text that changes whenever the prices may have changed; reads no prices."""
    try:
        stat = config_file().with_name(PRICES_FILE).stat()
    except OSError:
        return __version__
    return f"{__version__} {stat.st_size} {stat.st_mtime_ns}"


def read_price_table() -> PriceTable:
    """Return the prices: the user's, then those shipped with the program.

    Raises:
        UsageError: the user's file cannot be read or is invalid.
    """
    path = config_file().with_name(PRICES_FILE)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return shipped_prices()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {path}: {why}", code="bad_prices") from None
    return read_prices(text, str(path), is_users=True).over(shipped_prices())
