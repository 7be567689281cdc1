"""The guards that a signal has to pass, and why a Neutral is Neutral."""

from __future__ import annotations

from enum import StrEnum

from domain.values import Frozen


class GateName(StrEnum):
    """The guards, in the order in which an answer names them."""

    SAFE_MODE = "safe_mode"
    ENABLED_LANE = "enabled_lane"
    FRESH_DATA = "fresh_data"
    ENOUGH_DATA = "enough_data"
    COMPLETE_DATA = "complete_data"
    UNBROKEN_DATA = "unbroken_data"
    CONFIDENCE = "confidence"
    COOLDOWN = "cooldown"
    EXPOSURE = "exposure"


# Without these there is nothing to judge by: neither rules nor a model nor the LLM can.
DATA_GATES = frozenset({GateName.FRESH_DATA, GateName.ENOUGH_DATA, GateName.COMPLETE_DATA, GateName.UNBROKEN_DATA})


class Abstention(StrEnum):
    """Why a signal is Neutral.

    `no edge`: the candles were judged and speak for no side. `no data`: they are too old, too few, too full of holes or
    broken off. `refused`: there was a side, and a guard did not let it pass.
    """

    NO_EDGE = "no edge"
    NO_DATA = "no data"
    REFUSED = "refused"


class Gate(Frozen):
    """One guard of an analysis, and how near it was.

    Attributes:
        name: One of `GateName`, or a guard of another release.
        passed: Whether a directional signal may pass.
        value: What was measured; None where nothing can be.
        needed: The bound that it is compared with; None where there is none.
    """

    name: str
    passed: bool
    value: float | None
    needed: float | None
