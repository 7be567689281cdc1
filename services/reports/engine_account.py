"""The trading engine's account: its portfolio and closed trades, over its API."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import msgspec

from domain.values import utc_time
from services.market_data.engine_answers import EngineAnswer, ask_engine
from services.market_data.fetching import SourceFailed

PORTFOLIO_PATH = "/api/paper-trading/portfolio"
TRADES_PATH = "/api/paper-trading/trades/closed"
# Releases of the engine name the same figure differently; the first that is a number counts.
_BALANCE = ("current_balance", "balance", "cash_balance", "total_balance", "equity")
_INITIAL = ("initial_balance", "starting_balance")
_RETURN_PERCENT = (
    *("total_return_percentage", "total_return_percent", "total_return_pct"),
    *("total_pnl_percentage", "total_pnl_percent", "pnl_percentage"),
)
_PROFIT = ("pnl_usdt", "realized_pnl", "pnl", "profit", "profit_loss")
_CLOSED = ("close_time", "closed_at", "exit_time")


_DECODER = msgspec.json.Decoder(EngineAnswer[Any])


@dataclass(frozen=True)
class ClosedResult:
    """Profit of a closed trade in quote currency, and when it was closed; None where that is not told."""

    profit: float
    closed_at: datetime | None


@dataclass(frozen=True)
class AccountState:
    """The engine's account; None for what it does not tell.

    Attributes:
        balance: Quote currency.
        return_percent: Since the beginning.
        trades: Closed trades whose profit is known.
        unknown: Closed trades without a readable profit.
    """

    balance: float | None
    return_percent: float | None
    trades: Sequence[ClosedResult]
    unknown: int


class EngineAccount:
    """Asks the trading engine, if one is configured."""

    def __init__(self, client: httpx2.AsyncClient, base_url: str) -> None:
        """Keep the client; `base_url` is the engine's address, empty without an engine."""
        self._client = client
        self._base_url = base_url

    @property
    def configured(self) -> bool:
        """Whether there is an engine to ask."""
        return bool(self._base_url)

    async def read(self) -> AccountState:
        """Return the account.

        Raises:
            SourceFailed: the engine cannot be reached, or answers nonsense.
        """
        portfolio, closed = [
            await ask_engine(self._client, self._base_url, path, _DECODER) for path in (PORTFOLIO_PATH, TRADES_PATH)
        ]
        if isinstance(closed, Mapping):
            closed = closed.get("trades")
        if not isinstance(portfolio, Mapping) or not isinstance(closed, list):
            raise SourceFailed("answered without a portfolio or a list of trades")
        rows = [row for row in closed if isinstance(row, Mapping)]
        results = [ClosedResult(profit, _moment(row)) for row in rows if (profit := _number(row, _PROFIT)) is not None]
        balance, initial = _number(portfolio, _BALANCE), _number(portfolio, _INITIAL)
        percent = _number(portfolio, _RETURN_PERCENT)
        if percent is None and balance is not None and initial:
            percent = 100 * (balance / initial - 1)
        return AccountState(balance, percent, results, len(closed) - len(results))


def _number(row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        value = row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def _moment(row: Mapping[str, Any]) -> datetime | None:
    """Return when a trade was closed: ISO 8601 with a zone, or epoch milliseconds."""
    value = next((row[name] for name in _CLOSED if row.get(name) is not None), None)
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else None
        if isinstance(value, int) and not isinstance(value, bool):
            return utc_time(value)
    except (ValueError, OverflowError):
        return None
    return None
