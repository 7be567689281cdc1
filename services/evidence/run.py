"""Plans measured on candles, and what is made of them: evidence, or a check of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from backtesting.evidence.building import MeasuredMarket
from backtesting.evidence.checking import EvidenceCheck, check_markets
from backtesting.evidence.measuring import Span, measure_market
from domain.jobs import TellShare
from domain.trading.costs import MarketCosts
from features.indicators.technical_indicators import TechnicalIndicators
from rules.evidence.measured import MeasuredEvidence
from services.evidence.parameters import MeasuredCandles, MeasuringParameters
from services.job_candles.spans import require_candles_in


def measure(
    candles: Iterable[MeasuredCandles], count: int, parameters: MeasuringParameters, tell: TellShare
) -> list[MeasuredMarket]:
    """Return the plans of some markets, of each in every timeframe that is asked for.

    Args:
        candles: Of a market each; they are taken one after the other.
        count: How many there are.
        parameters: What is measured; candles after its end are not looked at.
        tell: Takes the progress.

    Raises:
        InvalidMarketData: a timeframe cannot be made from the candles.
        InsufficientData: a market has no candles in the time.
    """
    options, indicators = parameters.options, TechnicalIndicators(parameters.indicators)
    span = Span(options.since_ms, options.until_ms)
    found = []
    for at, (name, symbol, series) in enumerate(candles):
        require_candles_in(symbol, series, options.since_ms, options.until_ms)
        wanted = options.of_candles(series.timeframe)
        for number, timeframe in enumerate(wanted):
            own = series if timeframe is series.timeframe else series.resample(timeframe)
            longer = tuple(other for other in parameters.longer if other.ms > timeframe.ms)
            done, part = at / count, 1 / (count * len(wanted))

            def progress(
                share: float, begun: float = done + number * part, part: float = part, to: str = f"{symbol} {timeframe}"
            ) -> None:
                tell(f"judging {to}", min(begun + part * share, 1.0))

            found.append(measure_market(name, symbol, own, longer, span, parameters.analysis, indicators, progress))
    return found


def check_evidence(
    evidence: MeasuredEvidence, named: str, markets: Sequence[MeasuredMarket], costs: MarketCosts
) -> tuple[list[EvidenceCheck], dict[str, Any]]:
    """Return the checks of evidence against the results of plans, and the document of them.

    Args:
        evidence: What had stated them.
        named: Its name, for the reader.
        markets: Their plans.
        costs: Per change of position, of each market.

    Returns:
        The document has `evidence`, its name; `seen`, the share of plans by market that were made in the time of the
        candles that the evidence was measured on, which confirm nothing; and `markets`, the checks.
    """
    checks = check_markets(evidence, markets, costs)
    document = {
        "evidence": named,
        "seen": {
            f"{market.symbol} {market.timeframe}": share for market in markets if (share := _seen(evidence, market))
        },
        "markets": [checked.model_dump(mode="json") for checked in checks],
    }
    return checks, document


def _seen(evidence: MeasuredEvidence, market: MeasuredMarket) -> float:
    """Return the share of a market's plans made in the time of the candles that the evidence was measured on."""
    files, times = evidence.record(market.timeframe).files, market.samples.times_ms
    if not len(times):
        return 0.0
    first_ms, last_ms = min(file.first_ms for file in files), max(file.last_ms for file in files)
    return round(float(((times >= first_ms) & (times <= last_ms)).mean()), 4)
