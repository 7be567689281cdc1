"""Entries of candidates beside those of the model in production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from domain.forecasting import Forecast
from domain.ledger.entries import LedgerEntry, LedgerLane, Origin
from domain.values import epoch_ms
from services.forecasts.shadow_forecasts import ShadowForecasts, ShadowTask
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.recording.recorder import LedgerSink
from services.ledger.recording.statements import of_forecast
from utils import metrics
from utils.clock import Clock


class ShadowedSink:
    """Takes entries, and adds the candidate's to each scored one of the model in production, once it has forecast.

    The entry of the candidate is of the same market, candles, price and costs; it is given to nobody. One that a
    process takes with it when it ends is missing on both sides of the comparison, which counts pairs alone.
    """

    def __init__(self, sink: LedgerSink, shadows: ShadowForecasts, identities: LaneIdentities, clock: Clock) -> None:
        """Keep the parts.

        Args:
            sink: Takes all entries.
            shadows: Has the forecasts of candidates.
            identities: Of the candidates' lane.
            clock: The server's.
        """
        self._sink = sink
        self._shadows = shadows
        self._identities = identities
        self._clock = clock

    def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Keep the entries, and soon those beside them."""
        self._sink.put(entries)
        for entry in entries:
            if entry.lane is LedgerLane.MODEL and entry.scored:
                task = self._shadows.beside(entry)
                if task is not None:
                    task.add_done_callback(partial(self._write, entry))

    def put_repeat(self, entry_id: str) -> None:
        """Count that an entry was given again."""
        self._sink.put_repeat(entry_id)

    def _write(self, entry: LedgerEntry, task: ShadowTask) -> None:
        forecast = None if task.cancelled() else task.result()
        if forecast is not None:
            beside = self._beside(entry, forecast)
            metrics.ledger_entry(beside.lane, beside.kind, metrics.SCORED).inc()
            self._sink.put([beside])

    def _beside(self, entry: LedgerEntry, forecast: Forecast) -> LedgerEntry:
        said = of_forecast(forecast, given=False)
        answer_id, _, times = entry.id.rpartition(f".{LedgerLane.MODEL}")
        return replace(
            entry,
            id=f"{answer_id}.{LedgerLane.SHADOW}{times}",
            lane=LedgerLane.SHADOW,
            lane_id=self._identities.id_of(
                LedgerLane.SHADOW, forecast.model_version, Origin.API, None, calibrated_at=forecast.calibrated_at
            ),
            known_ms=max(entry.known_ms, epoch_ms(self._clock.now())),
            given=False,
            **said.entry_fields(),
        )
