"""Settlements computed again from candles of one's own, and compared with those of an export."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import Settlement
from domain.market import CandleSeries, Timeframe
from services.ledger.proofs.checking import CheckedExport
from services.ledger.settling.outcomes import MarketCandles, outcomes
from storage.ledger_ports import Due

# Candles of another source differ in the last digits of a price; 1 bps tells none of that.
TOLERANCE = 1e-4
_OWN = "own candles"


@dataclass(frozen=True)
class Difference:
    """A settlement that one's own candles do not confirm."""

    entry: LedgerEntry
    stated: Settlement
    own: Settlement


@dataclass(frozen=True)
class Regrade:
    """How far an export's settlements were computed again.

    Attributes:
        stated: Settlements of the export that have a price.
        confirmed: Of them, those that one's own candles confirm.
        differing: Of them, those that they do not.
        unchecked: Of them, those that they do not tell: another market, or too short.
    """

    stated: int
    confirmed: int
    differing: tuple[Difference, ...]
    unchecked: int


def regrade(export: CheckedExport, candles: Mapping[tuple[str, Timeframe], CandleSeries]) -> Regrade:
    """Return the comparison of an export's settlements with one's own candles, by symbol and timeframe."""
    entries = {entry.id: entry for entry in export.entries}
    by_market: dict[tuple[str, Timeframe], list[Settlement]] = {}
    for settlement in export.settlements:
        if settlement.price is not None:
            entry = entries[settlement.entry_id]
            by_market.setdefault((entry.symbol, entry.timeframe), []).append(settlement)
    confirmed, unchecked = 0, 0
    differing: list[Difference] = []
    for market, stated in by_market.items():
        series = candles.get(market)
        own = [None] * len(stated) if series is None else _own(market[0], series, stated, entries)
        for settlement, again in zip(stated, own, strict=True):
            if again is None:
                unchecked += 1
            elif _agree(settlement, again):
                confirmed += 1
            else:
                differing.append(Difference(entries[settlement.entry_id], settlement, again))
    return Regrade(sum(map(len, by_market.values())), confirmed, tuple(differing), unchecked)


def _own(
    symbol: str, series: CandleSeries, stated: Sequence[Settlement], entries: Mapping[str, LedgerEntry]
) -> list[Settlement | None]:
    due = [Due(entries[settlement.entry_id], settlement.horizon) for settlement in stated]
    return outcomes(MarketCandles(symbol, series, _OWN), due, stated[0].settled_ms)


def _agree(stated: Settlement, own: Settlement) -> bool:
    if stated.end is not own.end or stated.ended_ms != own.ended_ms:
        return False
    return all(
        (one is None and other is None)
        or (one is not None and other is not None and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE))
        for one, other in ((stated.price, own.price), (stated.move, own.move), (stated.r, own.r))
    )
