"""Trends: by the rules, refined by a model that looks as far as a trend reaches, and in time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.forecasting import ModelType
from domain.ledger.entries import LedgerLane
from domain.market import Candle, Timeframe
from domain.values import Signal, epoch_ms
from models.architectures.outputs import RETURNS
from models.evaluation.calibration import Calibration
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts
from rules.evidence.weighing import UNMEASURED
from rules.technical import TechnicalAnalyst
from services.evidence.in_use import EvidenceInUse
from services.market_data.market_data import MarketData
from services.market_data.sources.simulation import candles_from_returns, simulate_returns
from services.market_reader import MarketReader
from services.trends import Trend, Trends
from tests.fixtures.clocks import NOW
from tests.fixtures.forecasting import Models, put_in_production
from tests.fixtures.histories import ANALYSIS, INDICATORS
from tests.fixtures.patience import eventually
from tests.fixtures.recording import Written, make_recorder
from tests.fixtures.sources import SYMBOL, FakeSource, chain

pytest_plugins = ["tests.fixtures.registry"]

H4 = Timeframe.H4
Ask = Callable[[float], Trends]


def drifting(drift: float) -> Callable[[Timeframe], list[Candle]]:
    """Return the behavior of a source with a trend, in standard deviations per candle."""

    def behavior(timeframe: Timeframe) -> list[Candle]:
        rng = np.random.default_rng(3)
        first = epoch_ms(NOW) // timeframe.ms * timeframe.ms - 100 * timeframe.ms
        return candles_from_returns(rng, simulate_returns(rng, 101, 0.003, drift), 100.0, first, timeframe)

    return behavior


@pytest.fixture
async def executor() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def models(registry: Registry, executor: ThreadPoolExecutor) -> Models:
    return Models(registry, executor)


def asking(
    models: Models,
    market_data: MarketData,
    executor: ThreadPoolExecutor,
    written: Written | None = None,
    **seconds: float,
) -> Trends:
    recorder = make_recorder(written or Written(), models.clock)
    reader = MarketReader(INDICATORS, models.forecasting, ANALYSIS, EvidenceInUse(UNMEASURED), models.clock, executor)
    fetch, model = seconds.get("fetch_seconds", 10.0), seconds.get("model_seconds", 10.0)
    return Trends(
        models.forecasting,
        market_data,
        reader,
        TechnicalAnalyst(),
        recorder,
        lambda: None,
        models.clock,
        fetch_seconds=fetch,
        model_seconds=model,
    )


async def trend_of(
    models: Models, executor: ThreadPoolExecutor, drift: float, written: Written | None = None, **seconds: float
) -> Trend:
    market_data = chain(FakeSource(DataSource.BINANCE, drifting(drift)), clock=models.clock)
    return await asking(models, market_data, executor, written, **seconds).of(SYMBOL, H4, trusted=True)


def expecting(returns: Sequence[float]) -> Callable[[Forecaster, FeatureRows], Forecasts]:
    """Return a run of a model that forecasts these returns over its four horizons."""

    def run(model: Forecaster, rows: FeatureRows) -> Forecasts:
        answers = model.forecast(rows)
        raw = answers.raw.copy()
        raw[:, RETURNS] = returns
        return replace(answers, raw=raw)

    return run


def put_patchtst_in_production(registry: Registry) -> str:
    horizons = {"outputs": "multi_horizon", "horizons_candles": (1, 4, 16, 48), "horizon_candles": 4}
    return put_in_production(registry, ModelType.PATCHTST, timeframe=H4, **horizons)


async def test_a_trend_waits_for_no_source(models: Models, executor: ThreadPoolExecutor) -> None:
    hanging, working = FakeSource(DataSource.ENGINE), FakeSource(DataSource.BINANCE)
    hanging.hanging = set(Timeframe)
    market_data = chain(hanging, working, clock=models.clock, timeout_seconds=0.05)
    asked = asking(models, market_data, executor, fetch_seconds=0.01)
    with pytest.raises(MarketDataUnavailable, match="no source gave 4h candles of BTCUSDT within"):
        await asked.of(SYMBOL, H4, trusted=True)
    await eventually(lambda: market_data.health()["binance"] is True)  # it went on, and knows better now
    trend = await asking(models, market_data, executor).of(SYMBOL, H4, trusted=True)
    assert (trend.model, trend.source_data, trend.at) == ("technical-rules", DataSource.BINANCE, models.clock.now())
    assert hanging.calls == [H4]


@pytest.mark.parametrize(("drift", "signal"), [(0.4, Signal.LONG), (-0.4, Signal.SHORT)])
async def test_the_probability_of_one_candle_changes_no_trend(
    models: Models, executor: ThreadPoolExecutor, registry: Registry, drift: float, signal: Signal
) -> None:
    by_rules = await trend_of(models, executor, drift)
    assert (by_rules.signal, by_rules.model) == (signal, "technical-rules")
    assert by_rules.confidence > 0.45
    for probability in (0.52, 0.01, 0.99):
        always = Calibration(kind="isotonic", points=((0.0, probability), (1.0, probability)))
        put_in_production(registry, timeframe=H4, calibration=always, seed=round(100 * probability))
        models.look_again()
        found = await trend_of(models, executor, drift)
        assert found.opinion.forecast is not None
        assert found.opinion.forecast.probability_up == probability
        assert found == replace(by_rules, at=models.clock.now(), opinion=found.opinion)


@pytest.mark.parametrize(
    ("returns", "left"),
    [
        ((-0.01, 0.01, 0.02, 0.03), 1.0),  # that of one candle does not count
        ((0.01, 0.01, 0.02, -0.03), 5 / 6),
        ((0.01, 0.01, -0.02, -0.03), 4 / 6),
        ((0.01, -0.01, -0.02, -0.03), 1 / 2),
        ((0.01, 0.0, 0.0, 0.0), 1 / 2),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
async def test_a_model_that_looks_further_lowers_the_confidence_and_never_turns_the_trend(
    models: Models,
    executor: ThreadPoolExecutor,
    registry: Registry,
    returns: Sequence[float],
    left: float,
    side: int,
) -> None:
    by_rules = await trend_of(models, executor, side * 0.4)
    version = put_patchtst_in_production(registry)
    models.look_again()
    models.run = expecting([side * value for value in returns])
    written = Written()
    refined = await trend_of(models, executor, side * 0.4, written)
    assert (refined.signal, refined.model) == (by_rules.signal, f"technical-rules+{version}")
    assert refined.confidence == pytest.approx(by_rules.confidence * left, abs=1e-4)
    blend, rules = written.of(LedgerLane.BLEND), written.of(LedgerLane.RULES)
    assert (blend.given, blend.side, blend.confidence) == (True, refined.signal, refined.confidence)
    assert (rules.given, rules.side, rules.confidence) == (False, by_rules.signal, by_rules.confidence)
    assert written.of(LedgerLane.MODEL).given is False


async def test_no_model_makes_a_trend(models: Models, executor: ThreadPoolExecutor, registry: Registry) -> None:
    put_patchtst_in_production(registry)
    models.run = expecting([1.0, 1.0, 1.0, 1.0])
    found = await trend_of(models, executor, 0.0)
    assert (found.signal, found.model) == (Signal.NEUTRAL, "technical-rules")
    assert found.opinion.forecast is not None
    assert found.opinion.forecast.expected_returns[4] > 0


async def test_a_trend_waits_for_no_model(models: Models, executor: ThreadPoolExecutor, registry: Registry) -> None:
    put_patchtst_in_production(registry)
    released, expected = Event(), expecting([-1.0, -1.0, -1.0, -1.0])

    def hang(model: Forecaster, rows: FeatureRows) -> Forecasts:
        released.wait(60)
        return expected(model, rows)

    models.run = hang
    try:
        found = await trend_of(models, executor, 0.4, model_seconds=0.01)
    finally:
        released.set()
    assert (found.signal, found.model) == (Signal.LONG, "technical-rules")
