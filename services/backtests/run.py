"""One backtest: judgements, calls, trades, figures, chance, and the record of the trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from backtesting.figures.account import daily_returns
from backtesting.figures.buy_and_hold import buy_and_hold
from backtesting.figures.chance import random_entries
from backtesting.trading.calls import find_lane
from backtesting.trading.fills import closes_ms
from backtesting.trading.orders import Call, Simulation, TradedMarket
from backtesting.trading.recorded import RecordedAnswer, recorded_calls
from backtesting.trading.simulation import simulate
from backtesting.trials.registry import Trial, TrialRegistry
from backtesting.trials.run_card import digest_of, signed
from config.backtest_settings import BacktestSettings
from config.secrets.secret_file import SecretFile
from domain.arrays import FloatArray
from domain.errors import InsufficientData, InvalidRequest
from domain.jobs import JobProgress, TellProgress, TellShare
from domain.market import CandleSeries
from domain.values import utc_time
from services.backtests.judgements import Judged, judging_part, true_ranges
from services.backtests.markets import BacktestMarket, prepare
from services.backtests.parameters import BacktestParameters, lane_of
from services.backtests.result import Tested, data_card, figures_document, run_card
from utils.version import service_version

# Of the whole run; random entries take the rest.
JUDGING_SHARE = 0.7


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
    parameters: BacktestParameters,
    report: TellProgress,
    now: datetime,
    answers: Sequence[RecordedAnswer] = (),
    leaders: Sequence[tuple[str, CandleSeries]] = (),
) -> BacktestResult:
    """Return the result of a backtest, recorded as a trial and signed.

    Args:
        candles: Closed candles of a symbol and timeframe each.
        parameters: What is tested.
        report: Takes the progress.
        now: The server's clock, for the run card.
        answers: Recorded answers, for the lane that trades them.
        leaders: Candles of markets that are not traded, but lead some that are.

    Raises:
        InvalidRequest, InsufficientData, InvalidMarketData: candles or parameters are unfit; the message says why.
        ModelNotFound, ModelUnusable: the version of the lane cannot be loaded.
        ConfigurationError: the trial cannot be recorded, or the key of the signature is not usable.
    """
    # What would stop the run at its end is found before it begins.
    key = signing_key(parameters.backtests).secret()
    markets = prepare(candles, parameters, leaders)
    tested = _test(markets, parameters, answers, report)
    returns = daily_returns(tested.simulation.curve, tested.around_the_clock)
    data, chosen = data_card(markets, parameters), parameters.shown_settings
    if answers:
        chosen["answers"] = digest_of([answer.model_dump(mode="json") for answer in answers])
    trial = Trial(
        settings=digest_of(chosen),
        data=digest_of(data),
        lane=parameters.lane,
        symbols=tuple(market.symbol for market in markets),
        sharpe=returns.sharpe,
        days=len(returns.values),
        version=service_version(),
        at=now,
        timeframe=markets[0].traded,
        since=utc_time(int(tested.simulation.curve.times_ms[0])),
        until=utc_time(int(tested.simulation.curve.times_ms[-1])),
    )
    count = TrialRegistry(Path(parameters.backtests.trials_path)).record(trial)
    figures = figures_document(tested, parameters.lane, returns, count)
    document = {**figures, "run": run_card(chosen, trial, count, data, tested.seed)}
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
    markets: Sequence[BacktestMarket],
    parameters: BacktestParameters,
    answers: Sequence[RecordedAnswer],
    report: TellProgress,
) -> Tested:
    traded, moments = [], 0
    for number, market in enumerate(markets):
        first, calls, judged = _calls(
            market, parameters, answers, judging_part(report, JUDGING_SHARE, number, len(markets))
        )
        moments += judged
        series = market.series.part(first, len(market.series))
        traded.append(TradedMarket(market.symbol, series, calls, market.finer))
    report(JobProgress(stage="trading", share=JUDGING_SHARE))
    terms, settings = parameters.terms, parameters.backtests
    simulation = simulate(traded, terms)
    hold = buy_and_hold(traded, simulation.curve.times_ms, terms.costs)

    def tell(share: float) -> None:
        report(JobProgress(stage="random entries", share=JUDGING_SHARE + (1 - JUDGING_SHARE) * share))

    ranges = [
        true_ranges(market, parameters, len(played.series)) for market, played in zip(markets, traded, strict=True)
    ]
    chance = random_entries(traded, ranges, simulation, terms, settings.random_runs, settings.seed, tell)
    return Tested(traded, moments, simulation, hold, chance, settings.capital, settings.seed)


def _calls(
    market: BacktestMarket,
    parameters: BacktestParameters,
    answers: Sequence[RecordedAnswer],
    tell: TellShare,
) -> tuple[int, list[Call], int]:
    """Return the first candle at which the lane could speak, its calls counted from there, and how often it could.

    Raises:
        InvalidRequest: there is no recorded answer for the market.
        InsufficientData: there is no judgement, or no candle after it.
    """
    symbol, traded, series, lane = market.symbol, market.traded, market.series, lane_of(parameters.lane)
    if lane.kind == "llm":
        closes = closes_ms(series)
        first = max(parameters.analysis.min_candles - 1, int(np.searchsorted(closes, parameters.since_ms or 0)))
        moments = len(series) - first
        calls = [call for call in recorded_calls(answers, symbol, series, "llm") if call.position >= first]
        if moments > 1 and not calls:
            raise InvalidRequest(f"no recorded answer says Long or Short of {symbol} in the time of its candles")
    else:
        judged = Judged(market, parameters, tell)
        calls = list(find_lane(lane.name if lane.kind == "strategy" else lane.kind).calls(judged, traded))
        first, moments = judged.first, judged.moments
    if moments < 2 or len(series) - first < 3:
        raise InsufficientData(
            f"{symbol} {traded} is too short: in the time that is tested {max(moments, 0)} candles have "
            f"{parameters.analysis.min_candles} closed candles before them"
        )
    return first, [replace(call, position=call.position - first) for call in calls], moments
