"""Settings of backtests: the account, chance, and the record of what was tried."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, Positive, Section


class BacktestSettings(Section):
    """Capital in quote currency; paths are relative to the folder in which the service or the command starts."""

    capital: Positive
    sizing: Annotated[str, Field(description="fixed:SHARE, recommended, recommended:SHARE or risk:SHARE")]
    random_runs: Annotated[int, Field(ge=1, le=10_000)]
    seed: Annotated[int, Field(ge=0)]
    history_candles: Count
    trials_path: Annotated[str, Field(min_length=1)]
    key_file: Annotated[str, Field(min_length=1)]
