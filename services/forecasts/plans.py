"""The plan of a forecast: from the newest candles and the record of the model's plans."""

from __future__ import annotations

from domain.forecasting import Forecast
from domain.market import CandleSeries
from domain.trading.costs import Costs, MarketCosts
from domain.trading.forecast_plans import PlanRecord
from features.indicators.ranges import newest_average_true_range, widest_share
from rules.forecast_plans import weigh_forecast
from rules.verdict import MAX_WIDEST_SHARE


class ForecastPlans:
    """Adds the plan of the likelier side to forecasts."""

    def __init__(self, costs: MarketCosts, range_period: int) -> None:
        """Keep the usual costs of trades, and the candles of the average true range."""
        self._costs = costs
        self._range_period = range_period

    def with_plan(
        self,
        forecast: Forecast,
        record: PlanRecord | None,
        series: CandleSeries,
        price: float,
        costs: Costs | None = None,
    ) -> Forecast:
        """Return the forecast with its plan; as it is without a record, or where no plan is possible.

        Args:
            forecast: Made at the close of the newest candle.
            record: Of the version that made it; None of versions whose plans were not measured.
            series: Closed candles up to that one.
            price: Current price, at which the plan is entered.
            costs: Of the client's trades; None are the usual ones.
        """
        if record is None or widest_share(series, self._range_period) > MAX_WIDEST_SHARE:
            return forecast
        newest, symbol = newest_average_true_range(series, self._range_period), forecast.symbol
        costs = costs or self._costs.of(symbol)
        plan = weigh_forecast(record, symbol, forecast.probability_up, price, newest, costs)
        return forecast.model_copy(update={"plan": plan})
