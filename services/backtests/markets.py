"""The candles of a backtest: timeframes of each market, the one that is traded, and what makes them unfit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backtesting.past.market import PastMarket
from domain.continuity import newest_break
from domain.errors import InsufficientData, InvalidMarketData, InvalidRequest
from domain.market import CandleSeries, Timeframe
from domain.naming.leaders import leader_among
from domain.session_finder import with_sessions
from domain.values import minute_text
from services.backtests.parameters import BacktestParameters
from services.job_candles.spans import require_candles_in
from services.market_data.longer_timeframes import higher_timeframes


@dataclass(frozen=True)
class BacktestMarket:
    """The candles of one market.

    Attributes:
        past: The timeframes that are read.
        traded: The timeframe that is traded: judgements are made at its closes.
        finer: Candles of a shorter timeframe, which tell whether stop or target was reached first; None without any.
        leader: Candles of the traded timeframe of what leads the market, where these are known.
    """

    past: PastMarket
    traded: Timeframe
    finer: CandleSeries | None
    leader: CandleSeries | None = None

    @property
    def symbol(self) -> str:
        """Name of the market."""
        return self.past.symbol

    @property
    def series(self) -> CandleSeries:
        """The candles that are traded."""
        return self.past.series[self.traded]


def prepare(
    candles: Sequence[tuple[str, CandleSeries]],
    parameters: BacktestParameters,
    leaders: Sequence[tuple[str, CandleSeries]] = (),
) -> list[BacktestMarket]:
    """Return the markets of some series, several of one symbol as its timeframes.

    Args:
        candles: Closed candles of a symbol and timeframe each.
        parameters: Timeframes and the time.
        leaders: Closed candles of markets that are not traded, but may lead one.

    Raises:
        InvalidRequest: a symbol and timeframe twice, or a timeframe that cannot be made.
        InsufficientData: too few candles, or none in the time.
        InvalidMarketData: a market breaks off.
    """
    by_symbol: dict[str, dict[Timeframe, CandleSeries]] = {}
    for symbol, series in candles:
        given = by_symbol.setdefault(symbol, {})
        if series.timeframe in given:
            raise InvalidRequest(f"there are {series.timeframe} candles of {symbol} twice")
        given[series.timeframe] = _cut(symbol, series, parameters)
    markets = {symbol: _market(symbol, given, parameters) for symbol, given in by_symbol.items()}
    others = {symbol: PastMarket(symbol, {series.timeframe: series}) for symbol, series in leaders if len(series)}
    return [replace(market, leader=_leader(market, markets, others)) for market in markets.values()]


def _leader(
    market: BacktestMarket, markets: Mapping[str, BacktestMarket], others: Mapping[str, PastMarket]
) -> CandleSeries | None:
    if traded := leader_among(market.symbol, markets):
        return traded.past.series.get(market.traded)
    other = leader_among(market.symbol, others)
    return other.with_longer(market.traded).series[market.traded] if other else None


def _cut(symbol: str, series: CandleSeries, parameters: BacktestParameters) -> CandleSeries:
    known = with_sessions(symbol, series)
    if not len(known):
        raise InsufficientData(f"{symbol} {series.timeframe} has no closed candle")
    require_candles_in(symbol, known, parameters.since_ms, parameters.until_ms)
    return known if parameters.until_ms is None else known.closed_by(parameters.until_ms)


def _market(symbol: str, given: Mapping[Timeframe, CandleSeries], parameters: BacktestParameters) -> BacktestMarket:
    shortest = min(given, key=lambda timeframe: timeframe.ms)
    if parameters.timeframes:
        wanted = PastMarket(symbol, given).with_longer(*parameters.timeframes).series
        read = {timeframe: wanted[timeframe] for timeframe in parameters.timeframes}
        traded = parameters.timeframes[0]
    else:
        read = dict(given) if len(given) > 1 else higher_timeframes(given[shortest])
        traded = shortest
    needed = parameters.analysis.min_candles
    series = read[traded]
    if len(series) <= needed:
        raise InsufficientData(
            f"{symbol} {traded} is too short: a backtest needs more than {needed} closed candles, "
            f"received {len(series)}"
        )
    _require_unbroken(symbol, series, parameters)
    return BacktestMarket(PastMarket(symbol, read), traded, given[shortest] if shortest.ms < traded.ms else None)


def _require_unbroken(symbol: str, series: CandleSeries, parameters: BacktestParameters) -> None:
    """Refuse a series with a break across which no position has a value; shorter holes are accepted.

    Raises:
        InvalidMarketData: prices jump as by a split, or the market stops for longer than an analysis looks back.
    """
    tested = series
    if parameters.since_ms is not None:
        tested = series.part(int((series.times_ms < parameters.since_ms).sum()), len(series))
    found = newest_break(tested, parameters.analysis.window_candles) if len(tested) else None
    if found is not None:
        raise InvalidMarketData(
            f"{symbol} {series.timeframe} breaks off at {minute_text(found.opened_ms)}: {found.words}; "
            "test the time before it (until) or after it (since), or adjust the prices"
        )
