"""Check of an LLM's reasoning against the facts that it was given.

A figure that follows the name of an indicator, a level or the price has to be one of that name; any other has
to be one of all that were sent. Both may be rounded as they are written, or off by half a percent; a share may
be written in percent. Names of timeframes, periods of indicators ("EMA 21", "MACD (12, 26, 9)"), counts of
candles and customary bounds in a comparison ("above 70", "the 50 level") are no figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.values import round_significant

TOLERANCE = 0.005
UNVERIFIED = "[unverified]"
MAX_LEVELS = 5
# Characters before a figure in which its name may stand.
_REACH = 60
_BOUNDS = frozenset({0.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 100.0})

_NUMBER = r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_FIGURE = re.compile(rf"(?<![\w.])(?P<number>{_NUMBER})(?!\.?\d)\w*(?P<percent>\s?%(?!\w))?")
_PERIOD = r"\d{1,3}(?![\d.,]*\d)"
# Numbers that are no figures: periods, timeframes, counts.
_NO_FIGURES = re.compile(
    rf"\b(?:[es]?ma[-_ ]?{_PERIOD}|(?:rsi|atr|adx)[-_ ]?14\b(?!\.\d)"
    r"|(?:[es]?ma|rsi|atr|adx|cci|roc|vwap|macd|bollinger(?: bands?)?|stochastic|williams(?: %r)?)"
    r"\s?\(\s*\d+(?:\.\d+)?(?:\s*,\s*\d+(?:\.\d+)?)*\s*\)"
    r"|\d{1,3}[- ]?(?:m|h|d|min|minutes?|hours?|days?)\b"
    r"|\d{1,3}[- ](?:periods?|candles?|bars?|closes)\b"
    r"|\d(?: out)? of (?:the )?\d\b|\d (?:timeframes|strategies|indicators)\b)",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:above|below|over|under|than|beyond|exceed\w*|threshold(?: of)?|between(?: \d+ and)?)\s*(?:the\s*)?$", re.I
)
_BOUND = re.compile(r"\s*(?:level|line|mark|threshold)\b", re.I)
Names = Sequence[tuple[re.Pattern[str], tuple[str, ...]]]
_RANGE = ("average_true_range", "average_true_range_percent", "average_true_range_percentile")
# Longest names first, so that a histogram is not taken for a line.
MARKET_NAMES: Names = [
    (re.compile(pattern, re.IGNORECASE), keys)
    for pattern, keys in (
        (r"\brsi\b", ("rsi",)),
        (r"\bhistogram\b", ("macd_histogram",)),
        (r"\bmacd[ _]signal\b|\bsignal line\b", ("macd_signal",)),
        (r"\bmacd\b(?![ _](?:signal|histogram))", ("macd", "macd_histogram", "macd_signal")),
        (r"\badx\b", ("adx",)),
        (r"\+ ?di\b|\bplus[ _]di\b", ("plus_di",)),
        (r"(?<!\w)[-\u2212] ?di\b|\bminus[ _]di\b", ("minus_di",)),
        (rf"\bema[-_ (]*(?P<period>{_PERIOD})", ("ema_",)),
        (rf"\bsma[-_ (]*(?P<period>{_PERIOD})", ("sma_",)),
        (r"\bstochastic\b|%[kd]\b", ("stochastic_k", "stochastic_d")),
        (r"\bwilliams\b", ("williams_r",)),
        (r"\bcci\b", ("cci",)),
        (r"\batr\b|\baverage[ _]true[ _]range\b", _RANGE),
        (r"\bvwap\b", ("vwap",)),
        (r"\bprice\b", ("price", "close", "last_closes")),
        (r"\bprobability\b", ("probability_up",)),
        (r"\bfear\b", ("fear_greed",)),
        (r"\bsupports?\b", ("support_levels", "stop_loss")),
        (r"\bresistances?\b", ("resistance_levels", "take_profit")),
        (r"\bstop(?:[- ]loss)?\b", ("stop_loss",)),
        (r"\b(?:target|take[- ]profit)\b", ("take_profit",)),
    )
]


@dataclass(frozen=True)
class Grounded:
    """A reasoning with its unverified figures marked, the number of its figures and of the verified ones."""

    reasoning: str
    figures: int
    verified: int


def ground_reasoning(reasoning: str, known: Mapping[str, Any], names: Names = MARKET_NAMES) -> Grounded:
    """Return the reasoning with every figure marked that is in no fact.

    Args:
        reasoning: The LLM's words.
        known: JSON-like: the facts that were sent, and the accepted parts of the reply.
        names: Facts that a figure after a name must match; without names, a figure must match any fact.
    """
    values = _by_name(known)
    everything = [value for group in values.values() for value in group]
    skipped = [found.span() for found in _NO_FIGURES.finditer(reasoning)]
    marked, position, verified, figures = [], 0, 0, 0
    for found in _FIGURE.finditer(reasoning):
        if _inside(found, skipped) or _is_bound(reasoning, found):
            continue
        figures += 1
        named = _named(reasoning[max(0, found.start() - _REACH) : found.start()], names, values)
        if _matches(found, everything if named is None else named):
            verified += 1
        else:
            marked.append(f"{reasoning[position : found.end()]} {UNVERIFIED}")
            position = found.end()
    return Grounded("".join([*marked, reasoning[position:]]), figures, verified)


class FigureCheck:
    """Checks the texts of one reply against its facts, and counts their figures."""

    def __init__(self, facts: Mapping[str, Any], names: Names = ()) -> None:
        """Keep the facts that were sent, JSON-like, and the names; see `ground_reasoning`."""
        self._facts = facts
        self._names = names
        self._figures = self._verified = 0

    def mark(self, text: str, also_known: Mapping[str, Any] | None = None) -> str:
        """Return the text with its unverified figures marked; `also_known` are further facts, JSON-like."""
        grounded = ground_reasoning(text, {"facts": self._facts, **(also_known or {})}, self._names)
        self._figures += grounded.figures
        self._verified += grounded.verified
        return grounded.reasoning

    @property
    def groundedness(self) -> float | None:
        """Share of verified figures in all so far, with four decimals; None where there are no figures."""
        return round(self._verified / self._figures, 4) if self._figures else None


def real_levels(levels: Iterable[float], lowest: float, highest: float, price: float, *, below: bool) -> list[float]:
    """Return the levels on the right side of the price and within the candles' range, nearest first, each once."""
    fitting = {round_significant(level) for level in levels if lowest <= level <= highest and (level < price) == below}
    return sorted((level for level in fitting if level != price), key=lambda level: abs(level - price))[:MAX_LEVELS]


