"""How far the interval of a mean reaches."""

from __future__ import annotations


def reach_of_mean(values: int) -> float:
    """Return how many standard errors the 95 % interval of the mean of n independent values reaches to each side.

    It is 12.7 for two values, 2.26 for ten, and nears 1.96.

    Args:
        values: n >= 2.

    Source: Student, The Probable Error of a Mean (1908).
    """
    # Imported where intervals are made: it takes a tenth of a second.
    from scipy.special import stdtrit

    return float(stdtrit(values - 1, 0.975))
