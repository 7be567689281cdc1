"""Orders of trainings: as JSON to the job and back."""

from __future__ import annotations

import math

from config.sources import load_settings
from domain.forecasting import ModelType
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from services.job_candles.series import candle_rows
from services.training.parameters import TrainingParameters
from tests.fixtures.clocks import SettableClock
from tests.fixtures.yahoo_charts import YahooMarket


def test_candles_of_unknown_volume_come_back_in_the_sessions_of_their_market() -> None:
    now_ms = round(SettableClock().now().timestamp() * 1000)
    rows = YahooMarket(SettableClock()).rows(Timeframe.H1, now_ms - 60 * 86_400_000, now_ms)[:-1]
    unknown = [Candle(*candle[:5], math.nan) for candle in rows[:50]]
    series = with_sessions("AAPL", CandleSeries.ordered(Timeframe.H1, [*unknown, *rows[50:]]))
    settings = load_settings(environment={})
    parameters = TrainingParameters(
        symbol="AAPL",
        timeframe=Timeframe.H1,
        model_type=ModelType.LOGISTIC,
        candles=candle_rows(series),
        features=settings.features,
        indicators=settings.indicators,
        models=settings.models,
    )
    found = TrainingParameters.model_validate_json(parameters.model_dump_json()).series
    assert found.sessions == series.sessions
    assert not found.sessions.continuous
    assert found.missing == 0
    assert found.digest == series.digest
