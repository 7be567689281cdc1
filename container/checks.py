"""Checks of the settings before anything has started."""

from __future__ import annotations

import os

from loguru import logger

from config.settings import Settings
from config.sources import misspelled_names
from container.tracing import check_tracing
from services.evidence.file import open_weigher
from services.market_data.sources.opening import check_sources
from services.notices.channels import open_channels
from storage.factory import build_engine_candles, build_store
from utils.http_client import http_client


def check_adapters(settings: Settings) -> None:
    """Refuse settings, proxies and certificates that no adapter can be made of, before anything has started.

    Raises:
        ConfigurationError: one line that names the setting.
    """
    check_tracing(settings.tracing)
    build_store(settings.storage)
    check_sources(settings.market_data)
    open_weigher(settings.trading)
    open_channels(settings.notices.urls)
    http_client()
    if "engine_db" in settings.market_data.sources:
        build_engine_candles(settings.storage)


def warn_of_misspelled_names() -> None:
    """Log each variable of the environment that has no effect and is named nearly like a setting."""
    for name, meant in misspelled_names(os.environ).items():
        logger.warning(f"the variable {name} has no effect: is {meant} meant?")
