"""Names of columns, as the usual exports have them, and what they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum


class Role(StrEnum):
    """What a column holds; the words name it in messages."""

    TIME = "time"
    CLOCK = "time of day"
    CLOSE_TIME = "close time"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    VOLUME = "volume"
    SYMBOL = "symbol"
    TIMEFRAME = "timeframe"


PRICES = (Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE)

# The best name comes first: a file with `unix` and `date` is read by the former, one with `close` and `adjclose` alike.
_NAMES: dict[Role, str] = {
    Role.TIME: "opentime timeopen klineopentime openingtime timeperiodstart windowstart starttime startat start begin "
    "timestamp timestampms timestamputc unix unixtime unixtimestamp unixtimestampms epoch epochtime epochms ts mts t "
    "datetime dateandtime gmttime utctime localtime datetimeutc dateutc timeutc date tradedate tradingday "
    "datum fecha data day time dt",
    Role.CLOCK: "time timeofday clock hour hora uhrzeit zeit heure",
    Role.CLOSE_TIME: "closetime timeclose klineclosetime closingtime timeperiodend endtime endat end",
    Role.OPEN: "open o openprice priceopen openingprice opening eroffn eroffnung apertura abertura ouv ouverture "
    "bidopen openbid",
    Role.HIGH: "high h highprice pricehigh highest max hoch maximo maxima plushaut haut bidhigh highbid",
    Role.LOW: "low l lowprice pricelow lowest min tief minimo minima plusbas bas bidlow lowbid",
    Role.CLOSE: "close c closeprice priceclose closingprice closelast last lastprice zuletzt schluss schlusskurs "
    "cierre ultimo dernier cloture fechamento adjclose adjustedclose closeadj price bidclose closebid",
    Role.VOLUME: "volume vol v basevolume volumebase basevol volumefrom volumetraded realvolume tickvolume tickvol "
    "volumen umsatz amount",
    Role.SYMBOL: "symbol ticker tickers pair instrument market tic secid asset code",
    Role.TIMEFRAME: "interval timeframe tf period per resolution granularity barsize",
}
_RANKS = {role: {name: rank for rank, name in enumerate(names.split())} for role, names in _NAMES.items()}
# "Volume BTC", "Volume USDT": the base currency comes first. Not an average of volumes, nor the volume in the quote's.
_OTHER_VOLUME = re.compile(
    r"(base\w*)?vol(ume)?(?!ma$|sma|ema|weighted|avg|average|to$|quote|usd$|ccy|currency|notional|change)\w*"
)
_LAST_RANK = 1000


def plain_name(name: str) -> str:
    """Return letters and digits of a name, without accents, a leading number ("1. open") and a unit in brackets."""
    text = re.sub(r"\(.*?\)|\[.*?\]", " ", re.sub(r"^\s*\d+[a-z]?\.\s*", "", name.casefold()))
    text = unicodedata.normalize("NFKD", text)
    return "".join(character for character in text if character.isalnum())


def roles_of(names: Sequence[str]) -> dict[Role, int]:
    """Return the column of each role that the names tell; a first column without a name may hold the times."""
    plain = [plain_name(name) for name in names]
    roles: dict[Role, int] = {}
    for role in (Role.TIME, Role.CLOSE_TIME, *PRICES, Role.VOLUME, Role.SYMBOL, Role.TIMEFRAME, Role.CLOCK):
        taken = set(roles.values())
        # Of names that differ in case alone the small letters count: `l` of Binance is the low, `L` a trade's number.
        ranked = [
            (rank, names[at] != names[at].casefold(), at)
            for at, name in enumerate(plain)
            if at not in taken and (rank := _rank(role, name)) is not None and not _is_ticker(names, at, role)
        ]
        if ranked:
            roles[role] = min(ranked)[-1]
    if "T" in names and "t" in names:  # one answer for many markets has both
        roles |= {Role.SYMBOL: names.index("T"), Role.TIME: names.index("t")}
    if Role.TIME not in roles and plain and plain[0] in _FIRST_COLUMN and 0 not in roles.values():
        roles[Role.TIME] = 0
    return roles


# How tables of pandas name an index, and yfinance the column of its dates.
_FIRST_COLUMN = {"", "unnamed0", "index", "price", "ticker"}


def _rank(role: Role, name: str) -> int | None:
    rank = _RANKS[role].get(name)
    if rank is None and role is Role.VOLUME and _OTHER_VOLUME.fullmatch(name):
        return _LAST_RANK
    return rank


def _is_ticker(names: Sequence[str], at: int, role: Role) -> bool:
    return role is Role.TIME and names[at] == "T" and "t" in names


def is_header(cells: Sequence[str]) -> bool:
    """Return whether cells are names of columns: three of the prices, or a time and a price."""
    roles = roles_of(cells)
    prices = sum(role in roles for role in PRICES)
    return prices >= 3 or (prices >= 1 and Role.TIME in roles and len(roles) >= 3)
