"""The Page-Hinkley test: whether the mean of a sequence has risen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Forgetting factor of the sum of deviations, as usual: far back counts less.
ALPHA = 0.9999


@dataclass
class PageHinkley:
    """Finds rises of the mean in a sequence of values, each seen once.

    With the mean m_t of the values so far, S_t = alpha S_(t-1) + x_t - m_t - delta; a rise is found when S_t lies above
    its least value so far by more than `threshold`. Then it starts again.

    Attributes:
        min_instances: Values before anything is found.
        delta: Rise that is borne, in units of the values.
        threshold: Sum of deviations that is too much; with a larger one false alarms are rarer and true ones later.

    Source: Page, Continuous Inspection Schemes (1954); Hinkley, Inference about the Change-Point from Cumulative Sum
        Tests (1971); with the forgetting factor of Gama, Sebastiao and Rodrigues, On Evaluating Stream Learning
        Algorithms (2013).
    """

    min_instances: int
    delta: float
    threshold: float
    _count: int = 0
    _mean: float = 0.0
    _sum: float = 0.0
    _least: float = float("inf")

    def update(self, value: float) -> bool:
        """Take the next value and return whether a rise is found at it."""
        self._count += 1
        self._mean += (value - self._mean) / self._count
        self._sum = ALPHA * self._sum + value - self._mean - self.delta
        self._least = min(self._least, self._sum)
        found = self._count >= self.min_instances and self._sum - self._least > self.threshold
        if found:
            self._count, self._mean, self._sum, self._least = 0, 0.0, 0.0, float("inf")
        return found


def rises(values: Iterable[float], test: PageHinkley) -> list[int]:
    """Return the positions of the values at which a rise is found, in ascending order."""
    return [position for position, value in enumerate(values) if test.update(value)]
