"""Models of plans: how surely they forecast which of target and stop comes first, and what one says of a plan."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.naming.symbols import SymbolKind
from domain.values import Frozen, Share, Signal


class PlanModelRecord(Frozen):
    """How the predictions out of sample of a plan model did, on plans that the rules gave.

    Attributes:
        error: Standard error, over clusters of time, of the log odds that it states: by how much all of them together
            may be too high or too low.
        plans: Number of independent plans behind it: all of them over the design effect of their clusters.
        samples: Number of plans that reached target or stop.
        base_rate: Share of them that reached the target first.
        stated: The same as it was stated, on average.
        kinds: Kinds of markets that it has learned from; of others it says nothing.
        stop_atr, reward, horizon_candles: The plans that were measured.
    """

    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    plans: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)]
    base_rate: Share
    stated: Share
    kinds: tuple[SymbolKind, ...]
    stop_atr: Annotated[float, Field(gt=0)]
    reward: Annotated[float, Field(gt=0)]
    horizon_candles: Annotated[int, Field(ge=1)]


class PlanForecast(Frozen):
    """What the plan model in production says of the plan that the rules give of a market.

    Attributes:
        side: Of the plan.
        target_first: Calibrated probability that its target comes before its stop.
        error: Standard error of the log odds.
        plans: Independent plans behind it.
        built_from: Name of the version and its candles, for a person.
    """

    side: Literal[Signal.LONG, Signal.SHORT]
    target_first: Annotated[float, Field(gt=0, lt=1)]
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    plans: Annotated[int, Field(ge=0)]
    built_from: str
