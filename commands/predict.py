"""`predict`: forecast from the newest closed candles of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.candles.reading import tell
from commands.console import show, working
from commands.manager import close_registry
from commands.options import CandleFile, Horizon, Json, Leader, ScopeSymbol, SeriesTimeframe
from commands.versions import choose_version, read_leader
from config.sources import load_settings
from domain.errors import InvalidRequest


def predict(
    file: CandleFile,
    symbol: ScopeSymbol = None,
    timeframe: SeriesTimeframe = None,
    leader: Leader = None,
    version: Annotated[str | None, typer.Option(help="Version; the one in production by default.")] = None,
    horizon: Horizon = None,
    as_json: Json = False,
) -> None:
    """Forecast the direction after the newest closed candle of a file."""
    settings = load_settings()
    with working() as now:
        now(f"reading {file.name}")
        registry = close_registry(settings, version, horizon)
        chosen = choose_version(registry, version, file, symbol, timeframe)

        from models.recalibration.recalibration_file import read_recalibrations
        from models.serving.forecasts import newest_forecast
        from models.serving.loaded_models import load_version
        from services.forecasts.leader_candles import newest_of_leader
        from services.forecasts.plans import ForecastPlans

        now(f"asking {chosen.version}")
        recalibrations = read_recalibrations(registry.root)
        loaded = load_version(registry, chosen.version)
        forecaster = loaded.recalibrated(recalibrations.in_force(chosen.version))
        led_by = None
        for candles in read_leader(forecaster.metadata, [chosen.symbol], chosen.series.timeframe, leader).values():
            led_by = newest_of_leader(candles, forecaster, chosen.series)
            if led_by is None:
                raise InvalidRequest(
                    f"{leader} does not reach the newest candle of {file.name}, or has too few before it"
                )
        bare = newest_forecast(forecaster, chosen.symbol, chosen.series, settings.models.serving, led_by)
        plans = ForecastPlans(settings.trading.costs, settings.indicators.atr_period)
        forecast = plans.with_plan(bare, forecaster.metadata.plans, chosen.series, float(chosen.series.closes[-1]))
    if not as_json:
        tell(file, chosen.read)

    from commands.tables.models import forecast_table

    time_ms = chosen.series.last_open_ms
    document = {**forecast.model_dump(mode="json"), "candle_ms": time_ms}
    show(document, forecast_table(forecast, time_ms), as_json)
