"""Settings of trades: what they cost, and the account, chance and record of backtests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, Positive, Section
from domain.naming.symbols import SymbolKind
from domain.trading.costs import CostBps, Costs, FundingBps, MarketCosts


class BacktestSettings(Section):
    """Capital in quote currency; paths are relative to the folder in which the service or the command starts."""

    capital: Positive
    sizing: Annotated[str, Field(description="fixed:SHARE, recommended, recommended:SHARE or risk:SHARE")]
    random_runs: Annotated[int, Field(ge=1, le=10_000)]
    seed: Annotated[int, Field(ge=0)]
    history_candles: Count
    trials_path: Annotated[str, Field(min_length=1)]
    key_file: Annotated[str, Field(min_length=1)]


class SideCosts(Section):
    """Costs of each side of a trade, in hundredths of a percent of the traded amount."""

    fee_bps: CostBps
    slippage_bps: CostBps


class KindCosts(Section):
    """Costs of the kinds of markets that are traded at other ones than coins."""

    forex: SideCosts
    share: SideCosts
    index: SideCosts
    future: SideCosts


class TradingSettings(Section):
    """Costs of trades, in hundredths of a percent of the traded amount; funding, of a position's value per 8 hours."""

    fee_bps: CostBps
    slippage_bps: CostBps
    costs_by_kind: KindCosts
    funding_bps: FundingBps
    evidence_file: Annotated[str, Field(description="a file of `cli.py evidence build`, shipped, or empty")]

    @property
    def costs(self) -> MarketCosts:
        """Of a change of position in each market."""
        own = {SymbolKind(kind): Costs(**costs) for kind, costs in self.costs_by_kind.model_dump().items()}
        return MarketCosts(fee_bps=self.fee_bps, slippage_bps=self.slippage_bps, by_kind=own)
