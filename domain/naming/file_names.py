"""Market and timeframe in the name of a file of candles, as this service and the usual tools write it.

`SYMBOL-TIMEFRAME` with an ending is this service's own form, and is read whole: `PETR4.SA-1d.csv`, `BRK-B-1h.csv.gz`.
Of other names the endings, dates and the number of a copy are left out, then what stands before the timeframe is the
market. Its words are separated by `_`, commas and spaces; words in small letters beside others in capitals are
comments, and known venues before the symbol are left out. Where no word is in capitals, one whose spelling tells what
is traded is a market, and a name of one short word that files are not called by: `btcusdt.csv`, `aapl.us.txt` and
`aapl.csv`, but neither `answer.json` nor `data.csv`. Two words that make a pair, a share with its suffix or with its
class are one symbol: `BTC_USDT-1h.feather`, `BINANCE_BTCUSDT, 60.csv`, `Binance_BTCUSDT_1h.csv`,
`yfinance_MSFT-1d.csv`, `XBTUSD_60.csv`, `EURUSD_M15_202101040000_202112312345.csv`, `BTC-USD.csv`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from domain.market import Timeframe
from domain.naming.exchanges import UNITED_STATES, VENUES
from domain.naming.symbols import Symbol, SymbolKind, is_symbol, spelling

_ENDINGS = """
    csv tsv tab txt prn json jsonl ndjson parquet pq feather ftr arrow xls xlsx gz gzip zip bz2 xz zst
"""
ENDINGS_OF_DATA = frozenset(_ENDINGS.split())

# What files of any market are called; a longer word in small letters is no share of the United States.
_COMMON_WORDS = """
    a all bar bars book chart coin coins copy csv data day demo dump feed file forex fx hist hour in input json
    kline log main my new ohlc ohlcv old out perp pivot price quote raw rows spot stock table temp test tick ticks
    tmp trade train val week x y
"""
_COMMON_NAMES = frozenset(_COMMON_WORDS.split())
_SHORT_WORD = re.compile("[a-z]{1,5}")

# That of file systems. Of a longer text, which only a hostile client sends, the patterns would take seconds.
MAX_NAME_LENGTH = 255
_COPY = re.compile(r"[ _-]*\(\d{1,3}\)$")
# 2024, 2024-01, 2024-01-31 and 20240131 behind a separator; 2020.HK is a share.
_DATE = re.compile(r"[-_ ](?:19|20)\d\d(?:[-_]?[01]\d(?:[-_]?[0-3]\d)?)?(?=$|[-_ ,T])")
_SEPARATOR = r"(?P<separator>[-_,. ]+)"
_END = r"(?=$|[-_,. ])"
_WITH_UNIT = re.compile(
    rf"{_SEPARATOR}(?:(?P<count>\d{{1,4}}) ?(?P<unit>[A-Za-z]{{1,7}})|(?P<letters>[A-Za-z]{{1,8}})(?P<after>\d{{0,2}}))"
    + _END
)
_NUMBER = re.compile(rf"[-_, ]+(?P<minutes>\d{{1,5}}){_END}")
# MetaTrader's EURUSD60.csv, perhaps with the letters of an account.
_FOREX_AND_MINUTES = re.compile(r"(?P<pair>[A-Za-z]{6})(?:[.+_-]?[a-z]{1,6}|[.+#])?(?P<minutes>\d{1,5})")

_UNIT_MINUTES = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60),
    **dict.fromkeys(("d", "day", "days"), 1_440),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 10_080),
    **dict.fromkeys(("mo", "mon", "mth", "month", "months"), 43_200),
}
_WORD_MINUTES = {
    **dict.fromkeys(("minute", "minutely"), 1),
    **dict.fromkeys(("hour", "hourly"), 60),
    **dict.fromkeys(("d", "day", "daily"), 1_440),
    **dict.fromkeys(("w", "week", "weekly"), 10_080),
    **dict.fromkeys(("month", "monthly"), 43_200),
}
_METATRADER_MINUTES = {"m": 1, "h": 60, "d": 1_440, "w": 10_080, "mn": 43_200}
# Coinbase's, in seconds; none of them is a usual number of minutes.
_USUAL_SECONDS = frozenset({300, 900, 1_800, 3_600, 14_400, 21_600, 86_400})
# What makes a pair before it a contract of its own: a perpetual, or a future with the day on which it expires.
_CONTRACT = re.compile(r"PERP|PERPETUAL|SWAP|[UDC]MCBL|\d{6}")
# Lengths that exchanges and terminals have; not all of them are timeframes of this service.
_USUAL_MINUTES = frozenset({1, 2, 3, 5, 10, 15, 30, 45, 60, 120, 180, 240, 360, 480, 720, 1_440, 4_320, 10_080, 43_200})
_TIMEFRAMES = {timeframe.ms // 60_000: timeframe for timeframe in Timeframe}


class FileMarket(NamedTuple):
    """What the name of a file tells.

    Attributes:
        symbol: None where the name has no market that can be told from its other words.
        timeframe: None where the name has none, or one that this service has not.
    """

    symbol: str | None
    timeframe: Timeframe | None


def file_market(name: str) -> FileMarket:
    """Return the market and the timeframe in a file's name, given without its folder."""
    return _told_by(name) if len(name) <= MAX_NAME_LENGTH else FileMarket(None, None)


