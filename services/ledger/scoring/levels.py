"""Levels of the sums: by what their groups are told apart."""

from __future__ import annotations

from enum import StrEnum

# Lane of what callers were given, by whichever lane.
GIVEN = "given"
_CONFIDENCE_BINS = 20
_PROBABILITY_BINS = 10


class Level(StrEnum):
    """By what the sums of a level are told apart, beside lane, lane_id, timeframe and horizon.

    Where the side is not told, only Long and Short count. Where it is, Neutral entries are a group too, the control
    group, with the figures that a Long would have had.

    `given` and `given_side` have the first entry that was given to a caller in each market and stretch, of any lane;
    `pair` has two lanes on the same candles, the second one in `bin`.
    """

    ALL = "all"
    SIDE = "side"
    SYMBOL = "symbol"
    SYMBOL_SIDE = "symbol_side"
    CONFIDENCE = "confidence"
    PROBABILITY = "probability"
    GIVEN = "given"
    GIVEN_SIDE = "given_side"
    PAIR = "pair"

    @property
    def tells_sides(self) -> bool:
        """Whether its groups have a side."""
        return self in {Level.SIDE, Level.SYMBOL_SIDE, Level.GIVEN_SIDE}


def confidence_bin(confidence: float) -> str:
    """Return the range of confidence, 0.05 wide."""
    return _bin(confidence, _CONFIDENCE_BINS)


def probability_bin(probability: float) -> str:
    """Return the range of probability, 0.1 wide."""
    return _bin(probability, _PROBABILITY_BINS)


def _bin(share: float, bins: int) -> str:
    """Return the range of equal width that a share 0..1 is in, as `0.50-0.55`; the last one has its upper end."""
    at = min(int(share * bins + 1e-9), bins - 1)
    return f"{at / bins:.2f}-{(at + 1) / bins:.2f}"
