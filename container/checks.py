"""Checks of the settings before anything has started."""

from __future__ import annotations

from config.settings import Settings
from container.tracing import check_tracing
from services.evidence_file import open_weigher
from services.market_data.sources.opening import check_sources
from services.notices.channels import open_channels
from storage.factory import build_engine_candles, build_store


def check_adapters(settings: Settings) -> None:
    """Refuse settings that no adapter can be made of, before anything has started.

    Raises:
        ConfigurationError: one line that names the setting.
    """
    check_tracing(settings.tracing)
    build_store(settings.storage)
    check_sources(settings.market_data)
    open_weigher(settings.trading)
    open_channels(settings.notices.urls)
    if "engine_db" in settings.market_data.sources:
        build_engine_candles(settings.storage)
