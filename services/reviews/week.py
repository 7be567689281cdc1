"""The newest days as the self-analysis judges them: calls and plans by day, the model's trend, the markets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ledger.entries import NEXT_CANDLE, PLAN, LedgerLane
from models.registry.metadata import ModelMetadata
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from services.reviews.market_days import MarketDay, MarketDays

_DIGITS = 4


@dataclass(frozen=True)
class ModelTrend:
    """The model in production since its training.

    Attributes:
        version: Its name.
        trained_hit_rate, trained_brier: Out of sample, when it was trained; None where they were not measured.
        period: Record of the days; None without settled forecasts.
        by_day: The same by day, oldest first.
    """

    version: str
    trained_hit_rate: float | None
    trained_brier: float | None
    period: Record | None
    by_day: Sequence[Record]


@dataclass(frozen=True)
class Week:
    """What was measured in some days.

    Attributes:
        days: Their number, up to today.
        timeframe: That of the most calls which callers were given; None without any. All records are of it.
        calls: What callers were given, one candle on; None without any.
        plans: Their plans; None without any.
        calls_by_day, plans_by_day: The same by day, oldest first.
        model: None without a model in production.
        markets: Those that could be read.
        unread: By symbol, why a market could not be read.
    """

    days: int
    timeframe: str | None
    calls: Record | None
    plans: Record | None
    calls_by_day: Sequence[Record]
    plans_by_day: Sequence[Record]
    model: ModelTrend | None
    markets: Sequence[MarketDay]
    unread: dict[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """The figures, JSON-like and without dates; the days count back from today, which is 0."""
        model = self.model
        newest = max((record.last_day for record in (*self.calls_by_day, *self.plans_by_day)), default=None)

        def by_day(records: Sequence[Record]) -> list[dict[str, Any]]:
            return [
                {"days_before_the_newest": (newest - record.last_day).days if newest else 0, **_figures(record)}
                for record in records
            ]

        return {
            "days": self.days,
            "timeframe": self.timeframe,
            "calls": self.calls and _figures(self.calls),
            "calls_by_day": by_day(self.calls_by_day),
            "plans": self.plans and _figures(self.plans),
            "plans_by_day": by_day(self.plans_by_day),
            "model": model
            and {
                "trained_hit_rate": model.trained_hit_rate,
                "trained_brier": model.trained_brier,
                "now": model.period and _figures(model.period),
                "by_day": by_day(model.by_day),
            },
            "markets_24h": [
                {
                    "symbol": market.symbol,
                    "change_percent": market.change_percent,
                    "volatility_percent": market.volatility_percent,
                    "source_data": market.source_data.value,
                }
                for market in self.markets
            ],
        }


def _figures(record: Record) -> dict[str, Any]:
    names = ("hit_rate", "low", "high", "brier", "net_r", "net_bps")
    found = {name: value for name in names if (value := getattr(record, name)) is not None}
    rounded = {name: round(value, _DIGITS) for name, value in found.items()}
    return {"count": record.count, "effective": round(record.effective, 1), **rounded}


class WeekReader:
    """Reads the newest days from the ledger, and the markets from their sources."""

    def __init__(
        self,
        scores: LedgerScores,
        markets: MarketDays,
        lane_id: Callable[[str], str],
        days: int,
    ) -> None:
        """Keep the parts.

        Args:
            scores: Of the ledger.
            markets: Reads the markets.
            lane_id: Gives the id of the model's lane in the ledger for the name of a version; it reads files.
            days: UTC days up to today.
        """
        self._scores = scores
        self._markets = markets
        self._lane_id = lane_id
        self._days = days

    async def read(self, model: ModelMetadata | None) -> Week:
        """Return the days; a market that cannot be read is named with the reason.

        Args:
            model: In production; None without one.

        Raises:
            StorageUnavailable: the store of the ledger does not answer.
        """
        given = await self._scores.given(self._days)
        counts: Counter[str] = Counter()
        for record in _at(NEXT_CANDLE, given):
            counts[record.key.timeframe] += record.count
        timeframe = counts.most_common(1)[0][0] if counts else None
        daily = [
            record for record in await self._scores.given(self._days, Grouping.DAY) if record.key.timeframe == timeframe
        ]
        own = [record for record in given if record.key.timeframe == timeframe]
        markets, unread = await self._markets.read()
        return Week(
            days=self._days,
            timeframe=timeframe,
            calls=next(iter(_at(NEXT_CANDLE, own)), None),
            plans=next(iter(_at(PLAN, own)), None),
            calls_by_day=_at(NEXT_CANDLE, daily),
            plans_by_day=_at(PLAN, daily),
            model=await self._trend(model) if model else None,
            markets=markets,
            unread=unread,
        )

    async def _trend(self, model: ModelMetadata) -> ModelTrend:
        lane_id = await asyncio.to_thread(self._lane_id, model.version)

        async def records(group: Grouping) -> list[Record]:
            query = RecordQuery(
                self._days, group, LedgerLane.MODEL, timeframe=model.timeframe, horizon=NEXT_CANDLE, lane_id=lane_id
            )
            return await self._scores.track_record(query)

        trained = model.metrics
        return ModelTrend(
            version=model.version,
            trained_hit_rate=trained.accuracy if trained else None,
            trained_brier=trained.brier if trained else None,
            period=next(iter(await records(Grouping.LANE)), None),
            by_day=await records(Grouping.DAY),
        )


def _at(horizon: int, records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.key.horizon == horizon]
