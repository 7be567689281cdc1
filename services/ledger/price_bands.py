"""Bands of prices that were given out, kept at four steps, and how they held."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np

from domain.analysis import DataSource
from domain.ledger.entries import HORIZONS
from domain.market import CandleSeries, Timeframe
from domain.timeframe_data import data_age
from domain.values import epoch_ms
from services.ledger.recording.apart import apart_of
from services.ledger.scoring.intervals import share_sequence
from services.ledger.settling.documents import MISSING, WAITING
from storage.document_ports import PRICE_BANDS, Document, LastingDocuments
from utils.clock import Clock

HELD, BEYOND = "held", "beyond"


class GivenStep(Protocol):
    """The bounds of the price `step` candles ahead."""

    @property
    def step(self) -> int: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...


@dataclass(frozen=True)
class BandCoverage:
    """How the bands of a coverage held that were given for a number of candles ahead.

    Attributes:
        coverage: Share of prices that they are meant to hold.
        settled: Bands whose price is known.
        held: How many of them held it.
        stretches: Of `horizon` candles, in which those were given: bands of one stretch say nearly the same.
        share: `held` of `settled`; None without any.
        low, high: Of its 95 % interval by as many stretches, which holds at every look.
        waiting: Bands whose time has not come.
        missing: Bands whose candle never came.
    """

    timeframe: Timeframe
    horizon: int
    coverage: float
    settled: int
    held: int
    stretches: int
    share: float | None
    low: float | None
    high: float | None
    waiting: int
    missing: int


class PriceBands:
    """Keeps the bands that trusted callers are given of real and fresh candles, each once, and counts how they held."""

    def __init__(self, documents: LastingDocuments, clock: Clock) -> None:
        """Keep the store and the clock."""
        self._documents = documents
        self._clock = clock

    def record(
        self,
        symbol: str,
        series: CandleSeries,
        path: Sequence[GivenStep],
        coverage: float,
        source_data: DataSource,
        *,
        trusted: bool,
    ) -> None:
        """Keep the bands of 1, 4, 12 and 24 steps, soon; of the same close and coverage they are kept once.

        Args:
            symbol: Market.
            series: Closed candles that the bands follow.
            path: Of one step and more.
            coverage: Share of prices that the bands are meant to hold.
            source_data: Where the candles came from.
            trusted: Whether a trusted caller is given them.
        """
        now, closed_ms = self._clock.now(), series.last_close_ms
        old = data_age([series], None, epoch_ms(now)).old
        if apart_of(source_data, old=old, believed=True, trusted=trusted) is not None:
            return
        for step in path:
            if step.step in HORIZONS:
                key = f"{symbol} {series.timeframe} {closed_ms} {coverage} {step.step}"
                self._documents.put_later(
                    PRICE_BANDS,
                    key,
                    {
                        "created_at": now,
                        "symbol": symbol,
                        "timeframe": series.timeframe.value,
                        "coverage": str(coverage),
                        "horizon": str(step.step),
                        "stretch": str(closed_ms // (step.step * series.timeframe.ms)),
                        "closed_ms": closed_ms,
                        "price": float(series.closes[-1]),
                        "lower": step.lower,
                        "upper": step.upper,
                        "source_data": source_data.value,
                        "state": WAITING,
                    },
                    once=True,
                )

    async def coverage(self, days: int) -> list[BandCoverage]:
        """Return how the bands held that were given within some days, by timeframe, horizon and coverage.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        since = self._clock.now() - timedelta(days=days)
        by = ("timeframe", "horizon", "coverage", "state", "stretch")
        counts = defaultdict[tuple[str, ...], Counter[str]](Counter)
        stretches = defaultdict[tuple[str, ...], set[str]](set)
        for total in await self._documents.totals(PRICE_BANDS, since, by=by):
            *kind, state, stretch = (str(value) for value in total.group)
            counts[tuple(kind)][state] += total.count
            if state in (HELD, BEYOND):
                stretches[tuple(kind)].add(stretch)
        found = [_coverage(kind, counts[kind], len(stretches[kind])) for kind in counts]
        return sorted(found, key=lambda band: (band.timeframe.ms, band.horizon, band.coverage))


def settled_band(band: Document, close: float) -> Document:
    """Return what changes in a band by its close, for `DocumentSettling`."""
    return {"state": HELD if band["lower"] <= close <= band["upper"] else BEYOND, "close": close}


def _coverage(kind: tuple[str, ...], states: Counter[str], stretches: int) -> BandCoverage:
    settled, ends = states[HELD] + states[BEYOND], None
    share = states[HELD] / settled if settled else None
    if share is not None:
        low, high = share_sequence(np.array([share * stretches]), np.array([float(stretches)]))
        ends = float(low[0]), float(high[0])
    timeframe, horizon, coverage = kind
    return BandCoverage(
        timeframe=Timeframe(timeframe),
        horizon=int(horizon),
        coverage=float(coverage),
        settled=settled,
        held=states[HELD],
        stretches=stretches,
        share=share,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        waiting=states[WAITING],
        missing=states[MISSING],
    )
