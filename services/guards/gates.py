"""The gates: each measures one thing of an answer and says whether a Long or Short may pass, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from config.guard_settings import GuardSettings
from domain.analysis import TradeSignal
from domain.timeframe_data import OLD_LENGTHS
from domain.trading.gates import Gate, GateName
from rules.context import MarketContext
from services.guards.given_side import GivenSide

# A confidence of one half pays its costs and no more.
EVEN = 0.5
_DIGITS = 4


@dataclass(frozen=True)
class Finding:
    """A gate, and what it says to a person where nothing may pass."""

    gate: Gate
    words: str


def safe_mode_gate(reason: str | None) -> Finding:
    """Return whether safe mode is off; `reason` is why it is on."""
    return _finding(GateName.SAFE_MODE, None, None, reason or "", passed=reason is None)


def enabled_lane_gate(reasons: Sequence[str]) -> Finding:
    """Return whether the lane that answers is enabled; `reasons` are why it, or a lane that it is made of, is not."""
    return _finding(GateName.ENABLED_LANE, None, None, "; ".join(reasons), passed=not reasons)


def fresh_data_gate(context: MarketContext) -> Finding:
    """Return whether the newest candle is no older than two of its lengths, at the moment of a replay if it is one."""
    age = context.age
    words = f"the newest candle closed {age.lengths:.1f} of its lengths ago, at most {OLD_LENGTHS:g} are allowed"
    return _finding(GateName.FRESH_DATA, age.lengths, OLD_LENGTHS, words, passed=not age.old)


def enough_data_gate(context: MarketContext, settings: GuardSettings) -> Finding:
    """Return whether the answer's timeframe has enough candles that count: those after its newest break."""
    candles, needed = _counted(context), settings.min_candles
    words = f"{candles} candles on {context.primary} count, {needed} are needed"
    return _finding(GateName.ENOUGH_DATA, candles, needed, words, passed=candles >= needed)


def complete_data_gate(context: MarketContext, settings: GuardSettings) -> Finding:
    """Return whether few enough candles are missing in gaps of the answer's timeframe."""
    series = context.main.series
    share, most = series.missing / (len(series) + series.missing), settings.max_missing_share
    words = f"{share:.1%} of the candles on {context.primary} are missing, at most {most:.1%} may be"
    return _finding(GateName.COMPLETE_DATA, share, most, words, passed=share <= most)


def unbroken_data_gate(context: MarketContext, min_candles: int) -> Finding:
    """Return whether enough candles for an analysis have closed since the series broke off, if it did."""
    found = context.breaks.get(context.primary)
    candles = None if found is None else _counted(context)
    words = f"{candles} candles have come on {context.primary} since the series broke off, {min_candles} are needed"
    if found is not None:
        words = f"{words}: {found.words}"
    return _finding(GateName.UNBROKEN_DATA, candles, min_candles, words, passed=not context.broken)


def confidence_gate(answer: TradeSignal, last: GivenSide | None, hysteresis: float) -> Finding:
    """Return whether a new side has enough confidence.

    Engines act on a confidence of 0.5 or more. Between 0.5 and 0.5 plus the hysteresis, only the side that stands
    passes, so that answers do not flicker around 0.5. Below 0.5 every side passes, and so does every side where none
    was given lately.

    Args:
        answer: Of Long or Short; a Neutral passes.
        last: The last Long or Short of its symbol and timeframe, None where none was given lately.
        hysteresis: What a new side needs above 0.5; 0 lets every confidence pass.
    """
    side, confidence = answer.signal, answer.confidence
    kept = last is None or (last.stands and last.signal is side)
    if not side.side or kept or confidence < EVEN:
        return _finding(GateName.CONFIDENCE, confidence if side.side else None, None, "", passed=True)
    needed = EVEN + hysteresis
    words = f"the confidence is {confidence:.4g}, a new {side} needs {needed:.4g}"
    return _finding(GateName.CONFIDENCE, confidence, needed, words, passed=confidence >= needed)


def cooldown_gate(answer: TradeSignal, last: GivenSide | None, candles_since: int, settings: GuardSettings) -> Finding:
    """Return whether enough candles have closed since the opposite side was given.

    Args:
        answer: Of Long or Short; a Neutral passes.
        last: The last Long or Short of its symbol and timeframe.
        candles_since: Candles that have closed since then.
        settings: Have the number that is needed.
    """
    needed = settings.cooldown_candles
    if last is None or answer.signal.side * last.side >= 0:
        return _finding(GateName.COOLDOWN, None, needed, "", passed=True)
    ago = "1 candle" if candles_since == 1 else f"{candles_since} candles"
    words = f"{last.signal} was given {ago} ago on {answer.timeframe}, {needed} have to close before a {answer.signal}"
    return _finding(GateName.COOLDOWN, candles_since, needed, words, passed=candles_since >= needed)


def exposure_gate(answer: TradeSignal, alike: Sequence[GivenSide], settings: GuardSettings) -> Finding:
    """Return whether the open signals that are the same bet leave room for this one.

    Args:
        answer: Of Long or Short; a Neutral passes.
        alike: Open signals of other symbols that are the same bet.
        settings: Have the limit, as a share of the capital.
    """
    limit = settings.max_exposure
    if not answer.signal.side:
        return _finding(GateName.EXPOSURE, None, limit, "", passed=True)
    own = answer.risk_assessment.recommended_position_size
    total = own + sum(bet.size for bet in alike)
    bets = ", ".join(f"{bet.signal} of {bet.symbol} ({bet.size:.4g})" for bet in alike)
    beside = f", with the open {bets}" if bets else ""
    words = f"{total:.4g} of the capital would be on one bet{beside}; at most {limit:g} may be"
    return _finding(GateName.EXPOSURE, total, limit, words, passed=total <= limit)


def _counted(context: MarketContext) -> int:
    """Return the number of candles of the answer's timeframe that came after its newest break."""
    candles, found = len(context.main.series), context.breaks.get(context.primary)
    # A broken series is described by all of its candles, any other by those that count.
    return candles - found.position if context.broken and found is not None else candles


def _finding(name: GateName, value: float | None, needed: float | None, words: str, *, passed: bool) -> Finding:
    rounded = None if value is None else round(float(value), _DIGITS)
    return Finding(_gate(name, passed, rounded, needed), words)


# Most gates of most answers are alike, and each costs a check of its fields.
@lru_cache(maxsize=1_000)
def _gate(name: GateName, passed: bool, value: float | None, needed: float | None) -> Gate:
    return Gate(name=name, passed=passed, value=value, needed=needed)
