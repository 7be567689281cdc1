"""How far the 95 % interval of a mean reaches."""

from __future__ import annotations

from math import sqrt


def reach_of_mean(values: float) -> float:
    """Return how many standard errors the interval of the mean of n independent values reaches to each side.

    It is 12.7 for two values, 2.26 for ten, and nears 1.96.

    Args:
        values: n > 1; not whole where rows are counted in blocks.

    Source: Student, The Probable Error of a Mean (1908).
    """
    # Imported where intervals are made: it takes a tenth of a second.
    from scipy.special import stdtrit

    return float(stdtrit(values - 1, 0.975))


def reach_of_groups(groups: float) -> float:
    """Return the same for the mean of values in n groups, the standard error of which divides by n, not by n - 1."""
    return reach_of_mean(groups) * sqrt(groups / (groups - 1))
