"""Exact Shapley values of trees of boosting, from the paths to their leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from domain.arrays import Float32Array, FloatArray, IntArray, RealArray


@dataclass(frozen=True)
class Branch:
    """A node that splits: values up to the threshold go left.

    Attributes:
        feature: Number of the input.
        threshold: In single precision, as the inputs are.
        left_share: Share of the node's training samples that went left, within 0..1.
        left: Another branch, or what a leaf adds to the log odds.
        right: As `left`.
    """

    feature: int
    threshold: float
    left_share: float
    left: Branch | float
    right: Branch | float


# Bounds of the values that lead to a leaf, low < value <= high, and the share of the samples that met them.
_Condition = tuple[float, float, float]
_ANY: _Condition = (-np.inf, np.inf, 1.0)


@dataclass(frozen=True)
class TreePaths:
    """The leaves of all trees, each with the conditions of its path, one for each input that the path asks.

    A path with fewer conditions than the longest has some that every value meets.

    Attributes:
        value: Of each leaf, in log odds of a rise, shape (leaves,).
        feature: Input of each condition, shape (conditions, leaves), as are the next three.
        low: A condition is met by low < value <= high.
        high: As `low`.
        share: Of the training samples on the path that met it.
        inputs: Number of inputs, shape ().
    """

    value: FloatArray
    feature: IntArray
    low: Float32Array
    high: Float32Array
    share: FloatArray
    inputs: IntArray

    @classmethod
    def of(cls, trees: Iterable[Branch | float], inputs: int) -> TreePaths:
        """Return the paths of trees; those that do not split explain nothing and are left out."""
        leaves = [leaf for tree in trees if isinstance(tree, Branch) for leaf in _leaves(tree, {})]
        longest = max((len(conditions) for _, conditions in leaves), default=1)
        shape = longest, len(leaves)
        feature, low = np.zeros(shape, np.int64), np.full(shape, _ANY[0], np.float32)
        high, share = np.full(shape, _ANY[1], np.float32), np.ones(shape)
        for leaf, (_, conditions) in enumerate(leaves):
            for at, (column, condition) in enumerate(conditions.items()):
                feature[at, leaf] = column
                low[at, leaf], high[at, leaf], share[at, leaf] = condition
        return cls(np.array([value for value, _ in leaves]), feature, low, high, share, np.array(inputs))

    @property
    def columns(self) -> int:
        """Number of inputs."""
        return int(self.inputs)

    def arrays(self) -> Mapping[str, RealArray]:
        """Return what it consists of."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def contributions(self, row: RealArray) -> FloatArray:
        """Return the Shapley value of each input, shape (columns,); see `Explanation.contributions`.

        An input that is not known is replaced by the training samples: the other conditions of a path count
        by their shares. A path's value goes to its inputs by the mean over all orders in which they may
        become known. With `z` the share of a condition and `o` 1 where the row meets it, else 0, input `i` gets

            value (o_i - z_i) * integral over t from 0 to 1 of the product of (1 - t) z_j + t o_j, j other than i

        since t^k (1 - t)^(m - k) integrates to the weight k! (m - k)! / (m + 1)! of a coalition of k among m
        others. The polynomial is integrated exactly by Gauss-Legendre nodes.

        Source: Lundberg et al., From local explanations to global understanding with explainable AI for trees
        (2020), path-dependent; the integral is Owen's multilinear extension (1972).
        """
        unmet, known, weights = self._factors
        values = row[self.feature]
        meets = ((values > self.low) & (values <= self.high)).astype(np.float64)
        factors = unmet + known * meets[:, None]
        others = np.einsum("q,dql->dl", weights, factors.prod(axis=0) / factors)
        shares = (meets - self.share) * others * self.value
        sums: FloatArray = np.bincount(self.feature.ravel(), shares.ravel(), self.columns).astype(np.float64)
        return sums

    @cached_property
    def _factors(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The factors of conditions that are not met, by node of the integral; the nodes and their weights.

        Shapes (conditions, nodes, leaves), (nodes, 1), (nodes,).
        """
        # n nodes are exact up to the degree 2 n - 1, and the product over the others has one less than the conditions.
        nodes, weights = np.polynomial.legendre.leggauss((len(self.share) + 1) // 2)
        known = (nodes[:, None] + 1.0) / 2.0
        return self.share[:, None] * (1.0 - known), known, weights / 2.0


def _leaves(
    node: Branch | float, conditions: Mapping[int, _Condition]
) -> Iterator[tuple[float, Mapping[int, _Condition]]]:
    """Yield the value of every leaf below a node, and the conditions of its path by input."""
    if not isinstance(node, Branch):
        yield node, conditions
        return
    low, high, share = conditions.get(node.feature, _ANY)
    left = low, min(high, node.threshold), share * node.left_share
    right = max(low, node.threshold), high, share * (1.0 - node.left_share)
    yield from _leaves(node.left, {**conditions, node.feature: left})
    yield from _leaves(node.right, {**conditions, node.feature: right})
