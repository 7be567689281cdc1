"""A freqtrade strategy that trades the service's signals, on the candles that freqtrade itself reads.

    pip install freqtrade ./clients/python
    freqtrade trade --config examples/freqtrade_bot/config.json --strategy-path examples/freqtrade_bot \
        --strategy TradingSignals

Each closed candle is sent with the 249 before it, so that the signal is of the market that is traded. A backtest asks
for the answer of each moment (`as_of`), which the rules and the model give and no language model: start the service
with RATE_LIMITS=off for it. SIGNALS_URL, SIGNALS_TOKEN and SIGNALS_MIN_CONFIDENCE are read from the environment.
"""

from __future__ import annotations

import logging
import math
import os
from datetime import datetime
from typing import Any

import pandas as pd
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy, stoploss_from_absolute
from signal_reader import CANDLES, NOT_ASKED, SignalReader, SignalsUnavailable, candles_of, columns_of, symbol_of
from trading_signal_client import Client

# A live candle is not waited for longer: the next one comes.
LIVE_SECONDS = 40.0
# A backtest has a request for each candle.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class TradingSignals(IStrategy):
    """Enters where a signal is acted on, leaves at its stop, its target, or the opposite signal."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    startup_candle_count = CANDLES
    process_only_new_candles = True
    # Signals count for half an hour.
    ignore_buying_expired_candle_after = 1800
    use_exit_signal = True
    use_custom_stoploss = True
    use_custom_roi = True
    # The last resort: the stop of the signal is nearer.
    stoploss = -0.25

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        # Spot markets cannot be sold short.
        self.can_short = config.get("trading_mode") == "futures"
        environment = os.environ.get
        url = environment("SIGNALS_URL", "http://127.0.0.1:8000")
        client = Client(url, token=environment("SIGNALS_TOKEN"), timeout_seconds=LIVE_SECONDS)
        self._reader = SignalReader(client, self.timeframe, float(environment("SIGNALS_MIN_CONFIDENCE", "0.5")))

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Ask the service: live about the newest candle, in a backtest about each with enough candles before it."""
        symbol, candles = symbol_of(metadata["pair"]), candles_of(dataframe)
        if self.dp.runmode in (RunMode.LIVE, RunMode.DRY_RUN):
            decisions = [NOT_ASKED] * (len(candles) - 1) + [self._reader.newest(symbol, candles)]
        else:
            try:
                decisions = self._reader.past(symbol, candles)
            except SignalsUnavailable as error:
                raise OperationalException(str(error)) from error
        return dataframe.assign(**columns_of(decisions))

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Return the candles: the entries are decided with the signals."""
        return dataframe if self.can_short else dataframe.drop(columns="enter_short")

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Return the candles: the exits are decided with the signals."""
        return dataframe

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **_: Any) -> None:
        """Keep the levels of the signal with the trade, also for after a restart."""
        if order.ft_order_side != trade.entry_side or trade.get_custom_data("stop") is not None:
            return
        candles, _analyzed_at = self.dp.get_analyzed_dataframe(pair, self.timeframe)
        entered = candles[candles["enter_short" if trade.is_short else "enter_long"] == 1].iloc[-1]
        trade.set_custom_data("stop", float(entered["signal_stop"]))
        trade.set_custom_data("target", float(entered["signal_target"]))

    def custom_stoploss(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        after_fill: bool,
        **_: Any,
    ) -> float | None:
        """Return the distance to the stop of the signal."""
        stop = trade.get_custom_data("stop")
        if stop is None or math.isnan(stop):
            return None
        return float(stoploss_from_absolute(stop, current_rate, is_short=trade.is_short, leverage=trade.leverage))

    def custom_roi(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        trade_duration: int,
        entry_tag: str | None,
        side: str,
        **_: Any,
    ) -> float | None:
        """Return the profit at the target of the signal."""
        target = trade.get_custom_data("target")
        return None if target is None or math.isnan(target) else float(trade.calc_profit_ratio(target))
