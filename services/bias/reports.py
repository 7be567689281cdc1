"""What the bias tools find, as plain values: the same for commands and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtesting.bias.checks import BiasCheck
from backtesting.bias.indicators import catalogue_checks, feature_checks, rule_indicator_check
from backtesting.bias.lookahead import find_lookahead
from backtesting.bias.past import past_check
from backtesting.bias.recursive import HistoryNeed, longest_stretch, measure_history
from backtesting.bias.rules import Frames, rule_check
from config.settings import AnalysisSettings, IndicatorSettings
from domain.jobs import TellShare
from domain.market import CandleSeries, Timeframe
from features.indicators.technical_indicators import TechnicalIndicators
from models.serving.forecaster import Forecaster
from services.bias.model_check import model_check
from services.market_data.longer_timeframes import higher_timeframes


@dataclass(frozen=True)
class BiasSubject:
    """What is checked, and on which candles.

    Attributes:
        symbol: Market; None where it is not known.
        series: Closed candles, oldest first.
        forecaster: A model to check too.
        leader: Closed candles of what leads the market, where the model reads them and they are known.
    """

    symbol: str | None
    series: CandleSeries
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    forecaster: Forecaster | None = None
    leader: CandleSeries | None = None


def lookahead_report(subject: BiasSubject, moments: int, tell: TellShare) -> dict[str, Any]:
    """Return what looks ahead: rules and past judgements read the timeframe of the candles and longer ones made of it.

    Returns:
        `checked`, a number of values and `checked_by_kind`; `moments`; `culprits`, each with `kind, name, opened_ms,
        with_future, without_future`.

    Raises:
        InsufficientData: too few candles.
    """
    checks = [*_checks(subject, subject.analysis, higher_timeframes), _past_check(subject)]
    found = find_lookahead(checks, subject.series, moments, tell)
    culprits = [
        {
            "kind": culprit.kind.value,
            "name": culprit.name,
            "opened_ms": culprit.opened_ms,
            "with_future": culprit.with_future,
            "without_future": culprit.without_future,
        }
        for culprit in found.culprits
    ]
    return {
        **_market(subject.symbol, subject.series),
        "checked": sum(found.checked.values()),
        "checked_by_kind": {kind.value: count for kind, count in found.checked.items()},
        "moments": found.moments,
        "culprits": culprits,
    }


def history_report(subject: BiasSubject, tell: TellShare) -> dict[str, Any]:
    """Return how much history each value needs; the rules read one timeframe, as many candles as they are given.

    Returns:
        `history`, each with `kind, name, needed_candles, unit, errors`; the candles are the longest stretch without
        a break.

    Raises:
        InsufficientData: too few candles.
    """
    series = longest_stretch(subject.series)
    # Otherwise no history longer than the window would be read.
    analysis = subject.analysis.model_copy(update={"window_candles": len(series)})
    needs = measure_history(_checks(subject, analysis, _alone), series, tell)
    return {**_market(subject.symbol, series), "history": list(map(_need, needs))}


def _past_check(subject: BiasSubject) -> BiasCheck:
    """Return the check of past judgements, which need as much history as the rules."""
    indicators = TechnicalIndicators(subject.indicators)
    return past_check(_judged(subject.analysis, subject.series), indicators, higher_timeframes)


def _judged(analysis: AnalysisSettings, series: CandleSeries) -> AnalysisSettings:
    return analysis.model_copy(update={"primary_timeframes": (series.timeframe,)})


def _checks(subject: BiasSubject, analysis: AnalysisSettings, frames: Frames) -> list[BiasCheck]:
    indicators = TechnicalIndicators(subject.indicators)
    return [
        *catalogue_checks(),
        *feature_checks(),
        rule_indicator_check(indicators),
        rule_check(_judged(analysis, subject.series), indicators, frames),
        *([model_check(subject.forecaster, subject.leader)] if subject.forecaster else []),
    ]


def _alone(series: CandleSeries) -> Mapping[Timeframe, CandleSeries]:
    return {series.timeframe: series}


def _market(symbol: str | None, series: CandleSeries) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "timeframe": series.timeframe.value,
        "candles": len(series),
        "first_ms": int(series.times_ms[0]),
        "last_ms": int(series.times_ms[-1]),
    }


def _need(need: HistoryNeed) -> dict[str, Any]:
    return {
        "kind": need.kind.value,
        "name": need.name,
        "needed_candles": need.needed_candles,
        "unit": need.unit.value,
        "errors": {str(length): error for length, error in need.errors.items()},
    }
