"""A hummingbot script that trades the service's signals as they arrive by its socket.

    pip install ./clients/python                                            (in hummingbot's environment)
    cp examples/hummingbot_bot/trading_signals.py HUMMINGBOT/scripts/       (HUMMINGBOT is its folder)
    create --v2-config trading_signals                                      (in hummingbot, then `start` as it says)

One position at a time: opened by a market order where a signal is acted on, closed at its stop, its target, after
`time_limit_seconds`, or by the opposite signal. SIGNALS_TOKEN in the environment is the token of a client, where one is
needed. The service has to analyze the pair by itself (ANALYSIS_SYMBOLS, PERIODIC_ANALYSIS), or nothing arrives.
"""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

import httpx2
from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.core.data_type.common import MarketDict, OrderType, PositionMode, PriceType, TradeType
from hummingbot.core.utils.async_utils import safe_ensure_future
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig, TripleBarrierConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from hummingbot.strategy_v2.models.executors_info import ExecutorInfo
from pydantic import Field
from trading_signal_client import AsyncClient, Decision, Problem, answers, calls, decide
from websockets.exceptions import InvalidStatus


def asked(prompt: str) -> dict[str, Any]:
    """Return what makes hummingbot ask for a setting."""
    return {"prompt": prompt, "prompt_on_new": True}


class SignalScriptConfig(StrategyV2ConfigBase):
    """Settings of the script; the exchange is one for tests by default."""

    script_file_name: str = os.path.basename(__file__)
    controllers_config: list[str] = Field(default_factory=list)
    service_url: str = Field("http://127.0.0.1:8000", json_schema_extra=asked("URL of the signal service"))
    exchange: str = Field("binance_perpetual_testnet", json_schema_extra=asked("Exchange"))
    trading_pair: str = Field("BTC-USDT", json_schema_extra=asked("Trading pair"))
    order_amount_quote: Decimal = Field(Decimal(100), gt=0, json_schema_extra=asked("Amount of a position, in quote"))
    leverage: int = Field(1, ge=1, json_schema_extra=asked("Leverage"))
    min_confidence: float = Field(0.5, ge=0.5, lt=1, json_schema_extra=asked("Act above this confidence, 0.5 to 1"))
    time_limit_seconds: int = Field(86_400, gt=0, json_schema_extra=asked("Close a position after seconds"))

    def update_markets(self, markets: MarketDict) -> MarketDict:
        """Add the market that is traded."""
        return markets.add_or_update(self.exchange, self.trading_pair)


class SignalScript(StrategyV2Base):
    """Keeps the newest signal of its pair and acts on it once."""

    def __init__(self, connectors: dict[str, ConnectorBase], config: SignalScriptConfig) -> None:
        super().__init__(connectors, config)
        self._newest: answers.Signal | None = None
        self._entered = ""
        self._said = ""
        self._listening = safe_ensure_future(self._listen())

    def apply_initial_setting(self) -> None:
        """Set leverage and one position of a pair, where the market has them."""
        if self.is_perpetual(self.config.exchange):
            self.set_position_mode(self.config.exchange, PositionMode.ONEWAY)
            self.set_leverage(self.config.exchange, self.config.trading_pair, self.config.leverage)

    def on_tick(self) -> None:
        """Run the positions, each second: the base does so for controllers alone."""
        self.update_executors_info()
        if self.market_data_provider.ready and not self._is_stop_triggered:
            for action in self.determine_executor_actions():
                self.executor_orchestrator.execute_action(action)

    async def on_stop(self) -> None:
        """Stop to listen, then close the positions."""
        self._listening.cancel()
        await super().on_stop()

    def create_actions_proposal(self) -> list[CreateExecutorAction]:
        """Open a position where the newest signal is acted on for the first time, at a price between its levels."""
        decision = self._decision()
        newest = self._newest
        if decision.side is None or newest is None or newest.analysis_id == self._entered or self._open():
            return []
        if decision.side == "Short" and not self.is_perpetual(self.config.exchange):
            self._say("Short, but a spot market cannot be sold short")
            return []
        price = self.market_data_provider.get_price_by_type(
            self.config.exchange, self.config.trading_pair, PriceType.MidPrice
        )
        distances = decision.distances(float(price))
        if distances is None:
            self._say(f"the price {price} is not between stop {decision.stop} and target {decision.target}")
            return []
        stop, target = (Decimal(f"{distance:.6f}") for distance in distances)
        barriers = TripleBarrierConfig(
            stop_loss=stop,
            take_profit=target,
            time_limit=self.config.time_limit_seconds,
            open_order_type=OrderType.MARKET,
        )
        position = PositionExecutorConfig(
            timestamp=self.current_timestamp,
            connector_name=self.config.exchange,
            trading_pair=self.config.trading_pair,
            side=TradeType.BUY if decision.side == "Long" else TradeType.SELL,
            amount=self.config.order_amount_quote / price,
            triple_barrier_config=barriers,
            leverage=self.config.leverage,
        )
        self._entered = newest.analysis_id
        return [CreateExecutorAction(executor_config=position)]

    def stop_actions_proposal(self) -> list[StopExecutorAction]:
        """Close a position that the newest signal is against."""
        opposite = {"Long": TradeType.SELL, "Short": TradeType.BUY}.get(self._decision().side or "")
        return [StopExecutorAction(executor_id=info.id) for info in self._open() if info.config.side == opposite]

    def _open(self) -> list[ExecutorInfo]:
        return [info for info in self.get_all_executors() if info.is_active]

    def _decision(self) -> Decision:
        if self._newest is None:
            return Decision(None, "no signal yet")
        decision = decide(self._newest, now_ms=time.time_ns() // 1_000_000, min_confidence=self.config.min_confidence)
        self._say(decision.reason)
        return decision

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            self.logger().info(f"{self.config.trading_pair}: {reason}")

    async def _listen(self) -> None:
        """Keep the newest signal: the last one that was broadcast, then each one that is."""
        symbol = self.config.trading_pair.replace("-", "")
        async with AsyncClient(self.config.service_url, token=os.environ.get("SIGNALS_TOKEN")) as client:
            try:
                known = (await client.send(calls.newest_signals())).signals
                self._newest = next((signal for signal in known if signal.symbol == symbol), None)
            except (Problem, httpx2.TransportError) as error:
                self.logger().warning(f"no signals so far: {error}")
            try:
                async for signal in client.signals([symbol]):
                    self._newest = signal
            except InvalidStatus as error:
                self.logger().error(f"the service refuses the socket: {error}; set SIGNALS_TOKEN and start again")
