"""Plans on the predicted side: their results out of sample, and what the plan of a forecast is worth."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.naming.symbols import SymbolKind
from domain.trading.evidence import Interval95, PlanWorth
from domain.trading.plans import PlanTerms
from domain.values import Frozen, Share, Signal


class PlanRecord(Frozen):
    """Results of the plans of a model at the moments of its predictions out of sample, before costs.

    The log odds of the target coming first are those of chance plus `weight` times the support of the model
    (`rules/forecast_plans.py`), as in the record of the rules.

    Attributes:
        weight: Of full support, in log odds; 0 where the plans are of too few clusters to tell.
        error: Standard error of the weight over clusters of 168 candles, weeks at least; of fewer than 26 clusters, of
            what is believed without them.
        plans: Number of independent plans behind the weight: all of them over the design effect of their clusters.
        samples: Number of plans that were measured: of every fourth moment, of both sides.
        kinds: Kinds of markets that were measured; of others half of the weight counts.
        base_rate: Share of plans of both sides that reached the target first: entries at random.
        target_first: The same of the model's side.
        expected_r: Mean result of the model's side in units of the risk.
        random_r: The same of both sides.
        above_random_r: The model's side less both at the same moments.
        stop_atr, reward, horizon_candles: The plans that were measured.
    """

    weight: Annotated[float, Field(allow_inf_nan=False)]
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    plans: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)]
    kinds: tuple[SymbolKind, ...]
    base_rate: Share | None
    target_first: Interval95
    expected_r: Interval95
    random_r: Interval95
    above_random_r: Interval95
    stop_atr: Annotated[float, Field(gt=0)]
    reward: Annotated[float, Field(gt=0)]
    horizon_candles: Annotated[int, Field(ge=1)]


class WeighedPlan(PlanWorth, PlanTerms):
    """The plan of a forecast's likelier side, and what it is worth by the model's record."""

    side: Literal[Signal.LONG, Signal.SHORT]
