"""Trading hours of the markets that are known by the spelling of a symbol."""

from __future__ import annotations

from functools import lru_cache

from domain.hours.holidays import holidays_loaded
from domain.hours.sessions import ALL_DAY, AROUND_THE_CLOCK, Hours, Sessions
from domain.naming.symbols import market_kind

_CLOSED: Hours = ()


def _at(clock_time: str) -> int:
    hour, _, minute = clock_time.partition(":")
    return int(hour) * 60 + int(minute)


def _weekdays(name: str, exchange: str, zone: str, *spans: str) -> Sessions:
    """Return the sessions of an exchange that has the same hours from Monday to Friday."""
    hours = tuple((_at(span.partition("-")[0]), _at(span.partition("-")[2])) for span in spans)
    return Sessions(name, zone, (hours,) * 5 + (_CLOSED,) * 2, exchange)


# By the words of `symbols.market_kind`, in local time. Auctions after the close are no part of the hours. An exchange
# that is not here is found in its candles.
_MARKETS = {
    "us": _weekdays("US shares", "XNYS", "America/New_York", "09:30-16:00"),
    "tsx": _weekdays("Toronto shares", "XTSE", "America/Toronto", "09:30-16:00"),
    "b3": _weekdays("B3 shares", "BVMF", "America/Sao_Paulo", "10:00-18:00"),
    "lse": _weekdays("London shares", "XLON", "Europe/London", "08:00-16:30"),
    "xetra": _weekdays("XETRA shares", "XETR", "Europe/Berlin", "09:00-17:30"),
    "euronext": _weekdays("Euronext shares", "XPAR", "Europe/Paris", "09:00-17:30"),
    "milan": _weekdays("Milan shares", "XMIL", "Europe/Rome", "09:00-17:30"),
    "madrid": _weekdays("Madrid shares", "XMAD", "Europe/Madrid", "09:00-17:30"),
    "six": _weekdays("Swiss shares", "XSWX", "Europe/Zurich", "09:00-17:30"),
    "nse": _weekdays("NSE shares", "XNSE", "Asia/Kolkata", "09:15-15:30"),
    "bse": _weekdays("BSE shares", "XBOM", "Asia/Kolkata", "09:15-15:30"),
    "tokyo": _weekdays("Tokyo shares", "XJPX", "Asia/Tokyo", "09:00-11:30", "12:30-15:30"),
    "hong_kong": _weekdays("Hong Kong shares", "XHKG", "Asia/Hong_Kong", "09:30-12:00", "13:00-16:00"),
    "shanghai": _weekdays("Shanghai shares", "XSHG", "Asia/Shanghai", "09:30-11:30", "13:00-15:00"),
    "shenzhen": _weekdays("Shenzhen shares", "XSHE", "Asia/Shanghai", "09:30-11:30", "13:00-15:00"),
    "korea": _weekdays("Korean shares", "XKRX", "Asia/Seoul", "09:00-15:30"),
    "asx": _weekdays("Australian shares", "XASX", "Australia/Sydney", "10:00-16:00"),
}

# From Sunday 17:00 to Friday 17:00 in New York, without a break.
FOREX = Sessions(
    "forex",
    "America/New_York",
    (ALL_DAY,) * 4 + (((0, _at("17:00")),), _CLOSED, ((_at("17:00"), _at("24:00")),)),
)

# CME's electronic sessions pause for an hour a day.
_FUTURES_DAY: Hours = ((0, _at("16:00")), (_at("17:00"), _at("24:00")))
FUTURES = Sessions(
    "US futures",
    "America/Chicago",
    (_FUTURES_DAY,) * 4 + (((0, _at("16:00")),), _CLOSED, ((_at("17:00"), _at("24:00")),)),
    "XCME",
)


# When the exchanges of shares close, in minutes after midnight on their own clocks.
CLOSING_MINUTES = frozenset(hours[-1][1] for sessions in _MARKETS.values() for hours in sessions.week if hours)


def needs_holidays(symbol: str) -> bool:
    """Return whether the sessions of a market need `load_holidays` first."""
    return not holidays_loaded() and has_holidays(symbol)


def has_holidays(symbol: str) -> bool:
    """Return whether a market has an exchange whose holidays are to be kept."""
    known = known_sessions(symbol)
    return known is not None and known.exchange is not None


# Each request asks twice.
@lru_cache(maxsize=4096)
def known_sessions(symbol: str) -> Sessions | None:
    """Return the sessions of a market by its symbol; None where the symbol does not tell."""
    kind = market_kind(symbol)
    if kind == "crypto":
        return AROUND_THE_CLOCK
    if kind == "forex":
        return FOREX
    return FUTURES if kind == "future" else _MARKETS.get(kind or "")
