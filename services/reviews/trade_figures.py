"""Figures of closed trades, and groups of trades that lose more than chance explains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist, fmean, stdev

import numpy as np
from pydantic import ValidationError

from domain.trading.trades import ClosedTrade
from services.ledger.scoring.intervals import ALPHA, share_sequence
from storage.document_ports import Document

# With fewer trades neither a share nor a mean is reliable.
MIN_TRADES = 30


@dataclass(frozen=True)
class TradeStatistics:
    """Figures of closed trades; None where they are too few.

    Attributes:
        win_rate: In percent, as `win_rate_low` and `win_rate_high`, its 95 % interval, which holds at every look.
        total_pnl: In USDT.
        mean_percent: Mean profit or loss in percent of the margin.
    """

    total_trades: int
    win_rate: float
    total_pnl: float
    win_rate_low: float | None
    win_rate_high: float | None
    mean_percent: float | None


@dataclass(frozen=True)
class TradeGroup:
    """A group of at least MIN_TRADES trades.

    Attributes:
        mean_percent: Mean profit or loss in percent of the margin; `low` and `high` are its 95 % interval.
        loses: Probability, by the normal approximation, that the mean behind the trades is a loss.
    """

    name: str
    trades: int
    mean_percent: float
    low: float
    high: float
    loses: float


def believed_trades(documents: Iterable[Document]) -> list[ClosedTrade]:
    """Return the trades that trusted clients reported, from their reviews; unreadable ones are left out."""
    found = []
    for document in documents:
        try:
            trade = ClosedTrade.model_validate(document.get("trade_data"))
        except ValidationError:
            continue  # of an earlier release, or of another program
        if trade.trusted:
            found.append(trade)
    return found


def statistics_of(trades: Sequence[ClosedTrade]) -> TradeStatistics:
    """Return the figures of trades."""
    count, wins = len(trades), sum(trade.is_winning for trade in trades)
    enough = count >= MIN_TRADES
    low, high = (float(end) for end in share_sequence(np.array(wins, float), np.array(count, float)))
    return TradeStatistics(
        total_trades=count,
        win_rate=round(100 * wins / count, 2) if count else 0.0,
        total_pnl=round(fsum(trade.pnl_usdt for trade in trades), 2),
        win_rate_low=round(100 * low, 2) if enough else None,
        win_rate_high=round(100 * high, 2) if enough else None,
        mean_percent=round(fmean(trade.pnl_percentage for trade in trades), 4) if enough else None,
    )


def groups_of(trades: Sequence[ClosedTrade]) -> list[TradeGroup]:
    """Return the trades by strategy, side and symbol, the most losing group first.

    The reason of the close is no group: trades that reached their stop lost by definition.
    """
    kinds: tuple[tuple[str, Callable[[ClosedTrade], str | None]], ...] = (
        ("strategy", lambda trade: trade.strategy_name),
        ("side", lambda trade: trade.side.capitalize()),
        ("symbol", lambda trade: trade.symbol),
    )
    groups = []
    for kind, value_of in kinds:
        by_value: dict[str | None, list[ClosedTrade]] = {}
        for trade in trades:
            by_value.setdefault(value_of(trade), []).append(trade)
        groups += [group_of(f"{kind} {value}", those) for value, those in by_value.items() if value is not None]
    return sorted((group for group in groups if group), key=lambda group: -group.loses)


def group_of(name: str, trades: Sequence[ClosedTrade]) -> TradeGroup | None:
    """Return the figures of these trades, or None where they are too few."""
    if len(trades) < MIN_TRADES:
        return None
    percents = [trade.pnl_percentage for trade in trades]
    mean, error = fmean(percents), stdev(percents) / sqrt(len(percents))
    reach = NormalDist().inv_cdf(1 - ALPHA / 2) * error
    loses = NormalDist(mean, error).cdf(0.0) if error else float(mean < 0)
    return TradeGroup(name, len(trades), mean, mean - reach, mean + reach, loses)
