"""Hours of the exchanges that are known by the spelling of a symbol."""

from __future__ import annotations

from domain.sessions import ALL_DAY, AROUND_THE_CLOCK, Hours, Sessions

_CLOSED: Hours = ()


def _at(clock_time: str) -> int:
    hour, _, minute = clock_time.partition(":")
    return int(hour) * 60 + int(minute)


def _weekdays(name: str, exchange: str, zone: str, *spans: str) -> Sessions:
    """Return the sessions of an exchange that has the same hours from Monday to Friday."""
    hours = tuple((_at(span.partition("-")[0]), _at(span.partition("-")[2])) for span in spans)
    return Sessions(name, zone, (hours,) * 5 + (_CLOSED,) * 2, exchange)


# By the exchange's code (MIC), in its own local time. Auctions after the close are no part of the hours.
EXCHANGES = {
    "XNYS": _weekdays("US shares", "XNYS", "America/New_York", "09:30-16:00"),
    "XTSE": _weekdays("Toronto shares", "XTSE", "America/Toronto", "09:30-16:00"),
    "BVMF": _weekdays("B3 shares", "BVMF", "America/Sao_Paulo", "10:00-18:00"),
    "XLON": _weekdays("London shares", "XLON", "Europe/London", "08:00-16:30"),
    "XETR": _weekdays("XETRA shares", "XETR", "Europe/Berlin", "09:00-17:30"),
    "XPAR": _weekdays("Paris shares", "XPAR", "Europe/Paris", "09:00-17:30"),
    "XAMS": _weekdays("Amsterdam shares", "XAMS", "Europe/Amsterdam", "09:00-17:30"),
    "XMIL": _weekdays("Milan shares", "XMIL", "Europe/Rome", "09:00-17:30"),
    "XMAD": _weekdays("Madrid shares", "XMAD", "Europe/Madrid", "09:00-17:30"),
    "XSWX": _weekdays("Swiss shares", "XSWX", "Europe/Zurich", "09:00-17:30"),
    "XNSE": _weekdays("NSE shares", "XNSE", "Asia/Kolkata", "09:15-15:30"),
    "XBOM": _weekdays("BSE shares", "XBOM", "Asia/Kolkata", "09:15-15:30"),
    "XJPX": _weekdays("Tokyo shares", "XJPX", "Asia/Tokyo", "09:00-11:30", "12:30-15:30"),
    "XHKG": _weekdays("Hong Kong shares", "XHKG", "Asia/Hong_Kong", "09:30-12:00", "13:00-16:00"),
    "XSHG": _weekdays("Shanghai shares", "XSHG", "Asia/Shanghai", "09:30-11:30", "13:00-15:00"),
    "XKRX": _weekdays("Korean shares", "XKRX", "Asia/Seoul", "09:00-15:30"),
    "XASX": _weekdays("Australian shares", "XASX", "Australia/Sydney", "10:00-16:00"),
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


def known_sessions(kind: str | None) -> Sessions | None:
    """Return the sessions of a kind of market, `crypto`, `forex`, `future` or a MIC; None where they are not known."""
    if kind == "crypto":
        return AROUND_THE_CLOCK
    if kind == "forex":
        return FOREX
    return FUTURES if kind == "future" else EXCHANGES.get(kind or "")
