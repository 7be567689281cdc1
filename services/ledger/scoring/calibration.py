"""Calibration: how often what was stated as a probability occurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.ledger.scoring.clusters import ClusterSums, RecordGroup, Sums
from services.ledger.scoring.intervals import share_sequence


@dataclass(frozen=True)
class CalibrationBin:
    """Statements within one range of probability.

    Attributes:
        bin: The range, as `0.50-0.60`.
        count: Number of statements.
        stated: Their mean.
        occurred: Share that occurred.
        low, high: Ends of its interval, which holds at every look.
    """

    bin: str
    count: int
    stated: float
    occurred: float
    low: float
    high: float


def reliability(bins: Sequence[tuple[str, RecordGroup]]) -> list[CalibrationBin]:
    """Return the bins that have statements, in ascending order."""
    filled = sorted(((name, group) for name, group in bins if group.sums.get("stated")), key=lambda bin_: bin_[0])
    told = ClusterSums.read([group for _, group in filled], "occurred", "stated")
    low, high = share_sequence(told.mean * told.effective, told.effective)
    return [
        CalibrationBin(
            name, round(group.sums["stated"]), group.sums.get("said", 0.0) / group.sums["stated"], *map(float, ends)
        )
        for (name, group), *ends in zip(filled, told.mean, low, high, strict=True)
    ]


def calibration_error(bins: Sequence[Sums]) -> float:
    """Return the expected calibration error: the mean distance of what was stated from what occurred, by bin.

    Source: Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).

    Args:
        bins: Sums of at least one statement.
    """
    count = sum(sums.get("stated", 0.0) for sums in bins)
    apart = sum(abs(sums.get("said", 0.0) - sums.get("occurred", 0.0)) for sums in bins)
    return apart / count