def _named(before: str, names: Names, values: Mapping[str, list[float]]) -> list[float] | None:
    """Return the values of the name that stands nearest before a figure, None where no name does."""
    sentence = re.split(r"[;!?]|[.,]\s", before)[-1]
    nearest: tuple[int, tuple[str, ...]] | None = None
    for pattern, keys in names:
        for found in pattern.finditer(sentence):
            if nearest is None or found.end() > nearest[0]:
                period = found.groupdict().get("period") or ""
                nearest = found.end(), tuple(key + period for key in keys)
    if nearest is None:
        return None
    return [value for key in nearest[1] for value in values.get(key, [])]


def _matches(found: re.Match[str], values: Sequence[float]) -> bool:
    figure = _value(found["number"])
    digits, _, exponent = found["number"].lower().partition("e")
    rounding = 0.0 if exponent else 0.5 * 10.0 ** -len(digits.partition(".")[2]) * (1 + 1e-9)
    shares = [100 * value for value in values if abs(value) <= 1] if found["percent"] else []
    # A figure may have lost its sign in a sentence: "2.5 % below".
    return any(
        abs(figure - candidate) <= max(rounding, TOLERANCE * abs(value))
        for value in (*values, *shares)
        for candidate in (value, abs(value))
    )


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))


def _is_bound(reasoning: str, found: re.Match[str]) -> bool:
    compared = _COMPARED.search(reasoning[max(0, found.start() - _REACH) : found.start()])
    return bool(compared or _BOUND.match(reasoning, found.end())) and abs(_value(found["number"])) in _BOUNDS


def _inside(found: re.Match[str], spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= found.start() < end for start, end in spans)


def _by_name(known: Mapping[str, Any]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for name, value in _numbers("", known):
        values.setdefault(name, []).append(value)
    return values


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yield every number with the name that it stands under."""
    match value:
        case bool():
            return
        case int() | float():
            yield name, float(value)
        case Mapping():
            for key, item in value.items():
                yield from _numbers(str(key), item)
        case list() | tuple():
            for item in value:
                yield from _numbers(name, item)
