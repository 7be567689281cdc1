"""Names of the exports that columns show, for the line that says what was read."""

from __future__ import annotations

from collections.abc import Sequence

from features.candle_reading.headers import PRICES, Role, plain_name

# An export and names that it alone has; the first that fits counts.
_BY_NAMES: tuple[tuple[str, str], ...] = (
    ("yfinance", "price close high low open volume"),
    ("yfinance", "price adjclose close high low open volume"),
    ("Yahoo", "date open high low close adjclose volume"),
    ("CryptoDataDownload", "unix date symbol open high low close"),
    ("investing.com", "date price open high low vol change"),
    ("Alpha Vantage", "timestamp open high low close volume dividendamount"),
    ("Dukascopy", "gmttime open high low close volume"),
    ("Dukascopy", "localtime open high low close volume"),
    ("stooq", "ticker per date time open high low close vol"),
    ("MetaTrader", "date time open high low close tickvol"),
    ("MetaTrader", "date open high low close tickvol"),
    ("Binance", "opentime open high low close volume closetime quotevolume count"),
    ("Binance", "opentime open high low close volume closetime quoteassetvolume numberoftrades"),
    ("polygon", "t o h l c v vw n"),
    ("CoinAPI", "timeperiodstart timeperiodend priceopen"),
    ("CoinMarketCap", "timeopen timeclose timehigh timelow"),
    ("Nasdaq", "date closelast volume open high low"),
    ("Coinbase", "time low high open close volume"),
    ("freqtrade", "date open high low close volume"),
)
_BINANCE_COLUMNS, _KRAKEN_COLUMNS = 12, 7


def form_of(names: Sequence[str], roles: dict[Role, int], columns: int, words: str) -> str:
    """Return the name of an export, or nothing.

    Args:
        names: Names of the columns, or none.
        roles: Which column is what.
        columns: Number of columns.
        words: What the times are.
    """
    if any(name.lstrip().startswith("1. open") for name in names):
        return "Alpha Vantage"
    if "Volume" in names and {"time", "open", "high", "low", "close"} <= set(names):
        return "TradingView"
    if not names:
        usual = [roles.get(role) for role in PRICES] == [1, 2, 3, 4]
        if usual and columns == _BINANCE_COLUMNS and roles[Role.TIME] == 0:
            return "Binance"
        if usual and columns == _KRAKEN_COLUMNS and words == "seconds":
            return "Kraken"
        return "MetaTrader" if Role.CLOCK in roles and Role.SYMBOL not in roles else ""
    plain = [plain_name(name) for name in names]
    for form, wanted in _BY_NAMES:
        # Common names: here their order and their small letters tell.
        if form in {"freqtrade", "Coinbase"} and list(names[: len(wanted.split())]) != wanted.split():
            continue
        if set(wanted.split()) <= set(plain):
            return form
    return ""
