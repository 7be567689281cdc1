"""Names of columns, as the usual exports have them, and what they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from domain.errors import InvalidMarketData


class Role(StrEnum):
    """What a column holds; the words name it in messages."""

    TIME = "time"
    CLOCK = "time of day"
    CLOSE_TIME = "close time"
    ZONE = "time zone"
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
    Role.TIME: "timeperiodstart opentime timeopen klineopentime openingtime starttimestamp windowstart starttime "
    "periodstart periodstartunix bucketstarttime intervalbegin startat beginsat candledatetimeutc start begin "
    "timestamp timestampms timestamputc unix unixtime unixtimestamp unixtimestampms epoch epochtime epochms ts mts "
    "tsevent t snapshottimeutc datetime dateandtime gmttime utctime localtime datetimeutc dateutc timeutc "
    "snapshottime dtyyyymmdd date tradedate traddt datadate tradingday datum fecha data дата tarih 日期 日付 日付け "
    "날짜 일자 时间 交易日期 day time dt from",
    Role.CLOCK: "time timeofday clock hour hora uhrzeit zeit heure minute 时间",
    Role.CLOSE_TIME: "closetime timeclose klineclosetime closingtime timestampclose closetimestamp endtimestamp "
    "closedate closedatetime timeperiodend periodend barend barendtime endtime endat end to",
    Role.ZONE: "timezone tz zone utcoffset gmtoffset",
    Role.OPEN: "open o openprice priceopen openingprice opening pxopen opnpric first firstrate eroffn eroffnung "
    "apertura abertura ouv ouverture erster anfang otwarcie откр açılış 开盘 开盘价 始値 시가 bidopen openbid",  # noqa: RUF001 - Turkish
    Role.HIGH: "high h highprice pricehigh highest highestprice max maxprice maxrate pxhigh hghpric hoch maximo "
    "maxima massimo plushaut haut hoog najwyzszy макс yüksek 高 最高 最高价 高値 고가 bidhigh highbid",
    Role.LOW: "low l lowprice pricelow lowest lowestprice min minprice minrate pxlow lwpric tief minimo minima "
    "plusbas bas laag najnizszy мин düşük 低 最低 最低价 安値 저가 bidlow lowbid",
    Role.CLOSE: "close c closeprice priceclose closingprice pxlast clspric closelast last lastprice latest "
    "tradeprice lastrate zuletzt schluss schlusskurs cierre ultimo dernier laatst cloture clot chiusura fechamento "
    "zamkniecie ostatnio цена şimdi closeclosepriceadjustedforsplits 收盘 收盘价 終値 종가 adjclose adjustedclose "
    "closeadj price bidclose closebid settle settlement settleprice settlementprice",
    Role.VOLUME: "volume vol v basevolume volumebase basevol homenotional volumefrom volumetraded tradedvolume "
    "realvolume tickvolume tickvol pxvolume candleacctradevolume tottrdqty totaltradedquantity targetvolume nmvolume "
    "ttltradgvol noofshares lasttradedvolume tickqty qty quantity shares numberofshares totalvolume volumen umsatz "
    "wolumen wol объем hac 成交量 交易量 出来高 거래량 amount sum",
    Role.SYMBOL: "symbol ticker tickers pair instrument instrumentname instid tckrsymb market productid "
    "currencypair coin sym ric tic secid tscode stockcode asset code "
    "股票代码 证券代码 代码 종목코드 銘柄コード コード",
    Role.TIMEFRAME: "interval timeframe tf period per resolution granularity barsize",
}
# "Volume BTC", "Volume USDT": the base currency comes first. Not an average of volumes, nor the volume in the quote's.
_OTHER_VOLUME = re.compile(
    r"(base\w*)?vol(ume)?+(?!ma$|sma|ema|weighted|avg|average|to$|quote|usd$|ccy|currency|notional|change)\w*"
)
_LAST_RANK = 1000
# A table with more columns than this, five of each of thousands of shares, has no candles; a longer name is that of no
# column.
MOST_COLUMNS, LONGEST_NAME = 20_000, 200


def plain_name(name: str) -> str:
    """Return letters and digits of a name, without accents, a leading number ("1. open") and a unit in brackets."""
    text = re.sub(r"\([^()]*\)|\[[^][]*\]", " ", re.sub(r"^\s*\d+[a-z]?\.\s*", "", name.casefold()))
    text = unicodedata.normalize("NFKD", text)
    return "".join(character for character in text if character.isalnum())


_RANKS = {role: {plain_name(name): rank for rank, name in enumerate(names.split())} for role, names in _NAMES.items()}


def roles_of(names: Sequence[str]) -> dict[Role, int]:
    """Return the column of each role that the names tell; a first column without a name may hold the times."""
    plain = [plain_name(name) for name in names]
    roles: dict[Role, int] = {}
    for role in (Role.TIME, Role.CLOSE_TIME, *PRICES, Role.VOLUME, Role.SYMBOL, Role.TIMEFRAME, Role.CLOCK, Role.ZONE):
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


def times_by_name(names: Sequence[str], taken: Sequence[int]) -> list[int]:
    """Return the columns that may hold the times by their names, the best name first."""
    ranked = [(_RANKS[Role.TIME].get(plain_name(name)), at) for at, name in enumerate(names) if at not in taken]
    return [at for rank, at in sorted((rank, at) for rank, at in ranked if rank is not None)]


# Of trades and quotes, which some take for candles.
_SIDES = ({"bid", "ask"}, {"bidprice", "askprice"})
_TRADE, _TRADED = {"price", "tradeprice", "px"}, {"qty", "quantity", "size", "amount", "side", "isbuyermaker", "volume"}


def require_candles(names: Sequence[str]) -> None:
    """Refuse a table of single trades or quotes by the names of its columns.

    Raises:
        InvalidMarketData: the names are those of trades or of quotes.
    """
    plain = set(map(plain_name, names))
    if any(plain >= sides for sides in _SIDES) or (plain & _TRADE and plain & _TRADED):
        kind = "quotes" if not plain & _TRADE else "single trades"
        raise InvalidMarketData(
            f"holds {kind} ({', '.join(filter(None, names))}), no candles: make candles of them, with "
            "time, open, high, low, close, volume"
        )


def require_columns(count: int, most: int = MOST_COLUMNS) -> None:
    """Refuse a table with more columns than one of candles has.

    Raises:
        InvalidMarketData: there are more than `most`.
    """
    if count > most:
        raise InvalidMarketData(
            f"has {count:,} columns: keep those of the candles, time, open, high, low, close and volume"
        )


def is_header(cells: Sequence[str]) -> bool:
    """Return whether cells are names of columns: three of the prices, or a time and a price."""
    if len(cells) > MOST_COLUMNS:
        return False
    roles = roles_of(cells)
    prices = sum(role in roles for role in PRICES)
    return prices >= 3 or (prices >= 1 and Role.TIME in roles and len(roles) >= 3)
