"""Intervals that hold at every look: confidence sequences of a share and of a mean.

An ordinary 95 % interval that is looked at daily leaves out the truth at some moment in most long records. A confidence
sequence does so in 5 % of records at most, whenever and however often one looks.
Both take effective counts (`ClusterSums.effective`), which need not be whole.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np

from services.ledger.scoring.counted_settlements import Flags, Floats

# Share of records in which the truth is left out at some moment, at most.
ALPHA = 0.05
# The mean's sequence is narrowest about here, in effective entries.
_NARROWEST_AT = 500
# The mean's sequence rests on the central limit theorem: with fewer effective entries it says nothing.
LEAST_FOR_MEANS = 30
_HALVINGS = 40


def share_sequence(successes: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return both ends of the sequence of a share, 0 and 1 where there are no entries.

    It holds every share p that the mixture of the likelihood over a uniform prior does not exceed 1/alpha times:
    B(1 + s, 1 + n - s) / (p^s (1 - p)^(n - s)) < 1/alpha. Ville's inequality bounds how often the truth is left out.

    Sources: Robbins, Statistical Methods Related to the Law of the Iterated Logarithm (1970); Howard et al.,
    Time-uniform, nonparametric, nonasymptotic confidence sequences (2021).

    Args:
        successes: Number of successes, of any shape.
        counts: Number of entries, of the same shape.
    """
    from scipy.special import betaln, xlogy

    failures = counts - successes
    least = betaln(1 + successes, 1 + failures) + log(ALPHA)
    share = np.divide(successes, counts, out=np.full_like(counts, 0.5), where=counts > 0)

    def inside(p: Floats) -> Flags:
        return np.asarray(xlogy(successes, p) + xlogy(failures, 1 - p) > least)

    return _edge(np.zeros_like(share), share, inside), _edge(np.ones_like(share), share, inside)


def _edge(outer: Floats, inner: Floats, inside: Callable[[Floats], Flags]) -> Floats:
    """Return where the sequence ends between a point outside, or at the border, and one inside."""
    all_inside = inside(outer)
    border = outer
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2
        within = inside(middle)
        outer, inner = np.where(within, outer, middle), np.where(within, middle, inner)
    return np.where(all_inside, border, outer)


def mean_reach(deviations: Floats, counts: Floats) -> Floats:
    """Return how far the sequence of a mean reaches to either side, NaN below `LEAST_FOR_MEANS` entries.

    s sqrt(2 (n rho^2 + 1) / (n rho)^2 log(sqrt(n rho^2 + 1) / alpha)), with rho chosen so that it is narrowest at 500.
    It holds asymptotically, for values of finite variance.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence
    sequences (2024), theorem 2.2 and appendix on rho.

    Args:
        deviations: Standard deviations of the values.
        counts: Effective number of values.
    """
    rho_squared = (-2 * log(ALPHA) + log(1 - 2 * log(ALPHA))) / _NARROWEST_AT
    enough = counts >= LEAST_FOR_MEANS
    n = np.where(enough, counts, 1.0)
    spread = n * rho_squared + 1
    reach = deviations * np.sqrt(2 * spread / (n**2 * rho_squared) * np.log(np.sqrt(spread) / ALPHA))
    return np.where(enough, reach, np.nan)
