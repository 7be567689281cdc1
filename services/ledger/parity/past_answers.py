"""An answer of the past, given again from the candles that it was given from."""

from __future__ import annotations

from collections.abc import Mapping

from cachetools import LRUCache

from config.settings import Settings
from domain.analysis import Analysis, DataSource, MarketSnapshot, replay
from domain.continuity import newest_break
from domain.errors import InsufficientData, InvalidRequest, MarketDataUnavailable
from domain.forecasting import Forecast
from domain.ledger.entries import LedgerEntry
from domain.market import CandleSeries, Timeframe
from domain.trading.costs import SIDES_OF_A_TRADE, Costs
from domain.values import epoch_ms
from services.ledger.replays.past_candles import PastCandles, earliest_ms
from services.ledger.replays.replayer import ReplayedJudgement, Replayer

# Markets whose candles are kept while a day is replayed.
_MARKETS = 128
_SAME_COSTS_BPS = 1e-6


class PastAnswers:
    """Replays the answers of one stretch of time; each market's candles are read once."""

    def __init__(
        self, replayer: Replayer, candles: PastCandles, settings: Settings, since_ms: int, until_ms: int
    ) -> None:
        """Keep the parts; answers are of the time from `since_ms` to `until_ms`, epoch ms."""
        self._replayer = replayer
        self._candles = candles
        self._window = settings.analysis.window_candles
        self._usual = settings.trading.costs
        self._since_ms = since_ms
        self._until_ms = until_ms
        self._known: LRUCache[tuple[DataSource, str, Timeframe], CandleSeries] = LRUCache(_MARKETS)

    async def again(self, entry: LedgerEntry, archived: Analysis) -> ReplayedJudgement | None:
        """Return the answer to the same candles, price, strategies and costs; None where the candles are gone.

        Args:
            entry: Of the answer, in any lane.
            archived: The answer itself, which has timeframes, their numbers of candles, and strategies.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        # An LLM's answer is known later than its candles were read.
        moment_ms = epoch_ms(archived.generated_at)
        try:
            series = await self._series(entry, archived, moment_ms)
            market = replay(entry.symbol, series, moment_ms)
            snapshot = MarketSnapshot(
                entry.symbol,
                market.series,
                entry.price,
                market.volume_24h,
                entry.source_data,
                moment_ms,
                await self._leader(entry, archived.forecast),
            )
            strategies = tuple((archived.rules or archived).strategy_scores)
            again = await self._replayer.judge(snapshot, moment_ms, strategies, self._costs(entry))
        except (MarketDataUnavailable, InsufficientData, InvalidRequest):
            return None
        read = {timeframe: len(part.series) for timeframe, part in again.judgement.context.timeframes.items()}
        same = read == _numbers(archived) and again.analysis.timeframe is entry.timeframe
        same = same and _leader_of(again.analysis.forecast) == _leader_of(archived.forecast)
        return again if same and again.judgement.context.main.series.last_close_ms == entry.closed_ms else None

    async def _series(self, entry: LedgerEntry, archived: Analysis, moment_ms: int) -> dict[Timeframe, CandleSeries]:
        series: dict[Timeframe, CandleSeries] = {}
        for timeframe, count in _numbers(archived).items():
            known = (await self._of_market(entry.source_data, entry.symbol, timeframe)).closed_by(moment_ms)
            # A candle that came later than its close was not known yet.
            if timeframe is entry.timeframe:
                known = known.closed_by(entry.closed_ms)
            elif len(known):
                known = known.part(0, int(known.times_ms.searchsorted(archived.newest_candle_ms, side="right")))
            series[timeframe] = self._as_received(known, count)
        return series

    def _as_received(self, known: CandleSeries, count: int) -> CandleSeries:
        """Return the candles as they were: no older ones where the caller sent fewer than are read at most.

        Raises:
            InsufficientData: there are fewer than were read then.
        """
        window = known.tail(self._window)
        found = newest_break(window) if len(window) else None
        if len(window) == count or (found and len(window) - found.position == count):
            return known
        if len(window) < count:
            raise InsufficientData(f"{count} {known.timeframe} candles were read, {len(window)} are known")
        return known.tail(count)

    async def _leader(self, entry: LedgerEntry, forecast: Forecast | None) -> dict[Timeframe, CandleSeries]:
        """Return the candles of the leader that the forecast of then had read; without them it would be another."""
        if forecast is None or forecast.leader is None:
            return {}
        series = await self._of_market(entry.source_data, forecast.leader, forecast.timeframe)
        return {forecast.timeframe: series}

    async def _of_market(self, given: DataSource, symbol: str, timeframe: Timeframe) -> CandleSeries:
        # Candles that clients posted are in the store.
        source = DataSource.STORED if given is DataSource.CLIENT else given
        market = source, symbol, timeframe
        known = self._known.get(market)
        if known is None:
            since_ms = earliest_ms(symbol, timeframe, self._since_ms)
            known = await self._candles.history(source, symbol, timeframe, since_ms, self._until_ms)
            self._known[market] = known
        return known

    def _costs(self, entry: LedgerEntry) -> Costs | None:
        if abs(entry.cost_bps - self._usual.of(entry.symbol).round_trip_bps) < _SAME_COSTS_BPS:
            return None
        return Costs(fee_bps=entry.cost_bps / SIDES_OF_A_TRADE, slippage_bps=0.0)


def _leader_of(forecast: Forecast | None) -> str | None:
    return forecast.leader if forecast else None


def _numbers(archived: Analysis) -> Mapping[Timeframe, int]:
    """Return the number of candles that were read of each timeframe."""
    return {timeframe: view.candles for timeframe, view in archived.timeframes.items()}
