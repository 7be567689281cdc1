"""Which models the service asks by itself, so that their forecasts can be compared with later prices."""

from __future__ import annotations

from config.settings import Settings
from domain.forecasting import ANY_SYMBOL
from domain.market import Timeframe
from models.registry.registries import RegistryKey
from services.ledger.followed_forecasts import is_followed


def shadows_first(settings: Settings, key: RegistryKey, symbol: str, timeframe: Timeframe) -> bool:
    """Return whether what the service trains by itself shadows the model in production before it may replace it.

    Models of further horizons are compared on the markets of the loop alone, and plan models are not compared at all.

    Args:
        settings: Of the service.
        key: Registry of the version.
        symbol: Whose model it is, `*` for the pooled one.
        timeframe: Of its candles.
    """
    if settings.models.shadow_forecasts == 0 or key.target == "plan":
        return False
    if not is_followed(key, key.horizon or settings.features.horizon_candles):
        return True
    in_loop = symbol == ANY_SYMBOL or symbol in settings.analysis.symbols
    return settings.periodic.enabled and in_loop and timeframe in settings.market_data.timeframes
