"""Sums over clusters: entries of one stretch count as one cluster, since their markets move together.

Plans are open for longer than their stretch, so theirs are put together to longer clusters when they are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from domain.market import Timeframe
from rules.plans import HORIZON_CANDLES
from services.ledger.scoring.counted_settlements import Floats, Integers

# With fewer the variance between clusters is measured too badly.
LEAST_CLUSTERS = 20

Sums = Mapping[str, float]


def span_of_plans(timeframe: str, day: date) -> int:
    """Return the number of the span of time in which plans are one cluster: whole days, as long as a plan can be open.

    Plans of one market that are open at the same time share its moves, in whatever stretches they began.
    """
    days = -(-HORIZON_CANDLES * Timeframe(timeframe).ms // Timeframe.D1.ms)
    return day.toordinal() // days


@dataclass
class RecordGroup:
    """The sums of one group while they are added up.

    Attributes:
        sums: Of all days, those over clusters included.
        spans: Of plans, the sums of each span of time, which is one cluster; empty of others.
    """

    first_day: date
    last_day: date
    sums: dict[str, float]
    spans: defaultdict[int, defaultdict[str, float]] = field(default_factory=lambda: defaultdict(_zeros))

    def add(self, day: date, sums: Sums, span: int | None = None) -> None:
        """Add the sums of a day; `span` is that of its plans."""
        self.first_day, self.last_day = min(self.first_day, day), max(self.last_day, day)
        _add(self.sums, sums.items())
        if span is not None:
            _add(self.spans[span], ((name, sums[name]) for name in _CLUSTERED if name in sums))

    def whole(self, name: str) -> int:
        """Return a sum of counts; 0 where nothing was counted."""
        return round(self.sums.get(name, 0.0))

    def mean(self, value: str, count: str = "count") -> float | None:
        """Return the mean of a value over what `count` counts; None where that is nothing."""
        counted = self.sums.get(count)
        return self.sums.get(value, 0.0) / counted if counted else None

    def clusters(self, value: str, count: str) -> tuple[float, float, float, float]:
        """Return `clusters`, `sizes`, `crossed` and `totals` of `ClusterSums`."""
        if not self.spans:
            clusters, sizes = (self.sums.get(f"{count}_{name}", 0.0) for name in ("clusters", "sizes"))
            crossed, totals = (self.sums.get(f"{value}_{name}", 0.0) for name in ("crossed", "totals"))
            return clusters, sizes, crossed, totals
        pairs = [(span[count], span[value]) for span in self.spans.values() if span.get(count)]
        return (
            float(len(pairs)),
            sum(size**2 for size, _ in pairs),
            sum(size * total for size, total in pairs),
            sum(total**2 for _, total in pairs),
        )


# Numbers of entries, and values that are added up over clusters.
_CLUSTERED = ("count", "differ", "stated", "hits", "bps", "r", "brier", "occurred")


def _zeros() -> defaultdict[str, float]:
    return defaultdict(float)


def _add(own: dict[str, float], sums: Iterable[tuple[str, float]]) -> None:
    for name, value in sums:
        own[name] = own.get(name, 0.0) + value


@dataclass(frozen=True)
class ClusterSums:
    """Of one value: sums over entries and over clusters, one number for each group.

    Attributes:
        count, total, squares: Of the entries: number, sum of the values, sum of their squares.
        clusters: Number of clusters.
        sizes: Sum over clusters of the squared number of entries.
        crossed: Sum over clusters of the number of entries times the sum of their values.
        totals: Sum over clusters of the squared sum of the values.
    """

    count: Floats
    total: Floats
    squares: Floats
    clusters: Floats
    sizes: Floats
    crossed: Floats
    totals: Floats

    @classmethod
    def read(cls, groups: Sequence[RecordGroup], value: str, count: str = "count") -> ClusterSums:
        """Return the sums of a value in each of the groups; `write_clusters` has made them."""
        names = count, value, f"{value}_squares"
        entries = [[group.sums.get(name, 0.0) for name in names] for group in groups]
        clusters = [group.clusters(value, count) for group in groups]
        table = np.concatenate([np.reshape(entries, (-1, 3)), np.reshape(clusters, (-1, 4))], axis=1)
        return cls(*np.asarray(table, dtype=float).T)

    @property
    def mean(self) -> Floats:
        """Mean value; NaN without entries."""
        return np.divide(self.total, self.count, out=np.full_like(self.total, np.nan), where=self.count > 0)

    @property
    def variance(self) -> Floats:
        """Variance of the values; NaN without entries."""
        mean = self.mean
        return np.maximum(
            np.divide(self.squares, self.count, out=np.full_like(mean, np.nan), where=self.count > 0) - mean**2, 0.0
        )

    @property
    def design_effect(self) -> Floats:
        """How many times greater the variance of the mean is than that of independent entries, 1 at least.

        That of a mean over clusters (Kish, Survey Sampling, 1965; linearized, with the correction for few clusters).
        Where it cannot be measured, with few clusters or values that do not vary, those of a cluster count as one.
        """
        count, clusters = np.maximum(self.count, 1.0), self.clusters
        mean, variance = np.nan_to_num(self.mean), np.nan_to_num(self.variance)
        between = self.totals - 2 * mean * self.crossed + mean**2 * self.sizes
        between *= np.divide(clusters, clusters - 1, out=np.ones_like(clusters), where=clusters > 1)
        alike = self.sizes / count
        measured = np.divide(
            between, count * variance, out=alike.copy(), where=(variance > 0) & (clusters >= LEAST_CLUSTERS)
        )
        # Each is alone in its cluster: exactly one, without the correction.
        return np.where(self.sizes <= self.count, 1.0, np.maximum(measured, 1.0))

    @property
    def effective(self) -> Floats:
        """Number of independent entries that tell as much."""
        return self.count / self.design_effect


def per_group(codes: Integers, values: Floats, groups: int) -> Floats:
    """Return the sum of the values of each group, whose number 0 to `groups` - 1 is in `codes`."""
    return np.asarray(np.bincount(codes, values, groups), dtype=float)


def write_clusters(
    codes: Integers, slots: Integers, weights: Floats, values: Mapping[str, Floats], groups: int, count: str = "count"
) -> dict[str, Floats]:
    """Return the sums that `ClusterSums.read` reads, by name, one number for each group.

    Args:
        codes: Group of each entry, 0 to `groups` - 1.
        slots: Cluster of each entry.
        weights: 1 where the entry counts, else 0.
        values: By name, 0 where the entry does not count.
        groups: Number of groups.
        count: Name of the number of entries.
    """
    counting = weights > 0
    pairs = np.stack([codes[counting], slots[counting]], axis=1)
    clusters, cluster = np.unique(pairs, axis=0, return_inverse=True)
    owner, cluster = clusters[:, 0], cluster.reshape(-1)
    sizes = np.bincount(cluster, minlength=len(clusters)).astype(float)

    sums = {
        count: per_group(codes, weights, groups),
        f"{count}_clusters": per_group(owner, np.ones_like(sizes), groups),
        f"{count}_sizes": per_group(owner, sizes**2, groups),
    }
    for name, value in values.items():
        total = per_group(cluster, value[counting], len(clusters))
        sums[name] = per_group(codes, value, groups)
        sums[f"{name}_squares"] = per_group(codes, value**2, groups)
        sums[f"{name}_crossed"] = per_group(owner, sizes * total, groups)
        sums[f"{name}_totals"] = per_group(owner, total**2, groups)
    return sums
