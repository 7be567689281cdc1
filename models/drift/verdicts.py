"""What the distances of features and the losses of answers mean together: none, notice or alarm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np

from config.watch_settings import DriftSettings
from domain.arrays import FloatArray
from models.drift.page_hinkley import PageHinkley, rises
from models.drift.reference import TrainingReference


class DriftStatus(StrEnum):
    """How far a market has moved away from that of the training; the last three say that it is not known."""

    NONE = "none"
    NOTICE = "notice"
    ALARM = "alarm"
    NO_REFERENCE = "no_reference"
    TOO_FEW = "too_few"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class FeatureDrift:
    """One feature: its distances from the training, and the greatest ones of stretches within the training."""

    feature: str
    psi: float
    ks: float
    usual_psi: float
    usual_ks: float

    def beyond(self, psi: float, ks: float) -> bool:
        """Return whether it is further away than usual by one of these limits."""
        return self.psi - self.usual_psi >= psi or self.ks - self.usual_ks >= ks


@dataclass(frozen=True)
class BrierTrend:
    """Brier losses of settled answers, in their order; 0 is best, 0.25 that of always 0.5.

    Attributes:
        count: Settled candles; of a model of several markets, the mean of a candle counts once.
        earlier, recent: Mean loss of the older and of the newer half; None without any.
        stated: Mean loss that is to be expected if the stated probabilities are right.
        risen_ms: Close of the candle at which a rise was last found, epoch ms; None where there was none.
    """

    count: int
    earlier: float | None
    recent: float | None
    stated: float | None
    risen_ms: int | None


@dataclass(frozen=True)
class SettledAnswer:
    """A probability that was stated at the close of a candle, and whether the close that it speaks of was higher."""

    closed_ms: int
    probability_up: float
    rose: bool


def feature_drifts(references: Iterable[tuple[TrainingReference, FloatArray]]) -> tuple[FeatureDrift, ...]:
    """Return the distances of every feature, the furthest beyond what is usual first.

    Args:
        references: Of a model or of the members of an ensemble, each with the rows of now; a feature that several
            members read counts once.
    """
    found: dict[str, FeatureDrift] = {}
    for reference, rows in references:
        psi, ks = reference.distances(rows)
        measured = zip(reference.columns, psi, ks, reference.usual_psi, reference.usual_ks, strict=True)
        for feature, *figures in measured:
            found.setdefault(feature, FeatureDrift(feature, *map(float, figures)))
    return tuple(sorted(found.values(), key=lambda one: (one.usual_psi - one.psi, one.feature)))


def drifted(features: Sequence[FeatureDrift], settings: DriftSettings) -> int:
    """Return the number of features that are as far away as an alarm takes."""
    return sum(one.beyond(settings.psi_alarm, settings.ks_alarm) for one in features)


def features_status(features: Sequence[FeatureDrift], settings: DriftSettings) -> DriftStatus:
    """Return the alarm where enough features are far enough, a notice where fewer are, or enough are nearly so."""
    far, needed = drifted(features, settings), ceil(settings.features_share * len(features))
    if far >= needed:
        return DriftStatus.ALARM
    near = sum(one.beyond(settings.psi_notice, settings.ks_notice) for one in features)
    return DriftStatus.NOTICE if far or near >= needed else DriftStatus.NONE


def brier_trend(answers: Iterable[SettledAnswer], settings: DriftSettings) -> BrierTrend:
    """Return the course of the Brier loss, with the newest rise that Page-Hinkley finds.

    The losses are divided by the standard deviation that they have where the stated probabilities are right, the root
    of the mean of p (1 - p) (1 - 2 p)^2: so the limits mean the same for a model that says 0.52 and one that says 0.8.
    Answers about the same candle, of several markets, move together: their mean counts once.
    """
    by_candle: dict[int, list[tuple[float, float, float]]] = {}
    for one in answers:
        p = one.probability_up
        own = by_candle.setdefault(one.closed_ms, [])
        own.append(((p - one.rose) ** 2, p * (1 - p), p * (1 - p) * (1 - 2 * p) ** 2))
    if not by_candle:
        return BrierTrend(0, None, None, None, None)
    times = sorted(by_candle)
    losses, stated, variances = np.array([np.mean(by_candle[time], axis=0) for time in times]).T
    spread = float(np.sqrt(variances.mean()))
    risen: list[int] = []
    if spread > 0.0:  # an answer of 0.5 has the same loss whatever comes
        test = PageHinkley(settings.brier_min_entries, settings.brier_delta, settings.brier_threshold)
        risen = rises((losses / spread).tolist(), test)
    half = len(times) // 2
    return BrierTrend(
        count=len(times),
        earlier=float(losses[:half].mean()) if half else None,
        recent=float(losses[half:].mean()),
        stated=float(stated.mean()),
        risen_ms=times[risen[-1]] if risen else None,
    )
