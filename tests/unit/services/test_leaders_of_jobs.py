"""Jobs that ask a pooled model read bitcoin beside other coins, as a live forecast of the same moment does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.analysis import DataSource
from domain.job_kinds import JobKind
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import utc_time
from models.registry.registries import Registries
from models.registry.registry import Registry
from models.serving.forecasts import newest_forecast
from models.serving.loaded_models import load_version
from services.backtests.forecasts import past_forecasts
from services.backtests.job import BacktestJobParameters
from services.backtests.job import run_job as run_backtest_job
from services.backtests.markets import prepare
from services.backtests.parameters import BacktestOptions
from services.backtests.service import BacktestService, PastJobRequest
from services.bias.job import run_lookahead
from services.bias.model_check import model_check
from services.bias.parameters import BiasParameters
from services.bias.service import BiasJobRequest, BiasService
from services.evaluating.job import run_job as run_evaluation_job
from services.evaluating.service import EvaluationJobRequest, EvaluationService
from services.job_candles.leaders import JobLeaders
from services.job_candles.requested import RequestedCandles
from services.market_data.market_data import MarketData
from tests.fixtures.clocks import SettableClock
from tests.fixtures.jobs import Jobs, ManualRunner, job_service, started
from tests.fixtures.leading import BITCOIN, COIN, add_led, kept
from tests.fixtures.settling import Shelf
from tests.fixtures.sources import FakeSource, chain

H1 = Timeframe.H1
CLOCK = SettableClock(utc_time(COIN.last_close_ms))
# Settled candles alone have a known return.
NEWEST = len(COIN) - 1


class Parts(NamedTuple):
    """What takes orders, and what it gave to the process of the job."""

    settings: Settings
    registry: Registry
    shelf: Shelf
    jobs: Jobs
    runner: ManualRunner

    @property
    def version(self) -> str:
        return add_led(self.registry, last_ms=int(COIN.times_ms[330])).version

    def leaders(self, market_data: MarketData | None = None) -> JobLeaders:
        return JobLeaders(market_data or chain(clock=CLOCK), self.shelf, self.settings, CLOCK)

    def candles(self, market_data: MarketData | None = None) -> RequestedCandles:
        return RequestedCandles(market_data or chain(clock=CLOCK), self.shelf, self.settings, CLOCK)

    def evaluations(self, market_data: MarketData | None = None) -> EvaluationService:
        leaders = self.leaders(market_data)
        return EvaluationService(self.jobs.service, self.candles(market_data), leaders, Registries(self.settings))

    async def parameters(self, number: int = 1) -> dict[str, Any]:
        """Return those of the newest job once there are as many, and let it end."""
        work = await started(self.runner, number)
        work.outcome.set_result({})
        return dict(work.parameters)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    backtests = {"trials_path": f"{tmp_path}/trials.jsonl", "key_file": f"{tmp_path}/key", "random_runs": 5}
    serving = {"long_probability": 0.51, "short_probability": 0.49}
    models = {"save_path": f"{tmp_path}/models", "shipped": False, "serving": serving}
    settings = load_settings(environment={}, overrides={"backtests": backtests, "models": models})
    runner = ManualRunner()
    async with job_service(tmp_path / "jobs.db", runner) as jobs:
        yield Parts(settings, Registry.of(settings.models), Shelf(), jobs, runner)


def post(shelf: Shelf, symbol: str, series: CandleSeries) -> None:
    shelf.candles[symbol, H1] = kept(series)


class Live:
    """Live forecasts of a version: at the close of a candle, of the candles up to it."""

    def __init__(self, parts: Parts, version: str) -> None:
        self.forecaster = load_version(parts.registry, version)
        self._serving = parts.settings.models.serving

    def said(self, position: int, leader: CandleSeries | None) -> float:
        beside = leader.part(0, position + 1) if leader else None
        known = COIN.part(0, position + 1)
        return newest_forecast(self.forecaster, "ETHUSDT", known, self._serving, beside).probability_up


@pytest.mark.parametrize("sent", [True, False], ids=["candles of the client", "candles of the store"])
async def test_an_evaluation_scores_what_live_forecasts_would_have_said(parts: Parts, sent: bool) -> None:
    version, service = parts.version, parts.evaluations()
    post(parts.shelf, "ETHUSDT", COIN)
    wanted = EvaluationJobRequest("ETHUSDT", version, candles=COIN.candles if sent else None)
    results = []
    for number, leader in enumerate((None, BITCOIN), 1):
        if leader is not None:
            post(parts.shelf, "BTCUSDT", leader)
        await service.submit(wanted)
        results.append(
            await asyncio.to_thread(run_evaluation_job, await parts.parameters(number), lambda _: None, CLOCK)
        )
    alone, led = results
    assert (alone["leader"], alone["led"], led["leader"]) == (None, 0, "BTCUSDT")
    assert led["led"] == led["metrics"]["count"]
    first = NEWEST - led["metrics"]["count"]
    live, rises = Live(parts, version), COIN.closes[first + 1 :] > COIN.closes[first:-1]
    for result, leader in ((alone, None), (led, BITCOIN)):
        said = np.array([live.said(at, leader) for at in range(first, NEWEST)])
        assert result["metrics"]["brier"] == pytest.approx(float(np.mean((said - rises) ** 2)), abs=1e-6)
    assert abs(led["metrics"]["brier"] - alone["metrics"]["brier"]) > 1e-4


async def test_a_leader_that_the_store_lacks_is_read_from_the_source_but_not_beside_candles_of_a_client(
    parts: Parts,
) -> None:
    def bitcoin(timeframe: Timeframe) -> list[Candle]:
        assert timeframe is H1
        return kept(BITCOIN)

    sources = chain(FakeSource(DataSource.BINANCE, bitcoin), clock=CLOCK)
    service, version = parts.evaluations(sources), parts.version
    await service.submit(EvaluationJobRequest("ETHUSDT", version, candles=COIN.candles))
    assert (await parts.parameters(1))["leaders"] == []
    post(parts.shelf, "ETHUSDT", COIN)
    await service.submit(EvaluationJobRequest("ETHUSDT", version))
    (leader,) = (await parts.parameters(2))["leaders"]
    assert (leader["symbol"], leader["candles"][-1][0]) == ("BTCUSDT", BITCOIN.last_open_ms)


async def test_a_backtest_trades_by_forecasts_beside_the_leader_which_it_does_not_trade(parts: Parts) -> None:
    version = parts.version
    post(parts.shelf, "BTCUSDT", BITCOIN)
    service = BacktestService(parts.jobs.service, parts.candles(), parts.leaders(), Registries(parts.settings), None)
    options = BacktestOptions(lane=f"model:{version}", timeframes=(H1,))
    await service.submit(PastJobRequest(("ETHUSDT",), options, {H1: COIN.candles}))
    parameters = await parts.parameters()
    order = BacktestJobParameters.model_validate(parameters)
    ((market, *others), leaders) = order.series, [(one.symbol, one.series) for one in order.leaders]
    assert (others, [symbol for symbol, _ in leaders]) == ([], ["BTCUSDT"])
    live = Live(parts, version)
    for given, leader in ((leaders, BITCOIN), ([], None)):
        (prepared,) = prepare([(market.symbol, market.series)], order.backtest, given)
        said = past_forecasts(prepared, version, order.backtest)
        for at in (340, 380, NEWEST):
            expected = live.said(at, leader)
            assert said[int(COIN.closes_ms[at])].probability_up == pytest.approx(expected, abs=1e-6)
    assert abs(live.said(380, BITCOIN) - live.said(380, None)) > 1e-3
    led = await asyncio.to_thread(run_backtest_job, parameters, lambda _: None, CLOCK)
    assert led["symbols"] == ["ETHUSDT"]
    assert {one["symbol"] for one in led["run"]["data"]["series"]} == {"ETHUSDT", "BTCUSDT"}
    alone = await asyncio.to_thread(run_backtest_job, parameters | {"leaders": []}, lambda _: None, CLOCK)
    assert led["final_equity"] != alone["final_equity"]
    assert led["run"]["data_hash"] != alone["run"]["data_hash"]


async def test_the_lanes_that_ask_no_model_look_for_no_leader(parts: Parts) -> None:
    post(parts.shelf, "BTCUSDT", BITCOIN)
    service = BacktestService(parts.jobs.service, parts.candles(), parts.leaders(), Registries(parts.settings), None)
    await service.submit(PastJobRequest(("ETHUSDT",), BacktestOptions(lane="rules"), {H1: COIN.candles}))
    assert (await parts.parameters())["leaders"] == []


async def test_bias_is_looked_for_in_forecasts_beside_the_leader(parts: Parts) -> None:
    version = parts.version
    post(parts.shelf, "BTCUSDT", BITCOIN)
    market_data = chain(clock=CLOCK)
    service = BiasService(
        parts.jobs.service, market_data, parts.shelf, parts.leaders(), Registries(parts.settings), CLOCK
    )
    options = BiasJobRequest(JobKind.BIAS_LOOKAHEAD, "ETHUSDT", version=version, moments=1, candles=COIN.candles)
    await service.submit(options)
    order = await parts.parameters()
    (leader,) = BiasParameters.model_validate(order).leaders
    live, at = Live(parts, version), np.array([340, 380, NEWEST])
    for beside in (leader.series, None):
        said = model_check(live.forecaster, beside).measure(COIN, at)[version]
        expected = [live.said(position, BITCOIN if beside else None) for position in at]
        assert said == pytest.approx(expected, abs=1e-6)
    found = await asyncio.to_thread(run_lookahead, order, lambda _: None, CLOCK)
    assert (found["checked_by_kind"]["model"], found["culprits"]) == (1, [])
