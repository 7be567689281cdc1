"""Outlook of a ticker: its newest closes and the forecast of the model in production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.analysis import DataSource
from domain.arrays import FloatArray
from domain.errors import ModelUnavailable
from domain.forecasting import Forecast
from domain.ledger.entries import Origin
from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from services.forecasts.forecasting import Forecasting
from services.forecasts.horizon_returns import further_returns
from services.forecasts.price_paths import PriceStep, price_path
from services.guards.safe_mode import WhyOn
from services.ledger.price_bands import PriceBands
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.statements import of_forecast
from services.market_data.recent_markets import RecentMarkets
from utils.clock import Clock

# Half of them give the first volatility, the others correct the intervals; sources give a thousand at once.
LEAST_CANDLES = 999


@dataclass(frozen=True)
class Outlook:
    """A market at its last close, and its forecast or the reason why there is none.

    While safe mode is on the signal of the forecast is Neutral, and `safe_mode` is the operator's reason.
    `further_returns` are those that models of other horizons expect, by candles ahead.
    """

    ticker: str
    timeframe: Timeframe
    series: CandleSeries
    forecast: Forecast | None
    note: str | None
    source_data: DataSource
    at: datetime
    safe_mode: str | None
    further_returns: Mapping[int, float]

    @property
    def closes(self) -> FloatArray:
        """Closes of shape (n,), oldest first."""
        return self.series.closes

    def prices(self, steps: int, coverage: float) -> list[PriceStep]:
        """Return the prices 1 to `steps` candles ahead; arguments and errors are those of `price_path`."""
        return price_path(self.series, self.forecast, steps, coverage, self.further_returns, self.ticker)

    def closes_at_ms(self, step: int) -> int:
        """Return when a step closes, epoch ms, if the market trades without a pause."""
        return self.series.last_close_ms + step * self.timeframe.ms

    @property
    def returns_seen(self) -> int:
        """One-candle returns that the intervals of prices rest on."""
        return len(self.series) - 1

    def required_forecast(self) -> Forecast:
        """Return the forecast.

        Raises:
            ModelUnavailable: there is none; the message says why.
        """
        if self.forecast is None:
            raise ModelUnavailable(self.note or "no model answered")
        return self.forecast


class Outlooks:
    """Fetches markets and asks the models about them."""

    def __init__(
        self,
        markets: RecentMarkets,
        forecasting: Forecasting,
        recorder: Recorder,
        bands: PriceBands,
        why_safe_mode: WhyOn,
        clock: Clock,
    ) -> None:
        """Keep the parts; `why_safe_mode` gives the operator's reason while safe mode is on."""
        self._forecasting = forecasting
        self._recorder = recorder
        self._why_safe_mode = why_safe_mode
        self._clock = clock
        self.markets = markets
        self.bands = bands

    async def outlook(self, ticker: str, timeframe: Timeframe | None, *, tells_side: bool, trusted: bool) -> Outlook:
        """Return the outlook of a ticker.

        Args:
            ticker: Name at its market-data source.
            timeframe: Length of a step; None takes one with a model in production, else a day.
            tells_side: Whether the answer names side and probability of the forecast: then the ledger keeps them.
            trusted: Whether the caller is trusted: the ledger keeps what strangers are told apart.

        Raises:
            MarketDataUnavailable: no source gave candles.
        """
        chosen = timeframe or await self._choose(ticker)
        snapshot = await self.markets.snapshot(ticker, chosen, await self._candles(ticker, chosen))
        opinion = await self._forecasting.opinion(snapshot, chosen)
        reason, forecast = self._why_safe_mode(), opinion.forecast
        if forecast is not None:
            said = of_forecast(forecast, given=True)
            if reason is not None:
                said, forecast = said.refused(), forecast.refused()
            if tells_side:
                self._recorder.record_statements([said], snapshot, chosen, Origin.PREDICT, trusted=trusted)
        now = self._clock.now()
        closed = snapshot.closed(epoch_ms(now))[chosen]
        further = await further_returns(self._forecasting, snapshot, chosen)
        return Outlook(ticker, chosen, closed, forecast, opinion.note, snapshot.source_data, now, reason, further)

    def record_bands(self, outlook: Outlook, prices: Sequence[PriceStep], coverage: float, *, trusted: bool) -> None:
        """Keep the bands of prices that a caller is given, to be compared with later prices."""
        self.bands.record(outlook.ticker, outlook.series, prices, coverage, outlook.source_data, trusted=trusted)

    async def _choose(self, ticker: str) -> Timeframe:
        try:
            return await self._forecasting.choose(ticker, Timeframe)
        except ModelUnavailable:
            return Timeframe.D1

    async def _candles(self, ticker: str, timeframe: Timeframe) -> int:
        try:
            wanted = await self._forecasting.wanted_candles(ticker, timeframe)
        except ModelUnavailable:
            wanted = 0
        # One of them may still be forming.
        return 1 + max(LEAST_CANDLES, wanted)
