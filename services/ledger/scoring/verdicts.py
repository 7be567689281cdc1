"""The verdict on a record, in a word."""

from __future__ import annotations

from domain.trading.evidence import EvidenceVerdict

# With fewer independent calls a record says nothing.
LEAST_CALLS = 30


def verdict_on(
    effective: float, low: float, high: float, *, worse: float, better: float, pays: bool
) -> EvidenceVerdict:
    """Return the verdict on a figure with its interval.

    `inverted`: the whole interval is below what chance gives at worst. `none`: it is not above what chance gives at
    best. `weak`: it is, but whether it pays its costs is open. `positive`: it pays them, too.

    Args:
        effective: Number of independent calls that it rests on.
        low: Lower end of an interval that holds at every look.
        high: Upper end.
        worse: What the worse of always Long and always Short had at the same moments; of a mean, 0.
        better: What the better of both had; of a mean, 0.
        pays: Whether the interval of the result after costs is above zero.
    """
    if effective < LEAST_CALLS:
        return EvidenceVerdict.INSUFFICIENT
    if high < worse:
        return EvidenceVerdict.INVERTED
    if not low > better:
        return EvidenceVerdict.NONE
    return EvidenceVerdict.POSITIVE if pays else EvidenceVerdict.WEAK
