"""Replays on request: the answer of then, beside what the ledger has of the same candle."""

from __future__ import annotations

from dataclasses import dataclass

from domain.analysis import Analysis, MarketSnapshot
from domain.ledger.settlements import LedgerRecord
from domain.market import Timeframe
from services.guards.guards import Guards
from services.ledger.followed_forecasts import kept_probability
from services.ledger.replays.comparison import (
    EntryDifference,
    ReplayedForecast,
    compare,
    forecast_beside,
    statements_of,
)
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from storage.document_ports import DocumentStore
from storage.ledger_ports import EntryFilter, LedgerStore

# Entries of one candle that are looked at: a market that is asked for every second has more.
MAX_RECORDED = 500


@dataclass(frozen=True)
class ReplayQuery:
    """A market and a moment.

    Attributes:
        as_of_ms: The moment, in epoch ms.
        timeframes: To be read where there is no snapshot; none are those of the settings.
        snapshot: The market of then by the caller's candles; None where the service has to find them.
    """

    symbol: str
    as_of_ms: int
    timeframes: tuple[Timeframe, ...]
    snapshot: MarketSnapshot | None = None


@dataclass(frozen=True)
class Replay:
    """What would have been said, and what was.

    Attributes:
        analysis: By rules and model, after the guards that need no memory.
        model_version: In production then for the market and timeframe of the answer; None without one.
        recorded: Entries of the ledger of the same market, timeframe and candle, the first known first.
        differences: Of those that rules, model and blend said.
        further: Forecasts of further horizons, of the same market and timeframe.
    """

    analysis: Analysis
    model_version: str | None
    recorded: tuple[LedgerRecord, ...]
    differences: tuple[EntryDifference, ...]
    further: tuple[ReplayedForecast, ...]


class Replays:
    """Answers for moments of the past; nothing of it is cached, archived, broadcast or written down."""

    def __init__(
        self,
        replayer: Replayer,
        candles: PastCandles,
        guards: Guards,
        ledger: LedgerStore,
        documents: DocumentStore,
    ) -> None:
        """Keep the parts; `documents` have what was said of further horizons."""
        self._replayer = replayer
        self._candles = candles
        self._guards = guards
        self._ledger = ledger
        self._documents = documents

    async def replay(self, query: ReplayQuery) -> Replay:
        """Return the answer of a moment.

        Raises:
            InvalidRequest: the moment has not come yet.
            InsufficientData: too few candles had closed by then.
            UnknownSymbol: no source has such a symbol.
            MarketDataUnavailable: a source that may have the candles does not answer.
            StorageUnavailable: ledger or documents do not answer.
        """
        as_of_ms = query.as_of_ms
        if query.snapshot is None:
            snapshot = await self._candles.market(query.symbol, query.timeframes, as_of_ms)
        else:
            snapshot = await self._candles.with_leader(query.snapshot, as_of_ms)
        judgement, bare, version = await self._replayer.judge(snapshot, as_of_ms)
        context = judgement.context
        analysis = self._guards.check_explained(context, bare)
        closed_ms = context.main.series.last_close_ms
        recorded = await self._recorded(context.symbol, context.primary, closed_ms)
        further = await self._further(snapshot, context.primary, as_of_ms, closed_ms)
        said = statements_of(analysis, judgement)
        differences = (compare(record.entry, said, analysis.price) for record in recorded)
        return Replay(analysis, version, recorded, tuple(one for one in differences if one), further)

    async def _further(
        self, snapshot: MarketSnapshot, timeframe: Timeframe, as_of_ms: int, closed_ms: int
    ) -> tuple[ReplayedForecast, ...]:
        said = await self._replayer.followed(snapshot, timeframe, as_of_ms)
        return tuple(
            [
                forecast_beside(forecast, await kept_probability(self._documents, key, forecast, closed_ms))
                for key, forecast in said
            ]
        )

    async def _recorded(self, symbol: str, timeframe: Timeframe, closed_ms: int) -> tuple[LedgerRecord, ...]:
        """Return what was said of a candle before the next but one had closed; later answers would be stale."""
        wanted = EntryFilter(
            symbol=symbol,
            timeframe=timeframe.value,
            since_ms=closed_ms - timeframe.ms,
            until_ms=closed_ms + 3 * timeframe.ms,
        )
        found = await self._ledger.entries(wanted, MAX_RECORDED)
        return tuple(record for record in reversed(found) if record.entry.closed_ms == closed_ms)
