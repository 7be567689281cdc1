"""Names of columns that have the market beside the price: `BTC_open`, `Close_AAPL`, `('Close', 'AAPL')`, `mid.o`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from features.candle_reading.headers import LONGEST_NAME, MOST_COLUMNS, PRICES, roles_of

_WORDS = "adj[ _]?close|open|high|low|close|volume|vol"
_PRICE_WORDS = {"open", "high", "low", "close"}
_SEPARATOR = r"[\s_.:|,'\"()/-]+"
_BEFORE = re.compile(rf"['\"(\s]*(?P<affix>.*?[^\s_.:|,'\"()/-]){_SEPARATOR}(?P<word>{_WORDS})['\")\s]*", re.IGNORECASE)
_BEHIND = re.compile(rf"['\"(\s]*(?P<word>{_WORDS}){_SEPARATOR}(?P<affix>[^\s_.:|,'\"()/-].*?)['\")\s]*", re.IGNORECASE)
# Sides of a quote, each with prices of its own; of several the first is read.
_SIDES = re.compile(r"(?P<affix>bid|mid|ask)[\s_.]?(?P<word>o|h|l|c|open|high|low|close)", re.IGNORECASE)
_SIDES_IN_ORDER = ("bid", "mid", "ask")


class PlainNames(NamedTuple):
    """Names without what is beside the price, and the market of each column.

    Attributes:
        names: As they were, but those of prices without the affix.
        markets: The market of each column, empty where it is that of all; none where no name has one.
    """

    names: tuple[str, ...]
    markets: tuple[str, ...] = ()


def plain_names(names: Sequence[str]) -> PlainNames:
    """Return names of columns with what stands beside the prices taken away, where they are no names of prices yet."""
    if len(names) > MOST_COLUMNS or max(map(len, names), default=0) > LONGEST_NAME:
        return PlainNames(tuple(names))
    roles = roles_of(names)
    if sum(role in roles for role in PRICES) >= 3:
        return PlainNames(tuple(names))
    if sided := _one_side(names):
        return PlainNames(sided)
    for form in (_BEHIND, _BEFORE):
        found = [form.fullmatch(name) for name in names]
        words = defaultdict[str, set[str]](set)
        for match in found:
            if match:
                words[match["affix"]].add(match["word"].casefold())
        plain = tuple(match["word"] if match else name for match, name in zip(found, names, strict=True))
        whole = [affix for affix, own in words.items() if own >= _PRICE_WORDS]
        if whole:
            markets = tuple(match["affix"] if match else "" for match in found)
            # kline_open, candle.open: a word for all is no market.
            told = len(whole) > 1 or whole[0] == whole[0].upper()
            return PlainNames(plain, markets if told else ())
    return PlainNames(tuple(names))


def _one_side(names: Sequence[str]) -> tuple[str, ...]:
    found = [_SIDES.fullmatch(name.strip()) for name in names]
    sides = [match["affix"].casefold() if match else "" for match in found]
    side = next((side for side in _SIDES_IN_ORDER if sides.count(side) >= len(PRICES)), None)
    if side is None:
        return ()
    return tuple(
        match["word"] if match and own == side else name for match, own, name in zip(found, sides, names, strict=True)
    )
