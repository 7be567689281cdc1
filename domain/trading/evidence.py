"""Results of plans like one in the past."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.values import Frozen, Share


class EvidenceVerdict(StrEnum):
    """The evidence in a word.

    `insufficient`: too few plans to tell, or none of this kind of market and timeframe. `inverted`: plans like it are
    surely worse than chance. `none`: nothing is told from chance. `weak`: they are surely better than chance, before
    costs alone. `positive`: after costs too.
    """

    INSUFFICIENT = "insufficient"
    INVERTED = "inverted"
    NONE = "none"
    WEAK = "weak"
    POSITIVE = "positive"


# Of what is surely better than chance.
LIFT = frozenset({EvidenceVerdict.WEAK, EvidenceVerdict.POSITIVE})


class Interval95(Frozen):
    """A mean with the ends of its 95 % interval, and the number of cases behind it.

    All are None without cases; the ends alone where the cases are of one stretch of time, which cannot tell.
    """

    mean: float | None
    low: float | None
    high: float | None
    cases: Annotated[int, Field(ge=0)]


class StrategyRecord(Frozen):
    """Results after the moments at which a named strategy leaned to a side.

    Attributes:
        name: Of the strategy.
        right: Share of moments after which the close was on that side, by distance in candles.
        target_first: Share of plans to that side that reached the target first.
        expected_r: Mean result of these plans before costs, in units of the risk.
    """

    name: str
    right: dict[int, Interval95]
    target_first: Interval95
    expected_r: Interval95


class PlanWorth(Frozen):
    """What a plan is worth by the record of plans like it, measured out of sample.

    Attributes:
        target_first: Probability that the target comes before the stop and the time limit.
        break_even: Probability at which the plan earns nothing, before costs.
        expected_r: Mean result in R after costs, shrunk towards zero by how little evidence there is.
        gross_bps: Mean result before costs, in hundredths of a percent of the entry.
        cost_bps: Costs of the round trip.
        net_bps: `gross_bps` less `cost_bps`.
        plans: Number of independent plans that it rests on.
        low, high: Ends of the 95 % interval of `expected_r`.
        verdict: All this in a word.
    """

    target_first: Share
    break_even: Share
    expected_r: float
    gross_bps: float
    cost_bps: Annotated[float, Field(ge=0)]
    net_bps: float
    plans: Annotated[int, Field(ge=0)]
    low: float
    high: float
    verdict: EvidenceVerdict


class Evidence(PlanWorth):
    """The record of plans like one, measured by the rules.

    Attributes:
        built_from: Name of the evidence file's data, for a person.
    """

    built_from: str
