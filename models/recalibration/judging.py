"""The gate of recalibrations: what is fitted on older settled forecasts has to be better on the newest ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil

import numpy as np

from config.model_settings import ModelSettings
from domain.arrays import BoolArray, FloatArray
from models.evaluation.bootstrap import Resampling
from models.evaluation.calibration import Calibration
from models.evaluation.gate import PromotionGate
from models.evaluation.out_of_sample import OutOfSample
from models.recalibration.fitting import SettledForecasts, fit_lines
from models.recalibration.records import Recalibration


@dataclass(frozen=True)
class RecalibrationGate:
    """Fits and judges.

    Attributes:
        settings: Of the models.
        markets: Symbols with forecasts; an interval draws blocks of candles with all of them.
        horizon: Candles ahead that the model forecasts; moves of forecasts that follow one another overlap above 1.
        candle_ms: Length of its candles.
    """

    settings: ModelSettings
    markets: int
    horizon: int
    candle_ms: int

    @property
    def needed(self) -> int:
        """Settled forecasts that are needed: the configured number, and enough newest ones for an interval."""
        own = self.settings.recalibration
        return max(own.min_forecasts, ceil(self._gate.min_predictions / own.judged_share))

    @property
    def _gate(self) -> PromotionGate:
        evaluation, seed = self.settings.evaluation, self.settings.training.seed
        one = Resampling.of(evaluation, self.horizon, seed)
        resampling = Resampling(one.samples, one.block * self.markets, seed)
        return PromotionGate(resampling, max(evaluation.min_test_windows, resampling.min_rows))

    def judge(self, forecasts: SettledForecasts, in_force: Recalibration | None, at: datetime) -> Recalibration:
        """Return a recalibration, taken or not.

        Args:
            forecasts: `needed` ones or more.
            in_force: What it has to beat; None is the calibration of the training.
            at: When, aware UTC.
        """
        own = self.settings.recalibration
        cut_ms = forecasts.times_ms[round(len(forecasts) * (1.0 - own.judged_share))]
        # A forecast that is settled by a candle after the cut depends on the newest ones.
        settled_ms = forecasts.times_ms + (self.horizon - 1) * self.candle_ms
        older, newer = forecasts.part(settled_ms < cut_ms), forecasts.part(forecasts.times_ms >= cut_ms)
        lines = fit_lines(older, own.symbol_deviation)
        comparison = self._gate.compare(
            "the renewed calibration",
            _stated(newer, lines.symbols, lines.pooled),
            "the calibration in force",
            _stated(newer, in_force.symbols, in_force.pooled) if in_force else _stated(newer, {}, Calibration()),
        )
        decision = "The calibration in force stays."
        if comparison.better:  # what serves has seen the newest ones too
            lines, decision = fit_lines(forecasts, own.symbol_deviation), "It is taken, fitted on all of them."
        return Recalibration(
            at=at,
            taken=comparison.better,
            reason=f"{comparison.in_words()} {decision}",
            pooled=lines.pooled,
            symbols=lines.symbols,
            first_ms=int(forecasts.times_ms[0]),
            last_ms=int(forecasts.times_ms[-1]),
            fitted=len(older),
            judged=len(newer),
            comparison=comparison,
        )


def calibrated(forecasts: SettledForecasts, symbols: dict[str, Calibration], pooled: Calibration) -> FloatArray:
    """Return the probabilities by the calibration of each symbol, shape (n,)."""
    probability = np.empty(len(forecasts))
    for number, name in enumerate(forecasts.names):
        own: BoolArray = forecasts.symbols == number
        probability[own] = symbols.get(name, pooled).apply(forecasts.probability[own])
    return probability


def _stated(forecasts: SettledForecasts, symbols: dict[str, Calibration], pooled: Calibration) -> OutOfSample:
    probability = calibrated(forecasts, symbols, pooled)
    numbers = np.arange(len(forecasts))
    moves = np.where(forecasts.up, 1.0, -1.0)
    return OutOfSample(numbers, probability, forecasts.probability, moves, np.zeros(len(forecasts), np.int64))
