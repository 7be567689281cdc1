"""Holding an LLM's reasoning against what it was given: which of its figures are real?

A figure that follows the name of an indicator, a level or the price has to be one of that name; any other has
to be one of all that were sent. Both may be rounded as they are written, or off by half a percent. Names of
timeframes, periods of indicators ("EMA 21", "MACD (12, 26, 9)") and customary bounds after a word of
comparison ("above 70") are no figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.analysts.risk import round_significant

TOLERANCE = 0.005
UNVERIFIED = "[unverified]"
MAX_LEVELS = 5
# How far before a figure its name may stand.
_REACH = 60
_BOUNDS = frozenset({0.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 100.0})

_NUMBER = r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_FIGURE = re.compile(rf"(?<![\w.])(?P<number>{_NUMBER})(?!\.?\d)\w*")
_PERIOD = r"\d{1,3}(?![\d.,]*\d)"
# Numbers that are no figures: periods, timeframes, counts.
_NO_FIGURES = re.compile(
    rf"\b(?:[es]?ma[-_ ]?{_PERIOD}|(?:rsi|atr|adx)[-_ ]?14\b(?!\.\d)"
    r"|(?:[es]?ma|rsi|atr|adx|cci|roc|vwap|macd|bollinger(?: bands?)?|stochastic|williams(?: %r)?)"
    r"\s?\(\s*\d+(?:\.\d+)?(?:\s*,\s*\d+(?:\.\d+)?)*\s*\)"
    r"|\d{1,3}[- ]?(?:m|h|d|min|minutes?|hours?|days?)\b"
    r"|\d(?: out)? of (?:the )?\d\b|\d (?:timeframes|strategies|indicators)\b)",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:above|below|over|under|than|beyond|exceed\w*|threshold(?: of)?)\s*(?:the\s*)?$", re.I)
# Longest names first, so that a histogram is not taken for a line.
_NAMES: Sequence[tuple[re.Pattern[str], tuple[str, ...]]] = [
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
        (r"\batr\b|\baverage[ _]true[ _]range\b", ("average_true_range",)),
        (r"\bvwap\b", ("vwap",)),
        (r"\bprice\b", ("price", "close", "last_closes")),
        (r"\bsupports?\b", ("support_levels", "stop_loss")),
        (r"\bresistances?\b", ("resistance_levels", "take_profit")),
        (r"\bstop(?:[- ]loss)?\b", ("stop_loss",)),
        (r"\b(?:target|take[- ]profit)\b", ("take_profit",)),
    )
]


@dataclass(frozen=True)
class Grounded:
    """A reasoning with its unverified figures marked, and the share of the others; None where it has no figure."""

    reasoning: str
    share: float | None


def ground_reasoning(reasoning: str, known: Mapping[str, Any]) -> Grounded:
    """Return the reasoning with every figure marked that stands nowhere in what is known.

    Args:
        reasoning: The LLM's words.
        known: JSON-like: the facts that were sent, and what was accepted of the reply.
    """
    values = _by_name(known)
    everything = [value for group in values.values() for value in group]
    skipped = [found.span() for found in _NO_FIGURES.finditer(reasoning)]
    marked, position, right, total = [], 0, 0, 0
    for found in _FIGURE.finditer(reasoning):
        if _inside(found, skipped) or _is_bound(reasoning, found):
            continue
        total += 1
        named = _named(reasoning[max(position, found.start() - _REACH) : found.start()], values)
        if _matches(found["number"], everything if named is None else named):
            right += 1
        else:
            marked.append(f"{reasoning[position : found.end()]} {UNVERIFIED}")
            position = found.end()
    return Grounded("".join([*marked, reasoning[position:]]), right / total if total else None)


def real_levels(levels: Iterable[float], lowest: float, highest: float, price: float, *, below: bool) -> list[float]:
    """Return the levels on the right side of the price and within the candles' range, nearest first, each once."""
    fitting = {round_significant(level) for level in levels if lowest <= level <= highest and (level < price) == below}
    return sorted((level for level in fitting if level != price), key=lambda level: abs(level - price))[:MAX_LEVELS]


def _named(before: str, values: Mapping[str, list[float]]) -> list[float] | None:
    """Return the values of the name that stands nearest before a figure, None where no name does."""
    sentence = re.split(r"[;!?]|[.,]\s", before)[-1]
    nearest: tuple[int, tuple[str, ...]] | None = None
    for pattern, keys in _NAMES:
        for found in pattern.finditer(sentence):
            if nearest is None or found.end() > nearest[0]:
                period = found.groupdict().get("period") or ""
                nearest = found.end(), tuple(key + period for key in keys)
    if nearest is None:
        return None
    return [value for key in nearest[1] for value in values.get(key, [])]


def _matches(text: str, values: Iterable[float]) -> bool:
    figure = _value(text)
    digits, _, exponent = text.lower().partition("e")
    rounding = 0.0 if exponent else 0.5 * 10.0 ** -len(digits.partition(".")[2]) * (1 + 1e-9)
    # A figure may have lost its sign in a sentence: "2.5 % below".
    return any(
        abs(figure - candidate) <= max(rounding, TOLERANCE * abs(value))
        for value in values
        for candidate in (value, abs(value))
    )


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))


def _is_bound(reasoning: str, found: re.Match[str]) -> bool:
    compared = _COMPARED.search(reasoning[max(0, found.start() - _REACH) : found.start()])
    return compared is not None and abs(_value(found["number"])) in _BOUNDS


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
