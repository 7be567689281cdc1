"""One backtest: judgements, calls, trades, figures, chance, and the record of the trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from backtesting.figures.account import daily_returns
from backtesting.figures.buy_and_hold import buy_and_hold
from backtesting.figures.chance import random_entries
from backtesting.past.judging import judge_past
from backtesting.trading.orders import Call, Simulation, TradedMarket
from backtesting.trading.simulation import simulate
from backtesting.trials.registry import Trial, TrialRegistry
from backtesting.trials.run_card import digest_of, signed
from config.backtest_settings import BacktestSettings
from config.secret_file import SecretFile
from config.version import service_version
from domain.arrays import FloatArray
from domain.errors import InsufficientData
from domain.jobs import JobProgress
from domain.market import CandleSeries
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from features.kernels.volatility import average_true_range
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.opinions import StoredAnswer, caller_of, past_forecasts
from services.backtests.order import BacktestOrder, lane_of
from services.backtests.result import Tested, data_card, result_document

Report = Callable[[JobProgress], None]
# Of the whole run; random entries take the rest.
JUDGING_SHARE = 0.7
# Judgements from one report of the progress to the next.
_REPORTED = 100


@dataclass(frozen=True)
class BacktestResult:
    """The result as JSON-like values, and what pictures and files are made of.

    Attributes:
        document: Signed; docs/backtesting.md has its keys.
        hold: Value of 1 invested in the markets, at the moments of the curve.
    """

    document: dict[str, Any]
    simulation: Simulation
    hold: FloatArray


def run_backtest(
    candles: Sequence[tuple[str, CandleSeries]],
    order: BacktestOrder,
    report: Report,
    now: datetime,
    answers: Sequence[StoredAnswer] = (),
) -> BacktestResult:
    """Return the result of a backtest, recorded as a trial and signed.

    Args:
        candles: Closed candles of a symbol and timeframe each.
        order: What is tested.
        report: Takes the progress.
        now: The server's clock, for the run card.
        answers: Recorded answers, for the lane that trades them.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or order are unfit; the message says why.
        ModelNotFound, ModelUnusable: the version of the lane cannot be loaded.
        ConfigurationError: the trial cannot be recorded, or the key of the signature is not usable.
    """
    # What would stop the run at its end is found before it begins.
    key = signing_key(order.backtests).secret()
    markets = prepare(candles, order)
    tested = _test(markets, order, answers, report)
    returns = daily_returns(tested.simulation.curve, tested.around_the_clock)
    data = data_card(markets, order)
    trial = Trial(
        settings=digest_of(order.shown_settings),
        data=digest_of(data),
        lane=order.lane,
        symbols=tuple(market.symbol for market in markets),
        sharpe=returns.sharpe,
        days=len(returns.values),
        version=service_version(),
        at=now,
    )
    count = TrialRegistry(Path(order.backtests.trials_path)).record(trial)
    document = result_document(tested, order, returns, trial, count, data)
    return BacktestResult(signed(document, key), tested.simulation, tested.hold)


def signing_key(settings: BacktestSettings) -> SecretFile:
    """Return the file of the key with which results are signed."""
    path = Path(settings.key_file)
    elsewhere = "set backtests.key_file to a file that can be written"
    return SecretFile(
        path,
        name="key of backtests",
        remedy="delete it, and the next backtest makes a new one, with which earlier results are not verified",
        instead=elsewhere,
        elsewhere=elsewhere,
    )


def _test(
    markets: Sequence[BacktestMarket], order: BacktestOrder, answers: Sequence[StoredAnswer], report: Report
) -> Tested:
    traded, moments = [], 0
    for number, market in enumerate(markets):
        first, calls, judged = _calls(market, order, answers, _part(report, number, markets))
        moments += judged
        series = market.series.part(first, len(market.series))
        traded.append(TradedMarket(market.symbol, series, calls, market.finer))
    report(JobProgress(stage="trading", share=JUDGING_SHARE))
    terms, settings = order.terms, order.backtests
    simulation = simulate(traded, terms)
    hold = buy_and_hold([market.series for market in traded], simulation.curve.times_ms, terms.costs)

    def tell(share: float) -> None:
        report(JobProgress(stage="random entries", share=JUDGING_SHARE + (1 - JUDGING_SHARE) * share))

    ranges = [_ranges(market, played, order) for market, played in zip(markets, traded, strict=True)]
    chance = random_entries(traded, ranges, simulation, terms, settings.random_runs, settings.seed, tell)
    return Tested(traded, moments, simulation, hold, chance)


def _calls(
    market: BacktestMarket,
    order: BacktestOrder,
    answers: Sequence[StoredAnswer],
    tell: Callable[[str, float], None],
) -> tuple[int, list[Call], int]:
    """Return the first candle at which there is a judgement, the calls counted from it, and the judgements.

    Raises:
        InsufficientData: there is no judgement, or no candle after it.
    """
    symbol, traded = market.symbol, market.traded
    first, judged, calls = -1, 0, list[Call]()
    lane = lane_of(order.lane)
    caller = caller_of(market, lane, answers)
    forecasts = past_forecasts(market, lane.name, order.models) if lane.kind in {"model", "blend"} else None
    blend = "weighted" if lane.kind == "blend" else "advise"
    past = judge_past(
        market.past,
        order.analysis.model_copy(update={"primary_timeframes": (traded,), "blend": blend}),
        TechnicalIndicators(order.indicators),
        since_ms=order.since_ms,
        until_ms=order.until_ms,
        forecasts=forecasts,
    )
    for judgement in past:
        if first < 0:
            first = judgement.position
        if judged % _REPORTED == 0:
            tell(f"judging {symbol} {traded}", (judgement.position - first) / len(market.series))
        judged += 1
        if (call := caller(judgement)) is not None:
            calls.append(replace(call, position=call.position - first))
    if judged < 2 or len(market.series) - first < 3:
        raise InsufficientData(
            f"{symbol} {traded} is too short: in the time that is tested {judged} candles have "
            f"{order.analysis.min_candles} closed candles before them"
        )
    return first, calls, judged


def _part(report: Report, number: int, markets: Sequence[BacktestMarket]) -> Callable[[str, float], None]:
    """Return a report of one market's part of the judging."""

    def tell(stage: str, share: float) -> None:
        done = (number + min(share, 1.0)) / len(markets)
        report(JobProgress(stage=stage, share=JUDGING_SHARE * done))

    return tell


def _ranges(market: BacktestMarket, traded: TradedMarket, order: BacktestOrder) -> FloatArray:
    """Return the average true range at each traded candle, measured from the first candle on; NaN in its warm-up."""
    known = average_true_range(Candles(market.series.values.T), order.indicators.atr_period)
    ranges = np.concatenate((np.full(len(market.series) - len(known), np.nan), known))
    return ranges[len(ranges) - len(traded.series) :]
