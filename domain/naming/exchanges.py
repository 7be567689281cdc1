"""Exchanges: the suffixes that mark their shares, the indices of their shares, and the names of venues in exports."""

from __future__ import annotations

from typing import NamedTuple


class Exchange(NamedTuple):
    """An exchange of shares.

    Attributes:
        mic: Its market identifier code, ISO 10383.
        market: One word for the trading hours that it shares with the exchanges of its group.
    """

    mic: str
    market: str


# Share tickers without a suffix are those of the United States, which trade at the same hours on every exchange.
UNITED_STATES = Exchange("XNYS", "us")

# Yahoo's suffixes; `US` is that of Stooq and EOD.
EXCHANGE_OF_SUFFIX: dict[str, Exchange] = {
    "US": UNITED_STATES,
    "SA": Exchange("BVMF", "b3"),
    "NS": Exchange("XNSE", "nse"),
    "BO": Exchange("XBOM", "bse"),
    "L": Exchange("XLON", "lse"),
    "IL": Exchange("XLON", "lse"),
    "DE": Exchange("XETR", "xetra"),
    "F": Exchange("XFRA", "frankfurt"),
    "BE": Exchange("XBER", "frankfurt"),
    "DU": Exchange("XDUS", "frankfurt"),
    "HA": Exchange("XHAN", "frankfurt"),
    "HM": Exchange("XHAM", "frankfurt"),
    "MU": Exchange("XMUN", "frankfurt"),
    "SG": Exchange("XSTU", "frankfurt"),
    "PA": Exchange("XPAR", "euronext"),
    "AS": Exchange("XAMS", "euronext"),
    "BR": Exchange("XBRU", "euronext"),
    "LS": Exchange("XLIS", "euronext"),
    "IR": Exchange("XDUB", "euronext"),
    "MI": Exchange("XMIL", "milan"),
    "MC": Exchange("XMAD", "madrid"),
    "SW": Exchange("XSWX", "six"),
    "VI": Exchange("XWBO", "vienna"),
    "ST": Exchange("XSTO", "stockholm"),
    "CO": Exchange("XCSE", "copenhagen"),
    "HE": Exchange("XHEL", "helsinki"),
    "OL": Exchange("XOSL", "oslo"),
    "WA": Exchange("XWAR", "warsaw"),
    "AT": Exchange("ASEX", "athens"),
    "PR": Exchange("XPRA", "prague"),
    "BD": Exchange("XBUD", "budapest"),
    "RO": Exchange("XBSE", "bucharest"),
    "ME": Exchange("MISX", "moscow"),
    "TL": Exchange("XTAL", "baltic"),
    "RG": Exchange("XRIS", "baltic"),
    "VS": Exchange("XLIT", "baltic"),
    "IC": Exchange("XICE", "iceland"),
    "IS": Exchange("XIST", "istanbul"),
    "TA": Exchange("XTAE", "tel_aviv"),
    "SR": Exchange("XSAU", "saudi"),
    "QA": Exchange("DSMD", "qatar"),
    "KW": Exchange("XKUW", "kuwait"),
    "AE": Exchange("XDFM", "emirates"),
    "CA": Exchange("XCAI", "egypt"),
    "JO": Exchange("XJSE", "johannesburg"),
    "TO": Exchange("XTSE", "tsx"),
    "V": Exchange("XTSX", "tsx"),
    "CN": Exchange("XCNQ", "tsx"),
    "NE": Exchange("NEOE", "tsx"),
    "MX": Exchange("XMEX", "mexico"),
    "BA": Exchange("XBUE", "buenos_aires"),
    "SN": Exchange("XSGO", "santiago"),
    "CL": Exchange("XBOG", "bogota"),
    "T": Exchange("XJPX", "tokyo"),
    "HK": Exchange("XHKG", "hong_kong"),
    "SS": Exchange("XSHG", "shanghai"),
    "SZ": Exchange("XSHE", "shenzhen"),
    "KS": Exchange("XKRX", "korea"),
    "KQ": Exchange("XKRX", "korea"),
    "TW": Exchange("XTAI", "taiwan"),
    "TWO": Exchange("ROCO", "taiwan"),
    "SI": Exchange("XSES", "singapore"),
    "JK": Exchange("XIDX", "jakarta"),
    "BK": Exchange("XBKK", "bangkok"),
    "KL": Exchange("XKLS", "kuala_lumpur"),
    "VN": Exchange("XSTC", "ho_chi_minh"),
    "PS": Exchange("XPHS", "philippines"),
    "AX": Exchange("XASX", "asx"),
    "NZ": Exchange("XNZE", "new_zealand"),
}

# Indices by the suffix of the shares in them; other indices have no known hours.
_INDICES = {
    "US": "GSPC SPX DJI IXIC NDX RUT RUA NYA VIX OEX TNX TYX FVX IRX",
    "SA": "BVSP IBOV",
    "NS": "NSEI NSEBANK",
    "BO": "BSESN",
    "L": "FTSE FTMC",
    "DE": "GDAXI MDAXI TECDAX STOXX50E",
    "PA": "FCHI",
    "AS": "AEX",
    "BR": "BFX",
    "MC": "IBEX",
    "SW": "SSMI",
    "ST": "OMX",
    "TO": "GSPTSE",
    "MX": "MXX",
    "T": "N225",
    "HK": "HSI HSCE",
    "KS": "KS11",
    "TW": "TWII",
    "SI": "STI",
    "AX": "AXJO AORD",
    "NZ": "NZ50",
}
EXCHANGE_OF_INDEX = {name: EXCHANGE_OF_SUFFIX[suffix] for suffix, names in _INDICES.items() for name in names.split()}

# Exchanges, brokers and sources of data that exports put before the symbol, and TradingView's marks of delayed data.
_VENUES = """
    ALPACA ALPHAVANTAGE AMEX ARCA ASX BATS BINANCE BINANCEUS BINGX BITFINEX BITGET BITHUMB BITMART BITMEX BITSO
    BITSTAMP BITTREX BITVAVO BLACKBULL BME BMFBOVESPA BSE BYBIT CAPITALCOM CBOE CBOT CEX CME COINBASE COINBASEPRO
    COINEX COMEX CRYPTO CRYPTOCOM CRYPTODATADOWNLOAD DERIBIT DJ DL DLY DUKASCOPY EIGHTCAP EODHD EURONEXT EXNESS FOREXCOM
    FREQTRADE FWB FX FXCM GATE GATEIO GEMINI HISTDATA HITBTC HKEX HTX HUOBI ICMARKETS INDEX KAGGLE KRAKEN KUCOIN LSE
    MEXC MIL MT4 MT5 NASDAQ NSE NYMEX NYSE OANDA OKCOIN OKEX OKX OTC PEPPERSTONE PHEMEX POLONIEX POLYGON SAXO SIX SP
    SSE STOOQ SZSE TIINGO TRADINGVIEW TSE TSX TSXV TV TVC UPBIT XETR XETRA YAHOO YFINANCE
"""
VENUES = frozenset(_VENUES.split())