@lru_cache(4096)
def _told_by(name: str) -> FileMarket:
    stem = _without_endings(name)
    market, hyphen, timeframe = stem.rpartition("-")
    if hyphen and timeframe in tuple(Timeframe) and is_symbol(market) and market.partition("-")[0] not in VENUES:
        return FileMarket(spelling(market), Timeframe(timeframe))
    market, minutes = _cut(_DATE.sub("", _COPY.sub("", stem)))
    return FileMarket(_symbol(market), _TIMEFRAMES.get(minutes) if minutes else None)


def timeframe_written(text: str) -> Timeframe | None:
    """Return the timeframe that is written as `60`, `1H`, `H1`, `1hour` or `daily`; None where that cannot be told."""
    return file_market(f"BTCUSDT_{text}").timeframe


def _without_endings(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return _without_endings(stem) if dot and stem and ending.lower() in ENDINGS_OF_DATA else name


def _cut(stem: str) -> tuple[str, int | None]:
    """Return what stands before the timeframe, and its length in minutes where the name has one."""
    for found in _WITH_UNIT.finditer(stem):
        minutes = _minutes(found)
        if found.start() and minutes in _USUAL_MINUTES:
            return stem[: found.start()], minutes
    for found in _NUMBER.finditer(stem):
        number = int(found["minutes"])
        minutes = number // 60 if number in _USUAL_SECONDS else number
        if found.start() and minutes in _USUAL_MINUTES:
            return stem[: found.start()], minutes
    both = _FOREX_AND_MINUTES.fullmatch(stem)
    if both and int(both["minutes"]) in _USUAL_MINUTES and Symbol.of(both["pair"].upper()).kind is SymbolKind.FOREX:
        return both["pair"], int(both["minutes"])
    return stem, None


def _minutes(found: re.Match[str]) -> int | None:
    if found["count"]:
        # 1m is a minute, 1M a month.
        unit = "mo" if found["unit"] == "M" else found["unit"].lower()
        return int(found["count"]) * _UNIT_MINUTES.get(unit, 0)
    letters = found["letters"].lower()
    if found["after"]:
        return int(found["after"]) * _METATRADER_MINUTES.get(letters, 0)
    # One letter behind a hyphen or a dot is a class of shares or an exchange.
    return None if len(letters) == 1 and found["separator"][-1] in "-." else _WORD_MINUTES.get(letters)


def _symbol(text: str) -> str | None:
    """Return the market in the words before the timeframe."""
    words = [word.strip("-.") for word in re.split(r"[_,\s]+", text)]
    words = [_without_comment(_without_venue(word)) for word in words if word]
    some_in_capitals = any(word != word.lower() and word == word.upper() for word in words)
    if some_in_capitals:
        words = [word for word in words if word == word.upper()]
    while len(words) > 1 and words[0].upper() in VENUES:
        words = words[1:]
    for start, word in enumerate(words):
        is_contract = any(map(_CONTRACT.fullmatch, words[start + 1 : start + 2]))
        for count in (3, 2, 1) if is_contract else (3, 1, 2):
            part = words[start : start + count]
            whole = len(part) == count and (count > 1 or _tells(word))
            if whole and (found := spelling("_".join(part))):
                return found
    # answer.json and data.csv name no market, though both could be spelled as one.
    short = len(words) == 1 and _SHORT_WORD.fullmatch(words[0]) and words[0] not in _COMMON_NAMES
    return spelling(words[0]) if words and (some_in_capitals or short) else None


def _without_venue(word: str) -> str:
    venue, hyphen, rest = word.partition("-")
    return rest if hyphen and rest and venue.upper() in VENUES else word


def _without_comment(word: str) -> str:
    """Return a word in capitals without what follows it in small letters: BTCUSDT of BTCUSDT-new."""
    head, hyphen, rest = word.partition("-")
    return (
        head
        if hyphen and head != head.lower() and head == head.upper() and rest == rest.lower() != rest.upper()
        else word
    )


def _tells(word: str) -> bool:
    """Return whether a word alone is surely a market: any short word could be a share of the United States."""
    facts = Symbol.of(spelling(word) or "")
    if facts.kind is SymbolKind.SHARE and facts.exchange is UNITED_STATES:
        return facts.name.endswith(".US")
    return facts.kind is not None
