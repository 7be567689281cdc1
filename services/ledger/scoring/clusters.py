"""Sums over clusters: entries of one stretch, whose markets move together, count as one cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.ledger.scoring.counted import Floats, Integers

# With fewer the variance between clusters is measured too badly.
LEAST_CLUSTERS = 20


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
    def read(cls, sums: Sequence[Mapping[str, float]], value: str, count: str = "count") -> ClusterSums:
        """Return the sums of a value in each of the groups; `write` has made them."""
        names = (
            *(count, value, f"{value}_squares", f"{count}_clusters", f"{count}_sizes"),
            *(f"{value}_crossed", f"{value}_totals"),
        )
        return cls(*(np.array([group.get(name, 0.0) for group in sums]) for name in names))

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
    clusters, of = np.unique(pairs, axis=0, return_inverse=True)
    owner, of = clusters[:, 0], of.reshape(-1)
    sizes = np.bincount(of, minlength=len(clusters)).astype(float)

    sums = {
        count: per_group(codes, weights, groups),
        f"{count}_clusters": per_group(owner, np.ones_like(sizes), groups),
        f"{count}_sizes": per_group(owner, sizes**2, groups),
    }
    for name, value in values.items():
        total = per_group(of, value[counting], len(clusters))
        sums[name] = per_group(codes, value, groups)
        sums[f"{name}_squares"] = per_group(codes, value**2, groups)
        sums[f"{name}_crossed"] = per_group(owner, sizes * total, groups)
        sums[f"{name}_totals"] = per_group(owner, total**2, groups)
    return sums
